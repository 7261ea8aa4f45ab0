"""The algorithm against flows and linear programmes, closed forms against integration."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from theory.errors import IntegrationFailed, InvalidInput, OracleFailed
from theory.saddles import (
    greedy_path,
    jump_times,
    leading_distance,
    least_absolute,
    matrix_flow,
    small_start_flow,
)
from verify.strategies.saddles import SmallStart

RNG = np.random.default_rng(1)
TASK = next(task for task in (SmallStart(3, 5, seed) for seed in range(1000)) if task.clear)
ROWS, TARGETS = RNG.normal(size=(3, 5)), RNG.normal(size=3)


def test_flow_is_that_of_u_and_v() -> None:
    size = 3.0

    def field(_: float, theta: np.ndarray) -> np.ndarray:
        u, v = np.split(theta, 2)
        slope = ROWS.T @ (ROWS @ (u**2 - v**2) - TARGETS)
        return np.concatenate([-2.0 * u * slope, 2.0 * v * slope])

    start = np.full(10, np.exp(-size))
    plain = solve_ivp(field, (0, 2 * size), start, "DOP853", [size, 2 * size], rtol=1e-10)
    found = small_start_flow(ROWS, TARGETS, size, [1.0, 2.0], [])
    for theta, weights in zip(plain.y.T, found.weights, strict=True):
        u, v = np.split(theta, 2)
        assert weights == pytest.approx(u**2 - v**2, abs=1e-5)


def test_first_jump_is_at_half_the_inverse_of_the_largest_gradient() -> None:
    path = greedy_path(ROWS, TARGETS)
    assert path.times[0] == pytest.approx(0.5 / np.abs(ROWS.T @ TARGETS).max())
    assert path.at(np.array([0.0]))[0] == pytest.approx(np.zeros(5))


@pytest.mark.parametrize(("samples", "seed"), [(4, 68), (6, 9), (7, 130), (8, 52)])
def test_path_ends_at_least_squares_with_signs_of_any_condition(samples: int, seed: int) -> None:
    """On these square systems bounded least squares by exchange did not finish."""
    task = SmallStart(samples, samples, seed)
    path = task.path
    losses = path.losses(task.rows, task.targets)
    assert np.all(np.diff(losses) < 0.0)
    slope = task.rows.T @ (task.rows @ path.saddles[-1] - task.targets)
    assert np.abs(slope[path.saddles[-1] != 0.0]).max() < 1e-10


def test_path_is_where_the_flow_rests() -> None:
    path = greedy_path(TASK.rows, TASK.targets)
    losses = path.losses(TASK.rows, TASK.targets)
    levels = (losses[1:] + losses[:-1]) / 2
    times = np.linspace(0.0, path.times[-1] + 1.0, 401)
    flows = [
        small_start_flow(TASK.rows, TASK.targets, size, times, levels) for size in (80.0, 160.0)
    ]
    gaps = np.abs(flows[1].weights[:, None] - path.saddles).max(axis=2)
    assert gaps.min(axis=0).max() < 1e-3
    middle = (path.times[1:] + path.times[:-1]) / 2
    assert np.all((path.room(middle) > 0.0) & (path.room(middle) < 1.0))
    later = jump_times(flows[1], 160.0) - jump_times(flows[0], 80.0)
    assert later / 80.0 == pytest.approx(path.times, rel=1e-4)


def test_last_saddle_has_the_least_absolute_sum_and_pursuits_do_not() -> None:
    least = least_absolute(ROWS, TARGETS)
    assert np.abs(greedy_path(ROWS, TARGETS).saddles[-1]).sum() == pytest.approx(least)
    pursuit = greedy_path(ROWS, TARGETS, remembers=False, leaves=False)
    assert np.abs(pursuit.saddles[-1]).sum() > 1.01 * least
    assert ROWS @ pursuit.saddles[-1] == pytest.approx(TARGETS)


@pytest.mark.parametrize("unit", [1e-200, 1e-10, 1e10])
def test_least_absolute_sum_has_no_units_of_its_own(unit: float) -> None:
    least = least_absolute(ROWS, TARGETS)
    assert least_absolute(unit * ROWS, unit * TARGETS) == pytest.approx(least, rel=1e-9)
    assert least_absolute(ROWS, unit * TARGETS) == pytest.approx(unit * least, rel=1e-9)
    rows = np.array([1.0, unit, np.sqrt(1.0 / unit)])
    assert least_absolute(rows[:, None] * ROWS, rows * TARGETS) == pytest.approx(least, rel=1e-9)
    assert least_absolute(unit * np.array([[3.0, 4.0]]), np.array([unit])) == pytest.approx(0.25)
    assert least_absolute(ROWS, np.zeros(3)) == 0.0


def test_targets_that_no_weights_fit_have_no_least_sum() -> None:
    with pytest.raises(OracleFailed, match="least"):
        least_absolute(np.array([[1e-10, 0.0], [1e-10, 0.0]]), np.array([1e-10, -1e-10]))
    with pytest.raises(OracleFailed, match="least"):
        least_absolute(np.array([[1.0, 0.0], [0.0, 0.0]]), np.array([1.0, 1e-8]))


def test_matrix_flow_against_integration() -> None:
    values, start = np.array([1.5, 0.5, 0.0]), 0.3 * RNG.normal(size=(3, 2))

    def field(_: float, flat: np.ndarray) -> np.ndarray:
        u = flat.reshape(3, 2)
        return (np.diag(values) @ u - u @ u.T @ u).ravel()

    last = solve_ivp(field, (0, 2.0), start.ravel(), "DOP853", rtol=1e-10, atol=1e-12).y[:, -1]
    u = last.reshape(3, 2)
    assert matrix_flow(values, start, 2.0) == pytest.approx(u @ u.T, abs=1e-8)


@pytest.mark.parametrize("time", [40.0, 60.0, 400.0])
def test_matrix_flow_is_late_at_the_best_approximation_of_its_rank(time: float) -> None:
    one = matrix_flow(np.array([1.0, 0.6]), 1e-3 * np.ones((2, 1)), time)
    assert one == pytest.approx(np.diag([1.0, 0.0]), abs=1e-6)
    # the rest of the second mode is 0.6 / (1 + 0.6 e^(-1.2 t) / |q|^2), q what u_2 has off u_1
    start = 1e-3 * np.array([[1.0, 0.5], [-0.3, 0.8], [0.2, 0.1]])
    found = matrix_flow(np.array([1.0, 0.6, -0.3]), start, time)
    square = float(np.linalg.det(start[:2]) ** 2 / (start[0] @ start[0]))
    second = 0.6 / (1.0 + 0.6 * np.exp(-1.2 * time) / square)
    assert found == pytest.approx(np.diag([1.0, second, 0.0]), abs=1e-12)


def test_leading_distance_is_that_of_small_starts() -> None:
    values, start = np.array([1.5, 0.5, 0.25]), 1e-9 * RNG.normal(size=(3, 2))
    time = np.log(1.0 / np.linalg.norm(start[0])) / 1.5
    product = matrix_flow(values, start, time)
    product[0, 0] = 0.0
    assert leading_distance(values, start, time) == pytest.approx(np.linalg.norm(product), rel=1e-4)


def test_targets_that_no_input_sees_are_refused() -> None:
    with pytest.raises(InvalidInput, match="never leaves 0"):
        greedy_path(np.array([[1.0, 1.0], [1.0, 1.0]]), np.array([1.0, -1.0]))


@pytest.mark.parametrize("solved", [greedy_path, least_absolute])
def test_rows_and_targets_that_do_not_fit_are_refused(solved: Callable[..., object]) -> None:
    rows, targets = np.array([[1.0, 2.0], [0.5, -1.0]]), np.ones(2)
    for wrong in (np.nan, np.inf):
        with pytest.raises(InvalidInput, match="rows holds NaN or infinite values"):
            solved(wrong * rows, targets)
        with pytest.raises(InvalidInput, match="targets holds NaN or infinite values"):
            solved(rows, wrong * targets)
    with pytest.raises(InvalidInput, match=r"targets has shape \(1,\)"):
        solved(rows, targets[:1])
    with pytest.raises(InvalidInput, match="rows has shape"):
        solved(targets, targets)


def test_flows_of_other_shapes_are_refused() -> None:
    with pytest.raises(InvalidInput, match="log_inverse is -5"):
        small_start_flow(ROWS, TARGETS, -5.0, [1.0], [])
    for times in ([], [2.0, 1.0]):
        with pytest.raises(InvalidInput, match="times is"):
            small_start_flow(ROWS, TARGETS, 50.0, times, [])
    with pytest.raises(InvalidInput, match=r"targets has shape \(1,\)"):
        small_start_flow(ROWS, TARGETS[:1], 50.0, [1.0], [])
    with pytest.raises(InvalidInput, match=r"values has shape \(4,\) and start \(1, 2\)"):
        matrix_flow(np.ones(4), np.ones((1, 2)), 1.0)
    with pytest.raises(InvalidInput, match="start holds NaN"):
        matrix_flow(np.ones(2), np.full((2, 2), np.nan), 1.0)


def test_weights_beyond_where_exponents_end_are_no_flow() -> None:
    rows, targets = np.eye(2), np.array([1e4, 1.0])
    with pytest.raises(IntegrationFailed, match=r"weights exceed e\^8"):
        small_start_flow(rows, targets, 20.0, [1.0], [])
