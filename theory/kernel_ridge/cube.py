"""A kernel of inner products on the cube {-1, 1}^d, all of whose eigenfunctions are known.

They are the products of coordinates; those of k factors, level k, share an eigenvalue. Risks are
exact sums over the 2^d points.
"""

from dataclasses import dataclass
from functools import cached_property
from math import comb
from typing import Final

import numpy as np

from theory.backend import Floats
from theory.errors import InvalidInput
from theory.kernel_ridge.curves import Spectrum
from theory.requests import check_not_negative, check_whole

BLOCK: Final = 250
"""Data sets solved at a time, which bounds the memory."""


@dataclass(frozen=True)
class Cube:
    """k(x, x') = exp(rate (x.x' / d - 1)) and a target of one product of `level` coordinates.

    Raises:
        InvalidInput: a dimension, a rate or a level for which there is no such task.
    """

    dimension: int
    rate: float
    level: int

    def __post_init__(self) -> None:
        check_whole("dimension", self.dimension)
        if self.dimension > 12:
            raise InvalidInput(f"dimension is {self.dimension}; it must lie between 1 and 12")
        check_not_negative("rate", self.rate)
        check_whole("level", self.level, 0)
        if self.level > self.dimension:
            raise InvalidInput(f"level is {self.level}; it must lie between 0 and the dimension")

    @cached_property
    def points(self) -> Floats:
        """All of them, `(2^d, d)`."""
        bits = (np.arange(2**self.dimension)[:, None] >> np.arange(self.dimension)) & 1
        return np.asarray(1.0 - 2.0 * bits)

    def kernel(self, products: Floats) -> Floats:
        """k where x.x' is `products`."""
        return np.asarray(np.exp(self.rate * (products / self.dimension - 1.0)))

    @cached_property
    def target(self) -> Floats:
        """`(2^d,)`."""
        return np.asarray(self.points[:, : self.level].prod(axis=1))

    def spectrum(self, ridge: float) -> Spectrum:
        """Eigenvalues of all 2^d products, and the target's coefficients.

        Each coordinate of a product gives e^(-r/d) sinh(r/d), each other e^(-r/d) cosh(r/d).
        """
        drop = np.expm1(-2.0 * self.rate / self.dimension)
        inside, outside = -drop / 2.0, 1.0 + drop / 2.0
        levels = [inside**k * outside ** (self.dimension - k) for k in range(self.dimension + 1)]
        counts = [comb(self.dimension, k) for k in range(self.dimension + 1)]
        place = sum(counts[: self.level])
        target = np.zeros(2**self.dimension)
        target[place] = 1.0
        return Spectrum(np.repeat(levels, counts), target, 0.0, ridge)

    @cached_property
    def gram(self) -> Floats:
        """The kernel between all points, `(2^d, 2^d)`."""
        return self.kernel(self.points @ self.points.T)

    def risks(self, rng: np.random.Generator, samples: int, ridge: float, draws: int) -> Floats:
        """Mean squared errors over the cube, `(draws,)`, of samples drawn with replacement."""
        found = []
        for begin in range(0, draws, BLOCK):
            count = min(BLOCK, draws - begin)
            chosen = rng.integers(2**self.dimension, size=(count, samples))
            rows = self.gram[chosen]
            own = np.take_along_axis(rows, chosen[:, None, :], axis=2) + ridge * np.eye(samples)
            dual = np.linalg.solve(own, self.target[chosen][..., None])
            fitted = (dual.swapaxes(1, 2) @ rows)[:, 0]
            found.append(((fitted - self.target) ** 2).mean(axis=1))
        return np.concatenate(found)
