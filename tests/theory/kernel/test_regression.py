"""Kernel regression at the anchor: optimality, ridge, certificates, and the flow it predicts."""

from collections.abc import Callable

import numpy as np
import pytest

from theory.anchors import balanced_anchor
from theory.assumptions import check_realizability
from theory.errors import AssumptionError, InvalidInput
from theory.flow import gradient_flow
from theory.kernel.regression import (
    kernel_drift,
    kernel_regression,
    lagging_regression,
    linearised_flow,
    log10_scale_of_displacement,
    log_effective_ridge,
    relative_displacement,
    transition_decay_time,
)
from theory.nets import Diagonal
from theory.own_scale import OwnScale
from theory.problem import Problem, Regime


def test_interpolator_has_the_smallest_norm(family: str, instance: Callable[..., Problem]) -> None:
    problem = instance(family, "squared")
    regression = kernel_regression(problem)
    # K a = y to rounding; the kernels here have condition numbers below 1e4
    np.testing.assert_allclose(regression.outputs(problem.inputs), problem.labels, atol=1e-11)
    assert regression.certificate < 1e-11
    assert np.all(regression.misfit == 0)
    null = np.random.default_rng(0).standard_normal(problem.parameters)
    null -= np.linalg.pinv(regression.features) @ (regression.features @ null)
    for side in (1e-3, -1e-3):
        assert np.linalg.norm(regression.weights + side * null) >= regression.norm


@pytest.mark.parametrize("ridge", [1e-6, 1e-2, 1.0, 1e3])
def test_ridge_solves_its_normal_equations(ridge: float, instance: Callable[..., Problem]) -> None:
    problem = instance("two-layer cube", "squared")
    regression = kernel_regression(problem, ridge=ridge)
    kernel = regression.features @ regression.features.T
    dual = np.linalg.solve(kernel + ridge * np.eye(len(kernel)), problem.labels)
    np.testing.assert_allclose(regression.dual, dual, rtol=1e-9)
    np.testing.assert_allclose(regression.misfit, ridge * dual, rtol=1e-9)
    misfit = problem.labels - regression.outputs(problem.inputs)
    np.testing.assert_allclose(misfit, regression.misfit, atol=1e-12)


def test_consistent_targets_of_dependent_gradients_are_interpolated() -> None:
    net = Diagonal(2)
    inputs = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    anchor = balanced_anchor(net, np.array([1.0, 2.0]))
    problem = Problem(net, anchor, inputs, inputs @ [0.5, -2.0], "squared")
    regression = kernel_regression(problem)
    np.testing.assert_allclose(regression.outputs(inputs), problem.labels, atol=1e-13)
    with pytest.raises(AssumptionError, match=r"rank 2 for 3 samples, misses them by") as error:
        kernel_regression(Problem(net, anchor, inputs, [1.0, 1.0, 1.0], "squared"))
    assert error.value.assumption == "realizability"


@pytest.mark.parametrize("ridge", [-1.0, np.inf, np.nan])
def test_bad_ridges_are_named(ridge: float, instance: Callable[..., Problem]) -> None:
    with pytest.raises(InvalidInput, match="ridge is"):
        kernel_regression(instance("diagonal, L = 2", "squared"), ridge=ridge)


def test_classification_is_refused(instance: Callable[..., Problem]) -> None:
    with pytest.raises(InvalidInput, match="for 'squared'"):
        kernel_regression(instance("diagonal, L = 2"))


