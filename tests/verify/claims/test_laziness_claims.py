"""Claims on laziness and on training: domains as drawn, verdicts, rivals, sabotage."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import verify.claims.enough_samples
import verify.claims.hard_tasks

from theory.lazy_rich import Setting
from verify.claims import claim_named, enough_samples
from verify.evidence import CLAIM, Evidence, examine
from verify.instances import CommitteeInstance
from verify.judge import judge, judge_instance
from verify.search import draw_instances
from verify.strategies.sizes import QUICK

FEW = {
    "hard-tasks": 4,
    "enough-samples": 4,
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


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_keeps_the_claim_from_holding(name: str, monkeypatch: Patch) -> None:
    claim, put_in = FAULTS[name]
    instances = drawn(claim, FEW[claim])
    put_in(monkeypatch)
    evidence = [examine(claim_named(claim), instance) for instance in instances]
    assert judge(evidence, CLAIM).verdict != "holds"


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
