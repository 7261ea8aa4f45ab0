"""Grokking by weight decay: a diagonal net on sparse data, whose transition is known beforehand.

Labels are the majority of the first three of 200 signs. From a large start u = v the net is first a
kernel machine, whose weights spread over all coordinates; weight decay then takes it to few of
them, and it generalises. Gradient descent, full batch, steps in proportion to 1 / loss.
"""

import sys
from math import log
from pathlib import Path
from typing import Any

import numpy as np
import torch
from nets import DIMENSION, NORM, Diagonal

from verify.diagnose import Recorder

DECAY = 1e-4
RELATIVE = 0.5
"""The step where loss times |theta|^2 is one."""


def data(samples: int, seed: int) -> tuple[Any, Any]:
    """Signs, and the majority of the first three."""
    inputs = np.random.default_rng(seed).choice([-1.0, 1.0], (samples, DIMENSION))
    return inputs, np.sign(inputs[:, :3].sum(1))


def train(folder: Path, until: float = 1.5, checkpoints: int = 24) -> None:
    """Train until so many t_g, with checkpoints evenly spaced in time."""
    recorder = Recorder(folder)
    inputs, labels = data(60, seed=0)
    np.savez(folder / "train.npz", inputs=inputs, labels=labels)
    test_inputs, test_labels = data(2000, seed=1)
    np.savez(folder / "test.npz", inputs=test_inputs, labels=test_labels)
    x, y = torch.from_numpy(inputs), torch.from_numpy(labels)
    model = Diagonal()
    parameters = list(model.parameters())
    end = until * log(NORM) / DECAY
    time, step, kept = 0.0, 0, 0
    while time < end:
        if time >= kept * end / checkpoints:
            recorder(step, model, time)
            kept += 1
        loss = torch.nn.functional.softplus(-y * model(x)).mean()
        gradients = torch.autograd.grad(loss, parameters)
        with torch.no_grad():
            square = sum(float(parameter.square().sum()) for parameter in parameters)
            size = min(RELATIVE / (float(loss) * square), 0.02 / DECAY)
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter.mul_(1.0 - size * DECAY).sub_(gradient, alpha=size)
        time, step = time + size, step + 1
    recorder(step, model, time)


if __name__ == "__main__":
    train(Path(sys.argv[1] if len(sys.argv) > 1 else "runs/decay"))
