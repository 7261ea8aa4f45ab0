"""The flow without weight decay: against raw time, other solvers, closed forms and conservation."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from tests.theory.flow.several_classes import CLASSES, several_classes
from theory.backend import Floats
from theory.errors import AssumptionError, IntegrationFailed, InvalidInput
from theory.flow import undecayed_flow
from theory.flow.undecayed import _velocity, _velocity_jacobian, log_total_loss
from theory.nets import Diagonal, HomogeneousNet
from theory.problem import Problem

Make = Callable[..., Problem]

AT = np.linspace(0, 10, 21)
SEEDS = {"two-layer relu_cubed": 4}
"""Of the noise; with the usual one a sample of this family meets dead units only."""


@pytest.fixture
def off_anchor(instance: Make) -> Make:
    """The shared instance of a family, from a start that is not balanced."""

    def build(family: str, loss: str = "exponential") -> Problem:
        problem = instance(family, loss)
        noise = np.random.default_rng(SEEDS.get(family, 1)).standard_normal(problem.parameters)
        return replace(problem, anchor=problem.anchor + 0.3 * noise)

    return build


@pytest.fixture
def followed(off_anchor: Make, family: str) -> Problem:
    return off_anchor(family)


def in_time(problem: Problem, times: Floats) -> Floats:
    """theta' = -grad of the summed loss, written out, by SciPy's explicit method of order 8."""
    inputs, labels = problem.inputs, problem.labels

    def rhs(_: float, theta: Floats) -> Floats:
        margins = labels * problem.net.outputs(theta, inputs)
        sigmoid = problem.loss == "logistic"
        forces = labels / (1 + np.exp(margins)) if sigmoid else labels * np.exp(-margins)
        return np.asarray(forces @ problem.net.jacobian(theta, inputs))

    end = (0, float(times[-1]))
    found = solve_ivp(rhs, end, problem.anchor, "DOP853", times, rtol=1e-12, atol=1e-13)
    assert found.success
    return np.asarray(found.y.T)


@pytest.mark.parametrize("loss", ["exponential", "logistic"])
@pytest.mark.parametrize("family", ["diagonal, L = 3", "two-layer square", "factorization"])
def test_same_curve_as_in_time(family: str, loss: str, off_anchor: Make) -> None:
    problem = off_anchor(family, loss)
    raw = in_time(problem, np.geomspace(1e-3, 30, 12))
    start = log_total_loss(problem, problem.anchor)
    rises = [start - log_total_loss(problem, theta) for theta in raw]
    flow = undecayed_flow(problem, rises)
    np.testing.assert_allclose(flow.theta, raw, rtol=0, atol=1e-9)


def slope_of_classes(problem: Problem, theta: Floats) -> tuple[float, Floats]:
    """The summed loss and minus its gradient by all outputs, class by class."""
    outputs, jacobian = (
        f(theta, problem.inputs) for f in (problem.net.outputs, problem.net.jacobian)
    )
    loss, slope = 0.0, np.zeros(problem.parameters)
    for scores, gradients, label in zip(outputs, jacobian, problem.labels.astype(int), strict=True):
        others = np.exp(scores - scores[label])
        others[label] = 0.0
        total = float(others.sum())
        entropy = problem.loss == "cross_entropy"
        loss += np.log1p(total) if entropy else total
        weights = others / (1.0 + total) if entropy else others
        slope += weights.sum() * gradients[label] - weights @ gradients
    return loss, slope


@pytest.mark.parametrize("loss", ["cross_entropy", "exponential"])
@pytest.mark.parametrize("samples", [3, 4])
@pytest.mark.parametrize("name", ["diagonal, L = 3", "two-layer square", "deep linear"])
def test_several_classes_follow_the_curve_of_their_loss(name: str, samples: int, loss: str) -> None:
    """As many samples as classes, too: outputs are then a square matrix."""
    problem = several_classes(name, 1, loss, samples)
    noise = np.random.default_rng(1).standard_normal(problem.parameters)
    problem = replace(problem, anchor=problem.anchor + 0.1 * noise)
    times = np.geomspace(1e-2, 10.0, 8)
    raw = solve_ivp(
        lambda _, theta: slope_of_classes(problem, theta)[1],
        (0.0, float(times[-1])),
        problem.anchor,
        "DOP853",
        times,
        rtol=1e-12,
        atol=1e-13,
    ).y.T
    start = slope_of_classes(problem, problem.anchor)[0]
    losses = np.array([slope_of_classes(problem, theta)[0] for theta in raw])
    flow = undecayed_flow(problem, np.log(start / losses))
    np.testing.assert_allclose(flow.theta, raw, rtol=0, atol=1e-9)
    np.testing.assert_allclose(flow.log_loss, np.log(losses), rtol=0, atol=1e-8)
    assert flow.margins.shape == (8, samples * (CLASSES - 1))


@pytest.mark.parametrize("method", ["BDF", "Radau"])
def test_same_curve_by_other_solvers(followed: Problem, method: str) -> None:
    usual = undecayed_flow(followed, AT)
    other = undecayed_flow(followed, AT, method=method, rtol=1e-8)
    assert (usual.method, other.method) == ("LSODA", method)
    apart = np.abs(usual.theta - other.theta).max()
    assert 0 < apart <= other.error_of(lambda flow: flow.theta) < 1e-3


def test_loss_falls_as_asked(followed: Problem) -> None:
    flow = undecayed_flow(followed, AT)
    off = np.abs(flow.log_loss - (flow.log_loss[0] - AT)).max()
    assert off <= flow.error_of(lambda flow: flow.log_loss) < 1e-6
    assert flow.log_loss[0] == pytest.approx(log_total_loss(followed, followed.anchor), rel=1e-14)


@pytest.mark.parametrize("loss", ["exponential", "logistic"])
def test_jacobian_of_the_velocity(family: str, loss: str, off_anchor: Make) -> None:
    check_jacobian(off_anchor(family, loss))


@pytest.mark.parametrize("loss", ["exponential", "cross_entropy"])
def test_jacobian_of_the_velocity_of_several_classes(loss: str) -> None:
    check_jacobian(several_classes("two-layer cube", 1, loss))


def check_jacobian(problem: Problem, step: float = 1e-6) -> None:
    units = np.eye(problem.parameters)
    columns = [
        _velocity(problem, problem.anchor + step * unit)
        - _velocity(problem, problem.anchor - step * unit)
        for unit in units
    ]
    expected = np.array(columns).T / (2 * step)
    found = _velocity_jacobian(problem, problem.anchor)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-8 * np.abs(expected).max())


def test_one_sample_in_closed_form() -> None:
    """f = u^2 x: the margin is log(1/loss), so that u^2 = u(0)^2 + rise / x."""
    problem = Problem(Diagonal(1), np.array([0.5, 0.0]), [[3.0]], [1.0])
    flow = undecayed_flow(problem, [0.0, 1.0, 1e4])
    np.testing.assert_allclose(flow.theta[:, 0] ** 2, 0.25 + flow.at / 3, rtol=1e-9)
    np.testing.assert_array_equal(flow.theta[:, 1], 0.0)
    np.testing.assert_allclose(flow.margins[:, 0], 0.75 + flow.at, rtol=1e-9)


def test_diagonal_nets_conserve_products(off_anchor: Make) -> None:
    """u_k v_k is constant for f = <u^2 - v^2, x>, in every clock and for every loss."""
    for loss in ("exponential", "logistic"):
        u, v = np.split(undecayed_flow(off_anchor("diagonal, L = 2", loss), AT).theta, 2, axis=1)
        np.testing.assert_allclose(u * v, np.tile(u[0] * v[0], (len(AT), 1)), rtol=1e-7)


def test_quantities_of_the_flow(followed: Problem) -> None:
    flow = undecayed_flow(followed, AT)
    theta, degree = flow.theta, followed.degree
    margins = [followed.labels * followed.net.outputs(row, followed.inputs) for row in theta]
    np.testing.assert_array_equal(flow.margins, margins)
    shares = np.exp(-flow.margins)
    mean = (shares * flow.margins).sum(1) / shares.sum(1)
    np.testing.assert_allclose(flow.mean_margin, mean, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(flow.norm**2, (theta**2).sum(1), rtol=1e-12)
    expected = flow.margins / ((theta**2).sum(1) ** (degree / 2))[:, None]
    np.testing.assert_allclose(flow.normalized(flow.margins), expected, rtol=1e-12)
    largest = np.abs(theta).max(1) ** degree
    np.testing.assert_allclose(flow.normalized(AT, np.inf), AT / largest, rtol=1e-12)
    assert (flow.degree, flow.samples) == (degree, followed.samples)


@pytest.mark.parametrize("loss", ["exponential", "logistic"])
def test_norm_grows_by_the_mean_margin(loss: str, off_anchor: Make) -> None:
    """Euler: <theta, g> = L * mean margin, so that |theta|^2' = 2 L mean margin / |g|^2."""
    problem = off_anchor("two-layer cube", loss)
    flow = undecayed_flow(problem, [2.0 - 1e-4, 2.0, 2.0 + 1e-4])
    velocity = (flow.norm[2] ** 2 - flow.norm[0] ** 2) / 2e-4
    square = 1 / np.sum(_velocity(problem, flow.theta[1]) ** 2)
    expected = 2 * problem.degree * flow.mean_margin[1] / square
    assert velocity == pytest.approx(expected, rel=1e-5)


