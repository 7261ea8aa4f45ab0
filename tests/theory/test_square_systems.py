"""Factors and solutions against numpy's."""

import numpy as np
import pytest

from theory.backend import Floats
from theory.square_systems import factorize, solve


def positive(size: int) -> Floats:
    """With a positive definite symmetric part, far from symmetric."""
    generator = np.random.default_rng(size)
    rows, turn = generator.standard_normal((2, size, size))
    return np.eye(size) + rows @ rows.T + 10.0 * (turn - turn.T)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 6, 7, 25, 32, 33, 60, 150])
@pytest.mark.parametrize("scaled", [False, True])
def test_solves_what_numpy_solves(size: int, scaled: bool) -> None:
    generator = np.random.default_rng(size)
    matrix, vector = positive(size), generator.standard_normal(size)
    if scaled:
        by_rows, by_columns = 10.0 ** generator.uniform(-8.0, 8.0, (2, size))
        matrix, vector = by_rows[:, None] * matrix * by_columns, by_rows * vector
    factors, solution = matrix.copy(), vector.copy()
    factorize(factors)
    solve(factors, solution)
    if scaled:
        matrix, vector = positive(size), vector / by_rows
        solution *= by_columns
    np.testing.assert_allclose(solution, np.linalg.solve(matrix, vector), rtol=1e-9, atol=1e-12)


def test_a_singular_matrix_leaves_no_finite_numbers() -> None:
    matrix, vector = np.ones((2, 2)), np.array([1.0, 2.0])
    factorize(matrix)
    solve(matrix, vector)
    assert not np.isfinite(vector).any()
