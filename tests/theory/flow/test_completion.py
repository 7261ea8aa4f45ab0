"""The kernel of the entries of a symmetric product, from their gradients."""

from collections.abc import Callable

import numpy as np
import pytest

from theory.errors import InvalidInput
from theory.flow.completion import Completion, completion_flow


def gradient(factor: np.ndarray, row: int, column: int) -> np.ndarray:
    """Of (Z Z^T)_ij with respect to Z, flattened."""
    by_factor = np.zeros_like(factor)
    by_factor[row] += factor[column]
    by_factor[column] += factor[row]
    return by_factor.ravel()


def test_gram_is_that_of_the_gradients() -> None:
    factor = np.random.default_rng(0).standard_normal((4, 3))
    pairs = [(0, 0), (0, 2), (1, 2), (2, 3), (3, 3)]
    gradients = np.array([gradient(factor, i, j) for i, j in pairs])
    gram = Completion.of(4, np.array(pairs), np.ones(5)).gram(factor @ factor.T)
    np.testing.assert_allclose(gram, gradients @ gradients.T, rtol=1e-12)


TWO = Completion.of(2, np.array([[0, 1], [1, 1]]), np.ones(2))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Completion.of(2, [[0, 1]], [1.0, 2.0]), r"values has shape \(2,\); .* \(1,\)"),
        (lambda: Completion.of(2, [[0, 1]], [np.nan]), "values holds NaN or infinite values"),
        (lambda: Completion.of(2, [[0.5, 1]], [1.0]), "observed pairs must be whole numbers"),
        (lambda: Completion.of(2, [0, 1], [1.0]), r"pairs has shape \(2,\); it must be \(n, 2\)"),
        (lambda: Completion.of(2.5, [[0, 1]], [1.0]), "size is 2.5; it must be a whole number"),
        (lambda: Completion(2, [0], [1, 1], [1.0]), r"rows has shape \(1,\) and columns \(2,\)"),
        (lambda: TWO.gram(np.eye(1)), r"metric has shape \(1, 1\); it must be \(2, 2\)"),
        (lambda: TWO.dual_matrix(np.ones(1)), r"multipliers has shape \(1,\); it must be \(2,\)"),
        (lambda: TWO.symmetric(np.ones(1)), r"entries has shape \(1,\); it must be \(2,\)"),
        (lambda: completion_flow(TWO, [2.0, 1.0]), r"efolds is \[2.0, 1.0\]; .* that increases"),
        (lambda: completion_flow(TWO, [1.0], rtol=np.nan), "rtol is nan"),
    ],
)
def test_what_compiled_code_would_read_out_of_bounds_is_refused(
    build: Callable[[], object], message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        build()
