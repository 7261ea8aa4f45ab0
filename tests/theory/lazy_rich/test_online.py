"""The population gradient and its closed equations, each by a route of its own."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from theory.backend import Floats
from theory.errors import InvalidInput
from theory.lazy_rich import Committee, QuadraticForm, Setting
from theory.lazy_rich.online import (
    Online,
    OrderParameters,
    online_descent,
    population_gradient,
)


def settings(**changed: object) -> Setting:
    base = Setting(
        input_dim=4, width=3, samples=1, output_scale=0.7, curvature=0.6, signal=1.5, seed=3
    )
    return replace(base, **changed)  # type: ignore[arg-type]


def elsewhere(setting: Setting) -> Floats:
    """Weights away from where they began."""
    moved = setting.random(9).standard_normal((setting.width, setting.input_dim))
    weights: Floats = setting.weights() + 0.5 * moved
    return weights


def seen(setting: Setting, weights: Floats) -> OrderParameters:
    dimension = setting.input_dim
    return OrderParameters(
        weights @ weights.T / dimension,
        weights @ setting.direction() / dimension,
        weights @ setting.weights().T / dimension,
    )


def offset(setting: Setting) -> QuadraticForm | None:
    return setting.committee().form() if setting.centred else None


def stein(setting: Setting, weights: Floats) -> Floats:
    forces = Online.of(setting).forces(
        seen(setting, weights), weights, setting.direction(), setting.weights()
    )
    scale = 2.0 * setting.output_scale / (setting.width * setting.input_dim)
    gradient: Floats = scale * forces.total
    return gradient


@given(st.integers(0, 999), st.integers(1, 4), st.integers(1, 5), st.booleans())
def test_stein_is_the_chain_rule(seed: int, width: int, dimension: int, centred: bool) -> None:
    setting = settings(seed=seed, width=width, input_dim=dimension, centred=centred)
    machine = replace(setting.committee(), weights=elsewhere(setting))
    expected = population_gradient(machine, setting.target(), offset(setting))
    found = stein(setting, elsewhere(setting))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12 * np.abs(expected).max())


@pytest.mark.parametrize("centred", [False, True])
def test_gradient_is_that_of_the_loss(centred: bool) -> None:
    setting = settings(centred=centred)
    weights = torch.tensor(elsewhere(setting), requires_grad=True)
    constant = setting.target()
    if centred:
        constant = constant + setting.committee().form()
    wanted = QuadraticForm(torch.tensor(constant.linear), torch.tensor(constant.quadratic))
    form = Committee(weights, setting.output_scale, setting.curvature).form()
    (form - wanted).mean_square().total.backward()
    assert weights.grad is not None
    np.testing.assert_allclose(stein(setting, elsewhere(setting)), weights.grad.numpy(), atol=1e-12)


@pytest.mark.parametrize("shape", [(3, 3, 3), (2, 3, 4), (2, 3, 1, 2)])
@pytest.mark.parametrize("centred", [False, True])
def test_gradients_of_a_batch_are_those_of_its_machines(
    shape: tuple[int, ...], centred: bool
) -> None:
    rng, batch = np.random.default_rng(0), shape[:-2]
    weights, beta = rng.normal(size=shape), rng.normal(size=shape[-1])
    scale, curvature = rng.uniform(0.5, 5.0, batch), rng.uniform(0.3, 1.1, batch)
    target = QuadraticForm(rng.normal(size=shape[-1]), np.outer(beta, beta))
    initial = rng.normal(size=shape)

    def gradient(at: tuple[int, ...] | None) -> Floats:
        """At an index of the batch as numbers, or of all of it."""
        chosen = ... if at is None else at
        alpha = scale if at is None else float(scale[at])
        eps = curvature if at is None else float(curvature[at])
        begun = Committee(initial[chosen], alpha, eps).form() if centred else None
        machine = Committee(weights[chosen], alpha, eps)
        found: Floats = population_gradient(machine, target, begun)
        return found

    together = gradient(None)
    for at in np.ndindex(*batch):
        alone = gradient(at)
        np.testing.assert_allclose(together[at], alone, rtol=0, atol=1e-13 * np.abs(alone).max())


def test_gradient_is_the_mean_over_gaussian_inputs() -> None:
    setting = settings(input_dim=2, width=2, centred=False)
    machine = replace(setting.committee(), weights=elsewhere(setting))
    nodes, masses = np.polynomial.hermite_e.hermegauss(6)
    x = np.stack(np.meshgrid(nodes, nodes), -1).reshape(-1, 2) / np.sqrt(2.0)
    weights = np.outer(masses, masses).ravel() / masses.sum() ** 2
    gap = machine.outputs(x) - setting.target()(x)
    pulls = (weights * gap)[:, None] * machine.slope(machine.fields(x))
    expected = 2.0 * setting.output_scale / setting.width * pulls.T @ x
    np.testing.assert_allclose(stein(setting, elsewhere(setting)), expected, atol=1e-12)


@pytest.mark.parametrize("centred", [False, True])
def test_loss_is_that_of_the_predictor(centred: bool) -> None:
    setting = settings(centred=centred)
    weights = elsewhere(setting)
    gap = replace(setting.committee(), weights=weights).form() - setting.target()
    if centred:
        gap = gap - setting.committee().form()
    found, expected = Online.of(setting).loss(seen(setting, weights)), gap.mean_square()
    assert found.scale == pytest.approx(expected.scale, rel=1e-12)
    assert found.alignment == pytest.approx(expected.alignment, rel=1e-12)
    assert found.linear == pytest.approx(expected.linear, rel=1e-12)


@pytest.mark.parametrize("centred", [False, True])
def test_order_parameters_follow_the_flow_of_the_weights(centred: bool) -> None:
    setting = settings(centred=centred)
    first, until = setting.weights(), 4.0
    speed = -setting.input_dim * setting.width / (2.0 * setting.output_scale**2)

    def velocity(_: float, packed: Floats) -> Floats:
        machine = replace(setting.committee(), weights=packed.reshape(first.shape))
        moved: Floats = speed * population_gradient(machine, setting.target(), offset(setting))
        return moved.ravel()

    solution = solve_ivp(
        velocity, (0.0, until), first.ravel(), method="DOP853", rtol=1e-12, atol=1e-13
    )
    expected = seen(setting, solution.y[:, -1].reshape(first.shape))
    course = Online.of(setting).flow([1.0, until])
    assert course.error < 1e-9
    np.testing.assert_allclose(course.states[-1].gram, expected.gram, atol=1e-9)
    np.testing.assert_allclose(course.states[-1].alignment, expected.alignment, atol=1e-9)
    np.testing.assert_allclose(course.states[-1].initial, expected.initial, atol=1e-9)


@pytest.mark.parametrize("centred", [False, True])
def test_span_recursion_is_descent(centred: bool) -> None:
    setting = settings(centred=centred)
    weights, step = setting.weights(), 0.05
    rate = step * setting.input_dim * setting.width / (2.0 * setting.output_scale**2)
    at_start, at_end = online_descent(Online.of(setting), step, [0, 100])
    assert np.array_equal(at_start.weights(weights, setting.direction()), weights)
    for _ in range(100):
        machine = replace(setting.committee(), weights=weights)
        weights = weights - rate * population_gradient(machine, setting.target(), offset(setting))
    found = at_end.weights(setting.weights(), setting.direction())
    np.testing.assert_allclose(found, weights, atol=1e-12)
    order = at_end.order_parameters(Online.of(setting))
    np.testing.assert_allclose(order.gram, seen(setting, weights).gram, atol=1e-12)


def test_descent_approaches_flow_at_first_order() -> None:
    online = Online.of(settings(centred=True))
    flow = online.loss(online.flow([2.0]).states[0]).total
    gaps = []
    for steps in (100, 200):
        span = next(online_descent(online, 2.0 / steps, [steps]))
        gaps.append(online.loss(span.order_parameters(online)).total - flow)
    assert gaps[0] / gaps[1] == pytest.approx(2.0, rel=0.05)


@given(st.integers(0, 999), st.booleans())
def test_loss_never_rises_along_the_flow(seed: int, centred: bool) -> None:
    online = Online.of(settings(seed=seed, centred=centred, width=2))
    course = online.flow([0.5, 1.0, 2.0], rtol=1e-8)
    losses = [online.loss(state).total for state in (online.start(), *course.states)]
    assert all(later <= before + 1e-6 for before, later in pairwise(losses))


def test_forces_and_velocity_agree_with_one_another() -> None:
    setting = settings(centred=True)
    online, weights = Online.of(setting), elsewhere(setting)
    now, beta, dimension = seen(setting, weights), setting.direction(), setting.input_dim
    moved = -online.forces(now, weights, beta, setting.weights()).total / setting.output_scale
    velocity = online.velocity(now)
    np.testing.assert_allclose(velocity.alignment, moved @ beta / dimension, atol=1e-12)
    expected = (moved @ weights.T + weights @ moved.T) / dimension
    np.testing.assert_allclose(velocity.gram, expected, atol=1e-12)
    np.testing.assert_allclose(velocity.initial, moved @ setting.weights().T / dimension)


def test_bad_input_is_named() -> None:
    online = Online.of(settings())
    with pytest.raises(InvalidInput, match="trained_readout"):
        Online.of(settings(trained_readout=True))
    with pytest.raises(InvalidInput, match="gram"):
        Online(np.eye(2), np.zeros(3))
    with pytest.raises(InvalidInput, match="times"):
        online.flow([1.0, 1.0])
    with pytest.raises(InvalidInput, match="at is"):
        next(online_descent(online, 0.1, [3, 2]))
    with pytest.raises(InvalidInput, match="readout"):
        population_gradient(settings(trained_readout=True).committee(), settings().target())
