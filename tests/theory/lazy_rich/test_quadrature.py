"""The quadrature against moments of Gaussians known in closed form."""

from math import prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from theory.errors import InvalidInput
from theory.lazy_rich.quadrature import MAX_POINTS, fifth_degree, gauss_hermite


def gaussian_moment(power: int, variance: float) -> float:
    return 0.0 if power % 2 else variance ** (power / 2) * prod(range(1, power, 2))


@given(
    powers=st.lists(st.integers(0, 9), min_size=1, max_size=4),
    variance=st.sampled_from((1.0, 0.25, 3.0)),
)
def test_monomials_up_to_degree_nine_are_exact(powers: list[int], variance: float) -> None:
    over = gauss_hermite(len(powers), 5, variance)
    expected = prod(gaussian_moment(power, variance) for power in powers)
    values = (over.points**powers).prod(-1)
    # odd moments cancel from the size of the absolute ones
    assert abs(over.mean(values) - expected) <= 1e-12 * over.mean(np.abs(values))


def test_the_next_degree_is_not_exact() -> None:
    over = gauss_hermite(1, 5, 1.0)
    assert abs(over.mean(over.points[:, 0] ** 10) / gaussian_moment(10, 1.0) - 1.0) > 0.1


def test_values_keep_their_leading_axes() -> None:
    over = gauss_hermite(2, 3, 1.0)
    second = over.mean(over.points[:, None, :].T * over.points.T)
    np.testing.assert_allclose(second, np.eye(2), atol=1e-14)
    assert over.weights.sum() == pytest.approx(1.0, rel=1e-15)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((0, 3, 1.0), "input_dim is 0"),
        ((2, 0, 1.0), "order is 0"),
        ((2, 3, 0.0), "variance is 0.0; it must be positive"),
        ((2, 3, float("nan")), "variance is nan"),
        ((20, 3, 1.0), f"at most {MAX_POINTS}"),
    ],
)
def test_bad_input_is_named(arguments: tuple[int, int, float], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        gauss_hermite(*arguments)


@given(
    dimension=st.integers(1, 12),
    placed=st.lists(st.integers(0, 11), max_size=5),
    variance=st.sampled_from((1.0, 0.25)),
)
def test_the_fifth_degree_is_exact_in_any_dimension(
    dimension: int, placed: list[int], variance: float
) -> None:
    over = fifth_degree(dimension, variance)
    assert over.points.shape == (2 * dimension**2 + 1, dimension)
    powers = np.bincount([k % dimension for k in placed], minlength=dimension)
    expected = prod(gaussian_moment(int(power), variance) for power in powers)
    values = (over.points**powers).prod(-1)
    size = np.abs(over.weights) @ np.abs(values)
    assert abs(over.mean(values) - expected) <= 1e-13 * max(size, 1.0)
    assert np.abs(over.weights).sum() < 4.0


def test_the_sixth_degree_is_not_exact() -> None:
    over = fifth_degree(3, 1.0)
    assert abs(over.mean((over.points**2).prod(-1)) - 1.0) > 0.1


def test_bad_input_of_the_fifth_degree_is_named() -> None:
    with pytest.raises(InvalidInput, match="input_dim is 0"):
        fifth_degree(0, 1.0)
    with pytest.raises(InvalidInput, match="variance is 0"):
        fifth_degree(2, 0.0)


def test_points_turned_at_random_are_as_exact() -> None:
    over = fifth_degree(4, 0.5).turned(np.random.default_rng(3))
    assert np.abs(over.points - fifth_degree(4, 0.5).points).max() > 0.1
    expected = np.zeros((4, 4))
    np.fill_diagonal(expected, 0.5)
    found = np.einsum("p,pi,pj->ij", over.weights, over.points, over.points)
    np.testing.assert_allclose(found, expected, atol=1e-14)
    assert over.mean((over.points[:, 0] * over.points[:, 2]) ** 2) == pytest.approx(0.25, rel=1e-13)
