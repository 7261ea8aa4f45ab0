"""The first-order effect of a finite training set, against perturbed runs and real training."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from theory.backend import Floats
from theory.lazy_rich import Committee, Setting, Training, gradient_descent
from theory.lazy_rich.sampling_noise import PopulationRun


def run(centred: bool) -> PopulationRun:
    return PopulationRun(
        Setting(3, 2, 1, 0.8, 0.6, 1.5, step=0.05, steps=6, centred=centred, seed=4)
    )


def gradient_at(problem: PopulationRun, weights: Floats, x: Floats) -> Floats:
    """Of (f - y)^2 at one input, by automatic differentiation."""
    setting = problem.setting
    variable = torch.tensor(weights, requires_grad=True)
    machine = Committee(variable, setting.output_scale, setting.curvature)
    wanted = float((setting.target()(x[None]) + problem.offset(x[None]))[0])
    ((machine.outputs(torch.tensor(x[None]))[0] - wanted) ** 2).backward()
    assert variable.grad is not None
    gradient: Floats = variable.grad.numpy()
    return gradient


@pytest.mark.parametrize("centred", [False, True])
def test_response_is_the_derivative_in_the_share_of_a_sample(centred: bool) -> None:
    problem = run(centred)
    setting, x = problem.setting, np.array([0.3, -0.8, 0.5])
    rate = setting.step * setting.input_dim * setting.width / (2.0 * setting.output_scale**2)

    def loss(share: float) -> float:
        weights = setting.weights()
        for _ in range(setting.steps):
            pull = gradient_at(problem, weights, x)
            total = (1.0 - share) * problem.gradient(weights) + share * pull
            weights = weights - rate * total
        return float(problem.test_loss(replace(setting.committee(), weights=weights)))

    derivative = (loss(1e-4) - loss(-1e-4)) / 2e-4
    assert problem.response(x[None])[0] == pytest.approx(derivative, rel=1e-5)


@pytest.mark.parametrize("centred", [False, True])
def test_response_has_mean_zero_and_the_stated_variance(centred: bool) -> None:
    problem = run(centred)
    x = np.random.default_rng(0).standard_normal((200_000, 3)) / np.sqrt(3.0)
    found = problem.response(x)
    error = np.sqrt(problem.variance / len(x))
    assert abs(found.mean()) < 4.0 * error
    spread = np.std(found**2) / np.sqrt(len(x))
    assert abs(np.mean(found**2) - problem.variance) < 4.0 * spread


def test_training_deviates_by_the_mean_response() -> None:
    problem = run(True)
    setting = problem.setting
    x = np.random.default_rng(1).standard_normal((4, 100_000, 3)) / np.sqrt(3.0)
    training = Training(setting.committee(), x, setting.target()(x), setting.step, True)
    last = next(gradient_descent(training, [setting.steps]))
    deviations = problem.test_loss(last.committee) - problem.final_loss
    predicted = problem.response(x).mean(-1)
    np.testing.assert_allclose(deviations, predicted, atol=0.03 * np.abs(predicted).max())
