"""Claims on laziness and on training: domains as drawn, verdicts, rivals, sabotage."""

from collections.abc import Callable
from dataclasses import replace
from math import isnan
from typing import Any

import numpy as np
import pytest
import verify.claims.enough_samples
import verify.claims.hard_tasks
import verify.claims.laziness_equivalence
from hypothesis import given
from hypothesis import strategies as st

import theory.lazy_rich.training
from theory.errors import NumericalFailure
from theory.lazy_rich import Linearisation, Setting, Training, gradient_descent
from theory.lazy_rich.hard_tasks import samples_for_all
from verify.claims import claim_named, enough_samples, goldilocks_middle
from verify.claims import grokking_grows_with_laziness as grokking
from verify.claims import norm_grows_without_decay as norm
from verify.evidence import CLAIM, Evidence, examine
from verify.instances import CommitteeInstance
from verify.judge import judge, judge_bound, judge_instance
from verify.power import statement
from verify.profiles import hypothesis_settings
from verify.search import draw_instances, shrink_counterexample
from verify.strategies import committee_training as strategies
from verify.strategies.sizes import QUICK

FEW = {
    "laziness-equivalence": 4,
    "early-training-is-linear": 4,
    "hard-tasks": 4,
    "enough-samples": 4,
    "grokking-grows-with-laziness": 3,
    "norm-grows-without-decay": 2,
    "sigma-squared-limit": 6,
    "sigma-squared-collapse": 3,
    "goldilocks-middle": 2,
}
"""Instances a family on which each claim is judged here."""

Patch = pytest.MonkeyPatch


def drawn(name: str, count: int, seed: int = 7) -> list[CommitteeInstance]:
    claim: Any = claim_named(name)
    found: list[CommitteeInstance] = []
    for family in claim.families:
        draw_instances(claim.instances((family,), QUICK), seed, count, found.append)
    return found


def examined(name: str) -> list[Evidence]:
    claim: Any = claim_named(name)
    return [examine(claim, instance) for instance in drawn(name, FEW[name])]


@pytest.mark.parametrize("name", FEW)
def test_verdict_is_expected_and_every_rival_falls(name: str) -> None:
    claim: Any = claim_named(name)
    evidence = examined(name)
    assert judge(evidence, CLAIM).verdict == claim.expected
    verdicts = {rival.id: judge(evidence, rival.id).verdict for rival in claim.rivals}
    assert set(verdicts.values()) == {"falsified"}, verdicts


FAULTS: dict[str, tuple[str, Callable[[Patch], None]]] = {}


def fault(name: str) -> Callable[[Callable[[Patch], None]], Callable[[Patch], None]]:
    def keep(function: Callable[[Patch], None]) -> Callable[[Patch], None]:
        FAULTS[function.__name__] = (name, function)
        return function

    return keep


@fault("laziness-equivalence")
def learning_rate_that_stays(patch: Patch) -> None:
    true = verify.claims.laziness_equivalence.turned
    patch.setattr(
        verify.claims.laziness_equivalence,
        "turned",
        lambda run, knob, factor: true(run, replace(knob, learning_rate=0), factor),
    )


@fault("early-training-is-linear")
def descent_at_half_speed(patch: Patch) -> None:
    speed = theory.lazy_rich.training.speed
    patch.setattr(theory.lazy_rich.training, "speed", lambda training: 0.5 * speed(training))


@fault("hard-tasks")
def movement_without_its_square(patch: Patch) -> None:
    true = verify.claims.hard_tasks.linearised_movement
    patch.setattr(
        verify.claims.hard_tasks, "linearised_movement", lambda *a: float(np.sqrt(true(*a)))
    )


@fault("enough-samples")
def one_sample_lost(patch: Patch) -> None:
    true = verify.claims.enough_samples.least_norm_form
    patch.setattr(
        verify.claims.enough_samples,
        "least_norm_form",
        lambda inputs, labels, eps: true(inputs[:-1], labels[:-1], eps),
    )


@fault("grokking-grows-with-laziness")
def steps_that_do_not_know_alpha(patch: Patch) -> None:
    speed = theory.lazy_rich.training.speed
    patch.setattr(
        theory.lazy_rich.training,
        "speed",
        lambda training: speed(training) * training.committee.output_scale**2,
    )


@fault("norm-grows-without-decay")
def labels_twice_as_large(patch: Patch) -> None:
    true = Setting.labels
    patch.setattr(Setting, "labels", lambda setting: 2.0 * true(setting))


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_keeps_the_claim_from_holding(name: str, monkeypatch: Patch) -> None:
    claim, put_in = FAULTS[name]
    instances = drawn(claim, FEW[claim])
    put_in(monkeypatch)
    evidence = [examine(claim_named(claim), instance) for instance in instances]
    assert judge(evidence, CLAIM).verdict != "holds"


