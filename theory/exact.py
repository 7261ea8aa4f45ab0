"""Products of float64 matrices and vectors without rounding but the last one.

Each product is split into its rounded value and its error (Dekker, Numer. Math. 18, 1971; the
constant 2^27 + 1 is Veltkamp's), and `math.fsum`, which rounds once, adds all parts of a row.
"""

from collections.abc import Sequence
from math import fsum
from typing import Final

import numpy as np

from theory.backend import Floats

_SPLITTER: Final = 2.0**27 + 1.0


def exact_product(matrix: Floats, *terms: Floats, less: Sequence[Floats] = ()) -> Floats:
    """matrix (term + term + ...) - less - less ..., shape `(n,)`, each entry correctly rounded.

    `terms` are vectors `(P,)` whose sum, not rounded, is the vector; `less` are vectors `(n,)`.
    Entries must stay below 1e300, and their products above 1e-290 where they matter.
    """
    parts = [part for term in terms for part in _two_product(matrix, term)]
    parts += [-vector[:, None] for vector in less]
    return np.array([fsum(row) for row in np.hstack(parts).tolist()])


def solved_exactly(matrix: Floats, goal: Floats, refinements: int = 4) -> tuple[Floats, Floats]:
    """The shortest x with matrix x = goal, or next to it, as a sum of two float64 vectors.

    By the singular value decomposition; each refinement multiplies the error by eps times the
    condition number.
    """
    left, values, right = np.linalg.svd(matrix, full_matrices=False)
    kept = values > np.finfo(float).eps * max(matrix.shape) * values[0]
    left, values, right = left[:, kept], values[kept], right[kept]
    solution = np.zeros(matrix.shape[1]), np.zeros(matrix.shape[1])
    for _ in range(refinements + 1):
        excess = exact_product(matrix, *solution, less=[goal])
        step = right.T @ ((left.T @ excess) / values)
        solution = two_sum(solution[0], solution[1] - step)
    return solution


def two_sum(large: Floats, small: Floats) -> tuple[Floats, Floats]:
    """The rounded sum and its error, exactly (Knuth)."""
    total = large + small
    rounded = total - large
    return total, (large - (total - rounded)) + (small - rounded)


def _two_product(matrix: Floats, vector: Floats) -> tuple[Floats, Floats]:
    product = matrix * vector
    (a_high, a_low), (b_high, b_low) = _halves(matrix), _halves(vector)
    error = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
    return product, error


def _halves(values: Floats) -> tuple[Floats, Floats]:
    shifted = _SPLITTER * values
    high = shifted - (shifted - values)
    return high, values - high
