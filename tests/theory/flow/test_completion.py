"""The kernel of the entries of a symmetric product, from their gradients."""

import numpy as np

from theory.flow.completion import Completion


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