def test_strategies_stay_in_their_domains() -> None:
    @hypothesis_settings(40, shrink=False)
    @given(
        st.tuples(
            strategies.knob_instances(("trained-readouts",)),
            strategies.memorising_instances(),
            strategies.generalising_instances(("uncentred",)),
            strategies.counted_instances((4, 8)),
            strategies.lazy_instances(("fixed-readouts",)),
        )
    )
    def check(instances: tuple[CommitteeInstance, ...]) -> None:
        knob, memorising, generalising, counted, lazy = (i.setting for i in instances)
        assert knob.trained_readout
        assert knob.signal != 1.0
        dimension = memorising.input_dim
        assert 4 * dimension <= memorising.samples < samples_for_all(dimension)
        assert not generalising.centred
        assert generalising.samples >= samples_for_all(generalising.input_dim)
        assert counted.width > counted.input_dim in (4, 8)
        assert not lazy.trained_readout
        assert lazy.output_scale >= 64
        assert lazy.samples < lazy.width * lazy.input_dim
        for instance in instances:
            data = instance.to_json()
            del data["model"]
            assert CommitteeInstance.from_json(data) == instance

    check()


@pytest.mark.parametrize("width", [6, 7])
def test_a_network_as_wide_as_its_inputs_misses_one_direction(width: int) -> None:
    """With W u = 1, each l.x + x^T Q x / 2 that width D can learn has l.u = u^T Q u / (2 eps)."""
    setting = Setting(6, width, 40, seed=3)
    machine = setting.committee()
    values = np.linalg.eigvalsh(machine.kernel(setting.inputs()))
    rank = int((values > 1e-10 * values[-1]).sum())
    assert rank == samples_for_all(6) - (1 if width == 6 else 0)
    if width == 6:
        form = Linearisation(machine, setting.inputs(), setting.labels(), 0.02).form(100)
        u = np.linalg.solve(machine.weights, np.ones(6))
        assert form.linear @ u == pytest.approx(u @ form.quadratic @ u / (2 * 0.5))


def test_the_middle_size_fails_where_enough_samples_do_not() -> None:
    setting = Setting(12, 24, 36, step=0.1, steps=1500)
    measured = goldilocks_middle.measure(CommitteeInstance(setting))
    assert measured.network[3] > 0.1
    enough = replace(setting, samples=samples_for_all(12))
    assert goldilocks_middle._final(enough) < 0.02


def test_a_run_that_has_not_fitted_is_no_counterexample() -> None:
    short = CommitteeInstance(Setting(12, 24, 36, step=0.1, steps=20))
    with pytest.raises(NumericalFailure, match="not yet fitted"):
        goldilocks_middle.measure(short)
    assert examine(claim_named("goldilocks-middle"), short).outcome != "measured"


def test_a_target_that_is_not_learned_says_nothing_of_the_norm() -> None:
    short = CommitteeInstance(Setting(4, 8, 28, 0.5, step=0.3, steps=40))
    with pytest.raises(NumericalFailure, match="test loss is at"):
        norm.measure(short)


def test_uncentred_weights_shrink_where_they_are_large() -> None:
    """alpha eps = 4: the solution has mean square weight 1/4, below that of the start."""
    setting = Setting(5, 12, 40, 8.0, step=0.3, steps=4000, centred=False, seed=1)
    measured = norm.measure(CommitteeInstance(setting))
    assert measured.square[-1] == pytest.approx(0.25, rel=0.1)
    assert measured.square[-1] < 0.5 * measured.square[0]
    centred = norm.measure(CommitteeInstance(replace(setting, centred=True)))
    grown = centred.square[-1] - centred.square[0]
    assert grown == pytest.approx(0.25, rel=0.1)


def test_delays_beyond_the_horizon_are_left_open() -> None:
    short = grokking.Half(0.25, train=1.0, test=5.0, horizon=20.0)
    long = grokking.Half(1.0, train=2.0, test=None, horizon=20.0)
    ratio, error = grokking._ratio(short, long)
    assert ratio - error == 0.0
    assert ratio + error == pytest.approx(4.0 / 18.0)
    assert isnan(grokking._ratio(long, short)[0])
    measured = grokking.Measured((short, long), (short, long), 1.0)
    kept = grokking.assertions(measured, grokking.Theory())
    assert judge_instance(kept) == "kept"
    steep = grokking.assertions(measured, grokking.Theory(most=0.1))
    assert judge_bound(steep.bounds[0]) == "undecided"


def test_recorded_steps_are_as_dense_as_said() -> None:
    steps = list(grokking.recorded(2000))
    assert steps[:50] == list(range(50))
    assert steps[-1] == 2000
    gaps = np.diff(steps)
    assert (gaps >= 1).all()
    assert (gaps <= np.maximum(1, grokking.SPACING * np.array(steps[:-1]) - steps[:-1])).all()


