"""Limits and sums of descent on u^2 - v^2, against plain integrations and loops."""

import numpy as np
import pytest

from theory.errors import InvalidInput, NumericalFailure, OracleFailed
from theory.noise import (
    DiagonalTask,
    descend,
    interpolation,
    label_noise,
    mean_squared_gradients,
    squared_gradients_of_flow,
)
from theory.plain_flow import plain_flow

TASK = DiagonalTask(
    np.array([[0.8, -0.6, 0.0], [0.0, 0.6, 0.8]]),
    np.array([1.0, -0.5]),
    np.array([0.5, 0.6, 0.4]),
    np.array([0.4, 0.5, 0.7]),
)


def plain(until: float) -> tuple[np.ndarray, np.ndarray]:
    """w and the integral of g^2 by the flow of u, v itself."""

    def field(_: float, state: np.ndarray) -> np.ndarray:
        u, v, _ = state.reshape(3, 3)
        g = TASK.inputs.T @ (TASK.inputs @ (u**2 - v**2) - TASK.labels) / 2.0
        return np.concatenate([-2.0 * g * u, 2.0 * g * v, g**2])

    start = np.concatenate([TASK.plus, TASK.minus, np.zeros(3)])
    u, v, integral = plain_flow(field, start, [until]).tight[-1].reshape(3, 3)
    return u**2 - v**2, integral


def test_least_q_is_where_the_flow_ends() -> None:
    found = interpolation(TASK.inputs, TASK.labels, TASK.plus, TASK.minus)
    np.testing.assert_allclose(found, plain(60.0)[0], atol=1e-9)
    np.testing.assert_allclose(TASK.inputs @ found, TASK.labels, atol=1e-12)


@pytest.mark.parametrize("scale", [1e-4, 1e-2, 10.0])
def test_least_q_is_found_at_any_scale(scale: float) -> None:
    """Its gradient lies in the row space: no direction of the kernel of X lowers Q."""
    plus, minus = scale * TASK.plus, scale * TASK.minus
    found = interpolation(TASK.inputs, TASK.labels, plus, minus)
    gradient = np.arcsinh(found / (2.0 * plus * minus)) - np.log(plus / minus)
    free = np.linalg.svd(TASK.inputs)[2][-1]
    assert abs(free @ gradient) < 1e-8 * np.abs(gradient).max()


@pytest.mark.parametrize("unit", [1e-100, 1e-14, 1e14, 1e100])
def test_interpolation_has_no_units_of_its_own(unit: float) -> None:
    """From unit^(1/2) a and b to unit y it is unit w, and rows may be in any units too."""
    rows, targets = np.array([[1.0, 0.5, -0.2], [0.3, -1.0, 0.7]]), np.array([1.0, -0.4])
    plus, minus = np.array([0.5, 1.0, 0.7]), np.array([0.6, 0.9, 0.7])
    found = interpolation(rows, targets, plus, minus)
    assert rows @ found == pytest.approx(targets, abs=1e-13)
    root = np.sqrt(unit)
    assert interpolation(rows, unit * targets, root * plus, root * minus) == pytest.approx(
        unit * found, rel=1e-11, abs=0.0
    )
    units = np.array([1.0, min(unit, 1e14)])
    assert interpolation(units[:, None] * rows, units * targets, plus, minus) == pytest.approx(
        found, rel=1e-11
    )


@pytest.mark.parametrize("size", [1e4, 1e8])
def test_interpolation_from_large_starts_is_least_squares(size: float) -> None:
    rows, targets = np.array([[1.0, 0.5, -0.2], [0.3, -1.0, 0.7]]), np.array([1.0, -0.4])
    start = np.full(3, size)
    expected = np.linalg.pinv(rows) @ targets
    assert interpolation(rows, targets, start, start) == pytest.approx(expected, rel=1e-12)


UNITS = (1e-100, 1e-14, 1e-6, 1e4, 1e100)


def in_units(inputs: float, weights: float) -> DiagonalTask:
    """The same with inputs and weights counted in other units."""
    root = np.sqrt(weights)
    return DiagonalTask(
        inputs * TASK.inputs, inputs * weights * TASK.labels, root * TASK.plus, root * TASK.minus
    )


@pytest.mark.parametrize("unit", UNITS)
def test_least_q_does_not_depend_on_units(unit: float) -> None:
    expected = TASK.limit()
    np.testing.assert_allclose(in_units(unit, 1.0).limit(), expected, rtol=1e-11)
    np.testing.assert_allclose(in_units(1.0, unit).limit() / unit, expected, rtol=1e-11)
    rows = np.array([[1.0], [unit]])
    alone = interpolation(rows * TASK.inputs, rows[:, 0] * TASK.labels, TASK.plus, TASK.minus)
    np.testing.assert_allclose(alone, expected, rtol=1e-11)


@pytest.mark.parametrize("unit", UNITS)
def test_descent_does_not_depend_on_units(unit: float) -> None:
    expected = descend(TASK, 0.05)
    exact = TASK.limit(
        (expected.shrinking + expected.shift) / 2.0, (expected.shrinking - expected.shift) / 2.0
    )
    np.testing.assert_allclose(expected.weights, exact, rtol=1e-11)
    found = descend(in_units(1.0, unit), 0.05 / unit)
    np.testing.assert_allclose(found.weights / unit, exact, rtol=1e-11)
    np.testing.assert_allclose(found.shrinking, expected.shrinking, rtol=1e-9)
    if unit in (1e-14, 1e-6, 1e4):  # eta X^T X stays within float64
        np.testing.assert_allclose(
            descend(in_units(unit, 1.0), 0.05 / unit**2).weights, exact, rtol=1e-11
        )


