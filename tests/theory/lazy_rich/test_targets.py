"""Targets of several directions and of higher degree: their norms, exactly."""

from math import factorial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from theory.errors import InvalidInput
from theory.lazy_rich.quadrature import gauss_hermite
from theory.lazy_rich.targets import hermite_labels, multi_index_target, orthogonal_directions


@given(count=st.integers(1, 4), seed=st.integers(0, 99))
def test_several_directions_are_averaged(count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    directions, inputs = rng.standard_normal((count, 5)), rng.standard_normal((7, 5))
    expected = [np.mean([0.5 * (b @ x) ** 2 for b in directions]) for x in inputs]
    np.testing.assert_allclose(multi_index_target(directions)(inputs), expected, rtol=1e-12)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_orthogonal_directions_leave_the_mean_label_and_shrink_its_variance(count: int) -> None:
    """E y = 1/2 and Var y = 1 / (2 K), as each of K directions has |beta|^2 = D."""
    directions = orthogonal_directions(count, 3, np.random.default_rng(count))
    np.testing.assert_allclose(directions @ directions.T, 3.0 * np.eye(count), atol=1e-13)
    over = gauss_hermite(3, 3, 1.0 / 3.0)
    labels = multi_index_target(directions)(over.points)
    assert over.mean(labels) == pytest.approx(0.5, rel=1e-13)
    assert over.mean(labels**2) - 0.25 == pytest.approx(0.5 / count, rel=1e-12)


@pytest.mark.parametrize("degree", range(1, 9))
def test_hermite_labels_have_mean_square_one_at_any_length_of_beta(degree: int) -> None:
    over = gauss_hermite(2, 9, 0.5)
    for length in (1.0, 3.0):
        labels = hermite_labels(degree, length * np.array([0.6, -0.8]), over.points)
        assert over.mean(labels) == pytest.approx(0.0, abs=1e-12)
        assert over.mean(labels**2) == pytest.approx(1.0, rel=1e-11)


def test_hermite_labels_at_a_point() -> None:
    """He_3(u) = u^3 - 3 u at u = sqrt(D) x."""
    inputs = np.array([[2.0, 0.0]])
    u = 2.0 * np.sqrt(2.0)
    labels = hermite_labels(3, np.array([5.0, 0.0]), inputs)
    assert labels[0] == pytest.approx((u**3 - 3.0 * u) / np.sqrt(factorial(3)), rel=1e-14)


def test_bad_input_is_named() -> None:
    with pytest.raises(InvalidInput, match="directions has shape"):
        multi_index_target(np.ones(3))
    with pytest.raises(InvalidInput, match="count is 4"):
        orthogonal_directions(4, 3, np.random.default_rng(0))
    with pytest.raises(InvalidInput, match="degree is 9"):
        hermite_labels(9, np.ones(2), np.ones((1, 2)))


def test_targets_without_directions_are_refused() -> None:
    with pytest.raises(InvalidInput, match=r"directions has shape \(0, 2\)"):
        multi_index_target(np.zeros((0, 2)))
    with pytest.raises(InvalidInput, match="direction is zero"):
        hermite_labels(2, np.zeros(2), np.ones((3, 2)))
