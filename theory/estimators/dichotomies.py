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
from theory.requests import check_whole

ROUNDING: Final = 1e-12
"""Of products of unit vectors: below it a point lies on the hyperplane through others."""


def separable_share(points: int, dimension: int) -> float:
    """2^(1-N) sum_{k<d} C(N-1, k).

    Raises:
        InvalidInput: there are no points or no dimensions.
    """
    check_whole("points", points)
    check_whole("dimension", dimension)
    # whole numbers divide exactly where they are beyond all floats
    return sum(comb(points - 1, k) for k in range(min(points, dimension))) / (1 << (points - 1))


def separable_signs(points: Floats, *, by_programmes: bool = False) -> set[tuple[int, ...]]:
    """All labellings +-1 of the points, `(N, d)`, that some w separates.

    The w of a labelling form a cone. In general position, with N >= d, each has an edge on which
    d - 1 of the products vanish: the signs of the others are read there, and those of the d - 1
    are free.

    Args:
        by_programmes: ask a linear programme for each labelling instead.

    Raises:
        InvalidInput: there are fewer points than dimensions, or, without programmes, d of them are
            linearly dependent but for rounding.
    """
    count, dimension = points.shape
    if count < dimension:
        raise InvalidInput(f"points are {count} in {dimension} dimensions; N >= d is needed")
    if by_programmes:
        labellings, scaled = product((-1, 1), repeat=count), _in_units(points)
        return {signs for signs in labellings if _separates(np.array(signs)[:, None] * scaled)}
    found = set()
    for chosen in combinations(range(count), dimension - 1):
        on_edge = np.linalg.svd(points[list(chosen)])[2][-1] if chosen else np.ones(1)
        products = points @ on_edge
        vanish = np.abs(products) <= ROUNDING * np.linalg.norm(points, axis=1)
        if vanish.sum() > len(chosen):
            raise InvalidInput(
                f"points {np.flatnonzero(vanish).tolist()} are linearly dependent; without "
                "programmes they must be in general position"
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
