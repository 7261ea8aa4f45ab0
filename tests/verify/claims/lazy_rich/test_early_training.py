"""Early training: accidents of one step, steps that diverge, and a linearisation that is wrong."""

from dataclasses import replace

import numpy as np
import pytest

import theory.lazy_rich.training
from theory.lazy_rich import Setting
from verify.alone import judge_instance
from verify.claims.lazy_rich import early_training_is_linear as early
from verify.examine import examine
from verify.instances import CommitteeInstance
from verify.language.law import Status

SETTING = Setting(5, 8, 6, 64.0, steps=50, seed=1)
CANCELLING = Setting(6, 6, 2, 64.0, steps=200, trained_readout=True, seed=6)
"""Two samples are fitted by then, and the first order of what is left happens to be small."""


def test_orders_that_cancel_at_the_last_step_refute_nothing() -> None:
    measured = early.measure(CommitteeInstance(CANCELLING))
    last = measured.deviations(1.0)[-1] * measured.scales
    assert last[-1] > 20.0 * last[0]
    evidence = examine(early.CLAIM, CommitteeInstance(CANCELLING))
    assert judge_instance(evidence.laws["claim"]) is Status.KEPT


def test_steps_beyond_stability_meet_no_assumption() -> None:
    unstable = CommitteeInstance(replace(SETTING, step=5.0))
    evidence = examine(early.CLAIM, unstable)
    assert evidence.outcome == "assumption not met"
    assert "sharpness" in evidence.message


@pytest.mark.parametrize("readout", [False, True])
def test_both_routes_of_descent_agree(readout: bool) -> None:
    instance = CommitteeInstance(replace(SETTING, trained_readout=readout))
    one, other = early.measure(instance), early.CLAIM.measurement.independent(instance)
    gap = np.linalg.norm(one.residuals - other.residuals, axis=-1).max(axis=0)
    assert (gap < one.rounding).all()


def test_descent_at_half_speed_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    speed = theory.lazy_rich.training.speed
    monkeypatch.setattr(theory.lazy_rich.training, "speed", lambda run: 0.5 * speed(run))
    evidence = examine(early.CLAIM, CommitteeInstance(SETTING))
    assert judge_instance(evidence.laws["claim"]) is Status.REFUTED


def test_residuals_of_all_steps_are_those_of_each() -> None:
    twin = early.linearised(SETTING)
    together = twin.residuals(np.array([0.0, 7.0, np.inf]))
    each = np.stack([twin.residuals(k) for k in (0.0, 7.0, np.inf)])
    assert together == pytest.approx(each, abs=1e-15)
