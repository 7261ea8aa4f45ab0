"""Directions against their norms, margins against solvers, and paths against plain loops."""

import numpy as np
import pytest

from theory.errors import InvalidInput
from theory.margin import l1_max_margin, l2_max_margin
from theory.steepest import (
    Adam,
    adam_path,
    dual_order,
    largest_direction,
    size,
    steepest_path,
    two_sample_margin,
)
from verify.strategies.steepest import NORMS, NormedData

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("order", [1.0, 2.0, np.inf])
@pytest.mark.parametrize("shape", [(5,), (3, 4)])
def test_direction_attains_the_dual_norm(order: float, shape: tuple[int, ...]) -> None:
    slope = RNG.normal(size=shape)
    direction = largest_direction(slope, order)
    assert size(direction, order) == pytest.approx(1.0)
    assert (direction * slope).sum() == pytest.approx(size(slope, dual_order(order)))


@pytest.mark.parametrize("norm", NORMS)
def test_data_have_margin_one_in_their_norm(norm: str) -> None:
    order, matrix = NORMS[norm]
    told = NormedData(order, matrix, (1, 2), (0.5,), (1, 2, 3), 4)
    best, dual = told.pair
    rows, p = told.rows, np.array([1, 2, 3]) / 6
    assert size(best, order) == pytest.approx(1.0)
    assert size(dual, dual_order(order)) == pytest.approx(1.0)
    assert np.tensordot(rows, best, best.ndim) == pytest.approx(np.ones(3))
    assert np.tensordot(p, rows, 1) == pytest.approx(dual)


def test_margins_of_data_agree_with_solvers() -> None:
    ones = np.ones(3)
    plain = NormedData(2.0, False, (1, 2), (0.5,), (1, 2, 3), 4)
    assert l2_max_margin(plain.rows, ones).margin == pytest.approx(1.0)
    sparse = NormedData(1.0, False, (1, 2), (0.5,), (1, 2, 3), 4)
    assert l1_max_margin(sparse.rows, ones).margin == pytest.approx(1.0)


def test_two_samples_against_a_search() -> None:
    rows = np.array([[3.0, -2.0], [-1.0, 3.0]])
    assert two_sample_margin(rows) == pytest.approx(1.4)
    corners = np.array([[a, b] for a in np.linspace(-1, 1, 201) for b in np.linspace(-1, 1, 201)])
    assert (corners @ rows.T).min(axis=1).max() == pytest.approx(1.4, abs=0.02)
    assert two_sample_margin(np.array([[1.0, 0.0], [-1.0, 0.0]])) == 0.0


def test_sign_descent_cycles_at_a_constant_step_and_not_at_smaller_ones() -> None:
    rows = np.array([[3.0, -2.0], [-1.0, 3.0]])
    constant = steepest_path(rows, np.inf, np.full(100, 0.5), [98, 99, 100])
    assert constant[0] == pytest.approx(constant[2])
    assert (constant @ rows.T).min(axis=1) == pytest.approx([-1.0, 0.5, -1.0])
    steps = 0.5 / np.sqrt(np.arange(1, 4001))
    weights = steepest_path(rows, np.inf, steps, [4000])[0]
    assert (rows @ weights).min() / np.abs(weights).max() == pytest.approx(1.4, rel=5e-3)


def test_adam_is_the_usual_one_without_epsilon() -> None:
    rows = NormedData(np.inf, False, (1, 2), (0.5,), (1, 2, 3), 4).rows
    weights, mean, square = np.zeros(3), np.zeros(3), np.zeros(3)
    for step in range(1, 31):
        slope = np.exp(-rows @ weights) @ rows
        mean, square = 0.9 * mean + 0.1 * slope, 0.99 * square + 0.01 * slope**2
        moved = mean / (1 - 0.9**step) / np.sqrt(square / (1 - 0.99**step))
        weights = weights + 0.1 * moved
    found = adam_path(rows, Adam(0.9, 0.99), np.full(30, 0.1), [30])[0]
    assert found == pytest.approx(weights, rel=1e-10)


def test_what_is_refused() -> None:
    with pytest.raises(InvalidInput, match="beta2 is 1"):
        Adam(0.9, 1.0)
    with pytest.raises(InvalidInput, match="allowed are 1, 2 and inf"):
        dual_order(3.0)
    with pytest.raises(InvalidInput, match="add up to 0"):
        adam_path(np.array([[1.0, 1.0], [1.0, -1.0]]), Adam(0.9, 0.9), [0.1], [1])
    with pytest.raises(InvalidInput, match="there are 1 steps"):
        steepest_path(np.ones((1, 2)), 2.0, [0.1], [2])
    with pytest.raises(InvalidInput, match="there are 1 steps"):
        adam_path(np.ones((1, 2)), Adam(0.9, 0.9), [0.1], [2])
