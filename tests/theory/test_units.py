"""The units of a problem, and predictions that do not depend on them."""

from math import log

import numpy as np
import pytest

from tests.theory.flow.twins import Twin, random_flow, twin_of
from theory.asymptotics.kernel_phase import (
    depth,
    log_inverse_decay,
    refined_normalization,
    relative_displacement,
)
from theory.asymptotics.transition import transition_decay_time
from theory.errors import AssumptionError
from theory.flow import gradient_flow
from theory.kernel import kernel_svm, lazy_flow, quasi_static_dual
from theory.kernel.ntk import gram, signed_features, unit_features
from theory.kernel.regression import (
    kernel_drift,
    kernel_regression,
    log_effective_ridge,
)
from theory.kernel.regression import (
    relative_displacement as regression_displacement,
)
from theory.margin.kkt import kkt_residual, nonnegative_least_squares
from theory.nets import Diagonal
from theory.problem import Problem
from theory.units import largest_gradient, scaled

SEEDS = pytest.mark.parametrize("seed", range(4))
KINDS = pytest.mark.parametrize("kind", ["diagonal", "two_layer", "deep", "factorization"])


def pair(kind: str, loss: str, seed: int) -> tuple[Twin, Twin]:
    """A flow, and its twin in other units, order and sign."""
    generator = np.random.default_rng(seed)
    flow = random_flow(generator, kind, loss)
    return Twin.of(flow), twin_of(flow, generator)


@KINDS
@SEEDS
def test_units_are_powers_of_two_that_leave_order_one(kind: str, seed: int) -> None:
    for twin in pair(kind, "squared", seed):
        problem = twin.flow.problem
        units = problem.units
        assert np.array_equal(np.ldexp(problem.unit_anchor, units.anchor_exponent), problem.anchor)
        sizes = [
            np.linalg.norm(problem.unit_anchor),
            np.linalg.norm(unit_features(problem), axis=1).max(),
            np.linalg.norm(problem.labels) / units.target,
        ]
        assert np.all(np.abs(np.log2(sizes)) <= 0.5 + 1e-12)
        plain = problem.net.jacobian(problem.anchor, problem.inputs)
        np.testing.assert_allclose(signed_features(problem), plain, rtol=1e-14)
        largest = largest_gradient(problem.net, problem.anchor, problem.inputs)
        assert largest == pytest.approx(np.linalg.norm(plain, axis=1).max(), rel=1e-12)
        moved = np.ones(problem.parameters)
        assert np.array_equal(units.own_displacement(units.displacement(moved)), moved)


def test_scaling_by_fractions_of_powers() -> None:
    assert scaled(3.0, -2) == 0.75
    assert scaled(1.0, 0.5) == pytest.approx(2**0.5, rel=1e-15)


def test_gradients_whose_squares_leave_float64_are_refused() -> None:
    problem = Problem(Diagonal(2, 4), [1e60] * 4, [[1.0, 0.5], [-0.25, 1.0]], [1.0, -1.0])
    with pytest.raises(AssumptionError, match="whose squares leave float64"):
        kernel_svm(problem)


@KINDS
@SEEDS
def test_predictions_of_the_kernel_phase_have_no_units(kind: str, seed: int) -> None:
    found = []
    for twin in pair(kind, "exponential", seed):
        problem, regime = twin.flow.problem, twin.flow.regime
        at, svm = twin.flow.at[0], kernel_svm(problem)
        level = log_inverse_decay(problem, regime, at)
        rho = problem.degree * (1.0 - at) * regime.log_alpha
        found.append(
            [
                depth(svm, level),
                svm.strictness,
                log(relative_displacement(svm, problem, regime, at)),
                log(refined_normalization(svm, level) / problem.anchor_norm) - rho,
                transition_decay_time(svm, problem, regime),
                *(gram(signed_features(problem)) @ np.exp(_dual(problem, level)))[_back(twin)],
            ]
        )
    np.testing.assert_allclose(found[1], found[0], rtol=1e-8, atol=1e-8)
    # the displacement is in units of |anchor|
    assert found[0][2] == pytest.approx(found[0][3], rel=1e-12)


def _dual(problem: Problem, level: float) -> np.ndarray:
    return quasi_static_dual(gram(signed_features(problem)), level)


def _back(twin: Twin) -> np.ndarray:
    """Where the samples of the flow stand among those of its twin."""
    return np.argsort(twin.order)


@KINDS
@SEEDS
def test_the_lazy_flow_has_no_units(kind: str, seed: int) -> None:
    found = []
    for twin in pair(kind, "logistic", seed):
        flow = twin.flow
        lazy = lazy_flow(flow.problem, flow.regime, flow.at)
        kernel = gram(signed_features(flow.problem))
        np.testing.assert_allclose(lazy.dual @ kernel, lazy.margins, rtol=1e-9)
        moved = lazy.dual @ signed_features(flow.problem)
        np.testing.assert_allclose(lazy.displacement, moved, rtol=1e-6, atol=0)
        found.append(lazy.margins[:, _back(twin)])
    np.testing.assert_allclose(found[1], found[0], rtol=1e-8)


@KINDS
@SEEDS
def test_predictions_of_regression_have_no_units(kind: str, seed: int) -> None:
    found = []
    for twin in pair(kind, "squared", seed):
        problem, regime = twin.flow.problem, twin.flow.regime
        regression, at = kernel_regression(problem), twin.flow.at[0]
        kernel = float(np.linalg.norm(regression.features)) ** 2
        found.append(
            [
                log(regression_displacement(regression, regime, at)),
                kernel_drift(regression) * problem.anchor_norm / regression.norm,
                log_effective_ridge(problem, regime, at) - log(kernel),
            ]
        )
    np.testing.assert_allclose(found[1], found[0], rtol=1e-5, atol=1e-7)


@KINDS
@SEEDS
def test_residuals_of_optimality_have_no_units(kind: str, seed: int) -> None:
    found = []
    for twin in pair(kind, "exponential", seed):
        flow = twin.flow
        state = gradient_flow(flow.problem, flow.regime, flow.at[2:], estimate_error=False).states[
            0
        ]
        residual = kkt_residual(flow.problem, state.theta)
        found.append([residual.stationarity, residual.complementarity, residual.feasibility])
    np.testing.assert_allclose(found[1], found[0], rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("exponent", [-120, -27, 0, 27, 120])
@SEEDS
def test_least_squares_has_no_units(exponent: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    matrix, target = generator.standard_normal((6, 4)), generator.standard_normal(6)
    plain = nonnegative_least_squares(matrix, target)
    rescaled = nonnegative_least_squares(scaled(matrix, exponent), scaled(target, -exponent))
    assert np.array_equal(rescaled, scaled(plain, -2 * exponent))
    gradient = matrix.T @ (matrix @ plain - target)
    assert np.all(gradient >= -1e-12)
    assert np.all(np.abs(gradient[plain > 0]) <= 1e-12)