def test_squared_gradients_are_those_of_the_flow() -> None:
    np.testing.assert_allclose(
        squared_gradients_of_flow(TASK, 30.0), plain(30.0)[1], rtol=1e-7, atol=1e-12
    )


def test_sums_are_what_products_and_ratios_have_moved_by() -> None:
    found = descend(TASK, 0.05)
    u, v, moved = TASK.plus, TASK.minus, np.zeros(3)
    for _ in range(found.steps):
        g = TASK.inputs.T @ (TASK.inputs @ (u**2 - v**2) - TASK.labels) / 2.0
        u, v, moved = u * (1.0 - 0.1 * g), v * (1.0 + 0.1 * g), moved + 0.2 * g
    np.testing.assert_allclose(found.weights, u**2 - v**2, atol=1e-13)
    np.testing.assert_allclose(
        found.shrinking, np.log(u * v / (TASK.plus * TASK.minus)), atol=1e-12
    )
    ratios = np.log(u / v * TASK.minus / TASK.plus)
    np.testing.assert_allclose(found.shift, ratios + moved, atol=1e-12)


def test_steps_that_overshoot_are_a_failure_of_numerics() -> None:
    with pytest.raises(NumericalFailure, match="changes a sign"):
        descend(TASK, 3.0)


def test_first_noisy_step_from_fitted_weights_is_known() -> None:
    fitted = DiagonalTask(
        TASK.inputs, TASK.inputs @ (TASK.plus**2 - TASK.minus**2), TASK.plus, TASK.minus
    )
    rng = np.random.default_rng(0)
    options = {"chains": 20_000, "settling": 0, "steps": 1}
    one = label_noise(fitted, 1e-3, 0.5, 1, rng, **options).mean(axis=0)
    two = label_noise(fitted, 1e-3, 0.5, 2, rng, **options).mean(axis=0)
    np.testing.assert_allclose(one, [0.32, 0.36, 0.32], rtol=0.05)
    np.testing.assert_allclose(two, [0.16, 0.18, 0.16], rtol=0.05)
    np.testing.assert_allclose(mean_squared_gradients(fitted, 1), [0.32, 0.36, 0.32])
    np.testing.assert_allclose(mean_squared_gradients(fitted, 2), [0.16, 0.18, 0.16])


def test_fluctuations_solve_their_balance() -> None:
    """C = eta K / 2 is stationary: K C + C K = eta K K; one sample a step sees C_ii."""
    eta = 0.03
    kernel = 4.0 * (TASK.inputs * (TASK.plus**2 + TASK.minus**2)) @ TASK.inputs.T
    spread = eta * kernel / 2.0
    np.testing.assert_allclose(kernel @ spread + spread @ kernel, eta * kernel @ kernel)
    expected = (TASK.inputs**2 * (1.0 + np.diag(spread))[:, None]).mean(axis=0)
    np.testing.assert_allclose(mean_squared_gradients(TASK, 1, fluctuating=eta), expected)


def test_an_empty_batch_is_refused() -> None:
    with pytest.raises(InvalidInput, match="batch is 0"):
        mean_squared_gradients(TASK, 0)


@pytest.mark.parametrize("unit", [1e-150, 1e-8, 1e8, 1e150])
def test_interpolation_has_the_units_of_its_inputs(unit: float) -> None:
    rows, labels = np.array([[1.0, 2.0, -1.0], [0.5, -1.0, 3.0]]), np.array([1.0, -2.0])
    plus, minus = np.array([0.5, 1.0, 2.0]), np.array([1.0, 0.7, 0.1])
    usual = interpolation(rows, labels, plus, minus)
    found = interpolation(unit * rows, unit * labels, plus, minus)
    assert found == pytest.approx(usual, rel=1e-11)


def test_interpolation_refuses_what_has_no_meaning() -> None:
    rows, one = np.eye(2), np.ones(2)
    with pytest.raises(OracleFailed, match="dependent rows"):
        interpolation(np.ones((2, 2)), one, one, one)
    for wrong in ((rows, one[:1], one, one), (rows, one, one[:1], one)):
        with pytest.raises(InvalidInput, match=r"has shape \(1,\)"):
            interpolation(*wrong)
        with pytest.raises(InvalidInput, match=r"has shape \(1,\)"):
            DiagonalTask(*wrong)
    with pytest.raises(InvalidInput, match=r"plus has -1\.0; all of it must be positive"):
        interpolation(rows, one, -one, one)
    with pytest.raises(InvalidInput, match=r"minus has 0\.0; all of it must be positive"):
        DiagonalTask(rows, one, one, 0.0 * one)
    with pytest.raises(InvalidInput, match="step is nan"):
        descend(DiagonalTask(rows, one, one, one), np.nan)


def test_noise_is_drawn_by_a_generator() -> None:
    task = DiagonalTask(np.ones((1, 2)), np.ones(1), np.ones(2), np.ones(2))
    with pytest.raises(InvalidInput, match=r"rng is None; noise of 0\.1 needs a generator"):
        descend(task, 0.01, noise=0.1, noisy_steps=3)


def test_chains_whose_steps_are_too_large_are_told() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(NumericalFailure, match="a step of 2 changes a sign"):
        label_noise(TASK, 2.0, 1.0, 1, rng, chains=2, settling=0, steps=5)
