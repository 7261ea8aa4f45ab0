"""The squared loss: the slow manifold against direct stiff integration, and interpolation."""

from collections.abc import Callable

import numpy as np
import pytest

import theory.flow.manifold as manifold
from theory.errors import NumericalFailure
from theory.flow import gradient_flow
from theory.nets import Diagonal
from theory.problem import Problem, Regime

QUICK = ("diagonal, L = 2", "diagonal, L = 3", "two-layer square", "factorization")


@pytest.mark.parametrize("log10_lambda", [-4.0, -6.0])
@pytest.mark.parametrize("family", QUICK)
def test_slow_manifold_agrees_with_direct_integration(
    family: str,
    log10_lambda: float,
    instance: Callable[..., Problem],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    problem = instance(family, "squared")
    regime = Regime(log10_alpha=2, log10_lambda=log10_lambda)
    monkeypatch.setattr(manifold, "_STIFF_ABOVE", np.inf)
    at = (0.45, 0.7, 1.3)
    direct = gradient_flow(problem, regime, at, estimate_error=False)
    monkeypatch.setattr(manifold, "_STIFF_ABOVE", 0.0)
    slow = gradient_flow(problem, regime, at, estimate_error=False)
    difference = np.linalg.norm(slow.directions - direct.directions, axis=1)
    # late O(e^-G) = O(n lambda), at most .2 lambda on these; in the kernel phase the multipliers
    # are constant and the ridge with its drift is exact: 2e-5 lambda (without the drift 3e-4)
    assert np.all(difference <= np.array([5e-5, 1.0, 1.0]) * 10**log10_lambda)
    assert np.all(difference > 0), "the two routes must really differ"


@pytest.mark.parametrize("log10_alpha", [4, 12, 100])
@pytest.mark.parametrize("family", QUICK)
def test_targets_are_interpolated_to_order_n_lambda(
    family: str, log10_alpha: float, instance: Callable[..., Problem]
) -> None:
    problem = instance(family, "squared")
    regime = Regime(log10_alpha=log10_alpha, decay_power=2)
    flow = gradient_flow(problem, regime, (0.7, 1.3))
    misfit = np.abs(flow.outputs(problem.inputs) - problem.labels).max(axis=1)
    # the multipliers are of order one; below 1e-9 the restoring term and rtol 1e-11 show
    assert np.all(misfit <= 10 * problem.samples * 10.0 ** max(-2 * log10_alpha, -300) + 1e-9)
    assert flow.error_estimate.max() < 1e-6  # 100 times rtol, over thousands of steps


def test_early_outputs_are_those_of_kernel_regression(instance: Callable[..., Problem]) -> None:
    problem = instance("two-layer square", "squared")
    regime = Regime(log10_alpha=12, decay_power=2)
    state = gradient_flow(problem, regime, [0.5], estimate_error=False).states[0]
    inputs = np.random.default_rng(1).standard_normal((5, 3))
    features = problem.net.jacobian(problem.anchor, problem.inputs)
    dual = np.linalg.solve(features @ features.T, problem.labels)
    predicted = problem.net.jacobian(problem.anchor, inputs) @ features.T @ dual
    # an odd involution: error O(alpha^-2cL) = 10^-36 at c = 1/2; what is left is rtol
    np.testing.assert_allclose(state.outputs(inputs), predicted, rtol=1e-8, atol=1e-9)


def test_unrealisable_targets_are_named() -> None:
    inputs = [[1.0, 0.0], [1.0, 0.0]]
    problem = Problem(Diagonal(2), np.full(4, 0.5), inputs, [1.0, 2.0], "squared")
    with pytest.raises(NumericalFailure, match="targets are not realisable: the kernel at the anc"):
        gradient_flow(problem, Regime(log10_alpha=12, decay_power=2))