@pytest.mark.parametrize("family", ["diagonal, L = 2", "diagonal, L = 3"])
def test_linearised_flow_is_a_ridge_to_first_order_and_lags_at_second(
    family: str, instance: Callable[..., Problem]
) -> None:
    """The modes k of a' = -L a + (L / r) (y - k a), r = r0 e^(2 (L-1) (s - s0)), by quadrature."""
    problem = instance(family, "squared")
    degree, drift = problem.degree, 2.0 * (problem.degree - 1)
    at, size = 0.7, 0.02
    smallest = np.linalg.svd(kernel_regression(problem).features, compute_uv=False).min() ** 2
    unscaled = log_effective_ridge(problem, Regime(log10_alpha=4, log10_lambda=0), at)
    regime = Regime(log10_alpha=4, log10_lambda=(np.log(size * smallest) - unscaled) / np.log(10))
    ridge = size * smallest
    lagging = lagging_regression(problem, regime, at)
    proper = kernel_regression(problem, ridge=float(ridge))
    kernel = lagging.features @ lagging.features.T
    eigenvalues, vectors = np.linalg.eigh(kernel)
    ages = np.geomspace(1e-12, 1.0, 20_001)  # s0 - s, where the flow still remembers
    exact = []
    for value in eigenvalues:
        pull = degree / ridge * np.exp(drift * ages)
        total = degree * ages + value * degree / ridge * np.expm1(drift * ages) / drift
        exact.append(np.trapezoid(pull * np.exp(-total), ages))
    outputs = vectors @ (eigenvalues * np.array(exact) * (vectors.T @ problem.labels))
    misfit = problem.labels - outputs
    lag_error = np.linalg.norm(misfit - lagging.misfit) / np.linalg.norm(misfit)
    ridge_error = np.linalg.norm(misfit - proper.misfit) / np.linalg.norm(misfit)
    flow = linearised_flow(problem, regime, at)
    # the quadrature's error in the outputs
    assert np.linalg.norm(misfit - flow.misfit) <= 1e-6 * np.linalg.norm(problem.labels)
    # second order in r / k; the constants 20 cover (3L - 2)^2 / L^2 and the quadrature's 1e-6
    assert lag_error <= 20 * size**2 + 1e-5
    assert ridge_error > 3 * lag_error


def test_scale_and_displacement_are_inverse(problem: Problem) -> None:
    regression = kernel_regression(
        Problem(problem.net, problem.anchor, problem.inputs, problem.labels, "squared")
    )
    scale = log10_scale_of_displacement(regression, 0.6, 1e-3)
    own = Regime(log10_alpha=scale, decay_power=2)
    regime = OwnScale.of(regression.problem).told(own)
    at = 0.6 * own.log_alpha / regime.log_alpha
    assert relative_displacement(regression, regime, at) == pytest.approx(1e-3, rel=1e-9)


def test_distance_to_kernel_regression_is_below_the_drift(
    family: str, instance: Callable[..., Problem]
) -> None:
    problem, at = instance(family, "squared"), 0.6
    regression = kernel_regression(problem)
    per_epsilon = max(kernel_drift(regression), regression.norm / problem.anchor_norm)
    scale = float(np.log10(1e2 * per_epsilon)) / (problem.degree * (1 - at))
    regime = Regime(log10_alpha=scale, decay_power=2)
    eta = gradient_flow(problem, regime, [at], rtol=1e-9, estimate_error=False).displacement[0]
    drift = kernel_drift(regression) * 10.0 ** (-problem.degree * (1 - at) * scale)
    distance = np.linalg.norm(eta - lagging_regression(problem, regime, at).weights)
    # x |h| to first order; the second order at x <= 0.01 is far below the doubling
    assert distance <= 2 * drift * regression.norm + 1e-8
    assert drift <= 0.01 + 1e-12


def test_transition_is_where_what_is_left_of_the_anchor_equals_the_learned_part(
    instance: Callable[..., Problem],
) -> None:
    problem = instance("diagonal, L = 3", "squared")
    regression, regime = kernel_regression(problem), Regime(log10_alpha=20, decay_power=2)
    s = transition_decay_time(regression, regime)
    left = np.exp(problem.degree * (regime.log_alpha - s)) * problem.anchor_norm
    assert left == pytest.approx(regression.norm, rel=1e-9)


