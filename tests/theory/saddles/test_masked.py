"""Completion from vanishing weights against the closed form of full matrices, and against flows."""

import numpy as np
import pytest

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
