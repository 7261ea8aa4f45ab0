"""Relations that every exact flow satisfies, its error estimate, and its reach in alpha."""

from collections.abc import Callable
from dataclasses import replace
from math import exp, log
from typing import Any

import numpy as np
import pytest
from scipy.special import expit

from theory.errors import AssumptionError, IntegrationFailed, InvalidInput
from theory.flow import FlowState, gradient_flow
from theory.kernel import kernel_svm
from theory.nets import Diagonal
from theory.problem import Problem, Regime

AT = (0.3, 0.7, 1.0, 1.3)
MODERATE = Regime(log10_alpha=4, decay_power=1.5)
RTOL = 1e-11
AGREES = 1e-8
"""Relative difference allowed between two routes at rtol 1e-11: it is a tolerance per step, over
thousands of steps, in the exponent of the force."""

SMALL = ("diagonal, L = 2", "diagonal, L = 3", "two-layer square", "two-layer relu_cubed")


def close(computed: Any, expected: Any, tolerance: float = AGREES) -> None:
    expected = np.asarray(expected)
    np.testing.assert_allclose(computed, expected, rtol=0, atol=tolerance * np.abs(expected).max())


def test_reference_values_of_a_50_digit_taylor_series() -> None:
    inputs, labels = np.array([[1.0, 0.5], [-0.25, 1.0]]), np.array([1.0, -1.0])
    diagonal = Problem(Diagonal(2), np.full(4, 0.5), inputs, labels)
    flow = gradient_flow(diagonal, Regime(log10_alpha=3, log10_lambda=-3), [1.3])
    expected = [
        3.0729297778109069569,
        0.0019198535444573783598,
        0.0012893991297046164125,
        2.0638204370285220603,
    ]
    np.testing.assert_allclose(flow.theta[0], expected, rtol=1e-9)


def test_reference_values_of_a_two_layer_net(instance: Callable[..., Problem]) -> None:
    net = type(instance("two-layer square").net)(2, 2, "square")  # type: ignore[call-arg]
    anchor = np.array([0.75, -0.75, 0.5, 1.0, 0.5, 1.0]) / 2
    inputs, labels = np.array([[1.0, 0.5], [-0.25, 1.0]]), np.array([1.0, -1.0])
    flow = gradient_flow(
        Problem(net, anchor, inputs, labels), Regime(log10_alpha=3, log10_lambda=-3), [1.3]
    )
    expected = [
        1.4529278000100133509,
        -1.5252737353636290484,
        1.9249412499851451665,
        0.71909307277441191118,
        -0.75265171291167911369,
        2.0216158422791396545,
    ]
    np.testing.assert_allclose(flow.theta[0], expected, rtol=1e-9)


@pytest.mark.parametrize(
    ("family", "loss"),
    [*((family, "exponential") for family in SMALL), ("two-layer square", "logistic")],
)
def test_list_dense_and_single_times_agree(
    family: str, loss: str, instance: Callable[..., Problem]
) -> None:
    problem = instance(family, loss)
    together = gradient_flow(problem, MODERATE, AT, dense=True, estimate_error=False)
    for k, at in enumerate(AT):
        alone = gradient_flow(problem, MODERATE, [at], estimate_error=False)
        close(alone.margins[0], together.margins[k])
        # interpolants are of lower order than the method
        close(together.state(at).margins, together.margins[k], 1e-6)
    assert together.state(0.0).margins == pytest.approx(np.zeros(problem.samples))
    middle = gradient_flow(problem, MODERATE, [0.55], estimate_error=False)
    close(together.state(0.55).margins, middle.margins[0], 1e-6)


def test_times_are_answered_in_the_order_asked_for(instance: Callable[..., Problem]) -> None:
    problem = instance("two-layer square")
    forward = gradient_flow(problem, MODERATE, AT, estimate_error=False)
    backward = gradient_flow(problem, MODERATE, [*AT[::-1], 0.7, 0.0], estimate_error=False)
    close(backward.margins[:4], forward.margins[::-1])
    close(backward.margins[4], forward.margins[1])
    np.testing.assert_array_equal(backward.margins[5], 0.0)
    np.testing.assert_allclose(
        [s.at for s in forward.states], AT, rtol=1e-14, err_msg="states know their time"
    )


@pytest.mark.parametrize("at", [[0.0], [0.0, 0.0], [1e-12, 1e-3], [1e-9]])
def test_the_first_instants_follow_the_first_order_of_the_flow(
    at: list[float], instance: Callable[..., Problem]
) -> None:
    problem, regime = instance("diagonal, L = 2"), Regime(log10_alpha=1, decay_power=2)
    flow = gradient_flow(problem, regime, at)
    np.testing.assert_allclose(flow.log_norm[0], log(10.0), rtol=1e-7)
    features = problem.labels[:, None] * problem.net.jacobian(problem.anchor, problem.inputs)
    rate = 10.0**2 * (features @ features.T).sum(axis=1) / problem.samples
    time = at[0] * regime.log_alpha / 10**regime.log10_lambda
    # f' = alpha^(2L-2) K r / n at the start; the next order is f itself, 1e-4 at most
    np.testing.assert_allclose(flow.margins[0], rate * time, rtol=2e-4)


