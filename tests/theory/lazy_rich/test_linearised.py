"""The linearisation against descent on the linearised model, and against kernel regression."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from theory.backend import Floats
from theory.errors import InvalidInput
from theory.lazy_rich import Committee, Linearisation, Setting, Training, gradient_descent
from theory.lazy_rich.hard_tasks import samples_for_all

SETTING = Setting(4, 3, 6, output_scale=2.0, curvature=0.8, step=0.05, seed=3)


def linearised(setting: Setting) -> Linearisation:
    return Linearisation(setting.committee(), setting.inputs(), setting.labels(), setting.step)


def jacobian(net: Committee, inputs: Floats) -> Floats:
    given = [net.weights] if net.readout is None else [net.weights, net.readout]
    parameters = [torch.tensor(value, requires_grad=True) for value in given]
    readout = parameters[1] if net.readout is not None else None
    outputs = replace(net, weights=parameters[0], readout=readout).outputs(torch.tensor(inputs))
    rows = [torch.autograd.grad(f, parameters, retain_graph=True) for f in outputs]
    return np.array([np.concatenate([part.numpy().ravel() for part in row]) for row in rows])


@dataclass
class Explicit:
    """Plain descent on the mean of (y - J move)^2 with learning rate dt D N / (2 alpha^2)."""

    setting: Setting
    move: Floats
    residuals: Floats


def descend(setting: Setting, steps: int) -> Explicit:
    net, inputs, labels = setting.committee(), setting.inputs(), setting.labels()
    slopes = jacobian(net, inputs)
    rate = setting.step * setting.input_dim * setting.width / (2.0 * setting.output_scale**2)
    move = np.zeros(slopes.shape[1])
    for _ in range(steps):
        residuals = labels - slopes @ move
        move = move + rate * 2.0 / setting.samples * slopes.T @ residuals
    return Explicit(setting, move, labels - slopes @ move)


@pytest.mark.parametrize("steps", [0, 1, 7, 200])
@pytest.mark.parametrize("trained", [False, True])
@pytest.mark.parametrize("samples", [6, 40])
def test_every_quantity_equals_explicit_descent(steps: int, trained: bool, samples: int) -> None:
    setting = replace(SETTING, trained_readout=trained, samples=samples)
    closed, explicit = linearised(setting), descend(setting, steps)
    tight = {"rtol": 1e-9, "atol": 1e-11}
    np.testing.assert_allclose(closed.residuals(steps), explicit.residuals, **tight)
    assert closed.train_loss(steps) == pytest.approx(np.mean(explicit.residuals**2), rel=1e-9)
    weights, readout = closed.displacement(steps)
    parts = [weights.ravel()] if readout is None else [weights.ravel(), readout]
    assert (readout is not None) is trained
    np.testing.assert_allclose(np.concatenate(parts), explicit.move, **tight)
    probes = np.random.default_rng(0).standard_normal((5, 4))
    predicted = jacobian(setting.committee(), probes) @ explicit.move
    np.testing.assert_allclose(closed.form(steps)(probes), predicted, **tight)
    kernel = setting.committee().kernel(probes, setting.inputs())
    np.testing.assert_allclose(kernel @ closed.coefficients(steps), predicted, **tight)


@pytest.mark.parametrize("trained", [False, True])
def test_infinitely_many_steps_give_kernel_regression(trained: bool) -> None:
    setting = replace(SETTING, trained_readout=trained)
    closed, net, inputs = linearised(setting), setting.committee(), setting.inputs()
    probes = np.random.default_rng(0).standard_normal((5, 4))
    dual = np.linalg.solve(net.kernel(inputs), setting.labels())
    expected = net.kernel(probes, inputs) @ dual
    np.testing.assert_allclose(closed.form(np.inf)(probes), expected, rtol=1e-8, atol=1e-10)
    assert closed.train_loss(np.inf) < 1e-20


def test_more_samples_than_parameters_leave_the_projection() -> None:
    setting = replace(SETTING, samples=40)
    slopes = jacobian(setting.committee(), setting.inputs())
    move, *_ = np.linalg.lstsq(slopes, setting.labels())
    left = setting.labels() - slopes @ move
    np.testing.assert_allclose(linearised(setting).residuals(np.inf), left, atol=1e-9)
    assert np.mean(left**2) > 1e-3


def test_the_first_steps_are_those_of_the_lazy_network() -> None:
    """At alpha = 10^6 the network is its linearisation up to 1/alpha."""
    setting = replace(SETTING, output_scale=1e6, steps=20)
    run = Training.of([setting])
    closed = linearised(setting)
    for moment in gradient_descent(run, (0, 1, 20)):
        expected = closed.residuals(moment.step)
        np.testing.assert_allclose(moment.residuals[0], expected, rtol=1e-4, atol=1e-5)
    coarse = replace(setting, output_scale=1.0)
    *_, last = gradient_descent(Training.of([coarse]), (20,))
    assert np.abs(last.residuals[0] - linearised(coarse).residuals(20)).max() > 1e-2


def test_bad_input_is_named() -> None:
    net, inputs, labels = SETTING.committee(), SETTING.inputs(), SETTING.labels()
    with pytest.raises(InvalidInput, match=r"weights has shape \(1, 3, 4\)"):
        Linearisation(replace(net, weights=net.weights[None]), inputs, labels, 0.1)
    with pytest.raises(InvalidInput, match="degree is 3"):
        Linearisation(replace(net, degree=3), inputs, labels, 0.1).form(1)


@pytest.mark.parametrize("width", [6, 7])
def test_a_network_as_wide_as_its_inputs_misses_one_direction(width: int) -> None:
    """With W u = 1, each l.x + x^T Q x / 2 that width D can learn has l.u = u^T Q u / (2 eps)."""
    setting = Setting(6, width, 40, seed=3)
    machine = setting.committee()
    values = np.linalg.eigvalsh(machine.kernel(setting.inputs()))
    rank = int((values > 1e-10 * values[-1]).sum())
    assert rank == samples_for_all(6) - (1 if width == 6 else 0)
    if width == 6:
        form = Linearisation(machine, setting.inputs(), setting.labels(), 0.02).form(100)
        u = np.linalg.solve(machine.weights, np.ones(6))
        assert form.linear @ u == pytest.approx(u @ form.quadratic @ u / (2 * 0.5))
