"""The squared loss: the slow manifold against direct stiff integration, and interpolation."""

from collections.abc import Callable
from dataclasses import replace
from math import log

import numpy as np
import pytest

import theory.flow.manifold as manifold
from theory.anchors import balanced_anchor, difference_anchor, zero_readout_anchor
from theory.backend import Floats
from theory.errors import AssumptionError, NumericalFailure
from theory.flow import Trajectory, gradient_flow
from theory.nets import Deep, Diagonal, Factorization, TwoLayer
from theory.problem import Problem, Regime

QUICK = ("diagonal, L = 2", "diagonal, L = 3", "two-layer square", "factorization")
AT = (0.45, 0.7, 1.3)
STIFF_ABOVE = manifold._STIFF_ABOVE


@pytest.fixture
def flow_stiff_above(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Trajectory]:
    """`flow_stiff_above(log_gain, problem, regime, at)`: on the manifold above another gain."""

    def run(log_gain: float, problem: Problem, regime: Regime, at: tuple[float, ...]) -> Trajectory:
        monkeypatch.setattr(manifold, "_STIFF_ABOVE", log_gain)
        return gradient_flow(problem, regime, at, estimate_error=log_gain <= STIFF_ABOVE)

    return run


def deep_diagonal(degree: int) -> Problem:
    """Three targets of a diagonal net of any degree."""
    net = Diagonal(3, degree)
    anchor = balanced_anchor(net, np.array([0.7, 1.2, 0.9]))
    inputs = [[1.0, 0.5, -0.3], [-0.25, 1.0, 0.8], [0.4, -0.6, 1.1]]
    return Problem(net, anchor, inputs, [1.0, -1.0, 1.0], "squared")


def assert_close(computed: Trajectory, direct: Trajectory, tolerance: float) -> None:
    direction = np.linalg.norm(computed.directions - direct.directions, axis=1)
    margins = np.abs(computed.margins - direct.margins).max(axis=1)
    assert np.all(direction <= tolerance)
    assert np.all(margins <= tolerance)
    assert np.all(np.maximum(direction, margins) <= computed.error_estimate + 3e-9)
    np.testing.assert_allclose(computed.stationarity, direct.stationarity, rtol=10 * tolerance)
    assert np.all(direction + margins > 0), "the two routes must really differ"


@pytest.mark.parametrize("log10_lambda", [-4.0, -6.0])
@pytest.mark.parametrize("family", QUICK)
def test_slow_manifold_agrees_with_direct_integration(
    family: str,
    log10_lambda: float,
    instance: Callable[..., Problem],
    flow_stiff_above: Callable[..., Trajectory],
) -> None:
    problem = instance(family, "squared")
    regime = Regime(log10_alpha=2, log10_lambda=log10_lambda)
    direct = flow_stiff_above(np.inf, problem, regime, AT)
    # second order in e^-G = n lambda, late: at most 3 lambda^2 on these; 1e-9 is the integrators'
    tolerance = 10 * 100**log10_lambda + 3e-9
    assert_close(flow_stiff_above(0.0, problem, regime, AT), direct, tolerance)
    released = flow_stiff_above(STIFF_ABOVE, problem, regime, AT)
    assert_close(released, direct, 3e-9)
    assert released.states[0].slow
    assert released.states[2].slow == (log10_lambda == -6.0)


@pytest.mark.parametrize("log10_lambda", [-3.0, -4.0])
@pytest.mark.parametrize("degree", [2, 3])
def test_the_misfit_on_the_manifold_is_known_to_second_order(
    degree: int, log10_lambda: float, flow_stiff_above: Callable[..., Trajectory]
) -> None:
    """Also just after the transition, where multipliers change fast and the flow lags behind."""
    problem, regime = deep_diagonal(degree), Regime(log10_alpha=4, log10_lambda=log10_lambda)
    flows = (flow_stiff_above(gain, problem, regime, (1.0, 1.05, 1.1)) for gain in (0.0, np.inf))
    slow, direct = (problem.labels - flow.outputs(problem.inputs) for flow in flows)
    off = np.linalg.norm(slow - direct, axis=1) / np.linalg.norm(direct, axis=1)
    # 0.7 to 157 lambda^2; as integrated it was off by 0.3 to 3.3 lambda
    assert np.all(off <= 300.0 * 100.0**log10_lambda)
    assert np.all(off > 0.0)


