"""Second order under an odd involution, and first where a rectifier bends within reach."""

import numpy as np
import pytest

from theory.anchors import difference_anchor, rescaled_difference_anchor
from theory.kernel.lazy_order import lazy_order
from theory.nets import TwoLayer

HALF = np.array([1.0, 1.0, 1.0, 1.0, 1.0, 0.5])
"""Of two neurons with weights (1, 1) and (1, 1/2)."""


def order_at(second: list[float], far: float, near: float) -> int:
    """Of two inputs, the first of which moves the weights."""
    net, inputs = TwoLayer(4, 2, "relu_squared"), np.array([[1.0, 0.5], second])
    anchor = difference_anchor(net, HALF)
    learned = np.array([1.0, -0.5]) @ net.jacobian(anchor, inputs)
    return lazy_order(net, anchor, inputs, learned, far, near)


@pytest.mark.parametrize(
    ("preactivation", "order"),
    [
        (0.25, 2),
        (0.0, 1),  # at the bend
        (1e-6, 1),  # past it on every rung
        (-1e-5, 1),
        (3e-2, 2),  # before it on every rung
    ],
)
def test_a_bend_within_reach_leaves_a_first_order_turn(preactivation: float, order: int) -> None:
    second = [1.0, -1.0 + preactivation]  # the neuron (1, 1) of anchors of norm 2.6
    assert order_at(second, 1e-2, 1e-3) == order


def test_a_bend_out_of_reach_is_none() -> None:
    assert order_at([1.0, -1.0 + 1e-3], 1e-5, 1e-6) == 2


def test_without_an_odd_involution_the_order_is_1() -> None:
    net, inputs = TwoLayer(4, 2, "square"), np.array([[1.0, 0.5], [-0.25, 1.0]])
    for build, order in ((difference_anchor, 2), (rescaled_difference_anchor, 1)):
        further = () if build is difference_anchor else (2.0,)
        anchor = build(net, HALF, *further)
        learned = np.array([1.0, -0.5]) @ net.jacobian(anchor, inputs)
        assert lazy_order(net, anchor, inputs, learned, 1e-2, 1e-3) == order
