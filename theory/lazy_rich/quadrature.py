"""Exact averages of polynomials over Gaussian inputs.

The independent route to the closed forms of the theory: nothing here knows of committee machines.
"""

from dataclasses import dataclass

import numpy as np

from theory.backend import Array, Floats
from theory.errors import InvalidInput
from theory.requests import check_positive, check_whole

MAX_POINTS = 100_000
"""A tensor grid of more points takes more time than a closed form is worth."""


@dataclass(frozen=True, eq=False)
class Quadrature:
    """Points and weights of a distribution.

    Attributes:
        points: shape `(Q, D)`.
        weights: with sum 1, shape `(Q,)`; positive unless a rule says otherwise.
    """

    points: Floats
    weights: Floats

    def mean(self, values: Array) -> Array:
        """Averages of values `(..., Q)` at the points, shape `(...)`."""
        return values @ self.weights

    def turned(self, rng: np.random.Generator) -> "Quadrature":
        """At points turned at random, which is as exact for an isotropic Gaussian."""
        frame, _ = np.linalg.qr(rng.standard_normal((self.points.shape[1],) * 2))
        return Quadrature(self.points @ frame, self.weights)


def gauss_hermite(input_dim: int, order: int, variance: float) -> Quadrature:
    """Tensor quadrature over N(0, variance I), exact up to degree 2 order - 1 in each coordinate.

    Raises:
        InvalidInput: a dimension or order below 1, a variance that is not positive, or a grid of
            more than `MAX_POINTS` points.
    """
    check_whole("input_dim", input_dim)
    check_whole("order", order)
    check_positive("variance", variance)
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


def fifth_degree(input_dim: int, variance: float) -> Quadrature:
    """2 D^2 + 1 points over N(0, variance I), exact up to degree 5 in all coordinates together.

    Beyond four dimensions some weights are negative, and their sizes sum to less than 4.

    Source: Stroud and Secrest (1963), as fully symmetric rule McNamee and Stenger (1967).

    Raises:
        InvalidInput: a dimension below 1, or a variance that is not positive.
    """
    check_whole("input_dim", input_dim)
    check_positive("variance", variance)
    size, unit = input_dim + 2.0, np.eye(input_dim)
    rows, columns = np.triu_indices(input_dim, 1)
    sums, differences = unit[rows] + unit[columns], unit[rows] - unit[columns]
    axes, pairs = np.concatenate([unit, -unit]), np.concatenate([sums, differences])
    pairs = np.concatenate([pairs, -pairs])
    points = np.concatenate([0.0 * unit[:1], np.sqrt(size) * axes, np.sqrt(size / 2.0) * pairs])
    on_axes = (4.0 - input_dim) / (2.0 * size**2)
    weights = np.repeat([2.0 / size, on_axes, size**-2.0], [1, len(axes), len(pairs)])
    return Quadrature(np.sqrt(variance) * points, weights)
