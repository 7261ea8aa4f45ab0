"""Delays: beyond the horizon, between steps, and near the rich limit."""

from dataclasses import replace

import numpy as np
import pytest

import theory.lazy_rich.training
from theory.lazy_rich import Setting, Training, gradient_descent
from verify.alone import judge_instance, notices
from verify.claims.lazy_rich import grokking_grows_with_laziness as grokking
from verify.claims.lazy_rich import half_times
from verify.claims.lazy_rich.half_times import Halves
from verify.examine import examine, stated_laws
from verify.instances import CommitteeInstance
from verify.language import Law, Quantity
from verify.language.constants import detunings_of
from verify.language.law import Status

SETTING = Setting(9, 20, 36, curvature=0.25, step=0.05, steps=2000)


def test_a_delay_beyond_the_steps_is_left_open() -> None:
    scales = np.array([0.25, 1.0])
    train, test = (Quantity.of(times, 0.0) for times in ((1.0, 2.0), (5.0, np.nan)))
    measured = grokking.Measured(*2 * [Halves(scales, train, test)], 1.0)
    growing = next(iter(grokking.laws(measured, grokking.Theory())))
    assert isinstance(growing, Law)
    assert growing.status is Status.UNRESOLVED


@pytest.mark.parametrize("rate", [0.1, 0.3, 1.5])
def test_half_of_a_logistic_course_is_found_between_steps(rate: float) -> None:
    steps = np.arange(400.0)
    odds = np.exp(np.clip(rate * (steps - 210.3), -50.0, 50.0))
    found = half_times._halves((1.0 / (1.0 + odds))[:, None])
    assert found.values[0] == pytest.approx(210.3, abs=1e-6)


@pytest.mark.parametrize(("width", "seed"), [(20, 0), (30, 7)])
def test_rich_machines_grow_along_one_eigenvector(width: int, seed: int) -> None:
    """A kick to the start of a machine that has almost no output grows by what V says."""
    setting = replace(SETTING, input_dim=8, width=width, samples=40, seed=seed)
    rich = half_times.scaled(setting, grokking.RICH[0])
    training = Training.of([rich])
    kick = np.random.default_rng(seed).standard_normal(training.committee.weights.shape)
    kicked = replace(training.committee, weights=training.committee.weights + kick)
    sizes = []
    for steps in (40, 60):
        plain, other = (
            next(gradient_descent(replace(training, committee=machine), [steps])).committee
            for machine in (training.committee, kicked)
        )
        sizes.append(np.linalg.svd((other.weights - plain.weights)[0], compute_uv=False)[0])
    step = rich.step / rich.output_scale
    fitted = np.log(sizes[1] / sizes[0]) / (20 * step)
    assert fitted == pytest.approx(grokking.growth(setting), rel=2e-3)


def test_the_delay_vanishes_like_alpha_and_no_other_power() -> None:
    measured = grokking.measure(CommitteeInstance(SETTING))
    stated = stated_laws(grokking.CLAIM, measured, grokking.Theory())[0]
    assert all(law.status is Status.KEPT for law in stated)
    assert [abs(law.estimate.off) < 0.1 for law in stated if law.estimate] == [False, True, True]
    small = [d for d in detunings_of(grokking.Theory()) if d.size == 0.02]
    noticed = [
        d.constant for d in small if notices(stated_laws(grokking.CLAIM, measured, d.theory)[0])
    ]
    assert noticed == ["vanishing", "vanishing", "start", "start"]


def test_steps_that_do_not_know_alpha_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    speed = theory.lazy_rich.training.speed
    monkeypatch.setattr(
        theory.lazy_rich.training, "speed", lambda run: speed(run) * run.committee.output_scale**2
    )
    evidence = examine(grokking.CLAIM, CommitteeInstance(SETTING))
    assert judge_instance(evidence.laws.get("claim", ())) is not Status.KEPT
