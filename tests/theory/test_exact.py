"""Products rounded once, against rational arithmetic."""

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from theory.exact import exact_product, two_sum

seeds = st.integers(0, 2**32 - 1)


@given(seeds, st.integers(1, 5), st.integers(1, 6))
def test_products_are_rational_arithmetic_rounded_once(seed: int, n: int, d: int) -> None:
    generator = np.random.default_rng(seed)
    matrix = generator.standard_normal((n, d)) * 10.0 ** generator.integers(-20, 20, (n, d))
    high = generator.standard_normal(d) * 10.0 ** generator.integers(-20, 20, d)
    low = 1e-17 * high * generator.standard_normal(d)
    less = matrix @ high  # what cancels all but the rounding of the plain product
    computed = exact_product(matrix, high, low, less=[less])
    for row, subtracted, value in zip(matrix, less, computed, strict=True):
        terms = (
            Fraction(a) * (Fraction(h) + Fraction(k))
            for a, h, k in zip(*(v.tolist() for v in (row, high, low)), strict=True)
        )
        assert value == float(sum(terms, Fraction(0)) - Fraction(float(subtracted)))


@given(seeds)
def test_sums_keep_what_rounding_drops(seed: int) -> None:
    generator = np.random.default_rng(seed)
    a, b = generator.standard_normal((2, 4)) * 10.0 ** generator.integers(-20, 20, (2, 4))
    total, error = two_sum(a, b)
    np.testing.assert_array_equal(total, a + b)
    for parts in zip(*(v.tolist() for v in (a, b, total, error)), strict=True):
        x, y, whole, dropped = map(Fraction, parts)
        assert x + y == whole + dropped
