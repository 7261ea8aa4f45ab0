"""Modules at their own weights, observed on small random data, and dense references for them."""

from typing import Any

import numpy as np
import torch
from torch import nn

from theory.observed import Observed, at_state, observed_module, rows_of


def two_layers(dimension: int = 3, width: int = 6, outputs: int = 1, seed: int = 0) -> nn.Module:
    """Rectifiers between two linear layers without biases: degree 2."""
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Linear(dimension, width, bias=False), nn.ReLU(), nn.Linear(width, outputs, bias=False)
    ).double()


def task(samples: int = 7, dimension: int = 3, classes: int = 2, seed: int = 0) -> tuple[Any, Any]:
    """Gaussian inputs, and random labels: -1 and +1, or classes from three on."""
    generator = np.random.default_rng(seed)
    inputs = generator.standard_normal((samples, dimension))
    labels = generator.integers(0, classes, samples)
    return inputs, np.where(labels, 1.0, -1.0) if classes == 2 else labels


def observe(module: nn.Module, inputs: Any, labels: Any, loss: str | None = None) -> Observed:
    """The module at its own weights."""
    net, theta = at_state(observed_module(module), module.state_dict())
    points = torch.as_tensor(inputs)
    outputs = net.call(net.parts(theta), points[:1])
    width = 1 if outputs.ndim == 1 else outputs.shape[1]
    return Observed(net, theta, points, rows_of(torch.as_tensor(labels), width, loss))


def dense_jacobian(observed: Observed) -> Any:
    """Gradients of all rows, one backward pass each, `(n slots, P)`."""
    point = observed.theta.clone().requires_grad_()
    rows = observed.rows.of(observed.outputs_at(point, observed.inputs)).reshape(-1)
    lines = [
        torch.autograd.grad(row, point, retain_graph=True, materialize_grads=True)[0]
        for row in rows
    ]
    return torch.stack(lines).numpy()