@pytest.mark.parametrize(("width", "seed"), [(20, 0), (30, 7)])
def test_rich_machines_grow_along_one_eigenvector(width: int, seed: int) -> None:
    """A kick to the start of a machine that has almost no output grows by what V says."""
    setting = Setting(8, width, 40, curvature=0.25, step=0.05, steps=2000, seed=seed)
    rich = grokking._scaled(setting, 4.0**-24)
    training = Training.of([rich])
    kick = np.random.default_rng(seed).standard_normal(training.committee.weights.shape)
    kicked = replace(training.committee, weights=training.committee.weights + kick)
    sizes = []
    for steps in (40, 60):
        plain, other = (
            next(gradient_descent(replace(training, committee=machine), [steps])).committee
            for machine in (training.committee, kicked)
        )
        change = (other.weights - plain.weights)[0]
        sizes.append(np.linalg.svd(change, compute_uv=False)[0])
    step = rich.step / rich.output_scale
    fitted = np.log(sizes[1] / sizes[0]) / (20 * step)
    assert fitted == pytest.approx(grokking.growth(setting), rel=2e-3)


def test_the_delay_vanishes_like_alpha_and_no_other_power() -> None:
    claim = claim_named("grokking-grows-with-laziness")
    setting = Setting(9, 20, 36, curvature=0.25, step=0.05, steps=2000)
    evidence = [examine(claim, CommitteeInstance(setting))] * 3
    verdicts = {
        key: judge(evidence, key).verdict
        for key in (
            "claim",
            *(statement(name, f) for name in ("order", "start") for f in (0.98, 1.02)),
        )
    }
    assert verdicts.pop("claim") == "holds"
    assert set(verdicts.values()) == {"falsified"}


@pytest.mark.parametrize(
    ("theory", "wrong"),
    [
        (enough_samples.Theory(), False),
        (enough_samples.Theory(quadratic=0.49), True),
        (enough_samples.Theory(quadratic=0.51), True),
        (enough_samples.Theory(linear=1.425), True),
        (enough_samples.Theory(linear=1.575), True),
        # 151.52 samples are 152 again
        (enough_samples.Theory(linear=1.47), False),
    ],
)
def test_a_count_that_is_off_by_one_sample_is_refuted(
    theory: enough_samples.Theory, wrong: bool
) -> None:
    measured = enough_samples.measure(CommitteeInstance(Setting(16, 17, 48)))
    stated = enough_samples.assertions(measured, theory)
    assert judge_instance(stated) == ("refuted" if wrong else "kept")


def test_near_singular_kernels_decide_nothing() -> None:
    losses = dict.fromkeys(enough_samples.counts(8), 0.5)
    full = {**losses, "D(D+3)/2": 0.0}
    rough = {**losses, "D(D+3)/2": 1e-3}
    for condition, expected in ((1e8, "refuted"), (1e12, "undecided")):
        measured = enough_samples.Measured(Setting(8, 9, 24), full, rough, condition, 0.1)
        stated = enough_samples.assertions(measured, enough_samples.Theory())
        assert judge_instance(stated) == expected


def test_the_collapse_shrinks_to_a_small_counterexample() -> None:
    claim: Any = claim_named("sigma-squared-collapse")
    found = shrink_counterexample(claim, claim.instances(("gaussian",), QUICK), 1, 8, 3.0, 30)
    assert found is not None
    instance, severity = found
    assert severity > 1.0
    assert instance.setting.curvature == 0.01
    assert instance.setting.input_dim <= 5


def test_runs_that_amplify_roundings_decide_nothing() -> None:
    """Weights 1.5 times as large take steps beyond 2 / sharpness here, and never settle."""
    setting = Setting(
        4, 1, 2, curvature=1.0, signal=4.0, step=0.02, steps=30, centred=True, seed=233
    )
    claim: Any = claim_named("laziness-equivalence")
    stated = examine(claim, CommitteeInstance(setting)).assertions[CLAIM]
    assert judge_instance(stated) == "undecided"
    (reduced,) = (bound for bound in stated.bounds if judge_bound(bound) == "undecided")
    assert reduced.value > 1e4 * reduced.bound


def test_runs_that_diverge_decide_nothing() -> None:
    setting = Setting(
        2,
        5,
        4,
        output_scale=0.5,
        curvature=0.25,
        signal=4.0,
        step=0.02,
        steps=10,
        centred=True,
        trained_readout=True,
        seed=749,
    )
    claim: Any = claim_named("laziness-equivalence")
    evidence = examine(claim, CommitteeInstance(setting))
    assert evidence.outcome != "measured"
    assert "diverges" in evidence.message
