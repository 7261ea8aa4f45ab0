"""The search: pairs that differ in one assumption, until a claim fails for one of them alone.

Drawing climbs: Hypothesis is told the severity of every pair, and draws near the severe ones. Where
a claim has failed, a second pass over the same seed shrinks the pair to the simplest; where one has
failed tenfold, to the simplest of which that is true.
"""

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from math import log10
from time import monotonic
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings, target
from hypothesis.errors import Flaky

from verify.alone import SEVERE
from verify.language.assumption import Pairs
from verify.language.claim import AnyClaim
from verify.necessity.judged import FAILURE, Judged, Pair, judge_pair
from verify.necessity.limits import Scale, at_other_scales, falls
from verify.profiles import hypothesis_settings
from verify.search import TimeIsOver, seed_alone

SMALLEST = 1e-12

MOST_LOOKED_AT = 4
"""Drawn failures looked at again at larger alpha, where the simplest one goes away there."""

Found = tuple[Pair, Judged]


@dataclass(frozen=True, eq=False)
class Finding:
    """What the search has seen of one assumption and one claim.

    Attributes:
        instances: pairs that were decided.
        undecided: pairs of which numerics left something open.
        unproven: pairs that fail with the assumption as well.
        unstated: pairs without the assumption of which the claim says nothing: what it speaks of
            does not exist.
        failures: pairs that fail without the assumption alone.
        counterexample: the simplest failing pair found, or None.
        scales: what fails of it, at other alphas.
        reason: why pairs were undecided or unstated, of one of them.
    """

    assumption: str
    claim: str
    instances: int
    undecided: int
    unproven: int
    unstated: int
    failures: int
    worst: float
    counterexample: Pair | None
    judged: Judged | None
    scales: tuple[Scale, ...]
    reason: str

    @property
    def verdict(self) -> str:
        if self.counterexample is not None:
            return "needed for the rate" if falls(self.scales) else "needed"
        if self.instances:
            return "not seen to be needed"
        return "cannot be stated without it" if self.unstated else "undecided"


@dataclass
class _Judge:
    """Judges pairs and remembers them."""

    claims: Sequence[AnyClaim]
    deadline: float
    left: int
    known: dict[str, tuple[Pair, dict[str, Judged]]] = field(default_factory=dict)

    def __call__(self, pair: Pair) -> dict[str, Judged]:
        """Nothing where no more are to be tried.

        Raises:
            TimeIsOver: the deadline has passed.
        """
        key = json.dumps(pair.to_json(), sort_keys=True)
        if key not in self.known:
            if monotonic() > self.deadline:
                raise TimeIsOver
            if self.left <= 0:
                return {}
            self.left -= 1
            self.known[key] = pair, judge_pair(self.claims, pair)
        return self.known[key][1]

    def of(self, claim: AnyClaim) -> list[Found]:
        return [(pair, judged[claim.id]) for pair, judged in self.known.values()]


def search_assumption(
    claims: Sequence[AnyClaim],
    assumption: str,
    pairs: Pairs,
    seed_value: int,
    examples: int,
    shrink_tries: int,
    seconds: float,
) -> list[Finding]:
    """Draw `examples` pairs, judge claims that share a measurement on each, shrink what fails.

    Args:
        shrink_tries: how many further pairs may be judged to shrink one failure.
        seconds: no pair is judged after so many; shrinking gets half of what drawing got again.
    """
    judge = _Judge(claims, monotonic() + seconds, left=2 * examples)

    def attempt(drawn: Any) -> None:
        for name, judged in judge(Pair(assumption, *drawn)).items():
            target(log10(max(judged.severity, SMALLEST)), label=name)

    with suppress(TimeIsOver):
        _run(attempt, pairs, seed_value, examples, shrink=False)
    drawn = {claim.id: judge.of(claim) for claim in claims}
    findings = []
    for claim in claims:
        judge.left, judge.deadline = shrink_tries, monotonic() + 0.5 * seconds
        failing = [found for found in drawn[claim.id] if found[1].needed]
        simplest = _simplest(claim, judge, assumption, pairs, seed_value, examples, failing)
        findings.append(_finding(claim, assumption, drawn[claim.id], failing, simplest))
    return findings


class _FailureError(Exception):
    pass


def _simplest(
    claim: AnyClaim,
    judge: _Judge,
    assumption: str,
    pairs: Pairs,
    seed_value: int,
    examples: int,
    failing: Sequence[Found],
) -> Found | None:
    """The failing pair that shrinking ends with, or the worst one where it finds none."""
    if not failing:
        return None
    worst = max(failing, key=lambda found: found[1].severity)
    threshold = SEVERE if worst[1].severity > SEVERE else FAILURE
    shrunk: list[Found] = []

    def attempt(drawn: Any) -> None:
        pair = Pair(assumption, *drawn)
        judged = judge(pair).get(claim.id)
        if judged is None:
            return
        target(log10(max(judged.severity, SMALLEST)), label=claim.id)
        if judged.needed and judged.severity > threshold:
            shrunk.append((pair, judged))
            raise _FailureError

    with suppress(_FailureError, TimeIsOver, Flaky):
        _run(attempt, pairs, seed_value, examples, shrink=True)
    return shrunk[-1] if shrunk else worst


def _run(
    attempt: Callable[[Any], None], pairs: Pairs, seed_value: int, examples: int, *, shrink: bool
) -> None:
    phases = (Phase.generate, Phase.target, *((Phase.shrink,) if shrink else ()))
    chosen = settings(
        hypothesis_settings(examples, shrink=shrink),
        phases=phases,
        # two assumptions at once are turned away: what violates one alone is a thin set
        suppress_health_check=(HealthCheck.too_slow, HealthCheck.filter_too_much),
    )
    with seed_alone():
        seed(seed_value)(chosen(given(pairs)(attempt)))()


def _finding(
    claim: AnyClaim,
    assumption: str,
    drawn: Sequence[Found],
    failing: Sequence[Found],
    found: Found | None,
) -> Finding:
    scales: list[Scale] = []
    if found is not None:
        found, scales = _staying(claim, found, failing)
    known = [judged for _, judged in drawn]
    decided = [judged for judged in known if judged.decided]
    unstated = [judged.violating.unstated for judged in known if judged.violating.unstated]
    open_ones = [judged.violating.open[0] for judged in known if judged.undecided]
    return Finding(
        assumption=assumption,
        claim=claim.id,
        instances=len(decided),
        undecided=len(open_ones),
        unproven=sum(judged.unproven for judged in known),
        unstated=len(unstated),
        failures=len(failing),
        worst=max((judged.severity for judged in decided), default=0.0),
        counterexample=None if found is None else replace(found[0], claim=claim.id),
        judged=None if found is None else found[1],
        scales=tuple(scales),
        reason=next(iter([*unstated, *open_ones]), ""),
    )


def _staying(claim: AnyClaim, found: Found, failing: Sequence[Found]) -> tuple[Found, list[Scale]]:
    """A failing pair whose failure stays as alpha grows, where there is one: else the simplest."""
    scales = at_other_scales(claim, *found)
    if not falls(scales):
        return found, scales
    for other in sorted(failing, key=lambda pair: -pair[1].severity)[:MOST_LOOKED_AT]:
        again = at_other_scales(claim, *other)
        if len(again) == len(scales) and not falls(again):
            return other, again
    return found, scales
