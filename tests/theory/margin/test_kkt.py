"""KKT residuals with known multipliers, of a linear net: theta is a combination of the samples."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from theory.anchors import balanced_anchor
from theory.errors import InvalidInput
from theory.flow import gradient_flow
from theory.margin.kkt import complementarity, kkt_residual, nonnegative_least_squares
from theory.margin.min_norm import min_norm_residual
from theory.nets import Diagonal, HomogeneousNet
from theory.problem import Problem, Regime


class Linear(HomogeneousNet):
    """f = <theta, x>: gradients are the inputs."""

    degree = 1

    def forward(self, theta: Any, inputs: Any) -> Any:
        return inputs @ theta


LINEAR = Linear()

AXES = np.array([[1.0, 0.0], [0.0, 1.0]])


def linear(labels: list[float], loss: str = "exponential") -> Problem:
    return Problem(LINEAR, [1.0, 1.0], AXES, labels, loss)


def test_multipliers_are_never_negative() -> None:
    """theta = (3, -4): the second multiplier would be -4, and its sample is on the wrong side."""
    residual = kkt_residual(linear([1.0, 1.0]), np.array([3.0, -4.0]))
    np.testing.assert_allclose(residual.multipliers, [0.6, 0.0], atol=1e-15)
    assert residual.stationarity == pytest.approx(0.8, rel=1e-14)
    assert residual.feasibility == pytest.approx(1.0, rel=1e-14)  # worst -4/5, largest 4/5
    assert residual.complementarity == pytest.approx(1.0 + 0.8 / 0.6, rel=1e-14)
    mirrored = kkt_residual(linear([1.0, -1.0]), np.array([3.0, -4.0]))
    np.testing.assert_allclose(mirrored.multipliers, [0.6, 0.8], rtol=1e-14)
    assert mirrored.stationarity <= 1e-15
    assert mirrored.feasibility == 0.0
    # margins (3, 4) / 5 with weights (3, 4) / 5: 1 - 3 / (25 / 7)
    assert mirrored.complementarity == pytest.approx(1.0 - 3.0 * 7.0 / 25.0, rel=1e-13)


@pytest.mark.parametrize(
    ("margins", "weights", "value"),
    [
        ([1.0, 1.0], [1.0, 3.0], 0.0),
        ([1.0, 3.0], [1.0, 1.0], 0.5),
        ([1.0, 3.0], [1.0, 0.0], 0.0),
        ([1.0, 3.0], [0.0, 2.0], 2.0 / 3.0),
        ([1.0, 5.0], [3.0, 1.0], 0.5),
        ([-1.0, 3.0], [1.0, 1.0], 2.0),
        ([1.0, 1.0], [0.0, 0.0], 1.0),
    ],
)
def test_complementarity_by_hand(margins: list[float], weights: list[float], value: float) -> None:
    found = complementarity(np.array(margins), np.array(weights))
    assert found == pytest.approx(value, abs=1e-15)
    rescaled = complementarity(1e-8 * np.array(margins), 1e8 * np.array(weights))
    assert rescaled == pytest.approx(value, abs=1e-15)


@given(st.integers(0, 2**32 - 1), st.sampled_from((1e-6, 1.0, 1e6)))
def test_stationarity_is_a_sine(seed: int, size: float) -> None:
    """One sample: the residual is the sine of the angle between theta and its gradient."""
    a, x = np.random.default_rng(seed).standard_normal((2, 2))
    a = a if a @ x > 0 else -a
    residual = kkt_residual(Problem(LINEAR, a, [x], [1.0]), size * a)
    cross = a[0] * x[1] - a[1] * x[0]
    sine = abs(cross) / np.linalg.norm(a) / np.linalg.norm(x)
    assert residual.stationarity == pytest.approx(sine, rel=1e-9, abs=1e-15)


@given(st.integers(0, 2**32 - 1))
def test_multipliers_follow_the_units_of_each_sample(seed: int) -> None:
    generator = np.random.default_rng(seed)
    matrix, target = generator.standard_normal((5, 3)), generator.standard_normal(5)
    units = 10.0 ** generator.integers(-8, 9, 3)
    plain = nonnegative_least_squares(matrix, target)
    scaled = nonnegative_least_squares(matrix * units, target)
    np.testing.assert_allclose(scaled * units, plain, rtol=1e-9, atol=1e-12)
    # the KKT conditions of the least squares: no ascent along any column, none at all in use
    slope = matrix.T @ (target - matrix @ plain)
    assert slope.max() <= 1e-12
    assert np.abs(plain * slope).max() <= 1e-12


def test_minimum_norm_residual_by_hand() -> None:
    """One of two gradients seen: theta = (3, 4), sample e_1, target 2."""
    problem = Problem(LINEAR, [1.0, 1.0], AXES[:1], [2.0], "squared")
    residual = min_norm_residual(problem, np.array([3.0, 4.0]))
    assert residual.stationarity == pytest.approx(0.8, rel=1e-14)
    assert residual.one_sided == pytest.approx(0.8, rel=1e-14)
    assert residual.feasibility == pytest.approx(0.5, rel=1e-14)
    np.testing.assert_allclose(residual.multipliers, [3.0], rtol=1e-14)
    # a multiplier against the sign of its target: allowed in general, not on one side
    against = min_norm_residual(problem, np.array([-3.0, 4.0]))
    assert against.stationarity == pytest.approx(0.8, rel=1e-14)
    assert against.one_sided == pytest.approx(1.0, rel=1e-14)
    np.testing.assert_allclose(against.multipliers, [-3.0], rtol=1e-14)


def test_feasibility_is_of_the_worst_sample() -> None:
    """Outputs 3 and 4 for targets 2 and 4: misfits 1 and 0, over 4."""
    problem = Problem(LINEAR, [1.0, 1.0], AXES, [2.0, 4.0], "squared")
    residual = min_norm_residual(problem, np.array([3.0, 4.0]))
    assert residual.feasibility == pytest.approx(0.25, rel=1e-14)
    assert residual.stationarity == pytest.approx(0.0, abs=1e-14)


def test_gradients_three_degrees_apart_are_two() -> None:
    problem = Problem(LINEAR, [1.0, 1.0], [[1.0, 0.0], [1.0, 0.05]], [3.0, 3.2], "squared")
    residual = min_norm_residual(problem, np.array([3.0, 4.0]))
    assert residual.stationarity == pytest.approx(0.0, abs=1e-12)
    np.testing.assert_allclose(residual.multipliers, [-77.0, 80.0], rtol=1e-12)


@pytest.mark.parametrize("unit", [1e6, 1e200])
def test_minimum_norm_residual_knows_no_units_of_a_sample(unit: float) -> None:
    net = Diagonal(2)
    inputs = np.array([[1.0, 0.5], [-0.25, 1.0]])
    anchor = balanced_anchor(net, np.array([1.0, 2.0]))
    theta = np.array([1.0, 0.5, 0.25, 0.125])
    units = np.array([[unit], [1.0 / unit]])
    plain = min_norm_residual(Problem(net, anchor, inputs, [1.0, 2.0], "squared"), theta)
    scaled = min_norm_residual(
        Problem(net, anchor, units * inputs, units[:, 0] * [1.0, 2.0], "squared"), theta
    )
    assert scaled.stationarity == pytest.approx(plain.stationarity, rel=1e-9)
    assert scaled.one_sided == pytest.approx(plain.one_sided, rel=1e-9)
    np.testing.assert_allclose(scaled.multipliers * units[:, 0], plain.multipliers, rtol=1e-9)


def test_zero_theta_is_refused() -> None:
    with pytest.raises(InvalidInput, match="theta is zero; it must be a direction"):
        kkt_residual(linear([1.0, 1.0]), np.zeros(2))


CUBIC = Problem(Diagonal(2, 3), np.ones(4), [[1.0, 0.5], [-0.25, 1.0]], [1.0, -1.0])


@pytest.mark.parametrize("size", [1e300, 1e160, 1e-170, 1e-300])
def test_residual_is_that_of_the_direction_at_any_size(size: float) -> None:
    theta = np.array([1.0, 0.5, 0.2, 1.0])
    plain, found = kkt_residual(CUBIC, theta), kkt_residual(CUBIC, size * theta)
    assert plain.stationarity == pytest.approx(0.506, abs=1e-3)
    assert found.stationarity == pytest.approx(plain.stationarity, rel=1e-13)
    assert found.complementarity == pytest.approx(plain.complementarity, rel=1e-13)
    np.testing.assert_allclose(found.multipliers, plain.multipliers, rtol=1e-12)


def test_start_of_a_flow_of_huge_scale_is_no_kkt_point() -> None:
    flow = gradient_flow(CUBIC, Regime(log10_alpha=300, decay_power=2), at=[0.2])
    found = kkt_residual(CUBIC, flow.theta[0]).stationarity
    assert found == pytest.approx(kkt_residual(CUBIC, flow.directions[0]).stationarity, rel=1e-12)
    assert found > 0.9


@pytest.mark.parametrize("size", [1e300, 1e-300])
def test_minimum_norm_residual_is_that_of_the_direction_at_any_size(size: float) -> None:
    problem = Problem(LINEAR, [1.0, 1.0], AXES[:1], [2.0], "squared")
    residual = min_norm_residual(problem, size * np.array([3.0, 4.0]))
    assert residual.stationarity == pytest.approx(0.8, rel=1e-14)
    assert residual.one_sided == pytest.approx(0.8, rel=1e-14)
    np.testing.assert_allclose(residual.multipliers, [3.0 * size], rtol=1e-14)


def test_gradients_beyond_float64_are_refused() -> None:
    problem = Problem(Diagonal(2, 3), np.ones(4), AXES, [1.0, 1.0], "squared")
    with pytest.raises(InvalidInput, match=r"theta has entries up to 1.0e\+300; its gradients"):
        min_norm_residual(problem, 1e300 * np.ones(4))


def test_lists_are_margins_and_weights() -> None:
    """Margins (1, 3) of weights (1, 1): 1 - 1 / 2."""
    found = kkt_residual(linear([1.0, 1.0]), [3.0, 4.0], margins=[1, 3], weights=[1, 1])
    assert found.complementarity == pytest.approx(0.5, rel=1e-14)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"theta": "abcd"}, "theta is not a rectangular array of numbers: 'abcd'"),
        ({"theta": [1.0]}, r"theta has shape \(1,\); it must have shape \(2,\)"),
        ({"theta": [1.0, np.nan]}, "theta holds NaN or infinite values"),
        ({"margins": [1.0]}, r"margins has shape \(1,\); it must have shape \(2,\)"),
        ({"margins": [1.0, np.nan]}, "margins holds NaN or infinite values"),
        ({"weights": [1.0, 1.0, 1.0]}, r"weights has shape \(3,\); it must have shape \(2,\)"),
        ({"weights": [1.0, np.inf]}, "weights holds NaN or infinite values"),
    ],
)
def test_meaningless_arguments_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        kkt_residual(linear([1.0, 1.0]), **{"theta": [3.0, 4.0], **change})
