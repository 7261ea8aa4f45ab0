"""The results of a run, as the fixed schema of results.json and what the report needs besides."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from math import isfinite
from statistics import median
from typing import Any

from verify.claims.base import Claim, Finding
from verify.evidence import CLAIM, Evidence
from verify.instances import finite_or_none
from verify.judge import (
    Rate,
    Ruling,
    examples_until_rejected,
    in_digits,
    instance_severity,
    judge,
    ratio,
)
from verify.necessity.words import is_undecided
from verify.power import Power, beyond_repair, failure_in_words, in_words, power_of

SCHEMA = 1


@dataclass(frozen=True)
class RivalResult:
    """What became of one rival on the same evidence."""

    id: str
    description: str
    rejected: bool
    examples_needed: int | None
    reason: str


@dataclass(frozen=True)
class Counterexample:
    """A saved instance file and the command that judges it again.

    Attributes:
        alone: whether it refutes the claim on its own; if not, a rate is refuted by its median, and
            this is the instance on which one is furthest off.
        severity: how many times a bound its value is, or how many tolerances a rate is off.
    """

    instance: str
    command: str
    severity: float
    shrunk: bool
    alone: bool

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "severity": finite_or_none(self.severity)}


@dataclass(frozen=True)
class ClaimResult:
    """A claim with its verdict, its evidence, and what was found on the way."""

    claim: Claim[Any, Any]
    ruling: Ruling
    rivals: tuple[RivalResult, ...]
    evidence: tuple[Evidence, ...]
    discarded: int
    counterexample: Counterexample | None = None
    power: tuple[Power, ...] = ()
    beyond_repair: tuple[str, ...] = ()
    missing: int = 0

    @property
    def expected(self) -> bool:
        """Whether the verdict is the one the author expects."""
        return self.ruling.verdict == self.claim.expected

    @property
    def seconds(self) -> float:
        return sum(entry.seconds for entry in self.evidence)

    @property
    def words(self) -> str:
        """The verdict with what it rests on, in a sentence to cite."""
        ruling = self.ruling
        parts = [f"{ruling.verdict} on {ruling.decided} of {len(self.evidence)} instances"]
        if ruling.worst is not None:
            parts.append(f"largest ratio to a bound {in_digits(ratio(ruling.worst))}")
        if self.missing:
            parts.append(f"{self.missing} instances are missing: their workers were lost")
        if ruling.verdict == "holds" and not self.power:
            parts.append("no constant of its theory was put off, which leaves its power unknown")
        told = (in_words(self.power), failure_in_words(self.beyond_repair))
        return "; ".join([*parts, *filter(None, told)])

    def to_json(self) -> dict[str, Any]:
        claim, ruling, found = self.claim, self.ruling, self.counterexample
        outcomes = Counter(entry.outcome for entry in self.evidence)
        unmet = outcomes["assumption not met"]
        return {
            "id": claim.id,
            "module": claim.module,
            "title": claim.title,
            "statement": claim.statement,
            "source": claim.source,
            "assumptions": list(claim.assumptions),
            "tolerances": list(claim.tolerances),
            "verdict": ruling.verdict,
            "ruling": self.words,
            "expected": claim.expected,
            "examples": len(self.evidence),
            "decided": ruling.decided,
            "discarded": self.discarded + unmet,
            "inconclusive": ruling.undecided - unmet,
            "missing": self.missing,
            "refuted": ruling.refuted,
            "seconds": round(self.seconds, 3),
            "outcomes": dict(outcomes),
            "worst": self._worst(),
            "bounds": _bounds(self.evidence),
            "rates": [_rate(rate, self.evidence) for rate in ruling.rates],
            "rivals": [asdict(rival) for rival in self.rivals],
            "power": [asdict(power) for power in self.power],
            "ladders": _ladders(self.evidence),
            "findings": _findings(self.evidence),
            "instances": [_instance(entry) for entry in self.evidence],
            "counterexample": None if found is None else found.to_json(),
        }

    def _worst(self) -> dict[str, Any] | None:
        ruling = self.ruling
        if ruling.worst is None or ruling.worst_index is None:
            return None
        return {
            "name": ruling.worst.name,
            "value": ruling.worst.value,
            "bound": ruling.worst.bound,
            "error": ruling.worst.error,
            "ratio": finite_or_none(ratio(ruling.worst)),
            "instance": self.evidence[ruling.worst_index].instance,
        }


@dataclass(frozen=True)
class RunResult:
    """All claims of a run with its provenance."""

    claims: tuple[ClaimResult, ...]
    profile: str
    seed: int
    command: str
    seconds: float
    environment: dict[str, Any]
    budget: float | None = None
    necessity: dict[str, Any] | None = None

    @property
    def exit_status(self) -> int:
        """0 as expected, 1 another verdict or a surviving rival, 3 only something inconclusive."""
        statuses = {_status(result) for result in self.claims}
        if self.necessity is not None and is_undecided(self.necessity):
            statuses.add(3)
        return 1 if 1 in statuses else 3 if 3 in statuses else 0

    def to_json(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "seed": self.seed,
            "profile": self.profile,
            "budget": self.budget,
            "command": self.command,
            "seconds": round(self.seconds, 3),
            "exit_status": self.exit_status,
            "environment": self.environment,
            "claims": [result.to_json() for result in self.claims],
            "necessity": self.necessity,
        }


def _status(result: ClaimResult) -> int:
    if result.ruling.verdict == "inconclusive":
        return 3
    if not result.expected or not all(rival.rejected for rival in result.rivals):
        return 1
    return 0


def judge_claim(
    claim: Claim[Any, Any],
    evidence: Sequence[Evidence],
    discarded: int,
    missing: int = 0,
) -> ClaimResult:
    """Judge the claim and every rival on the same evidence; `holds` needs it to be complete."""
    rivals = []
    for rival in claim.rivals:
        needed = examples_until_rejected(evidence, rival.id)
        reason = "" if needed is None else _reason(judge(evidence[:needed], rival.id))
        rivals.append(RivalResult(rival.id, rival.description, needed is not None, needed, reason))
    ruling = judge(evidence, CLAIM)
    falsified = ruling.verdict == "falsified"
    if missing and ruling.verdict == "holds":
        ruling = replace(ruling, verdict="inconclusive")
    return ClaimResult(
        claim,
        ruling,
        tuple(rivals),
        tuple(evidence),
        discarded,
        # every error leaves a falsified claim falsified: that detects nothing
        power=() if falsified else power_of(claim, evidence),
        beyond_repair=beyond_repair(claim, evidence) if falsified else (),
        missing=missing,
    )


def _reason(ruling: Ruling) -> str:
    """Why a statement was falsified, in words."""
    if ruling.refuted and ruling.worst is not None:
        worst = ruling.worst
        return f"{worst.name}: {worst.value:.3g}, allowed {worst.bound:.3g}"
    refuted = next(rate for rate in ruling.rates if rate.judgement == "refuted")
    return (
        f"{refuted.quantity}: {refuted.fitted:.6g} in [{refuted.low:.6g}, {refuted.high:.6g}], "
        f"predicted {refuted.predicted:.4g}"
    )


def _rate(rate: Rate, evidence: Sequence[Evidence]) -> dict[str, Any]:
    """A rate with the instances behind it: nearest to its median, and furthest from predicted."""
    deviations = {
        index: sample.fitted - sample.predicted
        for index, entry in enumerate(evidence)
        if entry.outcome == "measured"
        for sample in entry.assertions[CLAIM].rates
        if sample.quantity == rate.quantity and isfinite(sample.fitted)
    }
    middle = rate.fitted - rate.predicted
    return {
        **asdict(rate),
        "median_example": min(deviations, key=lambda index: abs(deviations[index] - middle)),
        "furthest_example": max(deviations, key=lambda index: abs(deviations[index])),
    }


def _bounds(evidence: Sequence[Evidence]) -> list[dict[str, Any]]:
    """Per kind of bound (rungs together): how many were checked, largest and median ratio.

    `example` is the instance with the largest.
    """
    ratios: dict[str, list[tuple[float, int]]] = defaultdict(list)
    for index, entry in enumerate(evidence):
        if entry.outcome == "measured":
            for bound in entry.assertions[CLAIM].bounds:
                ratios[bound.name.split(", ")[0]].append((ratio(bound), index))
    return [
        {
            "name": name,
            "checked": len(values),
            "largest_ratio": finite_or_none(max(values)[0]),
            "median_ratio": finite_or_none(median(value for value, _ in values)),
            "example": max(values)[1],
        }
        for name, values in ratios.items()
    ]


def _ladders(evidence: Sequence[Evidence]) -> list[dict[str, Any]]:
    """Ladders of all instances, grouped by quantity; values that are not finite are left out."""
    grouped: dict[str, dict[str, Any]] = {}
    for index, entry in enumerate(evidence):
        for ladder in entry.ladders:
            group = grouped.setdefault(
                ladder.quantity,
                {"quantity": ladder.quantity, "x_label": ladder.x_label, "series": []},
            )
            kept = [
                point
                for point in zip(ladder.x, ladder.y, ladder.predicted, strict=True)
                if all(map(isfinite, point))
            ]
            x, y, predicted = map(list, zip(*kept, strict=True)) if kept else ([], [], [])
            series = {"x": x, "y": y, "predicted": predicted, "example": index}
            group["series"].append(series)
    return list(grouped.values())


def _findings(evidence: Sequence[Evidence]) -> list[dict[str, Any]]:
    """Findings grouped by title: how many instances showed it, and the most severe one."""
    grouped: dict[str, list[tuple[Finding, Evidence]]] = defaultdict(list)
    for entry in evidence:
        for finding in entry.findings:
            grouped[finding.title].append((finding, entry))
    summaries = []
    for title, group in grouped.items():
        finding, entry = max(group, key=lambda pair: pair[0].severity)
        instances = {id(evidence) for _, evidence in group}
        summaries.append(
            {
                "title": title,
                "detail": finding.detail,
                "severity": finite_or_none(finding.severity),
                "instances": len(instances),
                "instance": entry.instance,
            }
        )
    return summaries


def _instance(entry: Evidence) -> dict[str, Any]:
    measured = entry.outcome == "measured"
    severity = instance_severity(entry.assertions[CLAIM]) if measured else None
    return {
        "instance": entry.instance,
        "outcome": entry.outcome,
        "message": entry.message,
        "severity": None if severity is None else finite_or_none(severity),
        "seconds": round(entry.seconds, 3),
    }
