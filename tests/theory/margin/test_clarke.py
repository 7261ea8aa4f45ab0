"""Clarke-KKT residuals: by hand on kinks, by a general solver, and the gradient's own off kinks."""

import cvxpy
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from theory.backend import Flags, Floats
from theory.errors import InvalidInput
from theory.margin.clarke import clarke_residual, smoothing_allowance
from theory.margin.kkt import kkt_residual
from theory.nets import ConstantFeature, TwoLayer, TwoLayerReLU
from theory.problem import Problem


def random_problem(seed: int, slope: float, samples: int = 5) -> tuple[Problem, Floats]:
    """A net of six units of which four have one sample each on their kink, and its parameters."""
    rng = np.random.default_rng(seed)
    net = TwoLayerReLU(6, 3, slope)
    inputs = rng.normal(size=(samples, 3))
    readout, hidden = rng.normal(size=6), rng.normal(size=(6, 3))
    for unit in range(4):
        x = inputs[unit % 3]
        hidden[unit] -= (hidden[unit] @ x) / (x @ x) * x
    theta = np.concatenate([readout, hidden.ravel()])
    labels = np.where(net.outputs(theta, inputs) > 0, 1.0, -1.0)
    return Problem(net, theta, inputs, labels), theta


def by_clarabel(problem: Problem, theta: Floats, tolerance: float) -> float:
    """The programme as it is stated, in m and u = m s'."""
    net, point = problem.net, theta / np.linalg.norm(theta)
    assert isinstance(net, TwoLayerReLU)
    readout, hidden = net.split(point)
    z = problem.inputs @ hidden.T
    kinks = np.abs(z) <= tolerance * np.linalg.norm(problem.inputs, axis=1)[
        :, None
    ] * np.linalg.norm(hidden, axis=1)
    m = cvxpy.Variable(problem.samples, nonneg=True)
    total, constraints = 0, []
    for i, (x, y) in enumerate(zip(problem.inputs, problem.labels, strict=True)):
        for unit in range(net.width):
            value = np.eye(net.parameters)[unit] * max(z[i, unit], net.slope * z[i, unit])
            block = np.zeros((net.width, net.input_dim))
            block[unit] = readout[unit] * x
            along = np.concatenate([np.zeros(net.width), block.ravel()])
            if kinks[i, unit]:
                u = cvxpy.Variable()
                constraints += [u <= m[i], u >= net.slope * m[i]]
            else:
                u = m[i] * (1.0 if z[i, unit] > 0 else net.slope)
            total = total + y * (m[i] * value + u * along)
    objective = cvxpy.Minimize(cvxpy.norm(point - total))
    return float(cvxpy.Problem(objective, constraints).solve(solver="CLARABEL"))


def margin_is_positive(problem: Problem, theta: Floats, kinks: Flags) -> bool:
    """With any slopes on the kinks."""
    net = problem.net
    assert isinstance(net, TwoLayerReLU)
    readout, hidden = net.split(theta)
    bent = (1.0 - net.slope) * np.where(kinks, np.abs(problem.inputs @ hidden.T), 0.0)
    margins = 2.0 * problem.labels * net.outputs(theta, problem.inputs) - bent @ np.abs(readout)
    return bool(margins.min() > 0.0)


@pytest.mark.parametrize("slope", [0.0, 0.25])
@pytest.mark.parametrize("tolerance", [1e-12, 0.2])
def test_a_general_solver_finds_the_same(slope: float, tolerance: float) -> None:
    """Its own accuracy is 1e-8, of the square; 1e-6 is left of the norm."""
    for seed in range(4):
        problem, theta = random_problem(seed, slope)
        found = clarke_residual(problem, theta, tolerance)
        assert found.kinks.sum() >= 4
        assert found.stationarity == pytest.approx(by_clarabel(problem, theta, tolerance), abs=1e-6)
        unknown = found.lower == 0.0 and not margin_is_positive(problem, theta, found.kinks)
        assert unknown or found.stationarity - found.lower <= 1e-9


