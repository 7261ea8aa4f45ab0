"""A claim's own laws on both instances of a pair: without one assumption, and with it.

An assumption is needed where a law goes more than `FAILURE` times beyond its bound without it, and
is kept with it, with no other law refuted there. What numerics cannot decide is never a failure.
"""

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np

from verify.alone import SINGLE_RATE, ratio
from verify.calls import called
from verify.examine import Failure, attempt, check_assumptions, laws_in_parts
from verify.instances import Instance
from verify.language.claim import AnyClaim
from verify.language.law import Kind, Law, Status

FAILURE = 2.0
"""Severity of a failure: twice what a law allows, so that none rests on a constant of a bound."""

LARGEST = 1e6
"""Severities are capped: an infinite one says no more."""


@dataclass(frozen=True)
class Pair:
    """An instance that violates one assumption, and the same instance with it restored.

    Attributes:
        claim: the one that fails without the assumption and holds with it, once that is known.
    """

    assumption: str
    violating: Instance
    restored: Instance
    claim: str | None = None

    def to_json(self) -> dict[str, Any]:
        data = {
            "claim": self.claim,
            "assumption": self.assumption,
            "violating": self.violating.to_json(),
            "restored": self.restored.to_json(),
        }
        return {key: value for key, value in data.items() if value is not None}


@dataclass(frozen=True)
class Part:
    """One law: where it is nearest to its bound, or farthest beyond."""

    name: str
    value: float
    granted: float
    severity: float


@dataclass(frozen=True)
class Outcome:
    """A claim on one instance: its decided laws, and why others are open.

    Attributes:
        spared: laws that do not speak about the instance.
        refuted: whether a bound is broken.
        unstated: why the claim says nothing here: what it speaks of does not exist.
    """

    parts: tuple[Part, ...] = ()
    open: tuple[str, ...] = ()
    spared: tuple[str, ...] = ()
    refuted: bool = False
    unstated: str = ""

    @property
    def worst(self) -> Part | None:
        return max(self.parts, key=lambda part: part.severity, default=None)

    @property
    def severity(self) -> float:
        return 0.0 if self.worst is None else self.worst.severity

    def of(self, name: str) -> Part | None:
        return next((part for part in self.parts if part.name == name), None)

    def keeps(self, name: str) -> bool:
        """Whether that law is kept here, or is none here, where the others are."""
        part = self.of(name)
        if part is None:
            return name in self.spared and bool(self.parts) and not self.refuted
        return part.severity <= 1.0 and not self.refuted


@dataclass(frozen=True)
class Judged:
    """A claim without and with the assumption; `restored` is asked only where one fails without."""

    violating: Outcome
    restored: Outcome | None = None

    @property
    def failing(self) -> Part | None:
        """The law that fails worst for the violating instance alone."""
        failed = [part for part in self.violating.parts if part.severity > FAILURE]
        if self.restored is None:
            return None
        kept = [part for part in failed if self.restored.keeps(part.name)]
        return max(kept, key=lambda part: part.severity, default=None)

    @property
    def severity(self) -> float:
        """Of the violating instance; 0 where it fails, but the pair proves nothing."""
        if self.failing is not None:
            return self.failing.severity
        return self.violating.severity if self.violating.severity <= FAILURE else 0.0

    @property
    def needed(self) -> bool:
        return self.failing is not None

    @property
    def decided(self) -> bool:
        """Whether it fails alone, or every law is kept, or nearly, without the assumption."""
        known = bool(self.violating.parts) and not self.violating.open
        return self.needed or (known and self.violating.severity <= FAILURE)

    @property
    def undecided(self) -> bool:
        """Whether nothing fails, and numerics leave something open."""
        return not self.decided and not self.unproven and bool(self.violating.open)

    @property
    def unproven(self) -> bool:
        """Whether it fails, but with the assumption as well."""
        return not self.needed and self.violating.severity > FAILURE


