"""Modular addition by squares: gradient by hand, homogeneity, and the pace at the start."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from theory.descent.modular_addition import ModularTask
from theory.errors import InvalidInput
from verify.experiments.modular_mlp import ModularMLP, initial_weights, outputs, train

SMALL = ModularMLP(ModularTask(5, fraction=0.8), width=12, learning_rate=20.0)


def inputs_of(run: ModularMLP) -> torch.Tensor:
    return torch.as_tensor(run.task.inputs(run.task.split()[0]), dtype=torch.float32)


def test_the_first_step_is_that_of_the_gradient_by_hand() -> None:
    run = replace(SMALL, scale=0.7)
    weights = {k: np.asarray(v, dtype=float) for k, v in initial_weights(run).items()}
    train_pairs, test_pairs = run.task.split()
    inputs, p, n = run.task.inputs(train_pairs), 5, len(train_pairs)
    one_hot = np.eye(p)[run.task.sums(train_pairs)]
    factor = 0.7**2 / (2 * p * 12)
    fields = inputs @ weights["W1"].T
    error = factor * fields**2 @ weights["W2"].T - one_hot
    slope = 2 * error / (n * p) / 0.7**2 * factor
    rate = 20.0 / 0.7**2
    moved = {
        "W2": weights["W2"] - rate * slope.T @ fields**2,
        "W1": weights["W1"] - rate * (slope @ weights["W2"] * 2 * fields).T @ inputs,
    }
    (moment,) = train(run, [1])
    test_inputs = run.task.inputs(test_pairs)
    predicted = factor * (test_inputs @ moved["W1"].T) ** 2 @ moved["W2"].T
    labels = np.eye(p)[run.task.sums(test_pairs)]
    assert moment.test_loss == pytest.approx(((predicted - labels) ** 2).mean(), rel=1e-5)
    norm = np.sqrt(sum((value**2).sum() for value in moved.values()))
    assert moment.weight_norm == pytest.approx(norm, rel=1e-6)


def test_the_outputs_are_homogeneous_of_degree_three() -> None:
    # so the scale is one of the weights: s^2 = c^3
    weights, inputs = initial_weights(SMALL), inputs_of(SMALL)
    scaled = {name: 2.0 * value for name, value in weights.items()}
    expected = outputs(replace(SMALL, scale=8.0**0.5), weights, inputs)
    torch.testing.assert_close(outputs(SMALL, scaled, inputs), expected)


def test_the_first_steps_of_the_outputs_do_not_depend_on_the_scale() -> None:
    # d f = s^2 J d theta, d theta = -(lr / s^2)(1 / s^2) s^2 J^T (f - y), and f(0) -> 0 with s;
    # the tangent step leaves O(1 / s^2) of curvature: smaller at larger scale
    changes = []
    for scale in (40.0, 80.0):
        run = replace(SMALL, scale=scale, learning_rate=1e-2)
        before, after = train(run, [0, 1])
        weights = initial_weights(run)
        jacobian = outputs(run, weights, inputs_of(run)).square().mean().sqrt()
        changes.append((before.train_loss - after.train_loss) / float(jacobian) ** 2)
    assert changes[0] == pytest.approx(changes[1], rel=0.01)


def test_it_groks_while_its_weights_grow() -> None:
    run = ModularMLP(ModularTask(7, fraction=0.9), learning_rate=200.0)
    moments = list(train(run, [0, 1500]))
    assert moments[1].train_accuracy == 1.0
    assert moments[1].weight_norm > 1.5 * moments[0].weight_norm


def test_bad_input_is_named() -> None:
    with pytest.raises(InvalidInput, match=r"scale is 0\.0"):
        replace(SMALL, scale=0.0)
    with pytest.raises(InvalidInput, match="width is 0"):
        replace(SMALL, width=0)
    with pytest.raises(InvalidInput, match="shared=True"):
        next(train(replace(SMALL, task=ModularTask(5, shared=True)), [0]))
