"""The search: pairs that differ in one assumption, until a conclusion fails for one of them alone.

Drawing climbs: Hypothesis is told the severity of every pair, and draws near the severe ones. Where
a conclusion has failed, a second pass over the same seed shrinks the pair to the simplest; where
one has failed tenfold, to the simplest of which that is true.
"""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from math import log10
from time import monotonic

from hypothesis import HealthCheck, Phase, given, seed, settings, target
from hypothesis import strategies as st
from hypothesis.errors import Flaky

from theory.errors import AssumptionError, NumericalFailure
from verify.alone import SEVERE
from verify.instances import CONCLUSIONS, Violation
from verify.necessity.conclusions import FAILURE, Judged, judge_pair
from verify.necessity.limits import Scale, at_other_scales, falls
from verify.profiles import hypothesis_settings
from verify.search import seed_alone

SMALLEST = 1e-12

MOST_LOOKED_AT = 4
"""Drawn failures looked at again at larger alpha, where the simplest one goes away there."""


@dataclass(frozen=True, eq=False)
class Finding:
    """What the search has seen of one assumption and one conclusion.

    Attributes:
        instances: pairs that were decided: both flows computed, the restored one as concluded.
        undecided: pairs of which a flow could not be computed.
        unproven: pairs whose restored instance is not as concluded either.
        failures: decided pairs whose violating instance is not as concluded.
        counterexample: the simplest failing pair found, or None.
        scales: what fails of it, at other alphas.
    """

    assumption: str
    conclusion: str
    instances: int
    undecided: int
    unproven: int
    failures: int
    worst: float
    counterexample: Violation | None
    judged: Judged | None
    scales: tuple[Scale, ...]

    @property
    def verdict(self) -> str:
        if self.counterexample is not None:
            return "needed for the rate" if falls(self.scales) else "needed"
        return "not seen to be needed" if self.instances else "undecided"


Found = tuple[Violation, Judged]


@dataclass
class _Judge:
    """Judges pairs of one conclusion, remembers them, and stops at its limits."""

    conclusion: str
    deadline: float
    left: int
    known: dict[str, Judged | None] = field(default_factory=dict)
    failing: list["Found"] = field(default_factory=list)

    def __call__(self, pair: Violation) -> Judged | None:
        """None where it cannot be decided, or no more is to be tried."""
        key = json.dumps(pair.to_json(), sort_keys=True)
        if key not in self.known:
            if self.left <= 0 or monotonic() > self.deadline:
                return None
            self.left -= 1
            judged = self.known[key] = _judge(pair, self.conclusion)
            if judged is not None and judged.needed:
                self.failing.append((pair, judged))
        return self.known[key]


def _judge(pair: Violation, conclusion: str) -> Judged | None:
    try:
        return judge_pair(pair, conclusion)
    except (AssumptionError, NumericalFailure):
        return None


def search_assumption(
    strategy: st.SearchStrategy[Violation],
    seed_value: int,
    examples: int,
    shrink_tries: int,
    seconds: float,
) -> list[Finding]:
    """Draw `examples` pairs, judge each under every conclusion, shrink what fails.

    Args:
        shrink_tries: how many further pairs may be judged to shrink one failure.
        seconds: no pair is judged after so many; shrinking gets half of what drawing got again.
    """
    started = monotonic()
    judges = {name: _Judge(name, started + seconds, left=2 * examples) for name in CONCLUSIONS}
    name_of_assumption = ""

    def attempt(pair: Violation) -> None:
        nonlocal name_of_assumption
        name_of_assumption = pair.assumption
        for name, judge in judges.items():
            judged = judge(pair)
            if judged is not None:
                target(log10(max(judged.severity, SMALLEST)), label=name)

    _run(attempt, strategy, seed_value, examples, shrink=False)
    drawn = {name: list(judge.known.values()) for name, judge in judges.items()}
    failing = {name: list(judge.failing) for name, judge in judges.items()}
    findings = []
    for name, judge in judges.items():
        worst = max((judged.severity for judged in drawn[name] if judged is not None), default=0.0)
        threshold = SEVERE if worst > SEVERE else FAILURE
        judge.left = shrink_tries
        judge.deadline = monotonic() + 0.5 * seconds
        found = None
        if worst > threshold:
            found = _shrunk(judge, strategy, seed_value, examples, threshold)
        findings.append(_finding(name_of_assumption, name, drawn[name], failing[name], found))
    return findings


class _FailureError(Exception):
    pass


def _shrunk(
    judge: _Judge,
    strategy: st.SearchStrategy[Violation],
    seed_value: int,
    examples: int,
    threshold: float,
) -> Found | None:
    failing: list[Found] = []

    def attempt(pair: Violation) -> None:
        judged = judge(pair)
        if judged is None:
            return
        target(log10(max(judged.severity, SMALLEST)), label=judge.conclusion)
        if judged.severity > threshold:
            failing.append((pair, judged))
            raise _FailureError

    with suppress(_FailureError, Flaky):
        _run(attempt, strategy, seed_value, examples, shrink=True)
    return failing[-1] if failing else None


def _run(
    attempt: Callable[[Violation], None],
    strategy: st.SearchStrategy[Violation],
    seed_value: int,
    examples: int,
    *,
    shrink: bool,
) -> None:
    phases = (Phase.generate, Phase.target, *((Phase.shrink,) if shrink else ()))
    chosen = settings(
        hypothesis_settings(examples, shrink=shrink),
        phases=phases,
        # two assumptions at once are turned away: what violates one alone is a thin set
        suppress_health_check=(HealthCheck.too_slow, HealthCheck.filter_too_much),
    )
    with seed_alone():
        seed(seed_value)(chosen(given(strategy)(attempt)))()


def _finding(
    assumption: str,
    conclusion: str,
    drawn: list[Judged | None],
    failing: list[Found],
    found: Found | None,
) -> Finding:
    scales: list[Scale] = []
    if found is not None:
        found, scales = _staying(conclusion, found, failing)
    known = [judged for judged in drawn if judged is not None]
    valid = [judged for judged in known if judged.valid]
    return Finding(
        assumption=assumption,
        conclusion=conclusion,
        instances=len(valid),
        undecided=len(drawn) - len(known),
        unproven=len(known) - len(valid),
        failures=sum(1 for judged in valid if judged.needed),
        worst=max((judged.severity for judged in valid), default=0.0),
        counterexample=None if found is None else found[0].concluding(conclusion),
        judged=None if found is None else found[1],
        scales=tuple(scales),
    )


def _staying(conclusion: str, found: Found, failing: list[Found]) -> tuple[Found, list[Scale]]:
    """A failing pair whose failure stays as alpha grows, where there is one: else the simplest."""
    scales = at_other_scales(found[0], conclusion, found[1])
    if not falls(scales):
        return found, scales
    for other in sorted(failing, key=lambda pair: -pair[1].severity)[:MOST_LOOKED_AT]:
        again = at_other_scales(other[0], conclusion, other[1])
        if len(again) == len(scales) and not falls(again):
            return other, again
    return found, scales
