"""The judge: from evidence to a ruling, by one set of rules for claims and rivals alike.

| laws                                             | verdict      |
| ------------------------------------------------ | ------------ |
| a check refuted on some instance                 | falsified    |
| a rate refuted, by its median or by its scatter  | falsified    |
| fewer than nine tenths of instances measured     | inconclusive |
| some instance raised what nobody foresaw         | inconclusive |
| equal instances gave different outcomes          | inconclusive |
| nothing asserted, or a law that applied nowhere  | inconclusive |
| a law decided too seldom where it applies        | inconclusive |
| a rate undecided, scattered or with too few      | inconclusive |
| otherwise                                        | holds        |

Too seldom is on less than nine tenths of the instances where the law applies, or on fewer than six.
A law that an instance does not speak of at all counts as undecided there. The judge sees numbers
only; what else `holds` needs, rivals and teeth, is for `verify.results`.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from verify.alone import Verdict, judge_instance, largest
from verify.evidence import Evidence, Laws
from verify.language.law import Basis, Check, Kind, Law, Status
from verify.rates import FEWEST, Rate, rates_of

MIN_COVERAGE = 0.9
"""Share of instances that must be measured, and on which a law must be decided, for `holds`."""

MIN_DECIDED = FEWEST

ABSENT = "the law is not stated there"


@dataclass(frozen=True)
class LawRuling:
    """What has become of one law over all instances.

    Attributes:
        applicable: instances on which it speaks; `decided` of them are kept or refuted.
        reasons: why it was not decided or did not apply, with how often.
        largest, median: ratios to its bounds; None for a rate.
        example: the instance with the largest ratio.
    """

    id: str
    kind: Kind
    basis: Basis
    applicable: int
    decided: int
    refuted: int
    reasons: tuple[tuple[str, int], ...]
    largest: float | None
    median: float | None
    example: int | None

    @property
    def coverage(self) -> float:
        """Share of the applicable instances on which it was decided."""
        return self.decided / self.applicable if self.applicable else 0.0

    @property
    def covered(self) -> bool:
        return self.coverage >= MIN_COVERAGE and self.decided >= MIN_DECIDED

    @property
    def close(self) -> bool:
        """Whether a bound that nothing proves is kept by less than values scatter.

        It is nearer to the largest of them than that is to the median: other instances may go
        beyond it.
        """
        if self.basis not in (Basis.MEASURED, Basis.CALIBRATED) or self.largest is None:
            return False
        return 1.0 - self.largest < self.largest - (self.median or 0.0)

    @property
    def shortfall(self) -> str:
        """Why it is not covered, in words."""
        if self.covered:
            return ""
        told = self.reasons[0][0] if self.reasons else "too few instances"
        return f"{self.id}: decided on {self.decided} of {self.applicable} instances ({told})"


@dataclass(frozen=True)
class Ruling:
    """The verdict on one statement with its reasons.

    Attributes:
        shortfalls: what keeps it from holding, in words, where nothing refutes it.
        decided: instances on which some law was decided; `undecided` are the others.
        refuted: instances on which a check is refuted.
        worst_index, worst_law, worst: the instance nearest to or furthest beyond a bound.
    """

    verdict: Verdict
    laws: tuple[LawRuling, ...]
    rates: tuple[Rate, ...]
    shortfalls: tuple[str, ...]
    decided: int
    undecided: int
    refuted: int
    worst_index: int | None
    worst_law: str | None
    worst: Check | None


def judge(evidence: Sequence[Evidence], statement: str) -> Ruling:
    """The ruling on the claim ("claim") or a rival (its id)."""
    measured = [
        (k, entry.laws[statement])
        for k, entry in enumerate(evidence)
        if entry.outcome == "measured" and statement in entry.laws
    ]
    laws = _laws(measured)
    rates = rates_of(law for _, stated in measured for law in stated)
    refuted = sum(judge_instance(stated) is Status.REFUTED for _, stated in measured)
    decided = sum(_decides(stated) for _, stated in measured)
    worst = max(
        (
            (check.use, k, law.id, check)
            for k, stated in measured
            for law in stated
            for check in law.checks
            if check.status is not Status.UNRESOLVED
        ),
        key=lambda entry: entry[0],
        default=(0.0, None, None, None),
    )
    shortfalls = (*_measured(evidence, len(measured)), *_coverage(laws), *_open(rates))
    return Ruling(
        _verdict(refuted, rates, shortfalls),
        laws,
        rates,
        tuple(shortfalls),
        decided,
        len(evidence) - decided,
        refuted,
        worst[1],
        worst[2],
        worst[3],
    )


def _decides(laws: Laws) -> bool:
    return any(law.status in (Status.KEPT, Status.REFUTED) for law in laws)


def _verdict(refuted: int, rates: Iterable[Rate], shortfalls: Sequence[str]) -> Verdict:
    if refuted or any(rate.judgement == "refuted" for rate in rates):
        return "falsified"
    return "inconclusive" if shortfalls else "holds"


def _laws(measured: Sequence[tuple[int, Laws]]) -> tuple[LawRuling, ...]:
    """Every law that some instance speaks of, in the order in which they are first stated."""
    stated: dict[str, dict[int, Law]] = defaultdict(dict)
    for index, laws in measured:
        for law in laws:
            stated[law.id][index] = law
    indices = [index for index, _ in measured]
    return tuple(_law(name, found, indices) for name, found in stated.items())


def _law(name: str, found: dict[int, Law], indices: Sequence[int]) -> LawRuling:
    told = [law for law in found.values() if law.checks or law.estimate is not None]
    first = next(iter([*told, *found.values()]))
    status = {index: law.status for index, law in found.items()}
    applicable = [i for i in indices if status.get(i) is not Status.NOT_APPLICABLE]
    decided = [i for i in applicable if status.get(i) in (Status.KEPT, Status.REFUTED)]
    reasons = Counter(
        found[i].reason if i in found else ABSENT for i in indices if i not in set(decided)
    )
    ratios = [(largest(found[i]), i) for i in decided if found[i].checks]
    top = max(ratios, default=(None, None))
    return LawRuling(
        name,
        first.kind,
        first.basis,
        len(applicable),
        len(decided),
        sum(status[i] is Status.REFUTED for i in decided),
        tuple(reasons.most_common()),
        top[0],
        median([value for value, _ in ratios]) if ratios else None,
        top[1],
    )


def _measured(evidence: Sequence[Evidence], measured: int) -> Iterable[str]:
    if not evidence:
        yield "no instance was examined"
        return
    raised = next((entry for entry in evidence if entry.outcome == "raised"), None)
    if raised is not None:
        yield f"it raised {raised.message}"
    if any(entry.unsteady for entry in evidence):
        yield "equal instances gave different numbers"
    if measured < MIN_COVERAGE * len(evidence):
        failed = Counter(entry.outcome for entry in evidence if entry.outcome != "measured")
        told = ", ".join(f"{count} {outcome}" for outcome, count in failed.most_common())
        yield f"measured on {measured} of {len(evidence)} instances ({told or 'not stated'})"


def _coverage(laws: Sequence[LawRuling]) -> Iterable[str]:
    if not any(law.decided for law in laws):
        yield "untested: no law was decided on any instance"
        return
    yield from (law.shortfall for law in laws if not law.covered)


def _open(rates: Sequence[Rate]) -> Iterable[str]:
    for rate in rates:
        if rate.judgement == "too few":
            yield f"{rate.name}: {rate.samples} instances, {FEWEST} are needed"
        if rate.judgement == "undecided":
            yield f"{rate.name}: its interval leaves the tolerance"
        if rate.judgement == "scattered":
            yield f"{rate.name}: {100 * rate.far:.0f} % of its instances are far off"


def examples_until_rejected(evidence: Sequence[Evidence], statement: str) -> int | None:
    """After how many examples the statement was falsified; None when it never was."""
    if judge(evidence, statement).verdict != "falsified":
        return None
    counts = range(1, len(evidence) + 1)
    return next(n for n in counts if judge(evidence[:n], statement).verdict == "falsified")
