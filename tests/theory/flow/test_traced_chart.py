"""Flows of a user's torch net: the same as those of the same net in closed form."""

from time import process_time
from typing import Any

import numpy as np
import pytest
from numpy.random import default_rng

from tests.support.own_two_layer import OwnTwoLayer
from theory.clock import decay_time_at
from theory.flow import gradient_flow
from theory.flow.chart import Chart
from theory.flow.traced_chart import traced_chart
from theory.nets import HomogeneousNet, TwoLayer
from theory.problem import Problem, Regime

WIDTH, DIMENSION = 10, 3


class Own(HomogeneousNet):
    degree = 3

    def __init__(self) -> None:
        self.calls = 0

    def forward(self, theta: Any, inputs: Any) -> Any:
        self.calls += 1
        return OwnTwoLayer(WIDTH, DIMENSION).forward(theta, inputs)


def drawn(net: HomogeneousNet, loss: str = "exponential") -> Problem:
    rng = default_rng(0)
    half = rng.standard_normal(5), rng.standard_normal((5, DIMENSION)).ravel()
    anchor = np.concatenate([half[0], -half[0], half[1], half[1]])
    inputs = rng.standard_normal((5, DIMENSION))
    labels = np.array([1.0, -1.0, 1.0, 1.0, -1.0])
    return Problem(net, anchor / np.linalg.norm(anchor), inputs, labels, loss)


@pytest.mark.parametrize("loss", ["exponential", "logistic", "squared"])
def test_traced_and_plain_right_hand_sides_agree(loss: str) -> None:
    rng = default_rng(1)
    for comoving in (True, False):
        chart = Chart(drawn(Own(), loss), Regime(log10_alpha=3.0, decay_power=1.0), comoving)
        traced = traced_chart(chart)
        assert traced is not None
        for clock in (-20.0, -1.0, 0.5, 5.0, 8.0):
            at = rng.standard_normal(40)
            plain, matrix = chart.rhs(clock, at), chart.jacobian(clock, at)
            np.testing.assert_allclose(
                traced.rhs(clock, at), plain, rtol=0, atol=1e-12 * np.abs(plain).max()
            )
            np.testing.assert_allclose(
                traced.jacobian(clock, at), matrix, rtol=0, atol=1e-12 * np.abs(matrix).max()
            )


@pytest.mark.parametrize("log10_alpha", [3.0, 40.0])
@pytest.mark.parametrize("anchored", [True, False])
def test_rows_of_several_points_are_those_of_each(log10_alpha: float, anchored: bool) -> None:
    """At alpha = 10^40 the net is linear to every digit at some of the clocks and not at others."""
    regime, points = Regime(log10_alpha=log10_alpha, decay_power=1.0), default_rng(3)
    for comoving in (True, False):
        chart = traced_chart(Chart(drawn(Own()), regime, comoving, anchored=anchored))
        assert chart is not None
        clocks = np.array([-1.0, 0.5, 0.5 * regime.log_alpha, regime.log_alpha - 1.0, 1.0])
        at = points.standard_normal((5, 40))
        rows, gradients = chart.linearize_together(clocks, at)
        for clock, point, outputs, slopes in zip(clocks, at, rows, gradients, strict=True):
            alone, tangents = chart.linearize(decay_time_at(clock), point)
            np.testing.assert_allclose(outputs, alone, rtol=1e-12, atol=1e-13)
            np.testing.assert_allclose(slopes, tangents, rtol=1e-12, atol=1e-13)


def test_linear_net_at_huge_alpha() -> None:
    chart = Chart(drawn(Own()), Regime(log10_alpha=1000.0, decay_power=1.0), comoving=True)
    traced, at = traced_chart(chart), default_rng(2).standard_normal(40)
    assert traced is not None
    plain, matrix = chart.rhs(-1.0, at), chart.jacobian(-1.0, at)
    np.testing.assert_allclose(traced.rhs(-1.0, at), plain, rtol=1e-12)
    np.testing.assert_allclose(traced.jacobian(-1.0, at), matrix, atol=1e-12)


def test_nets_of_closed_form_are_not_traced() -> None:
    chart = Chart(
        drawn(TwoLayer(WIDTH, DIMENSION, "square")), Regime(log10_alpha=1, decay_power=1), True
    )
    assert traced_chart(chart) is None


@pytest.mark.parametrize("loss", ["exponential", "squared"])
def test_flows_run_the_traced_net(loss: str) -> None:
    net = Own()
    flow = gradient_flow(drawn(net, loss), Regime(log10_alpha=1.5, decay_power=1.0))
    assert flow.evaluations > 1000
    assert net.calls < 200


@pytest.mark.slow
@pytest.mark.parametrize("log10_alpha", [1.5, 3.0, 12.0])
def test_flow_is_that_of_the_net_in_closed_form(log10_alpha: float) -> None:
    regime = Regime(log10_alpha=log10_alpha, decay_power=1.0)
    own = gradient_flow(drawn(Own()), regime)
    closed = gradient_flow(drawn(TwoLayer(WIDTH, DIMENSION, "square")), regime)
    allowed = 2.0 * (own.error_estimate.max() + closed.error_estimate.max())
    assert allowed <= 1e-8
    np.testing.assert_allclose(own.margins, closed.margins, rtol=allowed)


@pytest.mark.slow
def test_flow_of_forty_parameters_takes_less_than_a_second() -> None:
    problem, regime = drawn(Own()), Regime(log10_alpha=3.0, decay_power=1.0)
    gradient_flow(problem, regime)
    before = process_time()
    gradient_flow(problem, regime)
    assert process_time() - before <= 1.0