def judge_pair(claims: Sequence[AnyClaim], pair: Pair) -> dict[str, Judged]:
    """Judge claims that share a measurement on both instances of a pair, by id."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # laws are read where nobody meant them to be
        without = _outcomes(claims, pair.violating, pair.assumption)
        failing = [claim for claim in claims if without[claim.id].severity > FAILURE]
        within = _outcomes(failing, pair.restored, "") if failing else {}
    return {key: Judged(outcome, within.get(key)) for key, outcome in without.items()}


def _outcomes(claims: Sequence[AnyClaim], instance: Instance, without: str) -> dict[str, Outcome]:
    measurement = claims[0].measurement
    _, failure = attempt(lambda: check_assumptions(measurement, instance, without))
    if failure is not None:
        return dict.fromkeys(_ids(claims), Outcome(open=(": ".join(failure),)))
    measured, failure = attempt(lambda: called(measurement.measure, instance))
    if failure is None:
        return {claim.id: outcome_of(*laws_in_parts(claim, measured)) for claim in claims}
    unstated = failure[0] == "assumption not met"
    failed = Outcome(unstated=failure[1]) if unstated else Outcome(open=(": ".join(failure),))
    return dict.fromkeys(_ids(claims), failed)


def _ids(claims: Sequence[AnyClaim]) -> list[str]:
    return [claim.id for claim in claims]


def outcome_of(laws: Iterable[Law], failures: Iterable[Failure] = ()) -> Outcome:
    """What laws say of one instance; rates that are unresolved leave nothing open.

    A rate of one instance is granted as much as counts anywhere: `SINGLE_RATE` tolerances.
    """
    laws = tuple(laws)
    parts = [part for law in laws if (part := _part(law)) is not None]
    reasons = [
        f"{law.id}: {law.reason}"
        for law in laws
        if law.status is Status.UNRESOLVED and law.kind is not Kind.RATE
    ]
    reasons += [": ".join(failure) for failure in failures]
    refuted = any(law.status is Status.REFUTED for law in laws)
    spared = tuple(law.id for law in laws if law.not_applicable)
    return Outcome(tuple(parts), tuple(reasons), spared, refuted)


def _part(law: Law) -> Part | None:
    if law.estimate is not None:
        off = abs(law.estimate.fitted - law.estimate.predicted)
        granted = SINGLE_RATE * law.estimate.tolerance
        return Part(law.id, off, granted, _capped(abs(law.estimate.off) / SINGLE_RATE))
    decided = [check for check in law.checks if check.status is not Status.UNRESOLVED]
    if law.not_applicable or not decided:
        return None
    worst = max(decided, key=ratio)
    return Part(law.id, worst.value, worst.bound, _capped(ratio(worst)))


def _capped(severity: float) -> float:
    return min(severity, LARGEST) if isfinite(severity) else LARGEST


def lines_of_pair(judged: Judged) -> list[str]:
    """Every law on both instances, and what that shows."""
    lines = []
    for name, outcome in (("violating", judged.violating), ("restored", judged.restored)):
        if outcome is None:
            continue
        lines += [
            f"  {name:<9} {part.name}: {part.value:.6g}, granted {part.granted:.6g} "
            f"(ratio {part.severity:.3g})"
            for part in outcome.parts
        ]
        lines += [f"  {name:<9} open: {reason}" for reason in outcome.open]
        lines += [f"  {name:<9} says nothing: {outcome.unstated}"] if outcome.unstated else []
    return [*lines, f"verdict: {_verdict(judged)}"]


def _verdict(judged: Judged) -> str:
    if judged.needed:
        return "needed; fails without the assumption, holds with it"
    if judged.violating.unstated:
        return "the claim cannot be stated without the assumption"
    if judged.unproven:
        return "not shown to be needed; fails with it as well, or is not resolved there"
    if judged.decided:
        return f"not shown to be needed; holds without it (a failure exceeds {FAILURE:g})"
    return "undecided"