def test_interpolation_knows_no_units_of_a_sample() -> None:
    net = Diagonal(2)
    anchor = balanced_anchor(net, np.array([1.0, 2.0]))
    inputs, targets = np.array([[1.0, 0.5], [-0.25, 1.0]]), np.array([1.0, -2.0])
    units = np.array([1e5, 1e-5])
    plain = kernel_regression(Problem(net, anchor, inputs, targets, "squared"))
    scaled = Problem(net, anchor, units[:, None] * inputs, units * targets, "squared")
    # singular values 1e10 apart leave six digits of the smaller one
    np.testing.assert_allclose(kernel_regression(scaled).weights, plain.weights, rtol=1e-5)


@pytest.mark.parametrize(("degree", "factor"), [(2, 2.0), (3, 7.0 / 3.0), (4, 2.5)])
@pytest.mark.parametrize("size", [1e-2, 1.0, 1e2])
def test_lagging_misfit_and_displacement_by_their_formulas(
    degree: int, factor: float, size: float
) -> None:
    """One sample: y - f = r y / (k + r (3L - 2) / L), r = n L lambda rho^(-2 (L-1))."""
    net = Diagonal(1, degree)
    problem = Problem(net, [size, size], [[1.0]], [3.0], "squared")
    kernel = 2.0 * degree**2 * size ** (2 * degree - 2)
    regime, at = Regime(log10_alpha=2, log10_lambda=-1), 0.6
    log_rho = 0.4 * regime.log_alpha
    ridge = degree * 0.1 * np.exp(-2.0 * (degree - 1) * log_rho)
    lagging = lagging_regression(problem, regime, at)
    expected = 3.0 * ridge / (kernel + factor * ridge)
    np.testing.assert_allclose(lagging.misfit, [expected], rtol=1e-10)
    # |h| = (y - misfit) / k^(1/2), relative to rho^L |anchor|
    length = (3.0 - expected) / np.sqrt(kernel)
    share = np.exp(-degree * log_rho) * length / (np.sqrt(2.0) * size)
    assert relative_displacement(lagging, regime, at) == pytest.approx(share, rel=1e-10)
    # J = L (u^(L-1), -v^(L-1)) turns along h / |h| = (1, -1) / 2^(1/2)
    turn = degree * (degree - 1) * size ** (degree - 2) * lagging.norm
    assert kernel_drift(lagging) == pytest.approx(turn / np.sqrt(kernel), rel=1e-12)


@pytest.mark.parametrize("size", [0.25, 1.0, 3.0])
def test_at_the_transition_displacement_and_anchor_are_as_long(size: float) -> None:
    net = Diagonal(2)
    anchor = size * balanced_anchor(net, np.array([1.0, 2.0]))
    problem = Problem(net, anchor, [[1.0, 0.5], [-0.25, 1.0]], [1.0, -2.0], "squared")
    regression, regime = kernel_regression(problem), Regime(log10_alpha=4, decay_power=1)
    at = transition_decay_time(regression, regime) / regime.log_alpha
    rho = np.exp((1.0 - at) * regime.log_alpha)
    assert rho**net.degree * size == pytest.approx(regression.norm, rel=1e-12)


@pytest.mark.parametrize("unit", [2.0**-600, 2.0**664])
def test_targets_of_any_units_are_interpolated(unit: float) -> None:
    net, inputs = Diagonal(2), np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    anchor = balanced_anchor(net, np.array([1.0, 2.0]))
    targets = inputs @ [0.5, -2.0]
    usual = kernel_regression(Problem(net, anchor, inputs, targets, "squared"), ridge=0.1)
    problem = Problem(net, anchor, inputs, unit * targets, "squared")
    check_realizability(problem)
    found = kernel_regression(problem, ridge=0.1)
    assert found.certificate == usual.certificate
    assert found.norm == unit * usual.norm
    np.testing.assert_array_equal(found.misfit, unit * usual.misfit)
    missed = Problem(net, anchor, inputs, unit * np.ones(3), "squared")
    for refuses in (kernel_regression, check_realizability):
        with pytest.raises(AssumptionError, match="misses them by"):
            refuses(missed)
