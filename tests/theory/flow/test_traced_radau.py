"""Collocation of a user's traced net: the same steps as of the net in compiled code."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.random import default_rng

from tests.support.own_two_layer import OwnTwoLayer
from theory.flow import gradient_flow
from theory.flow.chart import Chart
from theory.flow.collocation import POINTS_ASKED
from theory.flow.compiled_chart import compiled_chart
from theory.flow.compiled_radau import integrate_chart
from theory.flow.gradient import start_clock
from theory.flow.traced_chart import TracedChart, traced_chart
from theory.flow.traced_radau import integrate_traced, worth_collocating
from theory.nets import HomogeneousNet, TwoLayer
from theory.nets.traced import TOGETHER
from theory.problem import Problem, Regime

REGIME = Regime(log10_alpha=1.0, decay_power=1.0)
"""At larger alpha the squared loss is too stiff off its slow manifold."""


def drawn(net: HomogeneousNet, width: int, samples: int, loss: str = "logistic") -> Problem:
    rng = default_rng(0)
    readout, hidden = rng.standard_normal(width // 2), rng.standard_normal((width // 2, 3)).ravel()
    anchor = np.concatenate([readout, -readout, hidden, hidden])
    inputs = rng.standard_normal((samples, 3))
    labels = np.where(np.arange(samples) % 2 == 0, 1.0, -1.0)
    return Problem(net, anchor, inputs, labels, loss)


def own_chart(width: int, samples: int, loss: str = "logistic") -> TracedChart:
    found = traced_chart(Chart(drawn(OwnTwoLayer(width, 3), width, samples, loss), REGIME, True))
    assert found is not None
    return found


@pytest.mark.parametrize("loss", ["exponential", "logistic", "squared"])
@pytest.mark.parametrize("together", [True, False])
def test_takes_the_steps_of_the_same_net_in_compiled_code(loss: str, together: bool) -> None:
    chart = own_chart(6, 4, loss)
    if not together:
        chart = replace(chart, traced=replace(chart.traced, _together=None))
    closed = compiled_chart(Chart(drawn(TwoLayer(6, 3, "square"), 6, 4, loss), REGIME, True))
    assert closed is not None
    start, stop = start_clock(chart), 2.0
    arguments = start, np.array([start + 2.0, stop]), np.zeros(24), 1e-9, 1e-12, 10_000
    own, known = integrate_traced(chart, *arguments), integrate_chart(closed, *arguments)
    assert own.evaluations == known.evaluations > 100
    assert own.reason == known.reason == ""
    np.testing.assert_allclose(own.states, known.states, rtol=1e-10, atol=1e-12)


def test_an_early_end_says_why() -> None:
    chart = own_chart(6, 4)
    start = start_clock(chart)
    spent = integrate_traced(chart, start, np.array([5.0]), np.zeros(24), 1e-9, 1e-12, 20)
    assert spent.reason == "budget spent"
    assert 20 < spent.evaluations < 100


@pytest.mark.parametrize("log10_alpha", [1.5, 12.0])
def test_flows_of_users_nets_are_collocated(log10_alpha: float) -> None:
    regime = Regime(log10_alpha=log10_alpha, decay_power=1.5)
    own = gradient_flow(drawn(OwnTwoLayer(6, 3), 6, 4), regime)
    other = gradient_flow(drawn(OwnTwoLayer(6, 3), 6, 4), regime, method="BDF")
    assert own.method == "compiled Radau"
    np.testing.assert_allclose(own.margins, other.margins, rtol=1e-8)
    np.testing.assert_allclose(own.directions, other.directions, atol=1e-8)


def test_of_many_rows_others_take_less_time() -> None:
    assert worth_collocating(own_chart(6, 24))
    assert not worth_collocating(own_chart(6, 25))
    assert worth_collocating(own_chart(100, 30))
    assert not worth_collocating(own_chart(100, 31))


def test_a_pass_of_a_traced_net_takes_what_a_step_asks_for() -> None:
    assert TOGETHER == POINTS_ASKED
