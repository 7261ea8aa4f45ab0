"""The results of a run, as the fixed schema of results.json and what the report needs besides.

`holds` needs more than laws that are kept: a rival at least, every one rejected; evidence that
could have gone the other way; an independent route that agrees. What is missing is told by name:
`untested` for a claim that nothing was asserted of or that has no rivals, `toothless` for one that
this run could not have refuted.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from math import isfinite
from typing import Any, Literal

from verify.alone import in_digits, ratio, severity
from verify.evidence import CLAIM, Comparison, Evidence
from verify.instances import finite_or_none
from verify.judge import LawRuling, Ruling, examples_until_rejected, judge
from verify.language.claim import AnyClaim, Claim, Finding
from verify.language.law import Kind
from verify.necessity.words import is_undecided
from verify.power import (
    Power,
    beyond_repair,
    failure_in_words,
    in_words,
    power_of,
    sabotages,
    teeth,
    unmade,
)
from verify.rates import CONFIDENCE, Rate

SCHEMA = 1

Standing = Literal["tested", "untested", "toothless"]

MAX_DISCARDED = 0.5
"""Share of draws that a strategy may throw away: instances that are filtered until the claim is
true of them are no evidence."""


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
    """A claim with its verdict, its evidence, and what was found on the way.

    Attributes:
        ruling: on its laws, with a verdict of `holds` withdrawn where more is needed.
        survivors_alone: whether surviving rivals are all that keeps it from holding.
    """

    claim: Claim[Any, Any]
    ruling: Ruling
    rivals: tuple[RivalResult, ...]
    evidence: tuple[Evidence, ...]
    discarded: int
    standing: Standing = "tested"
    survivors_alone: bool = False
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
        named = "" if self.standing == "tested" else f" ({self.standing})"
        parts = [f"{ruling.verdict}{named} on {ruling.decided} of {len(self.evidence)} instances"]
        if ruling.worst is not None:
            parts.append(f"largest ratio to a bound {in_digits(ratio(ruling.worst))}")
        if ruling.verdict == "inconclusive":
            parts += ruling.shortfalls
        if self.missing:
            parts.append(f"{self.missing} instances are missing: their workers were lost")
        if ruling.verdict == "holds":
            parts.append(self._room)
            parts += unmade(self.evidence)
        if ruling.verdict == "holds" and not self.power:
            parts.append("no constant of its theory was put off, which leaves its power unknown")
        told = (in_words(self.power), failure_in_words(self.beyond_repair))
        return "; ".join([*parts, *filter(None, told)])

    @property
    def fewest(self) -> int:
        """Instances on which every one of its laws was decided, or more."""
        return min((law.decided for law in self.ruling.laws), default=0)

    @property
    def _room(self) -> str:
        share = f"{100 * room_for_failures(self.fewest):.3g} %"
        told = f"it may still fail on up to {share} of such instances (95 % confidence)"
        if self.fewest >= self.ruling.decided:
            return told
        law = min(self.ruling.laws, key=lambda law: law.decided)
        return f"{told}, as '{law.id}' was decided on {law.decided}"

    def to_json(self) -> dict[str, Any]:
        claim, ruling, found = self.claim, self.ruling, self.counterexample
        outcomes = Counter(entry.outcome for entry in self.evidence)
        unmet = outcomes["assumption not met"]
        return {
            "id": claim.id,
            "module": claim.module,
            "package": claim.package,
            "measurement": claim.measurement.id,
            "title": claim.title,
            "statement": claim.statement,
            "source": claim.source,
            "assumptions": list(claim.assumptions),
            "tolerances": list(claim.tolerances),
            "verdict": ruling.verdict,
            "standing": self.standing,
            "ruling": self.words,
            "shortfalls": list(ruling.shortfalls),
            "expected": claim.expected,
            "examples": len(self.evidence),
            "decided": ruling.decided,
            "room_for_failures": room_for_failures(self.fewest),
            "discarded": self.discarded + unmet,
            "inconclusive": ruling.undecided - unmet,
            "missing": self.missing,
            "refuted": ruling.refuted,
            "seconds": round(self.seconds, 3),
            "outcomes": dict(outcomes),
            "worst": self._worst(),
            "laws": [_law(law) for law in ruling.laws],
            "bounds": [_bound(law) for law in ruling.laws if law.largest is not None],
            "rates": [_rate(rate, self.evidence) for rate in ruling.rates],
            "rivals": [asdict(rival) for rival in self.rivals],
            "power": [{**asdict(power), "sizes": list(power.sizes)} for power in self.power],
            "sabotages": sabotages(self.evidence),
            "independent": _independent(claim, self.evidence),
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
            "name": ruling.worst_law,
            "value": ruling.worst.value,
            "bound": ruling.worst.bound,
            "error": ruling.worst.error,
            "at": ruling.worst.at,
            "ratio": finite_or_none(ratio(ruling.worst)),
            "instance": self.evidence[ruling.worst_index].instance,
        }


def room_for_failures(decided: int) -> float:
    """The largest share of instances on which a claim may fail and so many of so many be kept.

    With probability 1 - `CONFIDENCE` at most; 11.7 % for 24.
    """
    return float(1.0 - (1.0 - CONFIDENCE) ** (1.0 / decided)) if decided else 1.0


@dataclass(frozen=True)
class RunResult:
    """All claims of a run with its provenance; `selected` where these were named, not all run."""

    claims: tuple[ClaimResult, ...]
    profile: str
    seed: int
    command: str
    seconds: float
    environment: dict[str, Any]
    budget: float | None = None
    necessity: dict[str, Any] | None = None
    selected: bool = False

    @property
    def exit_status(self) -> int:
        """0 as expected, 1 another verdict or a surviving rival, 3 only something inconclusive."""
        statuses = {_status(result) for result in self.claims}
        if self.necessity is not None and is_undecided(self.necessity):
            statuses.add(3)
        return 1 if 1 in statuses else 3 if 3 in statuses else 0

    @property
    def judgements(self) -> dict[str, Any]:
        """How much was judged, and how many refutations of true claims that implies at most.

        Inequalities leave no room for chance beyond their told errors. A rate whose true median
        lies at its tolerance is refuted with probability (1 - `CONFIDENCE`) / 2, and with the same
        one where just `MAX_FAR` of all instances are far off; again on the fresh instances that
        confirm it.
        """
        rates = sum(len(result.ruling.rates) for result in self.claims)
        checks = sum(
            len(law.checks)
            for result in self.claims
            for entry in result.evidence
            for law in entry.laws.get(CLAIM, ())
        )
        chance = 1.0 - CONFIDENCE
        return {
            "checks": checks,
            "rates": rates,
            "false_refutations_by_rates": rates * chance,
            "false_refutations_confirmed": rates * chance**2,
        }

    @property
    def close_calls(self) -> list[tuple[str, LawRuling]]:
        """Of claims that hold, the laws that came close to their bounds, the closest first."""
        found = [
            (result.claim.id, law)
            for result in self.claims
            if result.ruling.verdict == "holds"
            for law in result.ruling.laws
            if law.close
        ]
        return sorted(found, key=lambda entry: -(entry[1].largest or 0.0))

    def to_json(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "seed": self.seed,
            "profile": self.profile,
            "budget": self.budget,
            "command": self.command,
            "selected": self.selected,
            "seconds": round(self.seconds, 3),
            "exit_status": self.exit_status,
            "judgements": self.judgements,
            "environment": self.environment,
            "claims": [result.to_json() for result in self.claims],
            "necessity": self.necessity,
        }


def _status(result: ClaimResult) -> int:
    if result.survivors_alone:
        return 1
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
    lost: Sequence[str] = (),
) -> ClaimResult:
    """Judge the claim and every rival on the same evidence; `holds` needs it to be complete.

    Args:
        lost: families of which instances were tried and none was measured.
    """
    rivals = []
    for rival in claim.rivals:
        needed = examples_until_rejected(evidence, rival.id)
        reason = "" if needed is None else _reason(judge(evidence[:needed], rival.id))
        rivals.append(RivalResult(rival.id, rival.description, needed is not None, needed, reason))
    ruling = judge(evidence, CLAIM)
    falsified = ruling.verdict == "falsified"
    # every error leaves a falsified claim falsified: that detects nothing
    power = () if falsified else power_of(claim, evidence)
    survivors = [f"rival {rival.id} survives" for rival in rivals if not rival.rejected]
    dull = "" if falsified else teeth(evidence, ruling, power)
    vain = _vain(ruling, rivals)
    withdrawn = [
        *filter(None, (vain, dull and f"toothless: {dull}")),
        *_incomplete(evidence, discarded, missing),
        *(f"no instance of family {family} was measured" for family in lost),
        *filter(None, (_unrouted(claim, evidence),)),
    ]
    survivors_alone = ruling.verdict == "holds" and not withdrawn and bool(survivors)
    if ruling.verdict == "holds" and (withdrawn or survivors):
        ruling = replace(ruling, verdict="inconclusive", shortfalls=(*withdrawn, *survivors))
    return ClaimResult(
        claim,
        ruling,
        tuple(rivals),
        tuple(evidence),
        discarded,
        standing="untested" if vain else "toothless" if dull else "tested",
        survivors_alone=survivors_alone,
        power=power,
        beyond_repair=beyond_repair(claim, evidence) if falsified else (),
        missing=missing,
    )


def _vain(ruling: Ruling, rivals: Sequence[RivalResult]) -> str:
    """Why nothing was tested, in words."""
    if not any(law.decided for law in ruling.laws):
        return "untested: no law was decided on any instance"
    return "" if rivals else "untested: it has no rival that this evidence could reject"


def _incomplete(evidence: Sequence[Evidence], discarded: int, missing: int) -> list[str]:
    told = []
    if missing:
        told.append(f"{missing} instances are missing: their workers were lost")
    drawn = len(evidence) + discarded
    if discarded > MAX_DISCARDED * drawn:
        told.append(f"its strategy threw {discarded} of {drawn} draws away")
    apart = [pair for entry in evidence for pair in entry.comparisons if not pair.agrees]
    if apart:
        worst = max(apart, key=lambda pair: abs(pair.value - pair.other) - pair.allowed)
        told.append(
            f"an independent route finds {worst.other:.6g} for {worst.value:.6g} in {worst.law}, "
            f"further off than the {worst.allowed:.2g} that errors allow"
        )
    return told


def _unrouted(claim: AnyClaim, evidence: Sequence[Evidence]) -> str:
    """That its independent route says nothing, in words."""
    if claim.measurement.independent is None or any(entry.comparisons for entry in evidence):
        return ""
    reasons = [entry.unrouted for entry in evidence if entry.unrouted]
    reason = reasons[0] if reasons else "it was taken on no instance"
    return f"its independent route gave no numbers: {reason}"


def _reason(ruling: Ruling) -> str:
    """Why a statement was falsified, in words."""
    if ruling.refuted and ruling.worst is not None:
        worst = ruling.worst
        return f"{ruling.worst_law}: {worst.value:.3g}, allowed {worst.bound:.3g}"
    refuted = next(rate for rate in ruling.rates if rate.judgement == "refuted")
    return (
        f"{refuted.name}: {refuted.fitted:.6g} in [{refuted.low:.6g}, {refuted.high:.6g}], "
        f"predicted {refuted.predicted:.4g}{refuted.scatter}"
    )


def _rate(rate: Rate, evidence: Sequence[Evidence]) -> dict[str, Any]:
    """A rate with the instances behind it: nearest to its median, and furthest from predicted."""
    deviations = {
        index: law.estimate.off
        for index, entry in enumerate(evidence)
        for law in entry.laws.get(CLAIM, ())
        if law.estimate is not None and (law.id, law.stratum) == (rate.quantity, rate.stratum)
    }
    middle = (rate.fitted - rate.predicted) / rate.tolerance
    return {
        **asdict(rate),
        "quantity": rate.name,
        "law": rate.quantity,
        "median_example": min(deviations, key=lambda index: abs(deviations[index] - middle)),
        "furthest_example": max(deviations, key=lambda index: abs(deviations[index])),
    }


def _law(law: LawRuling) -> dict[str, Any]:
    """Coverage of one law."""
    return {
        "name": law.id,
        "kind": law.kind.value,
        "basis": law.basis.value,
        "applicable": law.applicable,
        "decided": law.decided,
        "refuted": law.refuted,
        "coverage": law.coverage,
        "reasons": [list(entry) for entry in law.reasons],
    }


def _bound(law: LawRuling) -> dict[str, Any]:
    """How near values come to a bound; `example` is the instance that comes nearest."""
    ordered = law.kind is Kind.ORDERED
    return {
        "name": law.id,
        "basis": "order" if ordered else law.basis.value,
        "checked": law.decided,
        "largest_ratio": finite_or_none(law.largest or 0.0),
        "median_ratio": finite_or_none(law.median or 0.0),
        "close": law.close,
        "example": law.example,
    }


def _independent(claim: AnyClaim, evidence: Sequence[Evidence]) -> dict[str, Any] | None:
    """What an independent route says: numbers compared, the one furthest off, and why it failed."""
    if claim.measurement.independent is None:
        return None
    pairs: list[Comparison] = [pair for entry in evidence for pair in entry.comparisons]
    worst = max(pairs, key=lambda pair: abs(pair.value - pair.other) - pair.allowed, default=None)
    return {
        "numbers": len(pairs),
        "agree": sum(pair.agrees for pair in pairs),
        "worst": None if worst is None else asdict(worst),
        "failed": [entry.unrouted for entry in evidence if entry.unrouted],
    }


def _ladders(evidence: Sequence[Evidence]) -> list[dict[str, Any]]:
    """Ladders of all instances, grouped by quantity; values that are not finite are left out.

    A prediction that is none is None: some ladders have a measured course alone.
    """
    grouped: dict[str, dict[str, Any]] = {}
    for index, entry in enumerate(evidence):
        for ladder in entry.ladders:
            group = grouped.setdefault(
                ladder.quantity,
                {
                    "quantity": ladder.quantity,
                    "x_label": ladder.x_label,
                    "role": ladder.role,
                    "series": [],
                },
            )
            kept = [
                (a, b, finite_or_none(c))
                for a, b, c in zip(ladder.x, ladder.y, ladder.predicted, strict=True)
                if isfinite(a) and isfinite(b)
            ]
            x, y, predicted = map(list, zip(*kept, strict=True)) if kept else ([], [], [])
            group["series"].append(
                {
                    "x": x,
                    "y": y,
                    "predicted": predicted,
                    "example": index,
                    "asymptotic_range": finite_or_none(ladder.asymptotic_range),
                }
            )
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
    found = severity(entry.laws[CLAIM]) if entry.outcome == "measured" else None
    return {
        "instance": entry.instance,
        "outcome": entry.outcome,
        "message": entry.message,
        "measures": entry.measures,
        "severity": None if found is None else finite_or_none(found),
        "seconds": round(entry.seconds, 3),
    }
