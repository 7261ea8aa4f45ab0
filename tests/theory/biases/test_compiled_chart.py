"""Compiled charts of nets with biases against those in Python."""

import numpy as np
import pytest

from theory.anchors import balanced_anchor, difference_anchor
from theory.biases import with_biases
from theory.biases.compiled_chart import compiled_chart
from theory.biases.flow import BiasedChart
from theory.nets import Deep, Diagonal, TwoLayer
from theory.problem import Problem, Regime

INPUTS = np.array([[1.0, 0.5, -0.5], [-0.5, 1.0, 0.25], [0.25, -1.0, 1.0], [-1.0, 0.5, 0.75]])
SIGNS = np.array([1.0, -1.0, 1.0, -1.0])


def of_one_output() -> list[Problem]:
    random = np.random.default_rng(0)
    found = []
    for net, half in (
        (Diagonal(3, 3), None),
        (TwoLayer(4, 3, "square"), TwoLayer(2, 3, "square").parameters),
        (Deep((3, 2, 2, 1)), Deep((3, 1, 1, 1)).parameters),
        (Deep((3, 4, 4, 1), "square"), Deep((3, 2, 2, 1), "square").parameters),
    ):
        if half is None:
            anchor = balanced_anchor(net, np.array([1.0, 0.5, 0.75]))
        else:
            anchor = difference_anchor(net, random.normal(size=half))
        losses = "exponential", "logistic"
        found.extend(Problem(net, anchor, INPUTS, SIGNS, loss) for loss in losses)
    return found


def of_classes() -> list[Problem]:
    net = Diagonal(3, 2, 3)
    anchor = balanced_anchor(net, np.array([1.0, 0.5, 0.75, 1.25, 1.0, 0.5, 0.75, 1.0, 0.5]))
    labels = np.array([0.0, 1.0, 2.0, 1.0])
    return [Problem(net, anchor, INPUTS, labels, loss, 3) for loss in ("cross_entropy",)]


@pytest.mark.parametrize("comoving", [True, False], ids=["comoving", "rich"])
@pytest.mark.parametrize("problem", [*of_one_output(), *of_classes()], ids=str)
def test_slopes_and_their_derivatives_agree_to_rounding(problem: Problem, comoving: bool) -> None:
    problem = with_biases(problem)
    coordinates = 0.1 * np.random.default_rng(1).normal(size=problem.parameters)
    chart = BiasedChart(problem, Regime(log10_alpha=0.5, log10_lambda=-1.0), comoving)
    assert chart.epsilon(0.0) > 0.0
    compiled = compiled_chart(chart)
    assert compiled is not None
    for clock in (-1.0, 0.3, 0.8):
        for one, two in ((compiled.rhs, chart.rhs), (compiled.jacobian, chart.jacobian)):
            told = two(clock, coordinates)
            found = one(clock, coordinates)
            np.testing.assert_allclose(found, told, rtol=1e-12, atol=1e-12 * np.abs(told).max())


def test_far_out_the_chart_is_linear() -> None:
    problem = with_biases(of_one_output()[0])
    chart = BiasedChart(problem, Regime(log10_alpha=1000.0, log10_lambda=-1500.0), True)
    compiled = compiled_chart(chart)
    assert compiled is not None
    assert chart.epsilon(0.0) == 0.0
    coordinates = np.linspace(-1.0, 1.0, problem.parameters)
    for one, two in ((compiled.rhs, chart.rhs), (compiled.jacobian, chart.jacobian)):
        told = two(0.5, coordinates)
        found = one(0.5, coordinates)
        np.testing.assert_allclose(found, told, rtol=1e-12, atol=1e-12 * np.abs(told).max())
