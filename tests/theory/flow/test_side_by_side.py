"""Small systems side by side against numpy, one after the other; few lanes and many."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from theory.flow.side_by_side import add, congruence, invert, multiply

WIDTHS = [1, 3, 4, 9]


@pytest.mark.parametrize("width", WIDTHS)
def test_products(width: int) -> None:
    generator = np.random.default_rng(width)
    matrices = generator.standard_normal((3, 5, width))
    numbers, products = generator.standard_normal((5, width)), np.empty(3 * width)
    multiply(matrices, numbers.ravel(), products)
    expected = np.einsum("ijb,jb->ib", matrices, numbers)
    np.testing.assert_allclose(products.reshape(3, width), expected, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("width", WIDTHS)
def test_congruences(width: int) -> None:
    generator = np.random.default_rng(width)
    matrices, products = generator.standard_normal((3, 5, width)), np.empty((3, 3, width))
    diagonals = generator.standard_normal((5, width))
    congruence(matrices, diagonals.ravel(), products)
    expected = np.einsum("ikb,kb,jkb->ijb", matrices, diagonals, matrices)
    np.testing.assert_allclose(products, expected, rtol=1e-13, atol=1e-14)


def test_sums_of_rows() -> None:
    generator = np.random.default_rng(0)
    shares, rows = generator.standard_normal(4), generator.standard_normal((6, 7))
    numbers = np.ones(7)
    add(shares, rows, numbers)
    np.testing.assert_allclose(numbers, 1.0 + shares @ rows[:4], rtol=1e-13)


@given(st.integers(1, 7), st.integers(1, 9), st.integers(0, 999))
def test_inverses(size: int, width: int, seed: int) -> None:
    """Of matrices like those of the steps: rows of definite ones, scaled over many decades."""
    generator = np.random.default_rng(seed)
    roots = generator.standard_normal((width, size, size))
    scales = 10.0 ** generator.uniform(-6, 6, (width, size, 1))
    matrices = scales * (roots @ roots.swapaxes(1, 2) + 0.1 * np.eye(size))
    inverses = np.moveaxis(matrices, 0, -1).copy()
    invert(inverses, np.empty(width))
    for lane in range(width):
        np.testing.assert_allclose(inverses[..., lane] @ matrices[lane], np.eye(size), atol=1e-9)
