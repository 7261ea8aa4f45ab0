"""The judge: from evidence to a verdict, by one set of rules for claims and rivals alike.

| bounds                         | rates                     | verdict      |
| ------------------------------ | ------------------------- | ------------ |
| some bound refuted             | any                       | falsified    |
| none refuted                   | some rate refuted         | falsified    |
| too few instances decided      | none refuted              | inconclusive |
| none refuted                   | some rate undecided       | inconclusive |
| none refuted                   | all as predicted          | holds        |

A bound is refuted when it is exceeded by more than the numerical error, undecided when the error
covers it. A rate is judged on the median over instances with its distribution-free 95 % interval:
refuted when the whole interval lies outside predicted +- tolerance, confirmed when the median lies
inside, undecided otherwise. With fewer than three samples it is reported but not judged.

One instance alone refutes by a bound only (`verdict_alone`). A rate of it that is beyond its
tolerance leaves it inconclusive: single rates scatter about the median that is judged.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from math import inf, isfinite
from typing import TYPE_CHECKING, Literal

from scipy.stats import binom

from verify.claims.base import Assertions, Bound, RateSample

if TYPE_CHECKING:
    from verify.evidence import Evidence

Verdict = Literal["holds", "falsified", "inconclusive"]
Judgement = Literal["kept", "refuted", "undecided"]
RateJudgement = Literal["kept", "refuted", "undecided", "too few"]

MIN_JUDGED = 0.9
"""Share of all drawn instances that must be decided for `holds`. Strategies construct instances
that meet the assumptions: more than a tenth that do not says that something else is wrong."""

MIN_RATE_SAMPLES = 3
CONFIDENCE = 0.95
SURE = 6
"""Samples from which on an interval of order statistics has this confidence."""

SINGLE_RATE = 3.0
"""Tolerances by which the rate of one instance counts in its severity as a value at its bound does.
Alone it refutes nothing, however far it is off."""

SEVERE = 10.0
"""A violation beyond this multiple of the bound is no rounding: shrinking aims for it first."""


@dataclass(frozen=True)
class Rate:
    """A rate over all instances: the medians, and the interval of the median of `fitted`.

    `method` is how the median and its interval were found.
    """

    quantity: str
    predicted: float
    fitted: float
    low: float
    high: float
    samples: int
    tolerance: float
    judgement: RateJudgement
    method: str


@dataclass(frozen=True)
class Ruling:
    """The verdict on one statement with its reasons.

    Attributes:
        worst_index, worst: the instance nearest to or furthest beyond a bound, and that bound.
        decided: how many instances were judged, undecided ones not counted.
    """

    verdict: Verdict
    rates: tuple[Rate, ...]
    decided: int
    undecided: int
    refuted: int
    worst_index: int | None
    worst: Bound | None


def severity(bound: Bound) -> float:
    """value / bound, less the numerical error: above 1 is a refutation."""
    value = bound.value - bound.error
    if bound.bound <= 0:
        return inf if value > 0 else 0.0
    return value / bound.bound


def ratio(bound: Bound) -> float:
    """How much of its bound a value takes, as it is told: `severity`, 0 for one below its error."""
    return max(severity(bound), 0.0)


def in_digits(ratio: float) -> str:
    """A ratio in three digits; one below 1 is never rounded up to it."""
    return f"{min(ratio, 0.999):.3g}" if ratio < 1.0 else f"{ratio:.3g}"


def judge_bound(bound: Bound) -> Judgement:
    """One inequality against its numerical error."""
    if not all(map(isfinite, (bound.value, bound.bound, bound.error))):
        return "undecided"
    if severity(bound) > 1.0:
        return "refuted"
    return "kept" if bound.value + bound.error <= bound.bound else "undecided"


def judge_instance(stated: Assertions) -> Judgement:
    """All inequalities of one instance; one refuted bound refutes, one undecided leaves it open."""
    judgements = {judge_bound(bound) for bound in stated.bounds}
    if "refuted" in judgements:
        return "refuted"
    return "undecided" if "undecided" in judgements else "kept"


def verdict_alone(stated: Assertions) -> Verdict:
    """What one instance shows by itself."""
    judgement, rates = judge_instance(stated), fitted_rates(stated)
    if judgement == "refuted":
        return "falsified"
    if judgement == "undecided" or any(tolerances_off(rate) > 1.0 for rate in rates):
        return "inconclusive"
    return "holds" if stated.bounds or rates else "inconclusive"


def against(stated: Assertions, quantities: Collection[str]) -> tuple[bool, float]:
    """What one instance has against its statement: whether it refutes it alone, and by how much.

    The largest ratio to a bound where it does, else the tolerances by which a rate among the
    quantities is off.
    """
    if judge_instance(stated) == "refuted":
        return True, instance_severity(Assertions(stated.bounds))
    rates = (rate for rate in fitted_rates(stated) if rate.quantity in quantities)
    return False, max(map(tolerances_off, rates), default=0.0)


def tolerances_off(rate: RateSample) -> float:
    """How many tolerances a rate is from what is predicted."""
    deviation = abs(rate.fitted - rate.predicted)
    if rate.tolerance <= 0.0:
        return inf if deviation > 0.0 else 0.0
    return deviation / rate.tolerance


def instance_severity(stated: Assertions) -> float:
    """How near one instance comes to what is stated, or how far it goes beyond, as one number.

    The largest ratio to a bound, or of a rate's deviation to `SINGLE_RATE` tolerances: a search
    climbs along it. Whether the instance refutes is for `verdict_alone` to say.
    """
    return binding(stated)[0]


def binding(stated: Assertions) -> tuple[float, str]:
    """`instance_severity`, with the name of the bound or rate that it comes from."""
    ratios = [(ratio(b), b.name) for b in stated.bounds if judge_bound(b) != "undecided"]
    ratios += [(tolerances_off(r) / SINGLE_RATE, r.quantity) for r in fitted_rates(stated)]
    return max(ratios, key=lambda entry: entry[0], default=(0.0, "nothing"))


def fitted_rates(stated: Assertions) -> list[RateSample]:
    """The rates of one instance; a NaN says that there was nothing to fit."""
    return [rate for rate in stated.rates if isfinite(rate.fitted)]


def judge(evidence: Sequence["Evidence"], statement: str) -> Ruling:
    """The ruling on the claim ("claim") or a rival (its id)."""
    measured = [(k, e) for k, e in enumerate(evidence) if e.outcome == "measured"]
    judgements = [judge_instance(e.assertions[statement]) for _, e in measured]
    rates = _rates(r for _, e in measured for r in fitted_rates(e.assertions[statement]))
    refuted = judgements.count("refuted")
    decided = len(measured) - judgements.count("undecided")
    undecided = len(evidence) - decided
    worst = max(
        (
            (severity(bound), k, bound)
            for k, e in measured
            for bound in e.assertions[statement].bounds
            if judge_bound(bound) != "undecided"
        ),
        key=lambda entry: entry[0],
        default=None,
    )
    return Ruling(
        _verdict(refuted, decided, undecided, rates),
        rates,
        decided,
        undecided,
        refuted,
        None if worst is None else worst[1],
        None if worst is None else worst[2],
    )


def _verdict(refuted: int, decided: int, undecided: int, rates: tuple[Rate, ...]) -> Verdict:
    if refuted or any(rate.judgement == "refuted" for rate in rates):
        return "falsified"
    if decided == 0 or decided < MIN_JUDGED * (decided + undecided):
        return "inconclusive"
    if any(rate.judgement == "undecided" for rate in rates):
        return "inconclusive"
    return "holds"


def examples_until_rejected(evidence: Sequence["Evidence"], statement: str) -> int | None:
    """After how many examples the statement was falsified; None when it never was."""
    counts = range(1, len(evidence) + 1)
    falsified = (n for n in counts if judge(evidence[:n], statement).verdict == "falsified")
    return next(falsified, None) if judge(evidence, statement).verdict == "falsified" else None


def _rates(samples: Iterable[RateSample]) -> tuple[Rate, ...]:
    grouped: dict[str, list[RateSample]] = defaultdict(list)
    for sample in samples:
        grouped[sample.quantity].append(sample)
    return tuple(_rate(quantity, group) for quantity, group in grouped.items())


def _rate(quantity: str, samples: list[RateSample]) -> Rate:
    """Judge a rate on the deviations, since the prediction may differ between instances."""
    deviations = sorted(s.fitted - s.predicted for s in samples)
    skipped = _skipped(len(deviations))
    middle, low, high = _median(deviations), deviations[skipped], deviations[-1 - skipped]
    tolerance = min(s.tolerance for s in samples)
    predicted = _median([s.predicted for s in samples])
    return Rate(
        quantity,
        predicted,
        predicted + middle,
        predicted + low,
        predicted + high,
        len(samples),
        tolerance,
        _judge_rate(len(samples), middle, low, high, tolerance),
        _method(len(samples), skipped, samples[0].method),
    )


def _method(count: int, skipped: int, each: str) -> str:
    """How a rate was fitted, in words."""
    median = f"median over {count} instances of {each or 'the value found on each'}"
    if count < SURE:
        return f"{median}; the interval is that of all values, below {100 * CONFIDENCE:g} %"
    return (
        f"{median}; distribution-free {100 * CONFIDENCE:g} % interval of the median, between "
        f"values {skipped + 1} and {count - skipped} in order"
    )


def _judge_rate(
    samples: int, middle: float, low: float, high: float, tolerance: float
) -> RateJudgement:
    if samples < MIN_RATE_SAMPLES:
        return "too few"
    if low > tolerance or high < -tolerance:
        return "refuted"
    return "kept" if abs(middle) <= tolerance else "undecided"


def _median(values: Sequence[float]) -> float:
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else 0.5 * (ordered[half - 1] + ordered[half])


@cache
def _skipped(count: int) -> int:
    """How many values lie beyond either end of the median's interval (none, below 6).

    The order statistics that are left enclose the median with 95 % confidence.
    """
    return max(int(binom.ppf((1.0 - CONFIDENCE) / 2.0, count, 0.5)) - 1, 0)
