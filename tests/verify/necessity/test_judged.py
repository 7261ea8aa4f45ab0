"""A claim's own laws without one assumption, and with it."""

from dataclasses import replace
from functools import cache

import pytest
from necessity_pairs import VALID, planted

from theory.errors import AssumptionError, NumericalFailure
from verify.catalogue import claim_named
from verify.instances import FlowInstance
from verify.language import Basis, Claim, Kind, Law, below, not_applicable, unresolved
from verify.language import rate as rate_law
from verify.necessity.judged import FAILURE, Judged, Outcome, Pair, judge_pair, outcome_of

KERNEL_PHASE = ("kernel-svm", "frozen-direction", "norm-law")

NEEDED = {
    "homogeneity": {"kernel-svm", "frozen-direction", "norm-law", "kkt"},
    # at displacements of 10^-8 the norm's excess of the control is what integration leaves
    "smoothness": {"kernel-svm", "frozen-direction"},
    "zero output": {"frozen-direction", "norm-law"},
    "separability": {"kkt"},
    "lambda a power of alpha": {"frozen-direction"},  # norm-law by 1.5 times its bound only
    "alpha large": {"kkt"},
    "c > 0": {"kernel-svm", "frozen-direction", "norm-law"},
}
"""Claims of which a law fails for the planted pair alone."""


@cache
def judged_on(assumption: str) -> dict[str, Judged]:
    pair = planted(assumption)
    claims = [claim_named(name) for name in KERNEL_PHASE]
    return {**judge_pair(claims, pair), **judge_pair((claim_named("kkt"),), pair)}


@pytest.mark.parametrize("assumption", NEEDED)
def test_claims_fail_by_their_own_laws_without_what_they_need(assumption: str) -> None:
    found = judged_on(assumption)
    assert {name for name, judged in found.items() if judged.needed} == NEEDED[assumption]
    for judged in found.values():
        if judged.needed:
            assert judged.failing is not None
            assert judged.restored is not None
            assert judged.restored.keeps(judged.failing.name)


def test_what_does_not_exist_is_not_said_to_fail() -> None:
    found = judged_on("separability")
    for name in KERNEL_PHASE:
        assert "not separable" in found[name].violating.unstated
        assert not found[name].needed
        assert not found[name].decided


def test_a_valid_pair_shows_nothing() -> None:
    (judged,) = judge_pair((claim_named("kkt"),), Pair("c > 0", VALID, VALID)).values()
    assert judged.decided
    assert not judged.needed
    assert judged.restored is None


def law(name: str, value: float, error: float = 0.0) -> Law:
    return below(name, value, 1.0, Basis.DERIVED, error=error)


def test_a_failing_control_proves_nothing() -> None:
    broken, kept = outcome_of([law("a", 3.0), law("b", 0.2)]), outcome_of([law("a", 0.5)])
    assert Judged(broken, kept).needed
    assert Judged(broken, kept).severity == 3.0
    for control in (
        [law("a", 1.1)],
        [law("a", 0.5), law("b", 1.1)],
        [law("b", 0.5)],
        [unresolved("a", Kind.BELOW, "too coarse"), law("b", 0.5)],
    ):
        judged = Judged(broken, outcome_of(control))
        assert not judged.needed
        assert judged.unproven
        assert judged.severity == 0.0
    elsewhere = [not_applicable("a", Kind.BELOW, "of another kind"), law("b", 0.5)]
    assert Judged(broken, outcome_of(elsewhere)).needed


def test_a_failure_is_twice_what_a_law_allows_beyond_the_error() -> None:
    kept = outcome_of([law("a", 0.5)])
    assert not Judged(outcome_of([law("a", FAILURE)]), kept).needed
    assert not Judged(outcome_of([law("a", 3.0, error=1.5)]), kept).needed
    assert not Judged(outcome_of([law("a", 3.0, error=2.5)]), kept).needed
    assert Judged(outcome_of([law("a", 0.5)])).decided


@pytest.mark.parametrize(("fitted", "severity"), [(1.3, 1.0), (1.9, 3.0)])
def test_a_rate_is_granted_three_tolerances(fitted: float, severity: float) -> None:
    found = outcome_of([rate_law("slope", fitted, 1.0, 0.1, "", error=0.0)])
    assert found.severity == pytest.approx(severity)
    assert not found.refuted


def test_an_open_law_leaves_a_claim_open_but_not_an_open_rate() -> None:
    kept = law("a", 0.5)
    assert Judged(outcome_of([kept, unresolved("r", Kind.RATE, "too few")])).decided
    found = Judged(outcome_of([kept, unresolved("b", Kind.BELOW, "too coarse")]))
    assert not found.decided
    assert found.undecided
    assert found.violating.open == ("b: too coarse",)
    assert not Judged(Outcome()).decided


def numbered(claim: Claim, check) -> Claim:  # type: ignore[no-untyped-def, type-arg]
    measurement = replace(claim.measurement, measure=check)
    return replace(claim, measurement=measurement)


@pytest.mark.parametrize("error", [NumericalFailure("stuck"), ZeroDivisionError("of zero")])
def test_what_cannot_be_computed_is_undecided(error: Exception) -> None:
    def fails(_: FlowInstance) -> None:
        raise error

    claim = numbered(claim_named("kkt"), fails)
    (judged,) = judge_pair((claim,), planted("c > 0")).values()
    assert judged.undecided
    assert not judged.needed
    assert str(error) in judged.violating.open[0]


def test_a_pair_that_violates_two_assumptions_is_open() -> None:
    both = replace(planted("zero output").violating, c=1e-3)
    (judged,) = judge_pair((claim_named("kkt"),), Pair("c > 0", both, VALID)).values()
    assert judged.undecided
    assert "output" in judged.violating.open[0]


def test_laws_before_the_one_that_fails_count() -> None:
    def measure(_: FlowInstance) -> float:
        return 5.0

    def laws(value: float, _: object):  # type: ignore[no-untyped-def]
        yield law("first", value)
        raise AssumptionError("separability", "no machine")

    claim = replace(numbered(claim_named("kkt"), measure), laws=laws)
    (judged,) = judge_pair((claim,), planted("c > 0")).values()
    assert judged.violating.of("first") is not None
    assert judged.violating.open == ("assumption not met: no machine",)
    assert judged.unproven