@pytest.mark.parametrize("slope", [0.0, 0.25])
@given(st.integers(0, 10**6))
def test_multipliers_and_slopes_give_the_residual(slope: float, seed: int) -> None:
    problem, theta = random_problem(seed, slope)
    found = clarke_residual(problem, theta, 0.1)
    net, point = problem.net, theta / np.linalg.norm(theta)
    assert isinstance(net, TwoLayerReLU)
    assert np.all((found.slopes >= slope - 1e-12) & (found.slopes <= 1.0 + 1e-12))
    readout, hidden = net.split(point)
    rest = point.copy()
    for i, (x, y) in enumerate(zip(problem.inputs, problem.labels, strict=True)):
        z = hidden @ x
        gradient = np.concatenate(
            [np.maximum(z, slope * z), np.outer(found.slopes[i] * readout, x).ravel()]
        )
        rest = rest - found.multipliers[i] * y * gradient
    assert np.linalg.norm(rest) == pytest.approx(found.stationarity, abs=1e-12)
    sharp = kkt_residual(problem, theta).stationarity
    assert found.stationarity <= sharp + 1e-12


@given(st.integers(0, 10**6))
def test_off_kinks_it_is_the_residual_of_the_gradient(seed: int) -> None:
    rng = np.random.default_rng(seed)
    theta, inputs = rng.normal(size=9), rng.normal(size=(4, 2))
    net = TwoLayerReLU(3, 2)
    labels = np.where(net.outputs(theta, inputs) > 0, 1.0, -1.0)
    found = clarke_residual(Problem(net, theta, inputs, labels), theta)
    plain = kkt_residual(Problem(TwoLayer(3, 2, "relu"), theta, inputs, labels), theta)
    assert not found.kinks.any()
    assert found.stationarity == pytest.approx(plain.stationarity, abs=1e-10)


@pytest.mark.parametrize("slope", [0.0, 0.5])
def test_by_hand_on_the_kink(slope: float) -> None:
    """One unit (a; v) = (1; 1, 0), x_1 = (1, 0) and x_2 = (0, 1) on its kink, both labels +1.

    The gradients are (1; 1, 0) and (0; 0, u): theta is the first.
    """
    inputs = np.eye(2)
    problem = Problem(TwoLayerReLU(1, 2, slope), [1.0, 1.0, 0.0], inputs, [1.0, 1.0])
    found = clarke_residual(problem, np.array([1.0, 1.0, 0.0]))
    assert found.stationarity <= 1e-12
    np.testing.assert_allclose(found.multipliers, [1.0, 0.0], atol=1e-12)
    np.testing.assert_array_equal(found.kinks, [[False], [True]])


def test_slope_between_the_ends() -> None:
    """theta made from a slope of 0.3: with it the residual is 0, at the ends it is not.

    x_1 = (0, 1) on the kink of v = (1, 0), x_2 = (1, -.3 m) with m_1 = m, m_2 = 1, a = 1: the sum
    is (1; 1, .3 m - .3 m) = theta.
    """
    m = 2.0
    net = TwoLayerReLU(1, 2)
    theta = np.array([1.0, 1.0, 0.0])
    problem = Problem(net, theta, [[0.0, 1.0], [1.0, -0.3 * m]], [1.0, 1.0])
    found = clarke_residual(problem, theta)
    assert found.stationarity <= 1e-12
    assert found.multipliers[0] * found.slopes[0, 0] == pytest.approx(0.3 * m, rel=1e-9)
    halves = clarke_residual(problem, theta, allowed=(0.5, 0.5))
    np.testing.assert_array_equal(halves.slopes[0], [0.5])
    assert halves.stationarity <= 1e-12  # with m_1 = .6 / .5
    # only u = 0 is left to the gradient: (1; 1, -.6 m_2) is as near as m_2 = 2 / 2.36
    assert kkt_residual(problem, theta).stationarity == pytest.approx(
        np.sqrt(1.0 - 2.0 / 2.36), rel=1e-9
    )


