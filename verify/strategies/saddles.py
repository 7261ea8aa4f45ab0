"""Least squares whose jumps are apart, and matrices by their eigenvalues."""

from dataclasses import dataclass
from math import log

import numpy as np
from hypothesis import strategies as st

from theory.backend import Floats
from theory.saddles import GreedyPath, beyond_leading, greedy_path
from verify.instances.record import Record
from verify.strategies.seeds import first_that_serves
from verify.strategies.sizes import Sizes

APART = 0.06
"""Of jumps, in units of log(1/alpha); in between 1 - |s| is half as much at least."""

LARGEST_ALPHA = 1e-4
"""Of those on which a factorisation is followed."""

LEADS = 0.25
"""What is next in alpha, over what leads, at the largest of them."""


@dataclass(frozen=True)
class SmallStart(Record):
    """Normal inputs and targets, fewer samples than inputs or as many."""

    samples: int
    inputs: int
    seed: int

    @property
    def rows(self) -> Floats:
        return np.random.default_rng(self.seed).normal(size=(self.samples, self.inputs))

    @property
    def targets(self) -> Floats:
        return np.random.default_rng(self.seed + 10**6).normal(size=self.samples)

    @property
    def path(self) -> GreedyPath:
        return greedy_path(self.rows, self.targets)

    @property
    def clear(self) -> bool:
        """Jumps apart, coordinates off in between, every loss below that before by 2 %."""
        found = self.path
        losses = found.losses(self.rows, self.targets)
        apart = np.diff(np.append(0.0, found.times)).min() >= APART
        middle = np.append((found.times[1:] + found.times[:-1]) / 2.0, found.times[-1])
        off = found.room(middle).min() >= APART / 2.0
        return bool(apart and off and np.all(-np.diff(losses) > 0.02 * losses[:-1]))


@dataclass(frozen=True)
class RankTask(Record):
    """Eigenvalues of A, falling, the width of U, and the time after log(1/alpha) / mu_1."""

    eigenvalues: tuple[float, ...]
    width: int
    after: float
    seed: int

    @property
    def start(self) -> Floats:
        """U0 in the eigenbasis of A, `(d, h)`."""
        shape = len(self.eigenvalues), self.width
        return np.random.default_rng(self.seed).normal(size=shape)

    def time(self, alpha: float) -> float:
        """T = log(1 / (alpha |u_1|)) / mu_1 + c."""
        first = float(np.linalg.norm(self.start[0]))
        return log(1.0 / (alpha * first)) / self.eigenvalues[0] + self.after

    @property
    def generic(self) -> bool:
        """At `LARGEST_ALPHA` the leading term leads."""
        values, alpha = np.array(self.eigenvalues), LARGEST_ALPHA
        return beyond_leading(values, alpha * self.start, self.time(alpha)) <= LEADS


@st.composite
def small_starts(draw: st.DrawFn, families: tuple[str, ...], sizes: Sizes) -> SmallStart:
    """The first seed from the one drawn on whose jumps are clear."""
    del families
    samples = draw(st.integers(2, max(2, min(4, sizes.max_samples))))
    inputs = draw(st.integers(max(3, samples), max(4, min(6, sizes.max_input_dim))))
    found = SmallStart(samples, inputs, draw(st.integers(0, 999)))
    return first_that_serves(lambda told: told.clear, found)


@st.composite
def rank_tasks(draw: st.DrawFn, families: tuple[str, ...], sizes: Sizes) -> RankTask:
    """The second eigenvalue is at most three quarters of the first; the first seed from the one
    drawn on whose start is generic.
    """
    del families
    first = draw(st.sampled_from((1.0, 2.0)))
    share = st.integers(1, 12).map(lambda parts: parts / 16.0)
    others = draw(st.lists(share, min_size=1, max_size=max(2, sizes.max_input_dim // 2)))
    found = RankTask(
        (first, *sorted((first * other for other in others), reverse=True)),
        draw(st.integers(2, 4)),
        draw(st.sampled_from((0.0, 0.5, -0.5))),
        draw(st.integers(0, 999)),
    )
    return first_that_serves(lambda told: told.generic, found)
