"""Steepest descent maximises the margin in the norm of its step."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from theory.backend import Floats
from theory.steepest import dual_order, size, steepest_path
from verify.language import (
    Basis,
    Claim,
    Ladder,
    Law,
    Measurement,
    Quantity,
    below,
    choice,
    in_words,
    stated,
)
from verify.registry import source_of
from verify.strategies.steepest import NORMS, NormedData, normed_data

COUNTS = np.array([125, 250, 500, 1000, 2000, 4000])
PACE = 0.5
"""eta is PACE / (B sqrt(k)): sum eta grows, B^2 sum eta^2 / 2 is 1.1 after 4000 steps."""


@dataclass(frozen=True, eq=False)
class Path:
    """Weights after `COUNTS` steps, sums of steps and of their squares, `(6,)` each."""

    told: NormedData
    weights: Floats
    steps: Floats
    squares: Floats

    @property
    def outputs(self) -> Floats:
        """min q, `(6,)`."""
        return least_outputs(self.told.rows, self.weights)

    def norms(self, order: float) -> Floats:
        return np.array([size(w, order) for w in self.weights])

    def margin(self, order: float) -> float:
        """The largest margin, 1 in the norm of the data; what descent reaches in others."""
        if order == self.told.order:
            return 1.0
        rows = self.told.rows
        found = steepest_path(rows, order, steps_of(rows, order), COUNTS[-1:])
        return float(least_outputs(rows, found)[0]) / size(found[0], order)


def least_outputs(rows: Floats, weights: Floats) -> Floats:
    flat = weights.reshape(len(weights), -1)
    return np.asarray((flat @ rows.reshape(len(rows), -1).T).min(axis=1))


def largest_row(rows: Floats, order: float) -> float:
    """B, in the dual norm."""
    return max(size(row, dual_order(order)) for row in rows)


def steps_of(rows: Floats, order: float) -> Floats:
    return np.asarray(PACE / largest_row(rows, order) / np.sqrt(np.arange(1, COUNTS[-1] + 1)))


def measure(told: NormedData, unseen: int = 0) -> Path:
    """The path; in a wrong world some samples are not trained on."""
    etas = steps_of(told.rows, told.order)
    weights = steepest_path(told.rows[unseen:], told.order, etas, COUNTS)
    sums = np.cumsum(etas)[COUNTS - 1], np.cumsum(etas**2)[COUNTS - 1]
    return Path(told, weights, *sums)


def own(told: NormedData) -> float:
    return told.order


def dual(told: NormedData) -> float:
    return dual_order(told.order)


def euclidean(_: NormedData) -> float:
    return 2.0


def absolute(_: NormedData) -> float:
    return 1.0


def largest(_: NormedData) -> float:
    return float(np.inf)


@dataclass(frozen=True)
class Theory:
    """gamma |w| - min q <= log n + B^2 sum eta^2 / 2; 1 - margin / gamma like (sum eta)^order."""

    norm: Callable[[NormedData], float] = choice(
        own,
        dual=(dual, "the margin in the dual norm, in which inputs are measured"),
        euclidean=(euclidean, "the l2 margin for every step"),
        absolute=(absolute, "the l1 margin for every step"),
        largest=(largest, "the margin over the largest entry for every step"),
    )
    order: float = stated(-1.0, root=(-0.5, "1 / sqrt(sum eta)"), square=(-2.0, "1 / (sum eta)^2"))


def laws(measured: Path, theory: Theory) -> Iterator[Law]:
    told, order = measured.told, theory.norm(measured.told)
    norms, margin, outputs = measured.norms(order), measured.margin(order), measured.outputs
    short = Quantity.rounded(margin * norms - outputs, norms, 1e4)
    bound = (
        np.log(len(told.rows)) + 0.5 * largest_row(told.rows, told.order) ** 2 * measured.squares
    )
    yield below("outputs short of gamma |w|", short, bound, Basis.DERIVED, at=COUNTS)
    yield below("outputs beyond gamma |w|", -short, 1e-9 * norms, Basis.IDENTITY, at=COUNTS)
    gap = short / (margin * norms)
    ladder = Ladder.of("margin gap", "sum eta", measured.steps, gap)
    along = np.log10(measured.steps)
    yield ladder.rate("order of the gap", theory.order, 0.1, along=along)


CLAIM = Claim(
    id="steepest-descent-margin",
    title="Steepest descent maximises the margin in the norm of its step, whatever the norm",
    statement=(
        r"\gamma \ge \frac{\min q}{\|w_k\|} \ge \gamma - \frac{\log n + \frac{B^2}{2}"
        r" \sum \eta^2}{\|w_k\|}, \quad \gamma = \max_{\|w\| \le 1} \min_i x_i \cdot w, \quad"
        r" B = \max_i \|x_i\|_*"
    ),
    source=source_of("steepest-descent-margin"),
    measurement=Measurement(
        "steepest-descent",
        NormedData,
        tuple(NORMS),
        normed_data,
        measure,
        in_words("separable data", "exponential loss", "w(0) = 0", "steps like 1 / sqrt(k)"),
        sabotaged={"a sample that is not trained on": lambda told: measure(told, unseen=1)},
    ),
    theory=Theory(),
    laws=laws,
    tolerances=(
        "short of gamma |w|: derived, as log sum e^-q has slope gamma at least and curvature B^2 "
        "at most; beyond it: rounding",
        "order: 0.1 in the median, while sum eta grows by a factor 6; -0.9 to -1.15 on 15 other "
        "data",
    ),
)
