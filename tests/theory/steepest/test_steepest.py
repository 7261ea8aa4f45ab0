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


@pytest.mark.parametrize("size_of_rows", [1e-170, 1e170])
def test_steepest_descent_moves_by_its_steps_in_any_units(size_of_rows: float) -> None:
    rows = size_of_rows * np.array([[3.0, 4.0]])
    found = steepest_path(rows, 2.0, [0.5, 0.25], [1, 2])
    assert found == pytest.approx(np.array([[0.3, 0.4], [0.45, 0.6]]))
    assert size(rows[0], 2.0) == pytest.approx(5.0 * size_of_rows)


@pytest.mark.parametrize("betas", [(0.9, 0.99), (0.9, 0.9), (0.0, 0.9)])
@pytest.mark.parametrize("size_of_rows", [1e-170, 1e3, 1e170])
def test_adam_in_any_units(size_of_rows: float, betas: tuple[float, float]) -> None:
    rows = size_of_rows * np.array([[1.0, 0.3], [0.4, 1.0]])
    found = adam_path(rows, Adam(*betas), np.full(30, 0.1), [30])[0]
    t = np.arange(30)
    if size_of_rows < 1.0:  # the slope stays what it is
        moved = np.ones(30)
    else:  # after the first step the slope is nothing beside what is remembered of it
        mean, square = ((1 - b) * b**t / (1 - b ** (t + 1)) for b in betas)
        moved = mean / np.sqrt(square)
    assert found == pytest.approx(np.full(2, 0.1 * moved.sum()), rel=1e-12)


def test_adam_of_coordinates_in_units_of_their_own() -> None:
    rows = np.array([[1e-170, 0.3], [0.4e-170, 1.0]])
    moved = adam_path(rows, Adam(0.9, 0.99), np.full(30, 0.1), [30])[0]
    weights, mean, square = np.zeros(2), np.zeros(2), np.zeros(2)
    columns = rows * np.array([1e170, 1.0])
    for step in range(1, 31):
        slope = np.exp(-rows @ weights) @ columns
        mean, square = 0.9 * mean + 0.1 * slope, 0.99 * square + 0.01 * slope**2
        weights += 0.1 * mean / (1 - 0.9**step) / np.sqrt(square / (1 - 0.99**step))
    assert moved == pytest.approx(weights, rel=1e-10)


@pytest.mark.parametrize("at", [[0, 3], [3, 3], [5, 2], [], [2.5], [np.nan], [-1, 2], 3])
def test_counts_that_are_no_increasing_numbers_of_steps_are_refused(at: object) -> None:
    with pytest.raises(InvalidInput, match="at is"):
        adam_path(np.eye(2), Adam(0.9, 0.99), np.full(5, 0.1), at)
    with pytest.raises(InvalidInput, match="at is"):
        steepest_path(np.eye(2), 2.0, np.full(5, 0.1), at)


def test_counts_may_be_whole_floats() -> None:
    found = steepest_path(np.eye(1), 2.0, np.full(5, 0.1), [2.0, 5.0])
    assert found[:, 0] == pytest.approx([0.2, 0.5])


def test_orders_and_numbers_are_checked() -> None:
    for order in (3, np.nan, -np.inf):
        with pytest.raises(InvalidInput, match="allowed are 1, 2 and inf"):
            largest_direction(np.ones(2), order)
        with pytest.raises(InvalidInput, match="allowed are 1, 2 and inf"):
            size(np.ones(2), order)
        with pytest.raises(InvalidInput, match="allowed are 1, 2 and inf"):
            steepest_path(np.eye(2), order, [0.1], [1])
    for numbers in (np.array([np.nan]), np.ones(0), np.ones((1, 1, 1))):
        with pytest.raises(InvalidInput, match="slope has shape"):
            largest_direction(numbers, 2.0)
        with pytest.raises(InvalidInput, match="weights has shape"):
            size(numbers, 2.0)
    with pytest.raises(InvalidInput, match="slope is 0"):
        largest_direction(np.zeros(2), 2.0)
    with pytest.raises(InvalidInput, match=r"rows have shape \(1, 2\)"):
        two_sample_margin(np.ones((1, 2)))
    for rows in (np.ones((0, 2)), np.array([[np.inf]]), np.ones(2)):
        with pytest.raises(InvalidInput, match="rows have shape"):
            steepest_path(rows, 2.0, [0.1], [1])
        with pytest.raises(InvalidInput, match="rows have shape"):
            adam_path(rows, Adam(0.9, 0.9), [0.1], [1])
    for steps in ([np.nan], [], 0.1):
        with pytest.raises(InvalidInput, match="steps are"):
            steepest_path(np.eye(2), 2.0, steps, [1])
        with pytest.raises(InvalidInput, match="steps are"):
            adam_path(np.eye(2), Adam(0.9, 0.9), steps, [1])


def test_what_is_refused() -> None:
    with pytest.raises(InvalidInput, match="add up to 0"):  # 0.1 + 0.2 - 0.3 is not 0 in float64
        adam_path(np.array([[0.1], [0.2], [-0.3]]), Adam(0.9, 0.9), [0.1], [1])
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


def test_words_are_no_steps() -> None:
    rows = np.ones((1, 2))
    for wrong in (["a"], [True], [[1], [1, 2]]):
        with pytest.raises(InvalidInput, match="steps is not a rectangular array of numbers"):
            steepest_path(rows, 2, wrong, [1])  # type: ignore[arg-type]
        with pytest.raises(InvalidInput, match="at is not a rectangular array of numbers"):
            steepest_path(rows, 2, [0.1], wrong)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="beta1 is 'a'"):
        Adam("a", 0.5)  # type: ignore[arg-type]
