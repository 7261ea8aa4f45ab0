"""Least squares with a known interpolator of least |w|_1."""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from theory.backend import Floats
from theory.start_scale import certificate, support_moves
from verify.instances.record import Record
from verify.strategies.seeds import first_that_serves
from verify.strategies.sizes import Sizes

ROOM = 0.2
"""Of 1 - |c| off the support."""

SMALLEST = 1e-7
"""Alpha of the smallest start of degree 2."""

MOVES = 0.05
"""Of the excess there, by which the weights on the support move: half of what is judged."""


@dataclass(frozen=True)
class SparseTask(Record):
    """Degree, samples, inputs beyond them; w* lies on the first inputs."""

    degree: int
    samples: int
    spare: int
    seed: int

    @property
    def rows(self) -> Floats:
        shape = self.samples, self.samples + self.spare
        return np.random.default_rng(self.seed).normal(size=shape)

    @property
    def sparse(self) -> Floats:
        """w*, `(d,)`."""
        rng = np.random.default_rng(self.seed + 10**6)
        entries = rng.choice([-1.0, 1.0], self.samples) * rng.uniform(0.5, 1.5, self.samples)
        return np.append(entries, np.zeros(self.spare))

    @property
    def targets(self) -> Floats:
        return np.asarray(self.rows @ self.sparse)

    @property
    def clear(self) -> bool:
        """w* is the only one, by a margin, but some c off the support counts; and it stays put."""
        off = np.abs(certificate(self.rows, self.sparse)[self.samples :])
        if not 0.3 <= off.max() <= 1.0 - ROOM:
            return False
        return self.degree > 2 or abs(support_moves(self.rows, self.sparse, SMALLEST)) <= MOVES


@st.composite
def sparse_tasks(draw: st.DrawFn, families: tuple[str, ...], sizes: Sizes) -> SparseTask:
    """Families are degrees; the first seed from the one drawn on that is clear."""
    found = SparseTask(
        int(draw(st.sampled_from(families)).removeprefix("degree-")),
        draw(st.integers(1, max(2, sizes.max_samples // 3))),
        draw(st.integers(1, 3)),
        draw(st.integers(0, 999)),
    )
    return first_that_serves(lambda told: told.clear, found)
