"""The reduction of diagonal nets to n variables, against the flow of all 2 d parameters."""

import numpy as np
import pytest

from theory.anchors import balanced_anchor
from theory.backend import Floats
from theory.clock import decay_time_at
from theory.errors import AssumptionError, InvalidInput
from theory.flow import diagonal, gradient_flow
from theory.flow.chart import Chart
from theory.flow.diagonal import SHARED, diagonal_flow
from theory.flow.gradient import RICH_BELOW
from theory.flow.pieces import hand_over
from theory.nets import Diagonal, TwoLayer
from theory.problem import Problem, Regime

TIMES = (0.3, 0.7, 1.0, 1.3)
AGREEMENT = 1e-9
"""What the reduction promises; the two integrators at rtol 1e-11 leave 1.4e-10 at most."""


def task(degree: int, loss: str = "exponential", d: int = 8, n: int = 3, seed: int = 0) -> Problem:
    generator = np.random.default_rng(seed)
    net = Diagonal(d, degree)
    inputs = generator.standard_normal((n, d))
    labels = np.where(generator.standard_normal(n) > 0, 1.0, -1.0)
    anchor = balanced_anchor(net, generator.uniform(0.5, 2.0, d))
    return Problem(net, anchor, inputs, labels, loss)


def relative(a: Floats, b: Floats) -> float:
    return float(np.max(np.abs(a - b).max(axis=1) / np.abs(b).max(axis=1)))


@pytest.mark.parametrize(
    ("log10_alpha", "loss"),
    [(2.0, "exponential"), (2.0, "logistic"), (8.0, "logistic"), (30.0, "exponential")],
)
@pytest.mark.parametrize("degree", [2, 3, 4])
def test_agrees_with_the_full_flow(degree: int, log10_alpha: float, loss: str) -> None:
    problem = task(degree, loss)
    regime = Regime(log10_alpha=log10_alpha, decay_power=1.5)
    reduced = diagonal_flow(problem, regime, TIMES, estimate_error=False)
    full = gradient_flow(problem, regime, TIMES, estimate_error=False)
    weights = full.outputs(np.eye(problem.inputs.shape[1]))  # f(e_j) = w_j, free of cancellation
    assert relative(reduced.weights, weights) < AGREEMENT
    assert relative(reduced.margins, full.margins) < AGREEMENT
    np.testing.assert_allclose(reduced.log_norm, full.log_norm, atol=AGREEMENT)
    exponents = np.array([state.log_multipliers for state in full.states])
    # absolute errors of margins up to 100, hence of the multipliers' exponents
    np.testing.assert_allclose(reduced.log_multipliers, exponents, atol=100 * AGREEMENT)


@pytest.mark.parametrize("degree", [4, 5])
def test_nothing_is_lost_where_the_rich_chart_takes_over(degree: int) -> None:
    """Dual variables start from 0 there, where weights move up to 1e5 times faster with them."""
    problem, regime = task(degree), Regime(log10_alpha=3.0, decay_power=1.5)
    turn = decay_time_at(hand_over(Chart(problem, regime, comoving=True), RICH_BELOW))
    times = turn / regime.log_alpha + np.array([1e-5, 1e-4, 1e-3, 1e-2])
    reduced = diagonal_flow(problem, regime, times, rtol=1e-12, estimate_error=False)
    full = gradient_flow(problem, regime, times, rtol=1e-12, estimate_error=False)
    assert relative(reduced.margins, full.margins) < 1e-10


def test_parameters_and_stationarity_agree_where_theta_is_resolved() -> None:
    problem, regime = task(3), Regime(log10_alpha=4.0, decay_power=1.5)
    reduced, full = diagonal_flow(problem, regime, TIMES), gradient_flow(problem, regime, TIMES)
    np.testing.assert_allclose(np.exp(reduced.log_parameters.reshape(4, -1)), full.theta, rtol=1e-7)
    np.testing.assert_allclose(reduced.stationarity, full.stationarity, rtol=1e-7)
    assert reduced.error_estimate.max() < 1e-6
    np.testing.assert_allclose(
        reduced.weights,
        np.exp(3 * reduced.log_parameters[:, 0]) - np.exp(3 * reduced.log_parameters[:, 1]),
        atol=1e-3,  # plain subtraction at alpha^3 = 10^12, 0.3 t_g, keeps so few digits
    )


