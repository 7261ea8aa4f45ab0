"""Kernels of wide nets against automatic differentiation, their course against nets at random."""

import numpy as np
import pytest

from theory.backend import Floats
from theory.decay import (
    WideNet,
    degrees,
    mirrored,
    outputs_and_kernel,
    wide_course,
    wide_flow,
    wide_kernels,
)
from theory.errors import InvalidInput


def drawn(degree: int, neurons: int, seed: int = 0) -> tuple[WideNet, Floats, Floats]:
    rng = np.random.default_rng(seed)
    inputs = rng.normal(size=(2, 3))
    inputs /= np.linalg.norm(inputs, axis=1, keepdims=True)
    hidden = rng.normal(size=(neurons, 3))
    return (
        WideNet(rng.normal(size=neurons), hidden, np.ones(neurons), degree),
        inputs,
        np.array([1.0, -0.5]),
    )


@pytest.mark.parametrize("degree", [2, 3, 4])
def test_kernels_are_those_of_automatic_differentiation(degree: int) -> None:
    torch = pytest.importorskip("torch")
    net, inputs, _ = drawn(degree, 3)
    rows = torch.from_numpy(inputs)

    def outputs(theta: "torch.Tensor") -> "torch.Tensor":
        readout, hidden = theta[:3], theta[3:].reshape(3, 3)
        return (rows @ hidden.T) ** (degree - 1) @ readout / np.sqrt(3.0)

    def along(function: object) -> object:
        """Its derivative along grad f_k, k last."""
        return lambda theta: (
            torch.func.jacrev(function)(theta) @ torch.func.jacrev(outputs)(theta).T
        )

    tangent = along(outputs)
    third = along(tangent)
    theta = torch.from_numpy(net.theta)
    found = wide_kernels(net, inputs)
    for ours, other in zip(found, (outputs, tangent, third, along(third)), strict=True):
        assert ours == pytest.approx(other(theta).numpy(), rel=1e-10, abs=1e-12)


def test_a_mirrored_net_keeps_what_is_of_order_one() -> None:
    net, inputs, _ = drawn(3, 4)
    wide = mirrored(net, 3)
    assert wide.width == 9 * net.width
    ours, theirs = wide_kernels(net, inputs), wide_kernels(wide, inputs)
    assert theirs.outputs == pytest.approx(ours.outputs)
    assert theirs.tangent == pytest.approx(ours.tangent)
    assert 9 * theirs.third == pytest.approx(ours.third)
    assert 9 * theirs.fourth == pytest.approx(ours.fourth)
    assert mirrored(net, 1) is net


@pytest.mark.parametrize("degree", [2, 3, 4])
def test_two_clocks_give_one_flow(degree: int) -> None:
    net, inputs, targets = drawn(degree, 5)
    ends = [
        wide_flow(net, inputs, targets, 0.5, 2.0, undecayed=way).tight[0] for way in (False, True)
    ]
    assert ends[0] == pytest.approx(ends[1], abs=1e-9)


@pytest.mark.parametrize("degree", [2, 3])
def test_a_net_of_independent_neurons_has_the_coefficient_of_its_own_start(degree: int) -> None:
    net, inputs, targets = drawn(degree, 4096, seed=3)
    decay, time, rates = 0.5, 1.5, degrees(degree)
    start = wide_kernels(net, inputs)
    course = wide_course(net.width, start, targets, decay, time, rates)
    theta = wide_flow(net, inputs, targets, decay, time, rtol=1e-10).tight[0]
    outputs, tangent = outputs_and_kernel(net.at(theta), inputs)
    moved = net.width * (np.exp(rates.tangent * decay * time) * tangent - start.tangent)
    assert moved == pytest.approx(course.third + course.fourth, abs=0.05 * course.size)
    drift = net.width * (outputs - course.outputs)
    assert drift == pytest.approx(course.moved.sum(axis=0), abs=0.05 * np.abs(course.moved).sum())


def test_pull_is_that_of_the_linearised_net() -> None:
    net, inputs, targets = drawn(3, 6)
    start = wide_kernels(net, inputs)
    ridge = degrees(3)._replace(outputs=1.0, tangent=0.0)
    course = wide_course(net.width, start, targets, 0.5, 40.0, ridge, pull=2.0)
    at_rest = np.linalg.solve(
        start.tangent + 0.5 * np.eye(2), start.tangent @ targets - start.outputs
    )
    assert course.outputs == pytest.approx(at_rest, abs=1e-6)


def test_degrees_below_two_are_refused() -> None:
    with pytest.raises(InvalidInput, match="at least 2"):
        WideNet(np.ones(1), np.ones((1, 1)), np.ones(1), 1)


def test_nets_of_other_shapes_are_refused() -> None:
    net, inputs, targets = drawn(3, 4)
    with pytest.raises(InvalidInput, match="readout, hidden and copies have shapes"):
        WideNet(net.readout, net.hidden, np.array([2.0]), 3)
    with pytest.raises(InvalidInput, match=r"degree is 2\.5"):
        WideNet(net.readout, net.hidden, net.copies, 2.5)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="times is 0"):
        mirrored(net, 0)
    with pytest.raises(InvalidInput, match=r"targets has shape \(1,\)"):
        wide_flow(net, inputs, targets[:1], 0.1, 1.0)
