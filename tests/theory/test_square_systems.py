"""Factors and solutions against numpy's."""

import numpy as np
import pytest

from theory.square_systems import factorize, solve


@pytest.mark.parametrize("size", [1, 2, 7, 25, 60])
def test_solves_what_numpy_solves(size: int) -> None:
    generator = np.random.default_rng(size)
    matrix, vector = generator.standard_normal((size, size)), generator.standard_normal(size)
    factors, pivots, solution = matrix.copy(), np.empty(size, np.int64), vector.copy()
    factorize(factors, pivots)
    solve(factors, pivots, solution)
    np.testing.assert_allclose(solution, np.linalg.solve(matrix, vector), rtol=1e-9)


def test_exchanges_rows_where_a_pivot_vanishes() -> None:
    matrix, pivots = np.array([[0.0, 2.0], [4.0, 0.0]]), np.empty(2, np.int64)
    vector = np.array([2.0, 8.0])
    factorize(matrix, pivots)
    solve(matrix, pivots, vector)
    np.testing.assert_array_equal(vector, [2.0, 1.0])


def test_a_singular_matrix_leaves_no_finite_numbers() -> None:
    matrix, pivots, vector = np.ones((2, 2)), np.empty(2, np.int64), np.array([1.0, 2.0])
    factorize(matrix, pivots)
    solve(matrix, pivots, vector)
    assert not np.isfinite(vector).any()
