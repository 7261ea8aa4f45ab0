"""The search for pairs, and what is seen of a failure at larger alpha."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.internal.conjecture.providers import HypothesisProvider
from necessity_pairs import VALID, planted
from stated import tiny

from verify.catalogue import all_claims, claim_named
from verify.language.assumption import Pairs
from verify.language.claim import AnyClaim
from verify.necessity import search
from verify.necessity.judged import Judged, Outcome, Pair, Part, judge_pair
from verify.necessity.limits import Scale, at_other_scales, falls
from verify.necessity.search import search_assumption
from verify.necessity.table import violable
from verify.strategies.sizes import QUICK

CLAIMS = (tiny(name="first"), tiny(name="second"))


def _outcome(severity: float, **changes: Any) -> Outcome:
    return Outcome((Part("p", severity, 1.0, severity),), **changes)


def _pairs(draw_alpha: st.SearchStrategy[int]) -> Pairs:
    return draw_alpha.map(lambda k: (VALID.at_alpha(k / 10), VALID))


def test_the_search_finds_and_shrinks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Severity here is log10 alpha; undecided from 9 on, and the second claim never fails."""

    def judge(claims: Sequence[AnyClaim], pair: Pair) -> dict[str, Judged]:
        scale = pair.violating.regime.log10_alpha  # type: ignore[attr-defined]
        if scale >= 9:
            return {claim.id: Judged(Outcome(open=("too far",))) for claim in claims}
        severities = {"first": scale, "second": 0.1}
        return {c.id: Judged(_outcome(severities[c.id]), _outcome(0.5)) for c in claims}

    monkeypatch.setattr(search, "judge_pair", judge)
    monkeypatch.setattr(search, "at_other_scales", lambda *_: [])
    first, second = search_assumption(
        CLAIMS, "alpha large", _pairs(st.integers(1, 100)), 0, 50, 100, 60.0
    )
    assert first.verdict == "needed"
    assert first.counterexample is not None
    assert first.counterexample.claim == "first"
    assert first.counterexample.violating.regime.log10_alpha == pytest.approx(2.1)  # type: ignore[attr-defined]
    assert second.verdict == "not seen to be needed"
    assert second.instances == first.instances > 10
    assert second.undecided == first.undecided > 0
    assert second.reason == "too far"


def test_what_cannot_be_stated_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    def judge(claims: Sequence[AnyClaim], _: Pair) -> dict[str, Judged]:
        return {claim.id: Judged(Outcome(unstated="there is no machine")) for claim in claims}

    monkeypatch.setattr(search, "judge_pair", judge)
    for finding in search_assumption(CLAIMS, "any", _pairs(st.integers(1, 9)), 0, 5, 5, 60.0):
        assert finding.verdict == "cannot be stated without it"
        assert finding.reason == "there is no machine"
        assert finding.undecided == 0


def test_no_pair_is_drawn_from_constants_in_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    """They depend on what has been imported: a run and the search by itself would differ."""

    def constant(*_: Any, **__: Any) -> Any:
        raise AssertionError("a constant is drawn")

    def judge(claims: Sequence[AnyClaim], _: Pair) -> dict[str, Judged]:
        return {claim.id: Judged(_outcome(0.1)) for claim in claims}

    monkeypatch.setattr(HypothesisProvider, "_maybe_draw_constant", constant)
    monkeypatch.setattr(search, "judge_pair", judge)
    first, _ = search_assumption(CLAIMS, "any", _pairs(st.integers(1, 100)), 0, 5, 5, 60.0)
    assert first.instances == 5


def test_a_search_ends_with_its_time() -> None:
    """Not after all pairs that were asked for, judged or not."""
    pairs = _pairs(st.integers(1, 10**9))
    for finding in search_assumption(CLAIMS, "any", pairs, 0, 10**9, 5, 0.01):
        assert finding.instances + finding.undecided + finding.unproven + finding.unstated < 1000


def test_a_search_out_of_time_is_undecided() -> None:
    for finding in search_assumption(CLAIMS, "any", _pairs(st.just(1)), 0, 5, 5, 0.0):
        assert finding.verdict == "undecided"
        assert finding.counterexample is None


@pytest.mark.parametrize(
    ("values", "expected"),
    [((1.0, 0.5), True), ((1.0, 0.9, 0.95), False), ((1.0,), False), ((), False)],
)
def test_a_failure_of_the_limit_does_not_fall(values: tuple[float, ...], expected: bool) -> None:
    assert falls([Scale(10.0 + k, value, 0.01) for k, value in enumerate(values)]) == expected


def test_near_the_transition_the_direction_is_lost_at_every_alpha() -> None:
    pair, claim = planted("c > 0"), claim_named("frozen-direction")
    scales = at_other_scales(claim, pair, judge_pair((claim,), pair)[claim.id])
    assert [scale.log10_alpha for scale in scales] == [9.0, 13.5, 18.0]
    assert not falls(scales)


def test_a_constant_lambda_stays_constant_and_alpha_itself_has_no_ladder() -> None:
    judged = Judged(_outcome(3.0), _outcome(0.5))
    seen: list[float] = []

    def judge(claims: Sequence[AnyClaim], pair: Pair) -> dict[str, Judged]:
        seen.append(pair.violating.regime.log10_lambda)  # type: ignore[attr-defined]
        return {claim.id: judged for claim in claims}

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("verify.necessity.limits.judge_pair", judge)
        at_other_scales(CLAIMS[0], planted("lambda a power of alpha"), judged)
        assert seen == [-5000.0] * 3
        assert at_other_scales(CLAIMS[0], planted("alpha large"), judged) == []


SEARCHED = [
    (claim.measurement.id, claim.id, name)
    for claim in {c.measurement.id: c for c in all_claims().values()}.values()
    for name in violable(claim)
]


@pytest.mark.slow
@pytest.mark.parametrize(("measurement", "claim", "assumption"), SEARCHED)
def test_each_search_runs(measurement: str, claim: str, assumption: str) -> None:
    """Something is decided, or cannot be stated; controls are no counterexamples."""
    chosen = claim_named(claim)
    violated = violable(chosen)[assumption].violated
    assert violated is not None
    pairs = violated(chosen.measurement.instances(chosen.families, QUICK))
    (finding,) = search_assumption((chosen,), assumption, pairs, 0, 4, 2, 200.0)
    assert finding.assumption == assumption
    assert finding.instances + finding.undecided + finding.unproven + finding.unstated > 0
    if finding.judged is not None:
        assert finding.judged.needed
        assert finding.counterexample == replace(finding.counterexample, claim=claim)
