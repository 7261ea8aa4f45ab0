"""Separable data made from their maximum margin in a norm, and two samples in the plane."""

from dataclasses import dataclass

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from theory.backend import Floats
from theory.steepest import two_sample_margin
from verify.instances.record import Record
from verify.strategies.sizes import Sizes

NORMS = {
    "l2": (2.0, False),
    "linf": (float("inf"), False),
    "l1": (1.0, False),
    "spectral": (float("inf"), True),
    "nuclear": (1.0, True),
}
"""Order of the norm of a step, and whether it is that of singular values."""


@dataclass(frozen=True)
class NormedData(Record):
    """Rows whose largest margin on the unit ball of a norm is 1, all of them on it.

    A w* of norm 1 and a g of dual norm 1 with <w*, g> = 1 are made from `shares`: where w* has the
    largest entries g has those, and the other way round.

    Attributes:
        order: of the norm: 1, 2 or inf.
        matrix: the norm is that of singular values.
        shares: of the entries (or singular values) that carry the margin, up to a factor.
        inner: of the other entries: in the norm of order inf those of w*, of order 1 those of g.
        weights: p of the samples, up to a factor.
    """

    order: float
    matrix: bool
    shares: tuple[int, ...]
    inner: tuple[float, ...]
    weights: tuple[int, ...]
    seed: int

    @property
    def pair(self) -> tuple[Floats, Floats]:
        """w* and g, each of the shape of one row."""
        rng = np.random.default_rng(self.seed)
        shares = np.array(self.shares) / sum(self.shares)
        if self.order == 2.0:
            whole = np.append(np.sqrt(shares), np.zeros(len(self.inner)))
            ball, dual = whole, whole
        else:
            ball = np.append(np.ones(len(shares)), self.inner)
            dual = np.append(shares, np.zeros(len(self.inner)))
        if self.order == 1.0:
            ball, dual = dual, ball
        if not self.matrix:
            signs = rng.choice([-1.0, 1.0], len(ball))
            return signs * ball, signs * dual
        side = len(ball)
        left, right = (np.linalg.qr(rng.normal(size=(side, side)))[0] for _ in range(2))
        return (left * ball) @ right.T, (left * dual) @ right.T

    @property
    def rows(self) -> Floats:
        """x_i with <x_i, w*> = 1 and sum_i p_i x_i = g, `(n, d)` or `(n, a, a)`."""
        best, dual = self.pair
        rng = np.random.default_rng(self.seed + 1000)
        w, p = best.ravel(), np.array(self.weights) / sum(self.weights)
        free = rng.normal(size=(len(p), len(w)))
        free = free - np.outer(np.ones(len(p)), p @ free)
        free = free - np.outer(free @ w, w) / (w @ w)
        return np.asarray((dual.ravel() + free).reshape(len(p), *best.shape))


@dataclass(frozen=True)
class TwoSamples(Record):
    """Two signed inputs in the plane, and a step."""

    first: tuple[int, int]
    second: tuple[int, int]
    step: float

    @property
    def rows(self) -> Floats:
        return np.array([self.first, self.second], dtype=np.float64)


@st.composite
def normed_data(draw: st.DrawFn, families: tuple[str, ...], sizes: Sizes) -> NormedData:
    """Families are the names of `NORMS`."""
    order, matrix = NORMS[draw(st.sampled_from(families))]
    most = 2 if matrix else max(3, sizes.max_input_dim // 2)
    shares = tuple(draw(st.lists(st.integers(1, 3), min_size=2, max_size=most)))
    inner = draw(st.lists(st.sampled_from((0.5, -0.5, 0.25)), min_size=1, max_size=most))
    entries = len(shares) + len(inner)
    # with more samples than entries the maximiser of one norm is that of all, more often than not
    most = min(sizes.max_samples, entries**2 if matrix else entries)
    # equal weights have a gap of a smaller order, and rows may add up to 0
    weights = (1, draw(st.integers(2, 4)), *draw(st.lists(st.integers(1, 4), max_size=most - 2)))
    seed = draw(st.integers(0, 999))
    return NormedData(order, matrix, shares, tuple(inner), weights, seed)


@st.composite
def two_samples(draw: st.DrawFn, families: tuple[str, ...], sizes: Sizes) -> TwoSamples:
    """Separable, with whole entries."""
    del families, sizes
    entry = st.integers(-3, 3)
    found = TwoSamples(
        (draw(entry), draw(entry)), (draw(entry), draw(entry)), draw(st.sampled_from((0.5, 0.25)))
    )
    assume(two_sample_margin(found.rows) > 0.0)
    return found