def test_smoothing_stays_within_its_allowance() -> None:
    """A stationary point of the smoothed programme by construction: theta is made of multipliers.

    A fixed point of theta -> sum_i grad f_i, of degree one, by iteration.
    """
    rng = np.random.default_rng(5)
    net = TwoLayerReLU(4, 2, 0.1, 0.01)
    inputs, labels = rng.normal(size=(3, 2)), np.ones(3)
    theta = rng.normal(size=net.parameters)
    for _ in range(2000):
        gradients = net.jacobian(theta, inputs)
        theta = gradients.sum(axis=0)
        theta /= np.linalg.norm(theta)
    scale = float(net.jacobian(theta, inputs).sum(axis=0) @ theta)
    multipliers = np.ones(3) / scale
    rest = theta - multipliers @ net.jacobian(theta, inputs)
    problem = Problem(net, theta, inputs, labels)
    for tolerance in (0.0, 0.05, 0.4):
        allowed = smoothing_allowance(problem, multipliers, tolerance)
        found = clarke_residual(problem, theta, tolerance)
        assert found.stationarity <= np.linalg.norm(rest) + allowed


def test_a_first_layer_with_biases() -> None:
    """(v, b) = (1, -1) has x = 1 on its kink."""
    net = ConstantFeature(TwoLayerReLU(1, 2))
    problem = Problem(net, [1.0, 1.0, -1.0], [[1.0], [3.0]], [1.0, 1.0])
    found = clarke_residual(problem, np.array([1.0, 1.0, -1.0]))
    np.testing.assert_array_equal(found.kinks, [[True], [False]])


def test_impossible_requests() -> None:
    net = TwoLayerReLU(1, 2)
    problem = Problem(net, [1.0, 1.0, 0.0], np.eye(2), [1.0, 1.0])
    with pytest.raises(InvalidInput, match="tolerance is -1"):
        clarke_residual(problem, np.ones(3), -1.0)
    with pytest.raises(InvalidInput, match="theta is zero"):
        clarke_residual(problem, np.zeros(3))
    other = Problem(TwoLayer(1, 2, "relu"), [1.0, 1.0, 0.0], np.eye(2), [1.0, 1.0])
    with pytest.raises(InvalidInput, match="it must be two layers of rectifiers"):
        clarke_residual(other, np.ones(3))
    for ends in ((1.0, 0.0), (-0.5, 1.0), (0.0, float("nan"))):
        with pytest.raises(InvalidInput, match=r"allowed is \(.*; it must hold two slopes"):
            clarke_residual(problem, np.ones(3), allowed=ends)


@pytest.mark.parametrize("size", [1e300, 1e-300])
def test_residual_is_that_of_the_direction_at_any_size(size: float) -> None:
    problem, theta = random_problem(3, 0.25)
    plain, found = clarke_residual(problem, theta, 0.1), clarke_residual(problem, size * theta, 0.1)
    assert plain.stationarity > 0.1
    assert found.stationarity == pytest.approx(plain.stationarity, rel=1e-12)
    np.testing.assert_array_equal(found.kinks, plain.kinks)


@pytest.mark.parametrize("unit", [1e200, 1e-200])
def test_residual_knows_no_unit_of_the_inputs(unit: float) -> None:
    problem, theta = random_problem(3, 0.25)
    other = Problem(problem.net, theta, unit * problem.inputs, problem.labels)
    plain, found = clarke_residual(problem, theta, 0.1), clarke_residual(other, theta, 0.1)
    assert found.stationarity == pytest.approx(plain.stationarity, rel=1e-9)
    np.testing.assert_array_equal(found.kinks, plain.kinks)
