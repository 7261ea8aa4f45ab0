"""Nets of several outputs: their formulas, the order of their parameters, and margins of pairs."""

import numpy as np
import pytest
import torch

from tests.theory.flow.several_classes import CLASSES, NETS
from theory.backend import Floats
from theory.errors import InvalidInput
from theory.nets import ConstantFeature, Deep, Diagonal, HomogeneousNet, PairNet, TwoLayer


def drawn(net: HomogeneousNet) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(0)
    assert net.parameters is not None
    return rng.standard_normal(net.parameters), rng.standard_normal((5, 4))


def test_outputs_follow_the_documented_order_of_parameters() -> None:
    theta, inputs = drawn(NETS["two-layer square"])
    readout, hidden = theta[:12].reshape(3, 4), theta[12:].reshape(4, 4)
    expected = (inputs @ hidden.T) ** 2 @ readout.T
    np.testing.assert_allclose(NETS["two-layer square"].outputs(theta, inputs), expected)
    theta, inputs = drawn(NETS["two-layer with biases"])
    readout, hidden = theta[:12].reshape(3, 4), theta[12:].reshape(4, 5)
    expected = (inputs @ hidden[:, :4].T + hidden[:, 4]) ** 2 @ readout.T
    np.testing.assert_allclose(NETS["two-layer with biases"].outputs(theta, inputs), expected)
    theta, inputs = drawn(NETS["diagonal, L = 3"])
    u, v = theta.reshape(2, 3, 4)
    np.testing.assert_allclose(
        NETS["diagonal, L = 3"].outputs(theta, inputs), inputs @ (u**3 - v**3).T
    )
    theta, inputs = drawn(NETS["deep linear"])
    first, second, last = theta[:16].reshape(4, 4), theta[16:32].reshape(4, 4), theta[32:]
    expected = inputs @ (last.reshape(3, 4) @ second @ first).T
    np.testing.assert_allclose(NETS["deep linear"].outputs(theta, inputs), expected)


@pytest.mark.parametrize("name", NETS)
def test_derivatives_and_increments(name: str) -> None:
    net = NETS[name]
    theta, inputs = drawn(net)
    step = 1e-30
    lines = theta + 1j * step * np.eye(theta.size)
    slopes = np.stack([net.outputs(point, inputs + 0j).imag for point in lines], -1) / step
    jacobian = net.jacobian(theta, inputs)
    assert jacobian.shape == (5, CLASSES, theta.size)
    np.testing.assert_allclose(jacobian, slopes, rtol=1e-11, atol=1e-12)
    weights = np.random.default_rng(1).standard_normal((5, CLASSES))
    turned = [np.tensordot(weights, net.jacobian(p, inputs + 0j).imag, 2) / step for p in lines]
    hessian = net.weighted_hessian(theta, inputs, weights)
    np.testing.assert_allclose(hessian, turned, rtol=1e-10, atol=1e-11 * np.abs(hessian).max())
    moved = net.increment(theta, 1e-12 * theta, inputs)  # f is homogeneous
    np.testing.assert_allclose(moved, 1e-12 * net.degree * net.outputs(theta, inputs), rtol=1e-10)


@pytest.mark.parametrize("name", NETS)
def test_torch_and_batches_give_the_same_numbers(name: str) -> None:
    net = NETS[name]
    theta, inputs = drawn(net)
    weights = np.random.default_rng(1).standard_normal((2, 5, CLASSES))
    many, points = (
        np.stack([theta, -0.5 * theta]),
        torch.from_numpy(np.stack([theta, -0.5 * theta])),
    )
    both = [torch.from_numpy(array) for array in (inputs, weights)]
    for method in ("outputs", "jacobian"):
        expected = np.stack([getattr(net, method)(point, inputs) for point in many])
        np.testing.assert_allclose(getattr(net, method)(many, inputs), expected, rtol=1e-12)
        found = getattr(net, method)(points, both[0]).numpy()
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)
    bent = [net.weighted_hessian(p, inputs, w) for p, w in zip(many, weights, strict=True)]
    found = net.weighted_hessian(points, *both).numpy()
    np.testing.assert_allclose(found, bent, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("name", NETS)
def test_pairs_are_differences_to_the_true_class(name: str) -> None:
    net, truth = NETS[name], np.array([2, 0, 1, 0, 2])
    theta, inputs = drawn(net)
    pairs = PairNet(net, truth, CLASSES)
    outputs, jacobian = net.outputs(theta, inputs), net.jacobian(theta, inputs)
    places = [(i, truth[i], j) for i in range(5) for j in range(CLASSES) if j != truth[i]]
    np.testing.assert_array_equal(pairs.others, [j for _, _, j in places])
    expected = [outputs[i, y] - outputs[i, j] for i, y, j in places]
    np.testing.assert_array_equal(pairs.outputs(theta, inputs), expected)
    slopes = [jacobian[i, y] - jacobian[i, j] for i, y, j in places]
    np.testing.assert_array_equal(pairs.jacobian(theta, inputs), slopes)
    weights = np.random.default_rng(2).standard_normal(len(places))
    by_class = np.zeros((5, CLASSES))
    for (i, y, j), weight in zip(places, weights, strict=True):
        by_class[i, y] += weight
        by_class[i, j] -= weight
    np.testing.assert_allclose(pairs.class_weights(weights), by_class, rtol=1e-14, atol=1e-15)
    np.testing.assert_allclose(
        pairs.weighted_hessian(theta, inputs, weights),
        net.weighted_hessian(theta, inputs, by_class),
        atol=1e-12,
    )


def test_one_output_is_the_scalar_net() -> None:
    for net in (TwoLayer(3, 4, "cube"), Diagonal(4, 3), Deep((4, 3, 2, 1))):
        theta, inputs = drawn(net)
        assert net.outputs(theta, inputs).shape == (5,)
        assert net.jacobian(theta, inputs).shape == (5, theta.size)
        assert net.head == net


def test_bad_numbers_of_outputs_are_refused() -> None:
    with pytest.raises(
        InvalidInput, match="output_dim is 0; it must be a whole number, at least 1"
    ):
        TwoLayer(3, 4, "cube", 0)
    with pytest.raises(InvalidInput, match="output_dim is -1"):
        Diagonal(3, 2, -1)
    assert ConstantFeature(Deep((4, 3, 2, 1))).input_dim == 3
