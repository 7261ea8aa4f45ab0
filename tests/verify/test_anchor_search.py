"""Anchors of zero output: found by halves or by search, never degenerate ones."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from theory.nets import Diagonal, HomogeneousNet, TwoLayer
from theory.problem import Problem
from verify.anchor_search import (
    DEGENERATE,
    difference_anchor,
    find_anchor,
    generic_gradients,
    relative_margin,
    zero_output_anchor,
)
from verify.instances.flow import load_module_net

EXAMPLES = Path(__file__).parents[2] / "examples"


class Convolution(HomogeneousNet):
    """Two 2 x 2 kernels, squared, and a linear readout, of 4 x 4 inputs: zero kernels are zeros."""

    degree, parameters = 3, 26

    def forward(self, theta: Any, inputs: Any) -> Any:
        images = inputs.reshape(len(inputs), 1, 4, 4)
        hidden = torch.nn.functional.conv2d(images, theta[:8].reshape(2, 1, 2, 2)) ** 2
        return hidden.reshape(len(inputs), -1) @ theta[8:]


class Difference(Convolution):
    parameters = 52

    def forward(self, theta: Any, inputs: Any) -> Any:
        first, second = theta[:26], theta[26:]
        return super().forward(first, inputs) - super().forward(second, inputs)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("net", [Convolution(), Difference()])
def test_anchors_are_regular_zeros(net: HomogeneousNet, seed: int) -> None:
    generator = np.random.default_rng(seed)
    inputs = generator.standard_normal((12, 16))
    assert net.parameters is not None
    anchor = find_anchor(net, net.parameters, inputs, generator)
    assert anchor is not None
    assert np.linalg.norm(anchor) == pytest.approx(1.0)
    gradients = np.linalg.norm(net.jacobian(anchor, inputs), axis=1)
    assert np.all(np.abs(net.outputs(anchor, inputs)) <= 1e-13 * gradients)
    assert np.all(gradients > DEGENERATE * generic_gradients(net, anchor, inputs))
    if isinstance(net, Difference):
        np.testing.assert_array_equal(anchor[:26], anchor[26:])


def test_halves_are_exchanged_only_where_that_turns_the_sign() -> None:
    generator = np.random.default_rng(0)
    inputs = generator.standard_normal((5, 2))
    found = difference_anchor(Diagonal(2), 4, inputs, generator)
    assert found is not None
    np.testing.assert_array_equal(found[:2], found[2:])
    # the halves of (readouts, hidden weights) have nothing to do with one another
    assert difference_anchor(TwoLayer(2, 2, "square"), 6, inputs, generator) is None
    assert (
        difference_anchor(
            load_module_net(str(EXAMPLES / "quartic.py:Quartic")), 3, inputs, generator
        )
        is None
    )


def test_gauss_newton_finds_zeros_on_every_input() -> None:
    net = load_module_net(str(EXAMPLES / "quartic.py:Quartic"))
    generator = np.random.default_rng(0)
    inputs = generator.standard_normal((12, 2))
    anchor = zero_output_anchor(net, 4, inputs, generator)
    assert anchor is not None
    other = np.random.default_rng(1).standard_normal((50, 2))
    assert np.abs(net.outputs(anchor, other)).max() <= 1e-12


@pytest.mark.parametrize("units", [1e-8, 1.0, 1e8])
def test_relative_margins_know_no_units(units: float) -> None:
    inputs = np.array([[1.0, 0.5], [-0.25, 1.0]])
    plain = relative_margin(Problem(Diagonal(2), np.ones(4), inputs, [1, -1]))
    scaled = Problem(Diagonal(2), units * np.ones(4), [[units], [1.0]] * inputs, [1, -1])
    assert relative_margin(scaled) == pytest.approx(plain, rel=1e-12)
    assert 0.1 < plain <= 2.0
    near = np.array([[1.0, 0.5], [1.0, 0.5 + 1e-9]])
    assert relative_margin(Problem(Diagonal(2), np.ones(4), near, [1, -1])) < 1e-8
    equal = np.array([[1.0, 0.5], [1.0, 0.5]])
    assert relative_margin(Problem(Diagonal(2), np.ones(4), equal, [1, -1])) == 0.0
