"""Norms of order 1, 2 and inf: of the entries of a vector, or the singular values of a matrix."""

import numpy as np

from theory.backend import Floats
from theory.errors import InvalidInput

ORDERS = (1.0, 2.0, np.inf)


def dual_order(order: float) -> float:
    """1 for inf and inf for 1; 2 is its own.

    Raises:
        InvalidInput: another order.
    """
    if order not in ORDERS:
        raise InvalidInput(f"order is {order!r}; allowed are 1, 2 and inf")
    return {1.0: float(np.inf), 2.0: 2.0}.get(order, 1.0)


def size(weights: Floats, order: float) -> float:
    """The norm of `(d,)`, or the Schatten norm of `(a, b)`."""
    values = weights if weights.ndim == 1 else np.linalg.svd(weights, compute_uv=False)
    return float(np.linalg.norm(values, order))


def largest_direction(slope: Floats, order: float) -> Floats:
    """A v of norm 1 with the largest <v, slope>, of the shape of `slope`.

    Vectors: one coordinate, the unit vector, or the signs. Matrices: the first singular pair, the
    matrix over its Frobenius norm, or U V'.
    """
    if slope.ndim == 1:
        return _of_values(slope, order)
    left, values, right = np.linalg.svd(slope, full_matrices=False)
    return np.asarray((left * _of_values(values, order)) @ right)


def _of_values(values: Floats, order: float) -> Floats:
    if order == 2.0:
        return np.asarray(values / np.linalg.norm(values))
    if order == 1.0:
        chosen = np.zeros_like(values)
        largest = int(np.argmax(np.abs(values)))
        chosen[largest] = np.sign(values[largest])
        return chosen
    return np.asarray(np.sign(values))


def two_sample_margin(rows: Floats) -> float:
    """max min q / |w|_inf of two rows `(2, d)`, exactly; 0 where they are not separable.

    It is the least |p x_1 + (1 - p) x_2|_1, attained at an end or where a coordinate vanishes.
    """
    first, second = rows
    change = first - second
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = -second / change
    shares = np.append(shares[(shares > 0.0) & (shares < 1.0)], [0.0, 1.0])
    mixed = shares[:, None] * first + (1.0 - shares)[:, None] * second
    return float(np.abs(mixed).sum(axis=1).min())
