"""Quadratic forms against their definition and against exact quadrature."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from theory.lazy_rich import QuadraticForm
from theory.lazy_rich.quadrature import gauss_hermite


def form(seed: int, *shape: int) -> QuadraticForm:
    rng = np.random.default_rng(seed)
    root = rng.standard_normal((*shape, shape[-1]))
    return QuadraticForm(rng.standard_normal(shape), root + root.swapaxes(-1, -2))


@given(dimension=st.integers(1, 4), seed=st.integers(0, 999))
def test_mean_square_equals_quadrature(dimension: int, seed: int) -> None:
    drawn = form(seed, dimension)
    over = gauss_hermite(dimension, 3, 1.0 / dimension)
    parts = drawn.mean_square()
    assert parts.total == pytest.approx(over.mean(drawn(over.points) ** 2), rel=1e-12)
    assert min(parts.scale, parts.alignment, parts.linear) >= 0.0


@given(dimension=st.integers(1, 4), seed=st.integers(0, 999))
def test_terms_are_the_mean_the_spread_and_the_odd_part(dimension: int, seed: int) -> None:
    drawn = form(seed, dimension)
    over = gauss_hermite(dimension, 3, 1.0 / dimension)
    values, mirrored = drawn(over.points), drawn(-over.points)
    even, odd = 0.5 * (values + mirrored), 0.5 * (values - mirrored)
    parts = drawn.mean_square()
    assert parts.scale == pytest.approx(over.mean(even) ** 2, rel=1e-10, abs=1e-13)
    assert parts.alignment == pytest.approx(over.mean((even - over.mean(even)) ** 2), rel=1e-12)
    assert parts.linear == pytest.approx(over.mean(odd**2), rel=1e-12)


def test_values_are_the_definition() -> None:
    drawn, inputs = form(0, 3), np.random.default_rng(1).standard_normal((4, 3))
    for value, x in zip(drawn(inputs), inputs, strict=True):
        assert value == pytest.approx(drawn.linear @ x + 0.5 * x @ drawn.quadratic @ x, rel=1e-13)


def test_sums_and_differences() -> None:
    a, b, inputs = form(0, 3), form(1, 3), np.random.default_rng(2).standard_normal((4, 3))
    np.testing.assert_allclose((a + b)(inputs), a(inputs) + b(inputs), rtol=1e-12)
    np.testing.assert_allclose((a - b)(inputs), a(inputs) - b(inputs), rtol=1e-12)
    assert (a - a).mean_square().total == 0.0


def test_batches_and_torch() -> None:
    batch, inputs = form(3, 2, 5, 3), np.random.default_rng(4).standard_normal((4, 3))
    parts = batch.mean_square()
    twin = QuadraticForm(torch.tensor(batch.linear), torch.tensor(batch.quadratic))
    np.testing.assert_allclose(twin(torch.tensor(inputs)).numpy(), batch(inputs), rtol=1e-12)
    np.testing.assert_allclose(twin.mean_square().total.numpy(), parts.total, rtol=1e-12)
    for index in np.ndindex(2, 5):
        single = QuadraticForm(batch.linear[index], batch.quadratic[index])
        np.testing.assert_allclose(batch(inputs)[index], single(inputs), rtol=1e-12)
        own = single.mean_square()
        for name in ("scale", "alignment", "linear"):
            assert getattr(parts, name)[index] == pytest.approx(getattr(own, name), rel=1e-13)
