"""Separable data made from their maximum margin: w_hat is the first axis over gamma.

Support vectors are gamma (1, z_i) with sum_i p_i z_i = 0, all others gamma (m, z) with m > 1, so
that w_hat, its multipliers p / gamma^2 and every margin are known without rounding.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from hypothesis import strategies as st

from theory.backend import Floats
from verify.instances.record import Record
from verify.strategies.sizes import Sizes

LOSSES = ("exponential", "logistic")
SEEDS = st.integers(0, 999)


@dataclass(frozen=True)
class SeparableData(Record):
    """Rows by their margins and multipliers.

    Attributes:
        shares: p of the support vectors, up to a factor.
        margins: of the other samples, in units of the support vectors'.
        spreads: eigenvalues of sum_i p_i z_i z_i', which are rates of the residual; one fewer than
            support vectors.
        spare: dimensions beyond those that the support vectors span.
        across: |v| / gamma of a sample of margin 1 without multiplier, v orthogonal to all support
            vectors; 0 where there is none.
    """

    shares: tuple[int, ...]
    margins: tuple[float, ...]
    spreads: tuple[float, ...]
    spare: int
    gamma: float
    loss: Literal["exponential", "logistic"]
    across: float
    seed: int

    @property
    def probabilities(self) -> Floats:
        """p, `(s,)`."""
        return np.asarray(np.array(self.shares) / sum(self.shares))

    @property
    def multipliers(self) -> Floats:
        """alpha, `(s,)`."""
        return self.probabilities / self.gamma**2

    @property
    def direction(self) -> Floats:
        """w_hat, `(d,)`."""
        return np.asarray(np.eye(self.dimension)[0] / self.gamma)

    @property
    def dimension(self) -> int:
        return len(self.shares) + self.spare

    @property
    def rate(self) -> float:
        """Of the residual, t^-rate: the least of 1, the spreads and the other margins less 1."""
        return min([1.0, *self.spreads, *(margin - 1.0 for margin in self.margins)])

    @property
    def coefficients(self) -> Floats:
        """c, `(s,)`, of the sample across: their sum is 1, and each about 1 / s.

        Corrections are of size sum c_i^2 / p_i over `across`^2 log t.
        """
        rng = np.random.default_rng(self.seed + 1000)
        free = 1.0 / len(self.shares) + rng.normal(size=len(self.shares) - 1) / 8.0
        return np.append(free, 1.0 - free.sum())

    def rows(self) -> tuple[Floats, Floats]:
        """x_i, `(n, d)`, and x_i.w_hat, `(n,)`; support vectors first, the one across last."""
        rng = np.random.default_rng(self.seed)
        support = len(self.shares)
        free = rng.normal(size=(support, support - 1))
        centred = free - self.probabilities @ free
        root = np.linalg.cholesky(centred.T @ (self.probabilities[:, None] * centred))
        z = np.linalg.solve(root, centred.T).T * np.sqrt(self.spreads)
        vectors = np.concatenate([np.ones((support, 1)), z, np.zeros((support, self.spare))], 1)
        others = rng.normal(size=(len(self.margins), self.dimension))
        others[:, 0] = self.margins
        margins = [*[1.0] * support, *self.margins]
        rows = np.concatenate([vectors, others])
        if self.across:
            lifted = self.coefficients @ vectors
            lifted[-1] += self.across
            rows, margins = np.concatenate([rows, lifted[None]]), [*margins, 1.0]
        return self.gamma * rows, np.array(margins)


@st.composite
def _data(draw: st.DrawFn, families: tuple[str, ...], sizes: Sizes, across: bool) -> SeparableData:
    most = max(3, min(sizes.max_samples, sizes.max_input_dim) // 2)
    shares = (1, draw(st.integers(2, 4)), *draw(st.lists(st.integers(1, 4), max_size=most - 2)))
    return SeparableData(
        shares,
        tuple(draw(st.lists(st.sampled_from((1.5, 1.25, 2.0, 3.0)), max_size=4))),
        tuple(draw(st.sampled_from((0.7, 0.35, 1.4))) for _ in shares[1:]),
        draw(st.integers(int(across), 2)),
        draw(st.sampled_from((0.5, 2.0, 1.5, 0.75))),
        "logistic" if draw(st.sampled_from(families)) == "logistic" else "exponential",
        draw(st.sampled_from((1.0, 0.5, 2.0))) if across else 0.0,
        draw(SEEDS),
    )


def separable_data(families: tuple[str, ...], sizes: Sizes) -> st.SearchStrategy[SeparableData]:
    """Every sample of margin 1 supports; multipliers differ by a factor 2 at least."""
    return _data(families, sizes, across=False)


def degenerate_data(families: tuple[str, ...], sizes: Sizes) -> st.SearchStrategy[SeparableData]:
    """One sample of margin 1 supports nothing."""
    return _data(families, sizes, across=True)
