"""Random inputs by their shape, points in general position, and ridge tasks."""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from theory.backend import Floats
from theory.estimators import RidgeTask
from verify.instances.record import Record
from verify.strategies.seeds import first_that_serves
from verify.strategies.sizes import Sizes

SIDES = ("fewer-dimensions", "more-dimensions")
SEEDS = st.integers(0, 999)

LEVEL = 2.0
"""Of the error at which one generalises, in units of what the ridge leaves at last."""

CONVERGED = 1e-8
"""Of that error, where data are: a hundredth of what is judged."""


@dataclass(frozen=True)
class Proportion(Record):
    """d / N as a fraction; 12 is a multiple of the numerator."""

    numerator: int
    denominator: int
    seed: int

    @property
    def ratio(self) -> float:
        return self.numerator / self.denominator

    def samples(self, dimension: int) -> int:
        """N, for multiples of 12."""
        return dimension * self.denominator // self.numerator


@dataclass(frozen=True)
class Accuracy(Record):
    """d / N below 1, and the share of test labels that is to be right."""

    ratio: float
    accuracy: float


@dataclass(frozen=True)
class Points(Record):
    """Normal points: in general position with probability one."""

    count: int
    dimension: int
    seed: int

    @property
    def drawn(self) -> Floats:
        return np.random.default_rng(self.seed).normal(size=(self.count, self.dimension))


@dataclass(frozen=True)
class RidgeData(Record):
    """Eigenvalues of S on the span of the data, dimensions without data, and the decay."""

    eigenvalues: tuple[float, ...]
    empty: int
    decay: float
    seed: int

    @property
    def task(self) -> RidgeTask:
        rng = np.random.default_rng(self.seed)
        count = len(self.eigenvalues)
        dimension = count + self.empty
        turned = np.linalg.qr(rng.normal(size=(dimension, dimension)))[0]
        span = turned[:, :count]
        covariance = (span * self.eigenvalues) @ span.T
        return RidgeTask(
            covariance, span @ rng.normal(size=count), rng.normal(size=dimension), self.decay
        )

    @property
    def expected(self) -> float:
        """When the error is at its level, if the span of the data has converged by then."""
        task = self.task
        left = task.without_data / ((LEVEL - 1.0) * task.floor)
        return float(np.log(left)) / (2.0 * task.decay)

    @property
    def converged(self) -> bool:
        """Whether it has: a start that is next to right where no data are leaves no time for it."""
        expected, task = self.expected, self.task
        return expected > 0.0 and task.unconverged(expected) <= CONVERGED * LEVEL * task.floor


@st.composite
def proportions(draw: st.DrawFn, families: tuple[str, ...], sizes: Sizes) -> Proportion:
    """Families are those of `SIDES`."""
    del sizes
    fractions = {
        "fewer-dimensions": ((1, 2), (2, 3), (3, 4), (1, 1)),
        "more-dimensions": ((2, 1), (3, 2), (4, 3), (3, 1)),
    }
    side = draw(st.sampled_from(families))
    return Proportion(*draw(st.sampled_from(fractions[side])), draw(SEEDS))


@st.composite
def accuracies(draw: st.DrawFn, families: tuple[str, ...], sizes: Sizes) -> Accuracy:
    """Ratios in 64ths, from 3/16 to 13/16."""
    del families, sizes
    accuracy = st.sampled_from((0.95, 0.9, 0.99, 0.75, 0.999))
    return Accuracy(draw(st.integers(12, 52)) / 64, draw(accuracy))


@st.composite
def points(draw: st.DrawFn, families: tuple[str, ...], sizes: Sizes) -> Points:
    """At least as many points as dimensions, and few enough to ask for every labelling."""
    del families, sizes
    dimension = draw(st.integers(1, 5))
    return Points(dimension + draw(st.integers(0, 9 - dimension)), dimension, draw(SEEDS))


@st.composite
def ridge_data(draw: st.DrawFn, families: tuple[str, ...], sizes: Sizes) -> RidgeData:
    """Eigenvalues far above the decay; the first seed from the one drawn on that converges."""
    del families
    eigenvalue = st.sampled_from((1.0, 0.5, 2.0, 4.0))
    count = max(2, sizes.max_input_dim // 2)
    found = RidgeData(
        tuple(draw(st.lists(eigenvalue, min_size=1, max_size=count))),
        draw(st.integers(1, count)),
        draw(st.sampled_from((0.01, 0.02, 0.005))),
        draw(SEEDS),
    )
    return first_that_serves(lambda data: data.converged, found)
