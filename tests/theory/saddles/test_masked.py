"""Completion from vanishing weights against the closed form of full matrices, and against flows."""

import numpy as np
import pytest

from theory.errors import InvalidInput
from theory.saddles import leading_distance, masked_flow, matrix_flow, rank_one


def test_every_entry_observed_is_the_closed_form() -> None:
    values, start = np.array([1.0, 0.4, -0.3]), np.random.default_rng(1).normal(size=(3, 2))
    small, after = 1e-4, 0.5
    found = rank_one(np.diag(values), np.ones((3, 3)), after)
    time = found.time(small, start)
    assert time == pytest.approx(np.log(1.0 / (small * np.linalg.norm(start[0]))) + after)
    assert found.leading(small, start) == pytest.approx(
        leading_distance(values, small * start, time), rel=1e-8
    )
    factor = masked_flow(np.diag(values), np.ones((3, 3)), small * start, time).tight.reshape(3, 2)
    assert factor @ factor.T == pytest.approx(matrix_flow(values, small * start, time), abs=1e-10)
    size = np.exp(2.0 * after) / (1.0 + np.exp(2.0 * after))
    assert found.weights**2 == pytest.approx([size, 0.0, 0.0], abs=1e-10)


def test_a_mask_is_seen_by_the_trajectory_and_by_what_is_beside_it() -> None:
    rng = np.random.default_rng(0)
    matrix = np.array([[2.0, 0.8, 0.0], [0.8, 1.0, -0.5], [0.0, -0.5, 0.6]])
    mask = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 1.0], [0.0, 1.0, 1.0]])
    start, after = rng.normal(size=(3, 2)), 0.3
    found = rank_one(matrix, mask, after)
    limit = np.outer(found.weights, found.weights)
    off = []
    for alpha in (1e-4, 1e-6):
        flow = masked_flow(matrix, mask, alpha * start, found.time(alpha, start))
        factor = flow.tight[0].reshape(3, 2)
        off.append(np.linalg.norm(factor @ factor.T - limit) / found.leading(alpha, start) - 1.0)
    assert abs(off[1]) < 1e-3
    assert abs(off[1]) < abs(off[0])
    assert found.leading(1e-6, start, modes=2) == found.leading(1e-6, start)
    assert found.beyond(1e-6, start) < found.beyond(1e-4, start) < 0.1


@pytest.mark.parametrize("unit", [1e-12, 1e-8, 1e4, 1e8])
def test_the_trajectory_has_no_units_of_its_own(unit: float) -> None:
    """u(t) of c A is c^(1/2) u(c t), from c^(1/2) e_1 at t = 0 backwards, and d_j is d_j(c t)."""
    matrix = np.array([[2.0, 0.8, 0.0], [0.8, 1.0, -0.5], [0.0, -0.5, 0.6]])
    mask = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 1.0], [0.0, 1.0, 1.0]])
    one = rank_one(matrix, mask, 1.0)
    earlier = np.log(unit) / 2.0
    found = rank_one(unit * matrix, mask, (1.0 + earlier / one.values[0]) / unit)
    assert found.weights / np.sqrt(unit) == pytest.approx(one.weights, abs=1e-10)
    grown = np.exp(earlier * one.values[1:] / one.values[0])
    assert found.beside / grown == pytest.approx(one.beside, abs=1e-8 * np.abs(one.beside).max())


def test_what_never_leaves_zero_is_refused() -> None:
    with pytest.raises(InvalidInput, match="matrix has -10 as its largest eigenvalue"):
        rank_one(-10.0 * np.eye(3), np.ones((3, 3)), 1.0)
    with pytest.raises(InvalidInput, match=r"after is -20\.0; it must be above -13\.8"):
        rank_one(np.eye(3), np.ones((3, 3)), -20.0)


def test_masks_and_starts_of_other_shapes_are_refused() -> None:
    for mask in (np.ones((1, 3)), np.ones((2, 2))):
        with pytest.raises(InvalidInput, match=r"mask has shape .*it must have shape \(3, 3\)"):
            rank_one(np.eye(3), mask, 0.5)
    with pytest.raises(InvalidInput, match="matrix holds NaN"):
        rank_one(np.full((3, 3), np.nan), np.ones((3, 3)), 0.5)
    with pytest.raises(InvalidInput, match=r"start has shape \(1, 2\)"):
        masked_flow(np.eye(3), np.ones((3, 3)), np.ones((1, 2)), 1.0)
