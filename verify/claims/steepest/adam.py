"""Adam without epsilon goes where sign descent goes, not where gradient descent goes."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from theory.backend import Floats
from theory.margin import l1_max_margin, l2_max_margin
from theory.steepest import Adam, adam_path
from verify.language import (
    Basis,
    Claim,
    Kind,
    Ladder,
    Law,
    Measurement,
    Quantity,
    below,
    choice,
    in_words,
    not_applicable,
    stated,
    unresolved,
)
from verify.registry import source_of
from verify.strategies.steepest import NormedData, normed_data

COUNTS = 32_000 * 2 ** np.arange(5)
"""Before, samples that are not at the margin yet can keep the gap where it is: for 4000 steps on
one of 110 paths, for 16000 on one of 320, for 95,000 on one of some 400."""
STEPS = 0.1 / np.sqrt(np.arange(1, COUNTS[-1] + 1))
SUMS = np.cumsum(STEPS)[COUNTS - 1]
ALIKE = 0.9
"""Of the largest entry; those inside are at most half of it where the margin is largest."""
RATES = ((0.9, 0.99), (0.9, 0.9), (0.0, 0.9))


@dataclass(frozen=True, eq=False)
class Path:
    """Weights `(5, d)` after `COUNTS` steps."""

    told: NormedData
    weights: Floats

    @property
    def alike(self) -> bool:
        """Whether, at first, all entries still grow alike, as no largest margin has them.

        Two samples that are nearly parallel need long to tell an entry inside from the others.
        """
        first, entries = np.abs(self.weights[0]), len(self.told.shares)
        return bool(first[entries:].max() > ALIKE * first.max())

    def gap(self, order: float) -> Quantity:
        """1 - margin / the largest one, of the norm of that order."""
        rows = self.told.rows
        ones = np.ones(len(rows))
        if order == np.inf:
            largest = 1.0
        else:
            found = l2_max_margin(rows, ones) if order == 2.0 else l1_max_margin(rows, ones)
            largest = found.margin
        sizes = np.linalg.norm(self.weights, order, axis=1)
        margins = (self.weights @ rows.T).min(axis=1) / sizes
        return Quantity.rounded(1.0 - margins / largest, 1.0, 1e4)


def measure(told: NormedData) -> Path:
    """The path, its rates by the seed."""
    adam = Adam(*RATES[told.seed % len(RATES)])
    return Path(told, adam_path(told.rows, adam, STEPS, COUNTS))


def toward_the_euclidean_margin(told: NormedData) -> Path:
    """A world in which Adam would go where gradient descent goes."""
    found = l2_max_margin(told.rows, np.ones(len(told.rows)))
    return Path(told, np.outer(SUMS, found.weights))


@dataclass(frozen=True)
class Theory:
    """1 - margin / gamma falls like (sum eta)^order, in the norm."""

    norm: float = choice(np.inf, euclidean=(2.0, "the l2 margin"), absolute=(1.0, "the l1 margin"))
    order: float = stated(
        -1.0,
        root=(-0.5, "1 / sqrt(sum eta)"),
        square=(-2.0, "1 / (sum eta)^2"),
        constant=(0.0, "not at all"),
    )


@dataclass(frozen=True)
class Euclidean(Theory):
    """The same of the l2 margin."""

    norm: float = choice(2.0, absolute=(1.0, "the l1 margin"))
    order: float = stated(
        -1.0,
        fourth=(-4.0, "1 / (sum eta)^4"),
        square=(-2.0, "1 / (sum eta)^2"),
        three_halves=(-1.5, "(sum eta)^(-3/2)"),
        cube=(-3.0, "1 / (sum eta)^3"),
    )


def laws(measured: Path, theory: Theory) -> Iterator[Law]:
    gap = measured.gap(theory.norm)
    scaled = gap * SUMS**-theory.order
    law, first = "growth of the gap over its order", float(scaled.values[0])
    if measured.alike:
        yield not_applicable(
            law, Kind.BELOW, "all entries still grow alike at the first of the sums"
        )
    elif first > 0.0:
        grown = Quantity.of(scaled.values[-1:] / first, scaled.errors[-1:] / first)
        yield below(law, grown, 2.0, Basis.MEASURED)
    else:
        yield unresolved(law, Kind.BELOW, "there is no gap at the first sum of steps")
    ladder = Ladder.of("margin gap", "sum eta", SUMS, gap)
    yield ladder.rate("order of the gap", theory.order, 0.15, along=np.log10(SUMS))


ADAM = Measurement(
    "adam",
    NormedData,
    ("linf",),
    normed_data,
    measure,
    in_words("separable data", "exponential loss", "epsilon = 0", "steps like 1 / sqrt(k)"),
    sabotaged={"weights along the l2 margin": toward_the_euclidean_margin},
    thrift=2,
)
TOLERANCES = (
    "growth: a factor 2 while sum eta grows by 4; 1.001 at most on 280 other paths, and up to 4 "
    "where an entry inside still grows like the largest, on one of some 400",
    "order: 0.15 in the median; 1.00 to 1.07 on those",
)
CLAIMS = (
    Claim(
        id="adam-margin",
        title="Adam without epsilon maximises the l-infinity margin, with a gap like 1 / sum eta",
        statement=(
            r"1 - \frac{\min q}{\gamma_\infty \|w_k\|_\infty} = \Theta\Big(\frac{1}{\sum_{j \le k}"
            r" \eta_j}\Big), \quad \epsilon = 0, \ \eta_j \propto j^{-1/2}"
        ),
        source=source_of("adam-margin"),
        measurement=ADAM,
        theory=Theory(),
        laws=laws,
        tolerances=TOLERANCES,
    ),
    Claim(
        id="adam-euclidean-margin",
        title="As often read: Adam, like gradient descent, maximises the l2 margin",
        statement=r"1 - \frac{\min q}{\gamma_2 \|w_k\|_2} = O\Big(\frac{1}{\sum \eta_j}\Big)",
        source=source_of("adam-euclidean-margin"),
        measurement=ADAM,
        theory=Euclidean(),
        laws=laws,
        tolerances=TOLERANCES,
        expected="falsified",
    ),
)
