"""How many labellings of points are linearly separable through the origin.

Schlaefli (1850), Cover (1965): for N points in general position in d dimensions exactly
2 sum_{k<d} C(N-1, k) of the 2^N. Hence Wendel (1962): points drawn symmetrically about the origin
lie on one side of a hyperplane through it with probability 2^(1-N) sum_{k<d} C(N-1, k).
"""

from itertools import combinations, product
from math import comb
from typing import Final

import numpy as np
from scipy.optimize import linprog

from theory.backend import Floats
from theory.errors import InvalidInput
from theory.requests import all_finite, check_whole, number_array

_ON_EDGE: Final = 1e-13
"""Products with a unit vector, over the size of the point, that are 0 but for rounding."""


def separable_share(points: int, dimension: int) -> float:
    """2^(1-N) sum_{k<d} C(N-1, k).

    Raises:
        InvalidInput: points or dimensions are not whole numbers, at least 1.
    """
    check_whole("points", points)
    check_whole("dimension", dimension)
    # whole numbers of Python divide exactly where they are beyond all floats
    others = int(points) - 1
    return sum(comb(others, k) for k in range(min(others + 1, int(dimension)))) / (1 << others)


def separable_signs(points: Floats, *, by_programmes: bool = False) -> set[tuple[int, ...]]:
    """All labellings +-1 of the points, `(N, d)`, that some w separates.

    The w of a labelling form a cone. In general position, with N >= d, each has an edge on which
    d - 1 of the products vanish: the signs of the others are read there, and those of the d - 1
    are free.

    Args:
        by_programmes: ask a linear programme for each labelling instead, of any points.

    Raises:
        InvalidInput: there are fewer points than dimensions; points are no finite numbers `(N, d)`;
            without programmes, d of them lie on one hyperplane through the origin.
    """
    points = all_finite("points", number_array("points", points))
    if points.ndim != 2 or points.size == 0:
        raise InvalidInput(f"points has shape {points.shape}; it must be (N, d), N >= d >= 1")
    count, dimension = points.shape
    if count < dimension:
        raise InvalidInput(f"points are {count} in {dimension} dimensions; N >= d is needed")
    scaled = _in_units(points)
    if by_programmes:
        labellings = product((-1, 1), repeat=count)
        return {signs for signs in labellings if _separates(np.array(signs)[:, None] * scaled)}
    found = set()
    for chosen in combinations(range(count), dimension - 1):
        on_edge = np.linalg.svd(scaled[list(chosen)])[2][-1] if chosen else np.ones(1)
        products = scaled @ on_edge
        if np.any(np.abs(np.delete(products, chosen)) <= _ON_EDGE):
            raise InvalidInput(
                f"points {list(chosen)} and another lie on one hyperplane through the origin; "
                "use by_programmes=True, or points in general position"
            )
        read = np.sign(products).astype(int)
        for free in product((-1, 1), repeat=dimension - 1):
            read[list(chosen)] = free
            signs = tuple(read.tolist())
            found |= {signs, tuple(-s for s in signs)}
    return found


def _in_units(points: Floats) -> Floats:
    """Every point, then every coordinate, then every point at unit size: the labellings stay."""
    scaled = points
    for axis in (1, 0, 1):
        largest = np.abs(scaled).max(axis=axis, keepdims=True)
        scaled = scaled / np.where(largest > 0.0, largest, 1.0)
    return np.asarray(scaled)


def _separates(rows: Floats) -> bool:
    """Whether some w has all products at least 1."""
    dimension = rows.shape[1]
    bounds = [(None, None)] * dimension
    outcome = linprog(np.zeros(dimension), -rows, -np.ones(len(rows)), bounds=bounds)
    return bool(outcome.status == 0)