@pytest.mark.parametrize("degree", [2, 3])
def test_negative_halves_follow_the_full_flow(degree: int) -> None:
    base = task(degree)
    net = Diagonal(8, degree)
    half = base.anchor[:8] * np.where(np.arange(8) % 3 == 0, -1.0, 1.0)
    problem = Problem(net, balanced_anchor(net, half), base.inputs, base.labels)
    regime = Regime(log10_alpha=4.0, decay_power=1.5)
    reduced, full = diagonal_flow(problem, regime, TIMES), gradient_flow(problem, regime, TIMES)
    assert relative(reduced.weights, full.outputs(np.eye(8))) < AGREEMENT
    magnitudes = np.exp(reduced.log_parameters.reshape(4, -1))
    np.testing.assert_allclose(magnitudes, np.abs(full.theta), rtol=1e-7)


def test_at_time_zero_the_net_is_at_its_anchor() -> None:
    problem, regime = task(2), Regime(log10_alpha=3.0, decay_power=2.0)
    flow = diagonal_flow(problem, regime, [0.0, 0.5])
    assert not flow.weights[0].any()
    np.testing.assert_allclose(flow.log_norm[0], regime.log_alpha, rtol=1e-12)
    np.testing.assert_allclose(
        flow.log_parameters[0].ravel(), regime.log_alpha + np.log(problem.anchor), rtol=1e-12
    )


@pytest.mark.parametrize("log10_alpha", [1000.0, 10000.0])
def test_huge_alpha_stays_finite(log10_alpha: float) -> None:
    flow = diagonal_flow(task(2), Regime(log10_alpha=log10_alpha, decay_power=2.0), [0.7, 1.3])
    for values in (flow.weights, flow.log_parameters, flow.margins, flow.log_norm):
        assert np.all(np.isfinite(values))
    assert flow.margins.min() > 0
    assert flow.error_estimate.max() < 1e-6


def test_times_come_back_in_the_order_asked_for() -> None:
    problem, regime = task(3), Regime(log10_alpha=4.0, decay_power=1.5)
    forward, backward = (diagonal_flow(problem, regime, at) for at in ([0.5, 1.2], [1.2, 0.5]))
    np.testing.assert_allclose(forward.weights, backward.weights[::-1], rtol=1e-9)


@pytest.mark.parametrize("at", [0.5, 1.2])
def test_an_approximate_gram_matrix_changes_the_steps_and_not_the_flow(
    at: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem, regime = task(2, d=60, n=8), Regime(log10_alpha=4.0, decay_power=1.5)
    exact = diagonal_flow(problem, regime, [at], estimate_error=False)
    monkeypatch.setattr(diagonal, "_EXACT_GRAM", 0)
    monkeypatch.setattr(diagonal, "_MOVED_COLUMNS", 10)
    steered = diagonal_flow(problem, regime, [at], estimate_error=False)
    assert relative(steered.weights, exact.weights) < AGREEMENT


def test_other_nets_losses_anchors_and_times_are_refused_by_name() -> None:
    problem, regime = task(2, d=2, n=1), Regime(log10_alpha=3.0, decay_power=2.0)
    net, inputs, labels = problem.net, problem.inputs, problem.labels
    two_layer = Problem(TwoLayer(1, 2, "square"), np.array([0.0, 1.0, 1.0]), inputs, labels)
    with pytest.raises(InvalidInput, match="net is TwoLayer"):
        diagonal_flow(two_layer, regime)
    with pytest.raises(InvalidInput, match="loss is 'squared'"):
        diagonal_flow(Problem(net, problem.anchor, inputs, labels, "squared"), regime)
    with pytest.raises(AssumptionError, match="not balanced"):
        diagonal_flow(Problem(net, np.array([1.0, 1.0, 1.0, 0.5]), inputs, labels), regime)
    with pytest.raises(InvalidInput, match="1 coordinates u = v = 0"):
        diagonal_flow(Problem(net, np.array([1.0, 0.0, 1.0, 0.0]), inputs, labels), regime)
    for at in ([], [-0.1], [np.nan]):
        with pytest.raises(InvalidInput, match="at "):
            diagonal_flow(problem, regime, at)
    with pytest.raises(InvalidInput, match=r"rtol is 0\.5"):
        diagonal_flow(problem, regime, rtol=0.5)


@pytest.mark.parametrize(("degree", "seed"), [(2, 15), (3, 12), (4, 3)])
def test_the_told_error_covers_what_collocation_finds(degree: int, seed: int) -> None:
    problem = task(degree, d=12, n=6, seed=seed)
    regime, at = Regime(log10_alpha=30, decay_power=1), np.linspace(1.01, 1.9, 30)
    found = diagonal_flow(problem, regime, at, rtol=1e-9)
    other = gradient_flow(problem, regime, at, rtol=1e-12, estimate_error=False).margins
    off = np.abs(found.margins - other).max(axis=1) / np.abs(other).max(axis=1)
    assert np.all(off <= found.error_estimate)
    # two tolerances and one more told too little: 1.4 to 7 times as much is seen
    assert np.any(off > found.error_estimate - (SHARED - 1.0) * 1e-9)