def test_decay_far_above_the_force_leaves_the_first_order_solution(
    instance: Callable[..., Problem],
) -> None:
    problem, regime = instance("diagonal, L = 2"), Regime(log10_alpha=0.5, log10_lambda=6)
    flow = gradient_flow(problem, regime, (0.1, 0.7, 1.3))
    features = problem.labels[:, None] * problem.net.jacobian(problem.anchor, problem.inputs)
    forces = 10.0 / 1e6 / problem.samples * (features @ features.T).sum(axis=1)
    s = flow.decay_times[:, None]
    # q' = -2 q + e^-2s forces while e^-q = 1; the next order is q itself, below 1e-6
    np.testing.assert_allclose(flow.margins, s * np.exp(-2 * s) * forces, rtol=1e-5)


@pytest.mark.parametrize("family", SMALL)
@pytest.mark.parametrize("loss", ["exponential", "squared"])
def test_scale_can_be_moved_between_alpha_and_anchor(
    family: str, loss: str, instance: Callable[..., Problem]
) -> None:
    problem, factor = instance(family, loss), 3.7
    regime = Regime(log10_alpha=3, log10_lambda=-4)
    smaller = Regime(log10_alpha=3 - np.log10(factor), log10_lambda=-4)
    moved = replace(problem, anchor=factor * problem.anchor)
    # the same decay time s, in units of the two values of log alpha
    at = np.array([0.5, 1.2])
    first = gradient_flow(problem, regime, at, estimate_error=False)
    second = gradient_flow(
        moved, smaller, at * regime.log_alpha / smaller.log_alpha, estimate_error=False
    )
    close(second.theta[0], first.theta[0])
    close(second.theta[1], first.theta[1])
    close(second.margins, first.margins)


def test_order_of_the_samples_does_not_matter(family: str, problem: Problem) -> None:
    order = [2, 0, 1]
    shuffled = replace(problem, inputs=problem.inputs[order], labels=problem.labels[order])
    first = gradient_flow(problem, MODERATE, AT, estimate_error=False)
    second = gradient_flow(shuffled, MODERATE, AT, estimate_error=False)
    for a, b in zip(first.margins, second.margins, strict=True):
        close(b, a[order])


def test_flipping_a_label_and_its_input_does_not_matter(
    instance: Callable[..., Problem],
) -> None:
    # f is linear in x: y f(x) = (-y) f(-x)
    problem = instance("diagonal, L = 3")
    signs = np.array([1.0, -1.0, -1.0])
    flipped = replace(
        problem, inputs=signs[:, None] * problem.inputs, labels=signs * problem.labels
    )
    first = gradient_flow(problem, MODERATE, AT, estimate_error=False)
    close(gradient_flow(flipped, MODERATE, AT, estimate_error=False).theta, first.theta)


@pytest.mark.parametrize("method", ["LSODA", "BDF", "Radau"])
@pytest.mark.parametrize("family", ["diagonal, L = 2", "two-layer square"])
def test_methods_agree(family: str, method: str, instance: Callable[..., Problem]) -> None:
    problem = instance(family)
    reference = gradient_flow(problem, MODERATE, AT, estimate_error=False)
    flow = gradient_flow(problem, MODERATE, AT, method=method, rtol=1e-8, estimate_error=False)
    assert flow.method == method
    close(flow.margins, reference.margins, 2e-5)  # rtol 1e-8 over thousands of steps of BDF
    close(flow.directions, reference.directions, 2e-5)


def smallest_margin_less_one(state: FlowState) -> float:
    return float(state.margins.min() - 1.0)


@pytest.mark.parametrize("family", SMALL)
def test_events_are_located(family: str, instance: Callable[..., Problem]) -> None:
    problem = instance(family)

    def half_way(state: FlowState) -> float:
        return state.anchor_cosine - 0.5 * (1 + final)

    final = gradient_flow(problem, MODERATE, [1.3], estimate_error=False).states[0].anchor_cosine
    flow = gradient_flow(
        problem, MODERATE, [1.3], events=[smallest_margin_less_one, half_way], estimate_error=False
    )
    crossed, turned = flow.event_times
    assert len(crossed) >= 1
    assert len(turned) >= 1
    at_crossing = gradient_flow(problem, MODERATE, [crossed[0], turned[0]], estimate_error=False)
    # root finding on the interpolant, whose error is far above that of the steps
    assert at_crossing.margins[0].min() == pytest.approx(1.0, abs=1e-5)
    assert half_way(at_crossing.states[1]) == pytest.approx(0.0, abs=1e-5)
    assert 0 < crossed[0] < 1e-3 < turned[0] < 1.3


