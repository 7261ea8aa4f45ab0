"""The slope of `theory.flow.completion`, in compiled code: W and B are a few numbers wide."""

from math import exp
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from theory.backend import Floats
from theory.compiled import compiled

_SMALLEST = -600.0
"""Of log(rho^4) in units of y^2, which underflows near -745."""

_SINGULAR = 1e-13
"""Where the observed entries determine a W of low rank, with some to spare, the kernel tends to a
singular one like rho^2. Modes below this are rounding; they move W by as little."""

Entries: TypeAlias = tuple[NDArray[np.int64], NDArray[np.int64], Floats]
"""Rows and columns of the observed pairs, and their values, each of shape `(n,)`."""


@compiled
def gram_of_entries(rows: NDArray[np.int64], columns: NDArray[np.int64], metric: Floats) -> Floats:
    """The kernel of the observed entries at B = `metric`, shape `(n, n)`.

    <grad W_ij, grad W_kl> = d_ik B_jl + d_il B_jk + d_jk B_il + d_jl B_ik.
    """
    count = len(rows)
    gram = np.zeros((count, count))
    for a in range(count):
        i, j = rows[a], columns[a]
        for b in range(count):
            k, m = rows[b], columns[b]
            gram[a, b] += metric[j, m] if i == k else 0.0
            gram[a, b] += metric[j, k] if i == m else 0.0
            gram[a, b] += metric[i, m] if j == k else 0.0
            gram[a, b] += metric[i, k] if j == m else 0.0
    return gram


@compiled
def half_of_pairs(
    rows: NDArray[np.int64], columns: NDArray[np.int64], multipliers: Floats, size: int
) -> Floats:
    """The symmetric Z with <Z, W> = sum m_ij W_ij, each observed pair counted once."""
    matrix = np.zeros((size, size))
    for a in range(len(rows)):
        matrix[rows[a], columns[a]] += 0.5 * multipliers[a]
        matrix[columns[a], rows[a]] += 0.5 * multipliers[a]
    return matrix


@compiled
def pull_of_entries(entries: Entries, log_metric: float, matrix: Floats) -> tuple[Floats, Floats]:
    """B, and the multipliers m with (J J^T) m = 2 y; `log_metric` is log rho^2."""
    rows, columns, values = entries
    size = np.abs(values).max()
    eigenvalues, vectors = np.linalg.eigh(matrix)
    fourth = 4.0 * exp(max(2.0 * (log_metric - np.log(size)), _SMALLEST))
    spectrum = size * np.sqrt((eigenvalues / size) ** 2 + fourth)
    metric = (vectors * spectrum) @ np.ascontiguousarray(vectors.T)
    squares, modes = np.linalg.eigh(gram_of_entries(rows, columns, metric))
    shares = np.ascontiguousarray(modes.T) @ (2.0 * values)
    for k in range(len(squares)):
        live = squares[k] > _SINGULAR * squares[-1]
        shares[k] = shares[k] / squares[k] if live else 0.0
    return metric, modes @ shares


@compiled
def slope_of_completion(entries: Entries, log_metric: float, matrix: Floats) -> Floats:
    """W' = -2 W + G B + B G."""
    rows, columns, _ = entries
    metric, multipliers = pull_of_entries(entries, log_metric, matrix)
    force = half_of_pairs(rows, columns, multipliers, len(matrix)) @ metric
    # theta' = sum m grad f is U' = 2 Z U, V' = -2 Z V: G = 2 Z
    return 2.0 * (force + force.T) - 2.0 * matrix
