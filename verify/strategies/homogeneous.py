"""Diagonal nets whose maximum margin is known: as many samples as inputs, all on the margin."""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from theory.backend import Floats
from theory.flow.undecayed import log_total_loss
from theory.nets import Diagonal
from theory.problem import Problem
from verify.instances.record import Record
from verify.strategies.seeds import first_that_serves
from verify.strategies.sizes import Sizes

EVEN = 0.2
"""Of the relaxation; flows start at a log(1/loss) of 30, where 0.05 holds its own."""


@dataclass(frozen=True)
class ActiveDiagonal(Record):
    """A net of degree D with limit w* and shares of the samples, from which X is made.

    Attributes:
        weights: w*, none zero.
        shares: p of the samples, up to a factor; as many as weights.
        losers: the losing copies at the start, over the winners.
        uneven: how far winners are off at the start, relatively.
    """

    degree: int
    weights: tuple[float, ...]
    shares: tuple[int, ...]
    losers: float
    uneven: float
    seed: int

    @property
    def probabilities(self) -> Floats:
        return np.asarray(np.array(self.shares) / sum(self.shares))

    @property
    def limit(self) -> Floats:
        """w*, `(d,)`."""
        return np.array(self.weights)

    @property
    def rows(self) -> Floats:
        """X with X w* = 1 and X' lambda = sgn(w*) |w*|^(2/D - 1), `(d, d)`."""
        w, p = self.limit, self.probabilities
        pull = np.sign(w) * np.abs(w) ** (2.0 / self.degree - 1.0)
        size = len(w)
        drawn = np.linalg.qr(np.random.default_rng(self.seed).normal(size=(size, size)))[0]
        free = drawn - np.outer(p, p @ drawn) / (p @ p)
        free = free - np.outer(free @ w, w) / (w @ w)
        return np.asarray(np.outer(np.ones(size), pull) / (pull @ w) + free)

    @property
    def residual(self) -> Floats:
        """rho, `(d,)`, with X rho = -log p."""
        return np.asarray(np.linalg.solve(self.rows, -np.log(self.probabilities)))

    @property
    def relaxation(self) -> float:
        """The slowest rate at which margins even out, per unit of log(1/loss).

        The flow leaves w* while it is smaller than (2 - 2/D) / log(1/loss).
        """
        metric = np.abs(self.limit) ** (2.0 - 2.0 / self.degree)
        rows, p = self.rows, self.probabilities
        pull = p @ rows
        rooted = np.sqrt(p)[:, None] * rows * np.sqrt(metric)
        return float(np.linalg.svd(rooted, compute_uv=False)[-1] ** 2 / (pull @ (metric * pull)))

    @property
    def problem(self) -> Problem:
        """From near the limit's direction, at the first eighth where the loss is below e^-30."""
        size = len(self.weights)
        rng = np.random.default_rng(self.seed + 1000)
        winners = np.abs(self.limit) ** (1.0 / self.degree)
        winners = winners * (1.0 + self.uneven * rng.uniform(-1.0, 1.0, size))
        losers = self.losers * winners * rng.uniform(0.5, 1.0, size)
        up = self.limit > 0
        start = np.concatenate([np.where(up, winners, losers), np.where(up, losers, winners)])
        net, ones = Diagonal(size, self.degree), np.ones(size)
        for step in range(8, 80):
            found = Problem(net, step / 8 * start, self.rows, ones)
            if log_total_loss(found, found.anchor) < -30.0:
                return found
        raise AssertionError("ten times the limit has a loss above e^-30")


@st.composite
def active_diagonals(draw: st.DrawFn, families: tuple[str, ...], sizes: Sizes) -> ActiveDiagonal:
    """Families are degrees: "degree-2" and so on."""
    degree = int(draw(st.sampled_from(families)).removeprefix("degree-"))
    count = draw(st.integers(2, max(2, min(sizes.max_input_dim, sizes.max_samples) // 2)))
    weight = st.sampled_from((1.0, -1.0, 0.5, -2.0, 2.0, -0.5))
    found = ActiveDiagonal(
        degree,
        tuple(draw(weight) for _ in range(count)),
        tuple(draw(st.integers(1, 4)) for _ in range(count)),
        draw(st.sampled_from((0.25, 0.125))),
        draw(st.sampled_from((0.0, 0.02))),
        draw(st.integers(0, 999)),
    )
    return first_that_serves(lambda told: told.relaxation >= EVEN, found)
