"""The walk on interpolators against the closed form of diagonal nets, and against flows."""

import numpy as np
import pytest

from theory.decay import decayed_misfit, least_potential, net_flow, slow_walk
from theory.errors import IntegrationFailed, InvalidInput
from theory.nets import Diagonal, TwoLayer
from verify.strategies.decay import DecayedNet


@pytest.mark.parametrize("degree", [2, 3])
def test_a_diagonal_net_walks_by_its_closed_form(degree: int) -> None:
    told = DecayedNet(degree, 2, 2, 1.0, 1.0, 5)
    net = Diagonal(4, degree)
    a, b = told.start
    task = told.rows, told.targets
    end = net_flow(net, *task, np.concatenate([a, b]), 0.0, 1e4).tight[0]
    walk = slow_walk(net, *task, end, 1.0)
    for s in (0.0, 0.5, 1.0):
        u, v = np.split(walk.tight(s), 2)
        limit = least_potential(*task, np.exp(-s) * a, np.exp(-s) * b, degree)
        assert u**degree - v**degree == pytest.approx(limit, abs=1e-7)


def test_the_flow_is_that_of_its_loss() -> None:
    net = TwoLayer(2, 2, "cube")
    inputs, targets = np.array([[0.6, 0.8], [1.0, 0.0]]), np.array([1.0, -0.5])
    start = np.array([0.5, -0.4, 0.3, 0.9, -0.7, 0.2])
    ends = [net_flow(net, inputs, targets, start, 0.1, 5.0, method=m) for m in ("LSODA", "Radau")]
    assert ends[0].tight == pytest.approx(ends[1].tight, abs=1e-8)

    def loss(theta: np.ndarray) -> float:
        off = net.outputs(theta, inputs) - targets
        return float(off @ off + 0.1 * theta @ theta) / 2.0

    step = 1e-5
    moved = net_flow(net, inputs, targets, start, 0.1, step).tight[0] - start
    slopes = [(loss(start + step * e) - loss(start - step * e)) / (2 * step) for e in np.eye(6)]
    assert moved / step == pytest.approx(-np.array(slopes), abs=1e-3)


def test_misfit_of_a_stationary_point() -> None:
    """One neuron on one input, where theta at rest is known: a = w / sqrt(2), a w^2 = f."""
    net, decay = TwoLayer(1, 1, "square"), 1e-4
    inputs, targets = np.ones((1, 1)), np.ones(1)
    rest = net_flow(net, inputs, targets, np.array([0.8, 1.1]), decay, 2e5).tight[0]
    assert rest[0] == pytest.approx(rest[1] / np.sqrt(2.0), rel=1e-6)
    ideal = np.array([2.0 ** (-1 / 3), 2.0 ** (1 / 6)])
    found = (targets - net.outputs(rest, inputs)) / decay
    assert decayed_misfit(net, inputs, targets, ideal) == pytest.approx(found, rel=1e-3)


def test_dependent_gradients_are_refused() -> None:
    net = TwoLayer(1, 1, "square")
    inputs, targets = np.ones((2, 1)), np.ones(2)
    theta = np.ones(2)
    with pytest.raises(IntegrationFailed):
        decayed_misfit(net, inputs, targets, theta)
    with pytest.raises(IntegrationFailed):
        slow_walk(net, inputs, targets, theta, 1.0)


def test_more_samples_than_weights_have_no_misfit() -> None:
    """J J' is of rank 6 of 9, but rounding leaves it invertible."""
    rng = np.random.default_rng(0)
    net, theta = TwoLayer(2, 2, "square"), rng.normal(size=6)
    inputs = rng.normal(size=(9, 2))
    targets = np.asarray(net.outputs(theta, inputs))
    with pytest.raises(IntegrationFailed, match="misfit under decay: gradients"):
        decayed_misfit(net, inputs, targets, theta)
    with pytest.raises(IntegrationFailed, match="walk on interpolators: gradients"):
        slow_walk(net, inputs, targets, theta, 0.5)


def test_one_target_for_several_samples_is_refused() -> None:
    net, theta, inputs, one = TwoLayer(1, 1, "square"), np.ones(2), np.ones((3, 1)), np.ones(1)
    for refused in (
        lambda: net_flow(net, inputs, one, theta, 0.1, 1.0),
        lambda: slow_walk(net, inputs, one, theta, 1.0),
        lambda: decayed_misfit(net, inputs, one, theta),
    ):
        with pytest.raises(InvalidInput, match=r"targets has shape \(1,\)"):
            refused()