def test_error_covers_what_a_finer_integration_changes(followed: Problem) -> None:
    coarse, fine = undecayed_flow(followed, AT, rtol=1e-8), undecayed_flow(followed, AT, rtol=1e-12)
    for quantity in (lambda flow: flow.theta, lambda flow: flow.normalized(flow.margins)):
        apart = np.abs(quantity(coarse) - quantity(fine)).max()
        assert 0 < apart <= coarse.error_of(quantity) < 1e-3
    alone = undecayed_flow(followed, AT, estimate_error=False)
    assert alone.looser is None
    assert np.isnan(alone.error_of(lambda flow: flow.norm))
    assert alone.evaluations < undecayed_flow(followed, AT).evaluations


def test_moments_do_not_depend_on_each_other(off_anchor: Make) -> None:
    problem = off_anchor("deep linear")
    many, few = undecayed_flow(problem, AT), undecayed_flow(problem, [AT[4], AT[-1]])
    np.testing.assert_allclose(many.theta[[4, -1]], few.theta, rtol=1e-8)
    (start,) = undecayed_flow(problem, [0.0]).theta
    np.testing.assert_array_equal(start, problem.anchor)


def test_net_of_ones_own_follows_the_same_flow(off_anchor: Make) -> None:
    class Own(HomogeneousNet):
        degree = 3

        def forward(self, theta: Any, inputs: Any) -> Any:
            u, v = theta.chunk(2)
            return inputs @ (u**3 - v**3)

    problem = off_anchor("diagonal, L = 3")
    own = undecayed_flow(replace(problem, net=Own()), [0.0, 1.0])
    np.testing.assert_allclose(own.theta, undecayed_flow(problem, [0.0, 1.0]).theta, rtol=1e-8)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"at": []}, "at is"),
        ({"at": [-1.0, 1.0]}, "at is"),
        ({"at": [1.0, 1.0]}, "at is"),
        ({"at": [2.0, 1.0]}, "at is"),
        ({"at": [0.0, np.inf]}, "at is"),
        ({"at": [np.nan]}, "at is"),
        ({"at": [[0.0, 1.0]]}, "at is"),
        ({"at": 3.0}, "at is"),
        ({"rtol": 0.0}, "rtol is"),
        ({"rtol": 1.0}, "rtol is"),
        ({"method": "Euler"}, "method is 'Euler'; allowed are LSODA"),
    ],
)
def test_bad_input_is_named(options: dict[str, Any], message: str, off_anchor: Make) -> None:
    with pytest.raises(InvalidInput, match=message):
        undecayed_flow(off_anchor("diagonal, L = 2"), **{"at": AT, **options})


def test_losses_and_starts_without_a_clock_are_refused(off_anchor: Make) -> None:
    with pytest.raises(InvalidInput, match="loss is 'squared'"):
        undecayed_flow(off_anchor("diagonal, L = 2", "squared"), AT)
    still = Problem(Diagonal(2), np.ones(4), [[0.0, 0.0]], [1.0])
    with pytest.raises(InvalidInput, match="stationary point"):
        undecayed_flow(still, AT)

    class Infinite(HomogeneousNet):
        degree = 1

        def forward(self, theta: Any, inputs: Any) -> Any:
            return inputs @ theta * np.inf

    with pytest.raises(AssumptionError, match="NaN or infinite"):
        undecayed_flow(Problem(Infinite(), np.ones(2), [[1.0, 1.0]], [1.0]), AT)


def test_loss_that_stops_falling_is_no_result() -> None:
    """One sample under both labels: the sum of the losses is at least 2."""
    problem = Problem(Diagonal(1), np.array([1.0, 0.5]), [[1.0], [1.0]], [1.0, -1.0])
    with pytest.raises(IntegrationFailed):
        undecayed_flow(problem, AT, max_evaluations=2000)
