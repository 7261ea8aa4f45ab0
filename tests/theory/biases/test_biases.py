"""Nets with biases, their flow, and what is predicted of it."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import lambertw

from theory.anchors import balanced_anchor, difference_anchor
from theory.asymptotics.kernel_phase import log_inverse_decay
from theory.biases import (
    DualCourse,
    LinearWithBiases,
    OutputBias,
    biased_flow,
    followed_share,
    late_power,
    moved_dual,
    with_biases,
)
from theory.errors import AssumptionError, InvalidInput
from theory.flow.reference import reference_flow
from theory.integrate import integrate
from theory.kernel import gram, kernel_svm, lazy_flow
from theory.nets import Deep, Diagonal, Factorization, TwoLayer
from theory.problem import Problem, Regime

INPUTS = np.array([[1.0, 0.5, -0.5], [-0.5, 1.0, 0.25], [0.25, -1.0, 1.0], [-1.0, 0.5, 0.75]])
NETS = (
    OutputBias(Diagonal(3, 3)),
    OutputBias(TwoLayer(2, 3, "square", 3)),
    OutputBias(Deep((3, 2, 2, 1), "square")),
    LinearWithBiases((3, 2, 2, 1)),
    LinearWithBiases((3, 2, 1, 2, 1)),
)


def _linear() -> Problem:
    net = Deep((3, 2, 2, 1))
    half = np.array([1.0, 0.5, -0.75, 0.5, 1.25])
    return Problem(net, difference_anchor(net, half), INPUTS, np.array([1.0, -1.0, 1.0, -1.0]))


def _classes() -> Problem:
    net = Diagonal(3, 2, 3)
    anchor = balanced_anchor(net, np.array([1.0, 0.5, 0.75, 1.25, 1.0, 0.5, 0.75, 1.0, 0.5]))
    labels = np.array([0.0, 1.0, 2.0, 1.0])
    return Problem(net, anchor, INPUTS, labels, "cross_entropy", 3)


@pytest.mark.parametrize("net", NETS, ids=str)
def test_derivatives_are_those_of_the_outputs(net):
    random = np.random.default_rng(0)
    theta, step = random.normal(size=(2, net.parameters))
    h, directions = 1e-6, np.eye(net.parameters)
    pairs = [(theta + h * e, theta - h * e) for e in directions]
    differences = [(net.outputs(a, INPUTS) - net.outputs(b, INPUTS)) / (2 * h) for a, b in pairs]
    jacobian = net.jacobian(theta, INPUTS)
    np.testing.assert_allclose(jacobian, np.stack(differences, -1), atol=1e-6)
    weights = random.normal(size=jacobian.shape[:-1])
    axes = list(range(weights.ndim))
    turns = [
        np.tensordot(weights, net.jacobian(a, INPUTS) - net.jacobian(b, INPUTS), (axes, axes))
        for a, b in pairs
    ]
    bent = net.weighted_hessian(theta, INPUTS, weights)
    np.testing.assert_allclose(bent, np.stack(turns) / (2 * h), atol=1e-5)
    grown = net.outputs(theta + step, INPUTS) - net.outputs(theta, INPUTS)
    np.testing.assert_allclose(net.increment(theta, step, INPUTS), grown, atol=1e-10)


@pytest.mark.parametrize("net", NETS, ids=str)
def test_parts_have_the_degrees_of_their_lags(net):
    random = np.random.default_rng(1)
    theta = random.normal(size=net.parameters)
    weights = np.where(net.lags == 0, theta, 0.0)
    for lag in np.unique(net.lags):
        part = np.where(net.lags == lag, theta, 0.0) if lag else 0.0 * theta

        def outputs(scale, part=part, lag=lag):
            whole = net.outputs(scale * (weights + part), INPUTS)
            return whole - (net.outputs(scale * weights, INPUTS) if lag else 0.0)

        np.testing.assert_allclose(outputs(2.0), 2.0 ** (net.degree - lag) * outputs(1.0))


def test_a_linear_net_adds_its_biases_layer_by_layer():
    net = LinearWithBiases((2, 2, 1, 1))
    first, second, last = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[5.0, 6.0]]), 7.0
    theta = np.concatenate([first.ravel(), second.ravel(), [last], [8.0], [9.0]])
    x = np.array([[0.5, -1.0]])
    told = last * (second @ first @ x[0] + 8.0) + 9.0
    assert net.outputs(theta, x) == told


@pytest.mark.parametrize("problem", [_linear(), _classes()], ids=["linear", "classes"])
def test_the_flow_is_that_of_plain_coordinates(problem):
    biased, regime = with_biases(problem), Regime(log10_alpha=1.3, decay_power=1.5)
    times = [0.3, 0.6, 1.0, 1.4]
    plain = reference_flow(biased, regime, times, rtol=1e-12)
    states = biased_flow(biased, regime, times, rtol=1e-11)
    assert [state.chart.comoving for state in states] == [True, False, False, False]
    for state, theta in zip(states, plain, strict=True):
        np.testing.assert_allclose(state.theta, theta, atol=1e-9 * np.linalg.norm(theta))
        own = biased.row_labels * biased.row_net.outputs(theta, biased.inputs)
        np.testing.assert_allclose(state.margins, own, atol=1e-8 * np.abs(own).max())


def test_a_bias_of_lower_degree_is_a_part_of_the_output():
    biased, regime = with_biases(_linear()), Regime(log10_alpha=2.0, decay_power=2.0)
    state = biased_flow(biased, regime, [1.3], rtol=1e-9)[0]
    weights = np.where(state.chart.lags == 0, state.theta, 0.0)
    rest = biased.net.outputs(weights, biased.inputs)
    whole = rest + state.part(1) + state.part(2)
    np.testing.assert_allclose(whole, biased.net.outputs(state.theta, biased.inputs))


@pytest.mark.parametrize(("degree", "lag"), [(2, 1), (3, 1), (3, 2), (4, 2)])
def test_what_a_bias_follows_is_the_solution_of_its_equation(degree, lag):
    """u' = -(L + lag) u + a' + L a along a = Lam, which falls at a rate of 2 (L-1)."""
    rate = 2.0 * (degree - 1)
    largest = 1e5

    def rhs(s, u):
        return -(degree + lag) * u - rate + degree * (largest - rate * s)

    u = integrate(rhs, None, 0.0, 20.0, np.zeros(1), [], rtol=1e-10, atol=1e-6).final[0]
    level = largest - rate * 20.0
    share = followed_share(degree, lag)
    correction = rate * lag / (degree * (degree + lag) * level)
    assert u == pytest.approx(share * level * (1.0 - correction), rel=1e-8)


@pytest.mark.parametrize("problem", [_linear(), _classes()], ids=["linear", "classes"])
def test_the_course_of_the_dual_is_that_of_the_lazy_flow(problem):
    regime, c, h = Regime(log10_alpha=30.0, decay_power=1.5), 0.4, 2e-2
    middle = 1.0 - c
    flow = lazy_flow(problem, regime, [middle - h, middle, middle + h], rtol=1e-13)
    step = h * regime.log_alpha
    level = log_inverse_decay(problem, regime, middle)
    course = DualCourse.of(gram(kernel_svm(problem).features), problem, level)
    slope = (flow.dual[2] - flow.dual[0]) / (2.0 * step)
    scale = np.abs(slope).max()
    # differences err by step^2 a'''/6 of log terms, (step rate / Lam)^2 / 3 of those
    off = np.abs(slope - course.slope).max()
    np.testing.assert_allclose(slope, course.slope + course.beyond, atol=0.1 * off + 1e-6 * scale)
    curve = (flow.dual[2] - 2.0 * flow.dual[1] + flow.dual[0]) / step**2
    np.testing.assert_allclose(curve, course.curve, atol=0.1 * np.abs(curve).max())


@pytest.mark.parametrize("degree", [3, 4, 5])
def test_the_late_power_is_that_of_one_weight_and_one_bias(degree):
    """f = w^L + b on one sample: stationary for w = mu L w^(L-1), b = mu."""
    multipliers = np.array([1e-12, 1e-15])
    outputs = (degree * multipliers) ** (degree / (2.0 - degree)) + multipliers
    slope = np.diff(np.log(multipliers / outputs)) / np.diff(np.log(outputs))
    assert slope[0] == pytest.approx(late_power(degree, degree - 1), abs=1e-6)


def test_limits_refuse_what_has_no_meaning():
    for degree, lag in ((2.0, -2.0), (0.0, 0.0), (2.0, np.nan), (2.0, 2.5), (np.inf, 1.0)):
        for limit in (followed_share, late_power):
            with pytest.raises(InvalidInput, match="degree is"):
                limit(degree, lag)
    eye, ones = np.eye(2), np.ones(2)
    for arguments in ((np.nan * eye, ones, eye), (eye, ones, np.eye(3)), (eye, ones[:0], eye)):
        with pytest.raises(InvalidInput, match="has shape"):
            moved_dual(*arguments)
    for level in (0.0, -1.0, np.nan, np.inf):
        with pytest.raises(InvalidInput, match="log_inverse_decay is"):
            DualCourse.of(np.eye(4), _linear(), level)


def test_the_dual_moves_as_the_difference_of_two_machines():
    # log a + K a = Lam of one sample, K = 2 and a little more
    def solved(kernel):
        return float(lambertw(kernel * np.exp(3.0)).real) / kernel

    moved = moved_dual(np.array([[2.0]]), np.array([solved(2.0)]), np.array([[1.0]]))[0]
    assert moved == pytest.approx((solved(2.0 + 1e-5) - solved(2.0 - 1e-5)) / 2e-5, rel=1e-7)


def test_what_is_refused():
    problem = _linear()
    biased, regime = with_biases(problem), Regime(log10_alpha=2.0, decay_power=2.0)
    net = Factorization(2, 1)
    entry = Problem(net, balanced_anchor(net, np.ones(2)), np.array([[0.0, 1.0]]), np.ones(1))
    with pytest.raises(InvalidInput, match="biases are added to"):
        with_biases(entry)
    with pytest.raises(InvalidInput, match="the last of them must be 1"):
        LinearWithBiases((3, 2, 2, 2))
    with pytest.raises(InvalidInput, match="it has no biases"):
        biased_flow(problem, regime, [0.5])
    with pytest.raises(InvalidInput, match="ascending"):
        biased_flow(biased, regime, [1.0, 0.5])
    with pytest.raises(InvalidInput, match="for classification"):
        biased_flow(replace(biased, loss="squared"), regime, [0.5])
    with pytest.raises(AssumptionError, match="must start at zero"):
        biased_flow(replace(biased, anchor=biased.anchor + 0.1), regime, [0.5])
    shifted = biased.anchor + np.where(biased.net.lags == 0, 0.1, 0.0)
    with pytest.raises(AssumptionError, match="has an output"):
        biased_flow(replace(biased, anchor=shifted), regime, [0.5])
    late = biased_flow(biased, regime, [1.2], rtol=1e-8)[0]
    with pytest.raises(InvalidInput, match="after the kernel phase"):
        late.learned(1)
    with pytest.raises(InvalidInput, match="at least 1"):
        late.part(0)