@pytest.mark.parametrize("family", SMALL)
def test_energy_falls_at_the_squared_speed(family: str, instance: Callable[..., Problem]) -> None:
    problem = instance(family)
    nodes, weights = np.polynomial.legendre.leggauss(24)
    at = 1.15 + 0.15 * nodes
    flow = gradient_flow(problem, MODERATE, [1.0, *at, 1.3], estimate_error=False)
    energies = [
        0.5 * exp(2 * s.log_norm) + float(np.exp(s.log_multipliers).sum()) for s in flow.states
    ]
    squared_speeds = [(s.stationarity * exp(s.log_norm)) ** 2 for s in flow.states[1:-1]]
    integral = 0.15 * MODERATE.log_alpha * float(weights @ squared_speeds)
    # 24 nodes resolve a smooth curve to about 1e-6
    assert energies[0] - energies[-1] == pytest.approx(integral, rel=1e-5)


@pytest.mark.parametrize("loss", ["exponential", "logistic"])
@pytest.mark.parametrize("rtol", [1e-7, 1e-11])
@pytest.mark.parametrize("family", SMALL)
def test_error_estimate_bounds_the_error(
    family: str, rtol: float, loss: str, instance: Callable[..., Problem]
) -> None:
    problem, regime = instance(family, loss), Regime(log10_alpha=8, decay_power=1.5)
    flow = gradient_flow(problem, regime, (0.7, 1.3), rtol=rtol)
    exact = gradient_flow(problem, regime, (0.7, 1.3), rtol=1e-13, estimate_error=False)
    for k in range(2):
        margins = np.abs(flow.margins[k] - exact.margins[k]).max() / np.abs(exact.margins[k]).max()
        direction = np.linalg.norm(flow.directions[k] - exact.directions[k])
        floor = 1e-11  # of the reference run, at rtol 1e-13
        assert max(margins, direction) <= flow.error_estimate[k] + floor
        assert flow.error_estimate[k] <= 1e5 * rtol, "an estimate that is no use bounds anything"


def test_logistic_and_exponential_flows_agree_late_where_margins_are_large(
    instance: Callable[..., Problem],
) -> None:
    regime = Regime(log10_alpha=30, decay_power=2)
    first, second = (
        gradient_flow(instance("two-layer square", loss), regime, [0.7], estimate_error=False)
        for loss in ("exponential", "logistic")
    )
    # the forces differ by a factor 1 + e^-q with q > 100
    close(second.margins, first.margins)


LADDER = (0.5, 1, 2, 4, 12, 100, 1000, 10000)


@pytest.mark.parametrize("log10_alpha", LADDER)
def test_every_family_finishes_at_every_alpha(
    family: str, log10_alpha: float, problem: Problem
) -> None:
    regime = Regime(log10_alpha=log10_alpha, decay_power=2)
    at = (0.7, 1.3)
    flow = gradient_flow(problem, regime, at, rtol=1e-9, estimate_error=False)
    assert flow.evaluations < 30_000
    assert np.all(np.isfinite(flow.margins))
    assert np.all(np.isfinite(flow.log_norm))
    if log10_alpha >= 2:
        assert flow.margins[1].min() > 0


def test_direction_gap_to_the_kernel_svm_falls_with_alpha(family: str, problem: Problem) -> None:
    svm = kernel_svm(problem)
    assert svm.strictness > 1e-7, "a multiplier vanishes: the law would be log(Lam)/Lam"
    gaps = []
    for log10_alpha in (4, 12, 100, 1000):
        regime = Regime(log10_alpha=log10_alpha, decay_power=2)
        flow = gradient_flow(problem, regime, [0.6], rtol=1e-9, estimate_error=False)
        learnt = flow.displacement[0] / np.linalg.norm(flow.displacement[0])
        gaps.append(float(np.linalg.norm(learnt - svm.direction)))
    assert gaps[0] > gaps[1] > gaps[2]
    # the law 1/Lam, with Lam proportional to log alpha up to a constant: 5 % at 1e100
    assert gaps[3] == pytest.approx(gaps[2] / 10, rel=0.05)


