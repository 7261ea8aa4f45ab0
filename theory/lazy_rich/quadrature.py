"""Exact averages of polynomials over Gaussian inputs in few dimensions.

The independent route to the closed forms of the theory: nothing here knows of committee machines.
"""

from dataclasses import dataclass

import numpy as np

from theory.backend import Array, Floats
from theory.errors import InvalidInput

MAX_POINTS = 100_000
"""A tensor grid of more points takes more time than a closed form is worth."""


@dataclass(frozen=True, eq=False)
class Quadrature:
    """Points and weights of a distribution.

    Attributes:
        points: shape `(Q, D)`.
        weights: positive, with sum 1, shape `(Q,)`.
    """

    points: Floats
    weights: Floats

    def mean(self, values: Array) -> Array:
        """Averages of values `(..., Q)` at the points, shape `(...)`."""
        return values @ self.weights


def gauss_hermite(input_dim: int, order: int, variance: float) -> Quadrature:
    """Tensor quadrature over N(0, variance I), exact up to degree 2 order - 1 in each coordinate.

    Raises:
        InvalidInput: a dimension or order below 1, a variance that is not positive, or a grid of
            more than `MAX_POINTS` points.
    """
    if input_dim < 1 or order < 1:
        raise InvalidInput(f"input_dim is {input_dim} and order is {order}; both start at 1")
    if not variance > 0:
        raise InvalidInput(f"variance is {variance}; it must be positive")
    if order**input_dim > MAX_POINTS:
        raise InvalidInput(
            f"input_dim is {input_dim} and order is {order}; order^input_dim is at most "
            f"{MAX_POINTS}"
        )
    nodes, weights = np.polynomial.hermite_e.hermegauss(order)
    weights = weights / weights.sum()
    grid = np.stack(np.meshgrid(*[nodes] * input_dim, indexing="ij"), -1)
    spread = np.stack(np.meshgrid(*[weights] * input_dim, indexing="ij"), -1)
    return Quadrature(
        np.sqrt(variance) * grid.reshape(-1, input_dim), spread.reshape(-1, input_dim).prod(-1)
    )
