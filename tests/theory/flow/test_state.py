"""What can be read off one state, in both charts, with its digits."""

from collections.abc import Callable

import numpy as np
import pytest

from theory.errors import InvalidInput
from theory.flow import Trajectory, gradient_flow
from theory.flow.chart import Chart
from theory.problem import Problem, Regime

REGIME = Regime(log10_alpha=2, decay_power=2)


@pytest.fixture(scope="module")
def trajectory(instance: Callable[..., Problem]) -> Trajectory:
    return gradient_flow(instance("two-layer cube"), REGIME, (0.0, 0.3, 0.6, 0.9, 1.3))


def test_flow_uses_both_charts(trajectory: Trajectory) -> None:
    assert [s.chart.name for s in trajectory.states] == ["co-moving"] * 2 + ["rich"] * 3


@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_both_charts_read_the_same_numbers(trajectory: Trajectory, k: int) -> None:
    state = trajectory.states[k]
    other = state.in_chart(comoving=not state.chart.comoving)
    # theta holds f to 1e-16 rho^L <= 1e-10 here
    np.testing.assert_allclose(other.margins, state.margins, rtol=1e-7)
    np.testing.assert_allclose(other.theta, state.theta, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(other.displacement, state.displacement, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(other.log_multipliers, state.log_multipliers, rtol=1e-7)
    assert other.stationarity == pytest.approx(state.stationarity, rel=1e-7)
    assert other.log_norm == pytest.approx(state.log_norm, rel=1e-12)
    assert other.anchor_cosine == pytest.approx(state.anchor_cosine, rel=1e-12)
    assert other.direction_change == pytest.approx(state.direction_change, rel=1e-3, abs=1e-12)
    assert other.log_norm_excess == pytest.approx(state.log_norm_excess, rel=1e-3, abs=1e-12)
    assert other.at == state.at


@pytest.mark.parametrize("loss", ["exponential", "logistic", "squared"])
@pytest.mark.parametrize("comoving", [True, False])
def test_chart_jacobian_is_the_derivative_of_its_right_hand_side(
    family: str,
    loss: str,
    comoving: bool,
    instance: Callable[..., Problem],
) -> None:
    problem = instance(family, loss)
    chart = Chart(problem, Regime(log10_alpha=1, decay_power=1), comoving=comoving)
    generator = np.random.default_rng(4)
    y, direction = 0.5 * generator.standard_normal((2, problem.parameters))
    clock, h = 0.3, 1e-5
    if not comoving:  # outputs of order one, or forces are cut off at their ceiling
        y *= np.abs(chart.outputs(1.3, y, problem.inputs)).max() ** (-1.0 / problem.degree)
    matrix = chart.jacobian(clock, y)
    np.testing.assert_allclose(matrix, matrix.T, atol=1e-12 * np.abs(matrix).max())
    slope = (chart.rhs(clock, y + h * direction) - chart.rhs(clock, y - h * direction)) / (2 * h)
    computed = matrix @ direction
    # central differences: h^2 times a third derivative, which grows with the degree
    np.testing.assert_allclose(computed, slope, atol=1e-5 * np.abs(matrix).max())


def test_stationarity_is_the_speed_of_theta(trajectory: Trajectory) -> None:
    problem, h = trajectory.problem, 1e-4
    log_alpha = REGIME.log_alpha
    for at in (0.6, 0.9, 1.3):
        before, here, after = (
            s.theta
            for s in gradient_flow(
                problem, REGIME, [at - h / log_alpha, at, at + h / log_alpha], rtol=1e-13
            ).states
        )
        speed = np.linalg.norm(after - before) / (2 * h) / np.linalg.norm(here)
        state = trajectory.states[list(trajectory.at).index(at)]
        assert state.stationarity == pytest.approx(speed, rel=1e-5)  # h^2, and rtol / h


@pytest.mark.parametrize(("log10_alpha", "power"), [(1, 2), (12, 1), (12, 3), (100, 2)])
@pytest.mark.parametrize("loss", ["exponential", "squared"])
@pytest.mark.parametrize("family", ["diagonal, L = 2", "two-layer cube"])
def test_stationarity_at_time_zero_is_the_first_force(
    family: str, loss: str, log10_alpha: float, power: float, instance: Callable[..., Problem]
) -> None:
    problem, regime = instance(family, loss), Regime(log10_alpha=log10_alpha, decay_power=power)
    state = gradient_flow(problem, regime, [0.0]).states[0]
    first = problem.labels @ problem.net.jacobian(problem.anchor, problem.inputs)
    log10_force = (problem.degree - 2) * log10_alpha - regime.log10_lambda
    log10_force += np.log10(np.linalg.norm(first) / problem.samples)
    if log10_force < 300:
        # the decay adds at most one; exponents of size 1000 cost three digits
        expected = 10.0**log10_force
        assert state.stationarity == pytest.approx(expected, rel=1e-11, abs=1.0)
    else:
        assert state.stationarity == np.inf


def test_frozen_direction_and_norm_laws(problem: Problem) -> None:
    # 1 - cos = (eps |eta|)^2 / 2 and the norm grows by L times that, for any zero-output anchor
    regime = Regime(log10_alpha=30, decay_power=2)
    state = gradient_flow(problem, regime, [0.6], estimate_error=False).states[0]
    epsilon = np.exp(-problem.degree * (regime.log_alpha - state.decay_time))
    half = 0.5 * (epsilon * np.linalg.norm(state.displacement)) ** 2
    # relative corrections are eps |eta| = 1e-22; the margins of the flow have 1e-9
    assert state.direction_change == pytest.approx(half, rel=1e-6)
    assert state.log_norm_excess == pytest.approx(problem.degree * half, rel=1e-5)


def test_huge_scales_overflow_theta_and_nothing_else(instance: Callable[..., Problem]) -> None:
    problem, regime = instance("two-layer cube"), Regime(log10_alpha=1e4, decay_power=2)
    state = gradient_flow(problem, regime, [0.5], estimate_error=False).states[0]
    assert np.all(np.isinf(state.theta[problem.anchor != 0]))
    assert state.log_norm == pytest.approx(0.5 * regime.log_alpha, rel=1e-12)
    assert np.linalg.norm(state.direction) == pytest.approx(1.0, rel=1e-14)
    assert state.chart.epsilon(state.decay_time) == 0.0
    assert np.all(np.isfinite(state.margins))


@pytest.mark.parametrize("loss", ["exponential", "logistic"])
def test_log_multipliers_are_the_forces_of_the_flow(
    loss: str, instance: Callable[..., Problem]
) -> None:
    problem = instance("diagonal, L = 2", loss)
    state = gradient_flow(problem, REGIME, [1.3], estimate_error=False).states[0]
    force = np.exp(-state.margins)
    if loss == "logistic":
        force = force / (1 + force)
    expected = force / (10**REGIME.log10_lambda * problem.samples)
    np.testing.assert_allclose(np.exp(state.log_multipliers), expected, rtol=1e-12)


def test_squared_loss_has_no_log_multipliers(instance: Callable[..., Problem]) -> None:
    state = gradient_flow(instance("diagonal, L = 2", "squared"), REGIME, [0.0]).states[0]
    with pytest.raises(InvalidInput, match="log_multipliers are for classification"):
        _ = state.log_multipliers