def test_logistic_force_is_that_of_the_loss(instance: Callable[..., Problem]) -> None:
    problem = instance("diagonal, L = 2", "logistic")
    regime, h = Regime(log10_alpha=1, decay_power=2), 1e-6
    before, here, after = gradient_flow(problem, regime, [0.9 - h, 0.9, 0.9 + h], rtol=1e-13).theta
    margins = problem.labels * problem.net.outputs(here, problem.inputs)
    gradients = problem.labels[:, None] * problem.net.jacobian(here, problem.inputs)
    pull = expit(-margins) @ gradients / problem.samples / 10**regime.log10_lambda
    speed = (after - before) / (2 * h * regime.log_alpha)
    close(speed, pull - here, 1e-5)  # rtol 1e-13 / h


def test_budget_exceeded_is_a_failure_that_counts(instance: Callable[..., Problem]) -> None:
    with pytest.raises(IntegrationFailed, match=r"LSODA: more than 50 evaluations; BDF"):
        gradient_flow(instance("diagonal, L = 2"), MODERATE, AT, max_evaluations=50)


def test_trajectory_reports_its_cost_and_refuses_what_it_does_not_hold(
    instance: Callable[..., Problem],
) -> None:
    problem = instance("diagonal, L = 2")
    with_estimate = gradient_flow(problem, MODERATE, [0.7])
    without = gradient_flow(problem, MODERATE, [0.7], estimate_error=False)
    assert with_estimate.evaluations > without.evaluations > 0
    assert np.isnan(without.error_estimate).all()
    assert with_estimate.outputs(problem.inputs).shape == (1, 3)
    np.testing.assert_allclose(without.decay_times, [0.7 * MODERATE.log_alpha], rtol=1e-14)
    with pytest.raises(InvalidInput, match=r"state\(at\) needs gradient_flow\(..., dense=True\)"):
        without.state(0.5)
    dense = gradient_flow(problem, MODERATE, [0.7], dense=True, estimate_error=False)
    for outside in (-0.1, 0.8):
        with pytest.raises(InvalidInput, match=r"this flow covers 0 to 0\.7"):
            dense.state(outside)


@pytest.mark.parametrize(
    ("at", "options", "message"),
    [
        ([], {}, "list of finite times in units of t_g"),
        (0.7, {}, "at is 0.7; it must be a list"),
        ([0.7, np.nan], {}, "list of finite times"),
        ([0.7, np.inf], {}, "list of finite times"),
        ([[0.7]], {}, "list of finite times"),
        ([0.7, -0.2], {}, "at holds -0.2; times must be >= 0"),
        ([0.7], {"rtol": 1e-14}, r"rtol is 1e-14; it must lie in \[1e-13, 1e-2\]"),
        ([0.7], {"rtol": 0.1}, "rtol is 0.1"),
        ([0.7], {"rtol": np.nan}, "rtol is nan"),
        ([0.7], {"rtol": None}, r"rtol is None; it must lie in \[1e-13, 1e-2\]"),
        (["a"], {}, r"at is not a rectangular array of numbers: \['a'\]"),
        ([0.7], {"max_evaluations": 0}, "max_evaluations is 0; it must be at least 1"),
        ([0.7], {"max_evaluations": -1}, "max_evaluations is -1; it must be at least 1"),
        ([0.7], {"method": "RK45"}, "method is 'RK45'; allowed are LSODA, BDF, Radau"),
    ],
)
def test_meaningless_requests_are_refused(
    at: Any, options: dict[str, Any], message: str, instance: Callable[..., Problem]
) -> None:
    with pytest.raises(InvalidInput, match=message):
        gradient_flow(instance("diagonal, L = 2"), MODERATE, at, **options)


def test_what_is_no_problem_and_no_regime_is_refused(instance: Callable[..., Problem]) -> None:
    problem: Any = instance("diagonal, L = 2")
    with pytest.raises(InvalidInput, match=r"regime is \[Regime.*; it must be a Regime"):
        gradient_flow(problem, [MODERATE])  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match=r"problem is Diagonal\(.*; it must be a Problem"):
        gradient_flow(problem.net, MODERATE)


def test_outputs_on_inputs_of_another_length_are_refused(
    instance: Callable[..., Problem],
) -> None:
    flow = gradient_flow(instance("diagonal, L = 2"), MODERATE, [0.7], estimate_error=False)
    with pytest.raises(InvalidInput, match=r"inputs has 2 columns; .* of dimension 3"):
        flow.outputs([[1, 2]])
    with pytest.raises(InvalidInput, match=r"inputs has shape \(3,\); it must have 2 axes"):
        flow.outputs([1, 2, 3])
    assert flow.outputs([[1, 2, 3]]).shape == (1, 1)


def test_an_anchor_with_an_output_is_refused() -> None:
    problem = Problem(Diagonal(1), [1.0, 0.5], [[1.0]], [1.0])
    with pytest.raises(AssumptionError, match=r"anchor has output 0\.75 at input 0") as raised:
        gradient_flow(problem, MODERATE)
    assert raised.value.assumption == "zero output"
