"""One knob: roundings that decide nothing, and steps that break the equivalence."""

from dataclasses import replace

import numpy as np
import pytest

import verify.claims.lazy_rich.knob_runs as runs
from theory.lazy_rich import Setting, Training, gradient_descent
from verify.alone import judge_instance
from verify.claims.lazy_rich import laziness_equivalence as claim
from verify.examine import examine
from verify.instances import CommitteeInstance
from verify.language.law import Status

SETTING = Setting(3, 4, 5, signal=2.0, step=0.01, steps=10, seed=1)


@pytest.mark.parametrize("readout", [False, True])
def test_both_routes_hold_and_tell_errors_above_their_difference(readout: bool) -> None:
    instance = CommitteeInstance(replace(SETTING, trained_readout=readout))
    for measure in (claim.measure, claim.CLAIM.measurement.independent):
        stated = tuple(claim.laws(measure(instance), claim.Theory()))
        assert judge_instance(stated) is Status.KEPT
        assert all(check.error >= check.value for law in stated for check in law.checks)


def test_runs_that_amplify_roundings_decide_nothing() -> None:
    """Weights 1.5 times as large take steps beyond 2 / sharpness here, and never settle."""
    setting = Setting(4, 1, 2, curvature=1.0, signal=4.0, step=0.02, steps=30, seed=233)
    stated = examine(claim.CLAIM, CommitteeInstance(setting)).laws["claim"]
    assert judge_instance(stated) is Status.UNRESOLVED
    (reduced,) = (law for law in stated if law.status is Status.UNRESOLVED)
    assert reduced.checks[0].value > 1e4 * reduced.checks[0].bound


def test_runs_that_diverge_decide_nothing() -> None:
    setting = Setting(
        2, 5, 4, 0.5, 0.25, signal=4.0, step=0.02, steps=10, trained_readout=True, seed=749
    )
    evidence = examine(claim.CLAIM, CommitteeInstance(setting))
    assert evidence.outcome == "numerical failure"
    assert "diverges" in evidence.message


def test_a_loss_that_no_nudge_moves_has_its_own_rounding() -> None:
    """Outputs a hundred times the labels: their squares round to 1e-12 of the first loss."""
    training = Training.of([SETTING])
    small = replace(training, targets=0.01 * training.targets)
    run = runs.Run.of(small, (5, 10), lambda t, at: gradient_descent(training, at))
    assert run.rounding[2] > 1e-16 * 1e4 * 10


def test_a_learning_rate_that_stays_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    true = runs.turned
    monkeypatch.setattr(
        runs, "turned", lambda run, knob, by: true(run, replace(knob, learning_rate=0), by)
    )
    evidence = examine(claim.CLAIM, CommitteeInstance(SETTING))
    assert judge_instance(evidence.laws["claim"]) is Status.REFUTED


def test_a_wrong_knob_that_diverges_is_apart() -> None:
    measured = claim.measure(CommitteeInstance(SETTING))
    wild = replace(claim.LABELS, learning_rate=12)
    gaps = measured.turned(wild, 3.0, 2.0)
    assert np.all(gaps.values - gaps.errors > claim.LIMIT)
