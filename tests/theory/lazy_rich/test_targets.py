"""Targets of several directions and of higher degree, with their norms."""

from math import factorial

import numpy as np
import pytest

from theory.errors import InvalidInput
from theory.lazy_rich.quadrature import gauss_hermite
from theory.lazy_rich.targets import hermite_labels, multi_index_target, orthogonal_directions


@pytest.mark.parametrize("count", [1, 2, 3])
def test_multi_index_target_is_the_mean_over_its_directions(count: int) -> None:
    rng = np.random.default_rng(count)
    directions, inputs = rng.standard_normal((count, 4)), rng.standard_normal((6, 4))
    expected = ((inputs @ directions.T) ** 2 / 2.0).mean(1)
    np.testing.assert_allclose(multi_index_target(directions)(inputs), expected, rtol=1e-12)


def test_directions_are_orthogonal_and_of_square_norm_dimension() -> None:
    found = orthogonal_directions(3, 5, np.random.default_rng(0))
    np.testing.assert_allclose(found @ found.T, 5.0 * np.eye(3), atol=1e-12)
    with pytest.raises(InvalidInput, match="count is 6"):
        orthogonal_directions(6, 5, np.random.default_rng(0))


@pytest.mark.parametrize("degree", [1, 2, 3, 4])
def test_hermite_labels_are_orthonormal(degree: int) -> None:
    gaussian = gauss_hermite(2, 8, 1.0 / 2.0)
    direction = np.array([3.0, -4.0])
    labels = hermite_labels(degree, direction, gaussian.points)
    assert gaussian.mean(labels**2) == pytest.approx(1.0, rel=1e-12)
    assert gaussian.mean(labels) == pytest.approx(0.0, abs=1e-12)
    unit = gaussian.points @ direction / 5.0 * np.sqrt(2.0)
    leading = gaussian.mean(labels * unit**degree)  # E He_k u^k = k!
    assert leading == pytest.approx(factorial(degree) ** 0.5, rel=1e-12)


def test_multi_index_target_needs_rows() -> None:
    with pytest.raises(InvalidInput, match="directions has shape"):
        multi_index_target(np.ones(3))
