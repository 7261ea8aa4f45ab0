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
    check_order(order)
    return {1.0: float(np.inf), 2.0: 2.0}.get(order, 1.0)


def check_order(order: float) -> None:
    """`InvalidInput` unless `order` is 1, 2 or inf."""
    if order not in ORDERS:
        raise InvalidInput(f"order is {order!r}; allowed are 1, 2 and inf")


def size(weights: Floats, order: float) -> float:
    """The norm of `(d,)`, or the Schatten norm of `(a, b)`, of any units.

    Raises:
        InvalidInput: another order; weights that are empty, not finite, or of another shape.
    """
    check_order(order)
    own, exponent = _of_order_one("weights", weights)
    values = own if own.ndim == 1 else np.linalg.svd(own, compute_uv=False)
    return float(np.ldexp(np.linalg.norm(values, order), exponent))


def largest_direction(slope: Floats, order: float) -> Floats:
    """A v of norm 1 with the largest <v, slope>, of the shape of `slope`.

    Vectors: one coordinate, the unit vector, or the signs. Matrices: the first singular pair, the
    matrix over its Frobenius norm, or U V'.

    Raises:
        InvalidInput: another order; a slope that is zero, empty, not finite, or of another shape.
    """
    check_order(order)
    own, _ = _of_order_one("slope", slope)
    if not own.any():
        raise InvalidInput("slope is 0 in all entries; it must have a direction")
    if own.ndim == 1:
        return _of_values(own, order)
    left, values, right = np.linalg.svd(own, full_matrices=False)
    return np.asarray((left * _of_values(values, order)) @ right)


def _of_order_one(name: str, numbers: Floats) -> tuple[Floats, int]:
    """`numbers` over a power of two next to their largest entry, and its exponent."""
    if numbers.ndim not in (1, 2) or numbers.size == 0 or not np.all(np.isfinite(numbers)):
        raise InvalidInput(
            f"{name} has shape {numbers.shape}; it must be a vector or a matrix of finite numbers"
        )
    exponent = int(np.frexp(np.abs(numbers).max())[1])
    return np.ldexp(numbers, -exponent), exponent


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

    Raises:
        InvalidInput: rows of another shape, or not finite.
    """
    if rows.ndim != 2 or len(rows) != 2 or rows.size == 0 or not np.all(np.isfinite(rows)):
        raise InvalidInput(f"rows have shape {rows.shape}; they must be (2, d) finite numbers")
    first, second = rows
    change = first - second
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = -second / change
    shares = np.append(shares[(shares > 0.0) & (shares < 1.0)], [0.0, 1.0])
    mixed = shares[:, None] * first + (1.0 - shares)[:, None] * second
    return float(np.abs(mixed).sum(axis=1).min())
