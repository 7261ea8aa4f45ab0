"""Rates: slopes and constants, judged by their median over the instances of a stratum.

Deviations are taken in units of each instance's own tolerance, and the median has a
distribution-free 95 % interval from order statistics, from six instances on. A rate is kept where
that whole interval lies within the tolerance and few instances are far off; refuted where the
interval lies outside, or more instances are far off than a share of `MAX_FAR` makes by chance;
undecided otherwise.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from statistics import median
from typing import Literal

import numpy as np
from scipy.special import bdtr, bdtrc

from verify.alone import SINGLE_RATE
from verify.language.law import Estimate, Law

RateJudgement = Literal["kept", "refuted", "undecided", "too few", "scattered"]

CONFIDENCE = 0.95
FEWEST = 6
"""Samples from which on an interval of order statistics has this confidence."""

MAX_FAR = 0.1
"""Share of instances that may be more than `SINGLE_RATE` tolerances off: a median says nothing of
what deviates to both sides."""


@dataclass(frozen=True)
class Rate:
    """A rate over the instances of one stratum.

    Attributes:
        predicted, fitted: medians; fitted is told as predicted and the median deviation.
        low, high: the 95 % interval of the median; of all values below six samples.
        tolerance: the median one.
        far: share of samples more than `SINGLE_RATE` tolerances off.
        method: how the median and its interval were found.
    """

    quantity: str
    stratum: str
    predicted: float
    fitted: float
    low: float
    high: float
    samples: int
    tolerance: float
    far: float
    judgement: RateJudgement
    method: str

    @property
    def scatter(self) -> str:
        return scatter_in_words(self.far, self.samples)

    @property
    def name(self) -> str:
        """The law with its stratum, to read."""
        return f"{self.quantity}, {self.stratum}" if self.stratum != "" else self.quantity


def rates_of(laws: Iterable[Law]) -> tuple[Rate, ...]:
    """The laws of all instances, grouped by law and stratum."""
    grouped: dict[tuple[str, str], list[Estimate]] = defaultdict(list)
    for law in laws:
        if law.estimate is not None:
            grouped[(law.id, law.stratum)].append(law.estimate)
    return tuple(_rate(law, stratum, group) for (law, stratum), group in grouped.items())


def _rate(quantity: str, stratum: str, group: list[Estimate]) -> Rate:
    off = sorted(estimate.off for estimate in group)
    skipped = _skipped(len(off))
    low, middle, high = off[skipped], median(off), off[-1 - skipped]
    far = sum(abs(value) > SINGLE_RATE for value in off) / len(off)
    predicted = median([estimate.predicted for estimate in group])
    unit = median([estimate.tolerance for estimate in group])
    return Rate(
        quantity,
        stratum,
        predicted,
        predicted + unit * middle,
        predicted + unit * low,
        predicted + unit * high,
        len(off),
        unit,
        far,
        _judge(len(off), low, high, far),
        _method(len(off), skipped, group[0].method),
    )


def _judge(samples: int, low: float, high: float, far: float) -> RateJudgement:
    if samples < FEWEST:
        return "too few"
    if low > 1.0 or high < -1.0 or _beyond_chance(far, samples):
        return "refuted"
    if low < -1.0 or high > 1.0:
        return "undecided"
    return "scattered" if far > MAX_FAR else "kept"


def _beyond_chance(far: float, samples: int) -> bool:
    """Whether so large a share is far off with probability (1 - `CONFIDENCE`) / 2 at most."""
    return bool(bdtrc(round(far * samples) - 1, samples, MAX_FAR) < (1.0 - CONFIDENCE) / 2.0)


def scatter_in_words(far: float, samples: int) -> str:
    """How many instances are far off, to go on with a sentence; empty where few are."""
    told = f"; {round(far * samples)} are more than {SINGLE_RATE:g} tolerances off"
    return told if far > MAX_FAR else ""


def _method(count: int, skipped: int, each: str) -> str:
    """How a rate was fitted, in words."""
    told = f"median over {count} instances of {each or 'the value found on each'}"
    if count < FEWEST:
        return f"{told}; the interval is that of all values, below {100 * CONFIDENCE:g} %"
    return (
        f"{told}; distribution-free {100 * CONFIDENCE:g} % interval of the median, between "
        f"values {skipped + 1} and {count - skipped} in order"
    )


@cache
def _skipped(count: int) -> int:
    """How many values lie beyond either end of the median's interval (none, below 6).

    The order statistics that are left enclose the median with 95 % confidence.
    """
    below = bdtr(np.arange(count + 1), count, 0.5)
    return max(int(np.searchsorted(below, (1.0 - CONFIDENCE) / 2.0)) - 1, 0)