@pytest.mark.parametrize(
    ("log10_alpha", "log10_lambda"), [(6, -5), (12, -5), (12, -2), (3, -6), (5, 1)]
)
@pytest.mark.parametrize("degree", [2, 7])
def test_manifold_is_left_where_the_flow_is_not_stiff(
    degree: int,
    log10_alpha: float,
    log10_lambda: float,
    flow_stiff_above: Callable[..., Trajectory],
) -> None:
    problem = deep_diagonal(degree)
    regime = Regime(log10_alpha=log10_alpha, log10_lambda=log10_lambda)
    flow, earlier = (
        flow_stiff_above(gain, problem, regime, (0.3, 0.7, 1.3))
        for gain in (STIFF_ABOVE, STIFF_ABOVE + np.log(10.0))
    )
    assert flow.states[0].slow
    np.testing.assert_allclose(flow.margins, earlier.margins, atol=1e-8)
    np.testing.assert_allclose(flow.directions, earlier.directions, atol=1e-8)
    np.testing.assert_allclose(flow.stationarity, earlier.stationarity, rtol=1e-4)
    assert flow.error_estimate.max() < 1e-5
    assert flow.evaluations < 30_000, "a fresh LSODA call can lock into its non-stiff branch"


@pytest.mark.parametrize("log10_alpha", [0.5, 4, 100, 10000])
@pytest.mark.parametrize("family", [*QUICK, "two-layer relu_squared"])
def test_targets_are_interpolated_to_order_n_lambda(
    family: str, log10_alpha: float, instance: Callable[..., Problem]
) -> None:
    problem = instance(family, "squared")
    regime = Regime(log10_alpha=log10_alpha, decay_power=2)
    flow = gradient_flow(problem, regime, (0.7, 1.3), estimate_error=log10_alpha < 1000)
    misfit = np.abs(flow.outputs(problem.inputs) - problem.labels).max(axis=1)
    # the multipliers are of order one; below 1e-9 the restoring term and rtol 1e-11 show
    floor = 1e-9 if log10_alpha <= 100 else 1e-6
    assert np.all(misfit <= 10 * problem.samples * 10.0 ** max(-2 * log10_alpha, -300) + floor)
    assert flow.evaluations < 30_000
    if log10_alpha < 1000:
        assert flow.error_estimate.max() < 1e-5


def test_ill_conditioned_kernel_leaves_the_manifold_early(instance: Callable[..., Problem]) -> None:
    problem = instance("two-layer relu_cubed", "squared")
    flow = gradient_flow(problem, Regime(log10_alpha=2, decay_power=0.3), (0.3, 0.7, 1.3))
    # condition number 1e6: above e^G = 1e5 alone the first order would be wrong by 3e-2
    assert flow.error_estimate.max() < 1e-7
    assert flow.evaluations < 30_000


def kernel_regression(problem: Problem, inputs: Floats) -> Floats:
    """K(x, X) K^-1 y with the NTK at the anchor."""
    features = problem.net.jacobian(problem.anchor, problem.inputs)
    dual = np.linalg.solve(features @ features.T, problem.labels)
    return np.asarray(problem.net.jacobian(problem.anchor, inputs) @ features.T @ dual)


