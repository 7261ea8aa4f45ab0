"""Late flows against plain ones in t, and closed forms against flows."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from theory.errors import InvalidInput
from theory.homogeneous import (
    LateHomogeneousFlow,
    direction_constant,
    exponent,
    frozen_copies,
    late_homogeneous_flow,
)
from theory.nets import TwoLayer
from theory.problem import Problem
from verify.strategies.homogeneous import ActiveDiagonal

TOLD = ActiveDiagonal(3, (1.0, -0.5), (1, 2), 0.25, 0.02, 3)


def two_layers(scale: float = 2.0) -> Problem:
    net = TwoLayer(2, 2, "square")
    theta = scale * np.array([1.0, 0.4, -0.3, 0.9, 0.8, -0.7])
    inputs = np.array([[1.0, 0.5], [-0.25, 1.0], [1.0, 1.0]])
    return Problem(net, theta, inputs, np.sign(net.outputs(theta, inputs)))


def test_late_flow_is_the_flow_in_t() -> None:
    problem = two_layers()

    def loss_and_slope(theta: np.ndarray) -> tuple[float, np.ndarray]:
        each = np.exp(-problem.labels * problem.net.outputs(theta, problem.inputs))
        slope = (problem.labels * each) @ problem.net.jacobian(theta, problem.inputs)
        return float(each.sum()), slope

    plain = solve_ivp(
        lambda _, theta: loss_and_slope(theta)[1],
        (0.0, 200.0),
        problem.anchor,
        "DOP853",
        [2.0, 200.0],
        rtol=1e-11,
        atol=1e-12,
    )
    losses = np.array([loss_and_slope(theta)[0] for theta in plain.y.T])
    rises = -np.log(losses)
    late = late_homogeneous_flow(problem, rises)
    phi = late.direction(late.flow.tight)
    assert phi * rises[:, None] ** (1 / 3) == pytest.approx(plain.y.T, rel=1e-6)
    work = late.time_loss(late.flow.tight)
    assert work == pytest.approx(plain.t * losses * rises ** (4 / 3), rel=1e-6)


def test_late_flow_of_several_classes_is_the_flow_in_t() -> None:
    """Three samples of three classes, by the outputs of each class."""
    net = TwoLayer(3, 2, "square", 3)
    theta = np.random.default_rng(2).standard_normal(15)
    inputs = np.array([[1.0, 0.5], [-0.25, 1.0], [1.0, 1.0]])
    labels = net.outputs(theta, inputs).argmax(axis=1)
    problem = Problem(net, 2.5 * theta, inputs, labels, "exponential", 3)
    true = np.arange(3) == labels[:, None]

    def loss_and_slope(theta: np.ndarray) -> tuple[float, np.ndarray]:
        outputs, gradients = net.outputs(theta, inputs), net.jacobian(theta, inputs)
        falls = np.where(true, 0.0, np.exp(outputs - outputs[true][:, None]))
        weights = np.where(true, falls.sum(axis=1, keepdims=True), -falls)
        return float(falls.sum()), np.einsum("ik,ikp->p", weights, gradients)

    start = loss_and_slope(problem.anchor)[0]
    times = np.array([0.1, 10.0]) / start
    plain = solve_ivp(
        lambda _, theta: loss_and_slope(theta)[1],
        (0.0, times[-1]),
        problem.anchor,
        "DOP853",
        times,
        rtol=1e-11,
        atol=1e-12,
    )
    rises = -np.log([loss_and_slope(theta)[0] for theta in plain.y.T])
    assert -np.log(start) < rises[0] < rises[1]
    late = late_homogeneous_flow(problem, rises)
    phi = late.direction(late.flow.tight)
    assert phi * rises[:, None] ** (1 / 3) == pytest.approx(plain.y.T, rel=1e-6)
    stiff = late_homogeneous_flow(problem, rises, rtol=1e-8, method="Radau")
    assert stiff.direction(stiff.flow.tight) == pytest.approx(phi, rel=1e-6)


def test_margin_rises_by_its_terms_and_not_by_the_first_alone() -> None:
    late = late_homogeneous_flow(two_layers(), [8.0, 80.0])
    margin = np.diff(late.log_margin(late.flow.tight))[0]
    first, of_lemma, second = np.diff(late.terms(late.flow.tight), axis=0)[0]
    assert margin == pytest.approx(first + second, abs=1e-9)
    assert second > 0.0
    assert of_lemma < first


def test_readings_are_those_of_their_definitions() -> None:
    late = late_homogeneous_flow(two_layers(), [10.0])
    problem, phi = late.problem, late.direction(late.flow.tight)[0]
    theta = phi * 10.0 ** (1 / 3)
    margins = problem.labels * problem.net.outputs(theta, problem.inputs)
    shares = np.exp(10.0 - margins)
    slope = (shares * problem.labels) @ problem.net.jacobian(theta, problem.inputs)
    cosine = theta @ slope / np.linalg.norm(theta) / np.linalg.norm(slope)
    mean, found, sine = late.readings(late.flow.tight)[:, 0]
    assert mean == pytest.approx(shares @ margins / 10.0, rel=1e-6)
    assert found == pytest.approx(cosine, rel=1e-6)
    assert np.hypot(found, sine) == pytest.approx(1.0)


def last(told: ActiveDiagonal, rise: float) -> tuple[LateHomogeneousFlow, np.ndarray]:
    late = late_homogeneous_flow(told.problem, [rise])
    return late, late.direction(late.flow.tight)[0]


def test_data_have_the_limit_that_they_are_made_from() -> None:
    rows, weights = TOLD.rows, TOLD.limit
    assert rows @ weights == pytest.approx(np.ones(2))
    pull = np.sign(weights) * np.abs(weights) ** (2 / 3 - 1)
    multipliers = TOLD.probabilities * (pull @ weights)
    assert multipliers @ rows == pytest.approx(pull)


def test_losing_copies_freeze_where_their_invariant_says() -> None:
    problem = TOLD.problem
    u, v = np.split(problem.anchor, 2)
    _, phi = last(TOLD, 1e6)
    theta = phi * 100.0
    frozen = frozen_copies(u, v, 3)
    assert theta[2] == pytest.approx(frozen[0], rel=1e-2)
    assert theta[1] == pytest.approx(frozen[1], rel=1e-2)


@pytest.mark.parametrize("degree", [2, 4])
def test_distance_to_the_limit_has_its_constant(degree: int) -> None:
    told = ActiveDiagonal(degree, (1.0, -0.5), (1, 2), 0.25, 0.02, 3)
    _, phi = last(told, 1e5)
    u, v = np.split(told.problem.anchor, 2)
    limit = np.concatenate([np.maximum(told.limit, 0.0), np.maximum(-told.limit, 0.0)])
    limit = limit ** (1 / degree)
    gap = phi / np.linalg.norm(phi) - limit / np.linalg.norm(limit)
    constant = direction_constant(told.limit, told.residual, u, v, degree)
    scaled = np.linalg.norm(gap) * 1e5 ** (exponent(degree) / degree)
    assert scaled == pytest.approx(constant, rel=1e-3)


def test_what_is_refused() -> None:
    with pytest.raises(InvalidInput, match="from degree 3"):
        frozen_copies(np.ones(2), np.ones(2), 2)
    with pytest.raises(InvalidInput, match="must be positive"):
        late_homogeneous_flow(two_layers(0.1), [10.0])
