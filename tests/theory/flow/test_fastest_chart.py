"""Which chart a flow is integrated in."""

from typing import Any

import numpy as np
import pytest

from tests.support.own_two_layer import OwnTwoLayer
from theory.flow.chart import Chart
from theory.flow.compiled_chart import CompiledChart
from theory.flow.fastest_chart import fastest_chart
from theory.flow.traced_chart import TracedChart
from theory.nets import HomogeneousNet, TwoLayer
from theory.problem import Problem, Regime


class Branching(OwnTwoLayer):
    """Its operations depend on the values of theta, so that it cannot be traced."""

    def forward(self, theta: Any, inputs: Any) -> Any:
        return super().forward(theta if theta[0] > 0 else 1.0 * theta, inputs)


def chart_of(net: HomogeneousNet) -> Chart:
    anchor, inputs = np.array([1.0, -0.5, 1.0, 0.5, 0.25, -1.0]), np.array([[1.0, 2.0]])
    regime = Regime(log10_alpha=0.5, decay_power=1.0)
    problem = Problem(net, anchor, inputs, np.array([1.0]))
    return Chart(problem, regime, comoving=True, anchored=True)


@pytest.mark.parametrize(
    ("net", "kind"),
    [
        (TwoLayer(2, 2, "square"), CompiledChart),
        (OwnTwoLayer(2, 2), TracedChart),
        (Branching(2, 2), Chart),
    ],
)
def test_the_fastest_chart_of_each_kind_of_net_has_the_same_slopes(
    net: HomogeneousNet, kind: type
) -> None:
    at = np.array([0.5, 1.0, -1.0, 0.25, 2.0, 1.0])
    plain = chart_of(TwoLayer(2, 2, "square"))
    fastest = fastest_chart(chart_of(net))
    assert type(fastest) is kind
    for clock in (-3.0, 0.1):
        np.testing.assert_allclose(fastest.rhs(clock, at), plain.rhs(clock, at), rtol=1e-12)