def test_early_outputs_are_those_of_kernel_regression(instance: Callable[..., Problem]) -> None:
    problem = instance("two-layer square", "squared")
    regime = Regime(log10_alpha=12, decay_power=2)
    state = gradient_flow(problem, regime, [0.5], estimate_error=False).states[0]
    inputs = np.random.default_rng(1).standard_normal((5, 3))
    # an odd involution: error O(alpha^-2cL) = 10^-36 at c = 1/2; what is left is rtol
    predicted = kernel_regression(problem, inputs)
    np.testing.assert_allclose(state.outputs(inputs), predicted, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("log10_alpha", [2, 3, 4])
@pytest.mark.parametrize("power", [0.3, 0.5, 1.0])
@pytest.mark.parametrize("family", ["diagonal, L = 2", "two-layer square"])
def test_early_misfit_is_that_of_kernel_ridge_regression(
    family: str, power: float, log10_alpha: float, instance: Callable[..., Problem]
) -> None:
    problem, at = instance(family, "squared"), 0.4
    degree, samples = problem.degree, problem.samples
    regime = Regime(log10_alpha=log10_alpha, decay_power=power)
    state = gradient_flow(problem, regime, [at], estimate_error=False).states[0]
    features = problem.net.jacobian(problem.anchor, problem.inputs)
    log10_rho = (1 - at) * log10_alpha
    ridge = samples * degree * 10 ** (regime.log10_lambda - 2 * (degree - 1) * log10_rho)
    predicted = ridge * np.linalg.solve(features @ features.T, problem.labels)
    misfit = problem.labels - state.outputs(problem.inputs)
    # the next order is (ridge / k)^2; the outputs carry 1e-12
    assert np.linalg.norm(misfit - predicted) <= 0.1 * np.linalg.norm(predicted) + 1e-11


@pytest.mark.parametrize("symmetric", [True, False])
def test_early_outputs_leave_kernel_regression_by_a_power_of_alpha(symmetric: bool) -> None:
    generator = np.random.default_rng(3)
    net, c = TwoLayer(6, 3, "square"), 0.25
    readout, hidden = generator.standard_normal(3), generator.standard_normal((3, 3))
    # copies a (w x)^2 - (a / k^2) (k w x)^2 cancel; exchanging them is an odd involution at k = 1
    scales = np.ones(3) if symmetric else np.array([1.5, 0.8, 1.3])
    copies = [readout, -readout / scales**2, hidden.ravel(), (scales[:, None] * hidden).ravel()]
    anchor = np.concatenate(copies)
    inputs, probes = generator.standard_normal((3, 3)), generator.standard_normal((8, 3))
    problem = Problem(net, anchor / np.linalg.norm(anchor), inputs, [1.0, -0.5, 0.8], "squared")
    ladder = np.array([4.0, 5.0, 6.0, 7.0, 8.0])
    predicted = kernel_regression(problem, probes)
    # the ridge part is alpha^-(p + 2c(L-1)) = alpha^-2.5
    regimes = [Regime(log10_alpha=log10_alpha, decay_power=2) for log10_alpha in ladder]
    flows = [gradient_flow(problem, r, [1 - c], rtol=1e-13, estimate_error=False) for r in regimes]
    errors = [float(np.linalg.norm(flow.outputs(probes)[0] - predicted)) for flow in flows]
    slope = np.polyfit(ladder, np.log10(errors), 1)[0]
    assert slope == pytest.approx(-(2 if symmetric else 1) * c * net.degree, rel=0.02)


@pytest.mark.parametrize("family", QUICK)
def test_stationarity_on_the_manifold_is_the_least_squares_residual(
    family: str, instance: Callable[..., Problem]
) -> None:
    problem = instance(family, "squared")
    regime = Regime(log10_alpha=8, decay_power=2)
    state = gradient_flow(problem, regime, [1.3], estimate_error=False).states[0]
    gradients = problem.net.jacobian(state.theta, problem.inputs)
    multipliers, *_ = np.linalg.lstsq(gradients.T, state.theta, rcond=None)
    residual = np.linalg.norm(state.theta - multipliers @ gradients) / np.linalg.norm(state.theta)
    # lambda = 1e-16, and the restoring term holds f = y to about 1e-11
    assert state.stationarity == pytest.approx(residual, rel=1e-6, abs=1e-10)
    assert 1e-7 < residual < 0.2


def more_samples_than_rank() -> Problem:
    """Five consistent targets of a model of rank three."""
    problem = deep_diagonal(2)
    inputs = np.vstack([problem.inputs, [[0.3, 0.2, 0.9], [1.0, -1.0, 0.4]]])
    return replace(problem, inputs=inputs, labels=inputs @ [0.8, -0.5, 1.2])


def pair_observed_twice() -> Problem:
    net = Factorization(3, 2)
    anchor = balanced_anchor(net, np.random.default_rng(2).standard_normal(6))
    return Problem(net, anchor, [[0, 1], [1, 0], [2, 2]], [1.0, 1.0, -0.5], "squared")


@pytest.mark.parametrize("build", [more_samples_than_rank, pair_observed_twice])
def test_consistent_targets_of_a_singular_kernel_are_followed(
    build: Callable[[], Problem], flow_stiff_above: Callable[..., Trajectory]
) -> None:
    problem = build()
    regime = Regime(log10_alpha=2, log10_lambda=-6)
    direct = flow_stiff_above(np.inf, problem, regime, AT)
    slow = flow_stiff_above(STIFF_ABOVE, problem, regime, AT)
    assert_close(slow, direct, 3e-9)
    assert slow.states[2].slow
    far = gradient_flow(problem, Regime(log10_alpha=12, decay_power=2))
    np.testing.assert_allclose(far.outputs(problem.inputs)[1], problem.labels, atol=1e-9)


def test_targets_that_the_linearised_model_cannot_interpolate_are_named() -> None:
    inputs = [[1.0, 0.0], [1.0, 0.0]]
    problem = Problem(Diagonal(2), np.full(4, 0.5), inputs, [1.0, 2.0], "squared")
    with pytest.raises(
        AssumptionError, match=r"cannot interpolate the targets: .* rank 1"
    ) as error:
        gradient_flow(problem, Regime(log10_alpha=12, decay_power=2))
    assert error.value.assumption == "realizability"


def test_a_kernel_that_is_singular_only_at_the_anchor_is_named() -> None:
    net = TwoLayer(2, 3, "square")
    anchor = zero_readout_anchor(net, np.array([1.0, 1.0, 0.5, -0.3, 0.8, 0.2, 0.9, -0.4]))
    problem = Problem(net, anchor, np.eye(3), np.ones(3), "squared")
    features = net.jacobian(problem.anchor, problem.inputs)
    realizable = replace(problem, labels=features.sum(axis=1))
    with pytest.raises(NumericalFailure, match="singular, of rank 2 for 3 samples, and elsewhere"):
        gradient_flow(realizable, Regime(log10_alpha=12, decay_power=2))


def test_the_misfit_does_not_depend_on_the_integrator_after_the_kernel_phase() -> None:
    """Where rho^L is 10^3 or so, in theta f would be known to 10^-9: the flow stays co-moving."""
    generator = np.random.default_rng(0)
    net = Deep((4, 6, 2, 1), "linear")
    first, last = 0.15 * generator.standard_normal((3, 4)), [0.25, -0.25]
    second = np.kron(np.eye(2), 0.25 * generator.standard_normal(3))
    anchor = np.concatenate([np.vstack([first, first]).ravel(), second.ravel(), last])
    problem = Problem(net, anchor, [[-1.0, 2.0, 1.0, -2.0]], [-2.5], "squared")
    regime = Regime(log10_alpha=2.8, log10_lambda=-3.4)
    for at in (0.55, 0.6, 0.65, 0.7):
        misfits = [
            gradient_flow(problem, regime, [at], rtol=1e-12, method=method, estimate_error=False)
            .states[0]
            .outputs(problem.inputs)[0]
            - problem.labels[0]
            for method in (None, "Radau")
        ]
        assert max(misfits) - min(misfits) < 1e-11


def test_outputs_at_rest_stay_known_while_theta_is_far_from_what_is_learned() -> None:
    # theta in float64 knows f to rtol rho^L only, and at rest nothing mends what it loses
    net = TwoLayer(4, 2, "square")
    anchor = difference_anchor(net, np.random.default_rng(0).standard_normal(6))
    problem = Problem(net, anchor, [[1.0, 0.5], [-0.25, 1.0]], [1.0, -2.0], "squared")
    regime, rtol = Regime(log10_alpha=8.0, decay_power=2.0), 1e-8
    at = [1.0 - log(k) / (problem.degree * regime.log_alpha) for k in (8e3, 4e2)]
    rough, fine = (
        gradient_flow(problem, regime, at, rtol=r, estimate_error=False).margins
        for r in (rtol, 1e-12)
    )
    assert np.abs(rough - fine).max() <= 5.0 * rtol
