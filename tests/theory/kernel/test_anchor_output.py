"""The kernel phase from an anchor with an output."""

import numpy as np
import pytest

from theory.anchors import balanced_anchor
from theory.errors import AssumptionError, InvalidInput
from theory.flow.reference import reference_flow
from theory.kernel.anchor_output import (
    anchor_deviation,
    flow_with_anchor_output,
    taken_back,
)
from theory.nets import Diagonal, TwoLayer, TwoLayerReLU
from theory.problem import Problem, Regime

INPUTS = np.array([[1.0, 0.5, -0.5], [-0.5, 1.0, 0.25]])
PROBES = np.array([[0.25, -1.0, 1.0], [1.0, 1.0, 1.0], [-1.0, 0.5, 0.75]])


def _problem(output: float) -> Problem:
    net = Diagonal(3, 2)
    anchor = balanced_anchor(net, np.array([1.0, 0.75, 1.25]))
    anchor = anchor + output * np.array([1.0, -0.5, 0.25, 0.5, 1.0, -1.0])
    return Problem(net, anchor, INPUTS, np.array([1.0, -1.0]))


@pytest.mark.parametrize("output", [0.0, 0.01, -0.2])
def test_the_flow_is_that_of_plain_coordinates(output):
    problem, regime, at = _problem(output), Regime(log10_alpha=1.3, decay_power=1.5), 0.4
    theta = reference_flow(problem, regime, [at], rtol=1e-12)[0]
    plain = problem.net.outputs(theta, PROBES)
    found = flow_with_anchor_output(problem, regime, at, PROBES).outputs
    np.testing.assert_allclose(found, plain, atol=1e-9 * np.abs(plain).max())


def test_what_is_left_is_that_of_the_anchor_across_the_gradients_of_the_samples():
    problem = _problem(0.1)
    gradients = problem.net.jacobian(problem.anchor, problem.inputs)
    along = np.linalg.lstsq(gradients, gradients @ problem.anchor, rcond=None)[0]
    across = problem.anchor - along
    told = problem.net.jacobian(problem.anchor, PROBES) @ across / problem.degree
    np.testing.assert_allclose(anchor_deviation(problem, PROBES), told, atol=1e-14)
    own = problem.net.outputs(problem.anchor, INPUTS)
    np.testing.assert_allclose(taken_back(problem, INPUTS), own, atol=1e-14)


def test_what_is_refused():
    problem, regime = _problem(0.1), Regime(log10_alpha=2.0, decay_power=2.0)
    with pytest.raises(InvalidInput, match="between 0 and 1"):
        flow_with_anchor_output(problem, regime, 1.0, PROBES)
    with pytest.raises(InvalidInput, match="amounts to"):
        flow_with_anchor_output(problem, regime.at_alpha(8.0), 0.5, PROBES)


def test_an_anchor_without_output_leaves_nothing():
    problem = _problem(0.0)
    np.testing.assert_allclose(anchor_deviation(problem, PROBES), 0.0, atol=1e-15)


def test_outputs_of_several_classes_are_taken_back_at_the_samples():
    random = np.random.default_rng(1)
    net = TwoLayer(4, 3, "square", 3)
    labels = np.array([0, 2])
    problem = Problem(net, random.normal(size=net.parameters), INPUTS, labels, "cross_entropy", 3)
    own = net.outputs(problem.anchor, INPUTS)
    np.testing.assert_allclose(taken_back(problem, INPUTS), own, rtol=1e-10)
    assert anchor_deviation(problem, PROBES).shape == (3, 3)


def test_repeated_samples_have_no_inverse_kernel() -> None:
    net = TwoLayerReLU(6, 3, 0.25)
    rng = np.random.default_rng(0)
    anchor, rows = rng.normal(size=net.parameters), rng.normal(size=(2, 3))
    repeated = Problem(net, anchor, rows[[0, 1, 0]], [1.0, -1.0, 1.0])
    with pytest.raises(AssumptionError, match="depend on one another"):
        anchor_deviation(repeated, rows)
