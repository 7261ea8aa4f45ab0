"""Least squares whose jumps are apart, and matrices by their eigenvalues."""

from dataclasses import dataclass
from math import log

import numpy as np
from hypothesis import strategies as st

from theory.backend import Floats
from theory.saddles import GreedyPath, RankOne, beyond_leading, greedy_path, rank_one
from verify.instances.record import Record
from verify.strategies.seeds import first_that_serves
from verify.strategies.sizes import Sizes

APART = 0.06
"""Of jumps, in units of log(1/alpha); 1 - |s| of what does not jump is half as much at least, then
and in between. Of 0.008 at another's jump, a later one was 6 % of log(1/alpha) off in its delay."""

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
    def leaves(self) -> bool:
        """Whether a coordinate is off at a later saddle."""
        saddles = self.path.saddles
        return bool(np.any((saddles[:-1] != 0.0) & (saddles[1:] == 0.0)))

    @property
    def clear(self) -> bool:
        """Jumps apart, one at a time, others off then and in between, losses falling by 2 %."""
        found = self.path
        losses = found.losses(self.rows, self.targets)
        apart = np.diff(np.append(0.0, found.times)).min() >= APART
        middle = np.append((found.times[1:] + found.times[:-1]) / 2.0, found.times[-1])
        off = min(found.room(middle).min(), found.room_at_jumps) >= APART / 2.0
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


MASKED_FAMILIES = ("second-positive", "second-negative")
OBSERVED = 0.6
"""Of the entries off the diagonal; those on it are observed."""


@dataclass(frozen=True)
class MaskedTask(Record):
    """Side of a matrix of normal entries, width of U, and the time after log(1/alpha) / mu_1."""

    side: int
    width: int
    after: float
    seed: int

    @property
    def matrix(self) -> Floats:
        """A, symmetric, `(d, d)`."""
        drawn = np.random.default_rng(self.seed).normal(size=(self.side, self.side))
        return np.asarray((drawn + drawn.T) / 2.0)

    @property
    def mask(self) -> Floats:
        """M, symmetric, `(d, d)`."""
        drawn = np.random.default_rng(self.seed + 10**6).random((self.side, self.side))
        above = np.triu(drawn < OBSERVED, 1).astype(np.float64)
        return np.asarray(above + above.T + np.eye(self.side))

    @property
    def start(self) -> Floats:
        """U0, `(d, h)`."""
        return np.random.default_rng(self.seed + 2 * 10**6).normal(size=(self.side, self.width))

    @property
    def trajectory(self) -> RankOne:
        return rank_one(self.matrix, self.mask, self.after)

    def clear(self, family: str) -> bool:
        """Some entry is not observed, mu_1 >= 1/2, mu_2 / mu_1 in (0, 3/4] or [-1/2, 0), and at
        `LARGEST_ALPHA` the second mode leads: third ones are less than `LEADS` of it, as is what
        is quadratic.
        """
        values = np.linalg.eigvalsh(self.mask * self.matrix)[::-1]
        low, high = (0.0, 0.75) if family == MASKED_FAMILIES[0] else (-0.5, 0.0)
        if self.mask.all() or values[0] < 0.5 or not low < values[1] / values[0] <= high:
            return False
        found, task = self.trajectory, (LARGEST_ALPHA, self.start)
        second = found.leading(*task, modes=1)
        others = abs(found.leading(*task) - second)
        return found.beyond(*task) <= LEADS and others <= LEADS * second


@st.composite
def masked_tasks(draw: st.DrawFn, families: tuple[str, ...], sizes: Sizes) -> MaskedTask:
    """Families are signs of mu_2; the first seed from the one drawn on that is clear."""
    family = draw(st.sampled_from(families))
    found = MaskedTask(
        draw(st.integers(3, max(3, min(5, sizes.max_input_dim)))),
        draw(st.integers(2, 4)),
        draw(st.sampled_from((0.0, 0.5, -0.5))),
        draw(st.integers(0, 999)),
    )
    return first_that_serves(lambda told: told.clear(family), found)


SMALL_STARTS = ("normal", "one-leaves")


@st.composite
def small_starts(draw: st.DrawFn, families: tuple[str, ...], sizes: Sizes) -> SmallStart:
    """The first seed from the one drawn on whose jumps are clear. A coordinate leaves in a fifth of
    such tasks, and in all of the second family.
    """
    leaves = draw(st.sampled_from(families)) == "one-leaves"
    samples = draw(st.integers(2, max(2, min(4, sizes.max_samples))))
    inputs = draw(st.integers(max(3, samples), max(4, min(6, sizes.max_input_dim))))
    found = SmallStart(samples, inputs, draw(st.integers(0, 999)))
    return first_that_serves(lambda told: told.clear and (told.leaves or not leaves), found)


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
