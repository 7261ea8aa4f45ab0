"""A tanh student learns a tanh teacher: what a threshold of accuracy makes of smooth losses.

    f(x) = s (W3 tanh(W2 tanh(W1 x + b1) + b2) + b3)

Source: Kumar et al. (ICLR 2024), Section 8.3.1; weight decay and AdamW as there.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from theory.backend import Array, Floats
from theory.errors import InvalidInput
from verify.experiments.optimization import (
    Draw,
    Parameters,
    check_positive,
    steps_of,
    trainable,
    weight_norm,
)


@dataclass(frozen=True)
class StudentTeacher:
    """Sizes of one run; x is N(0, I), and teacher and student share the shape of their layers.

    Attributes:
        weight_scale: all weights and biases of the student are multiplied by it.
        output_scale: s, of the student.
    """

    input_dim: int = 5
    width: int = 100
    output_dim: int = 5
    samples: int = 100
    test_samples: int = 100
    weight_scale: float = 2.0
    output_scale: float = 1.0
    learning_rate: float = 3e-4
    weight_decay: float = 0.05
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.input_dim, self.width, self.output_dim, self.samples, self.test_samples) < 1:
            raise InvalidInput(f"{self} has a size below 1; all must be at least 1")
        check_positive(
            weight_scale=self.weight_scale,
            output_scale=self.output_scale,
            learning_rate=self.learning_rate,
        )


@dataclass(frozen=True, eq=False)
class Errors:
    """The squared errors after some steps, each the mean over the outputs of one sample.

    Attributes:
        train: shape `(samples,)`.
        test: shape `(test_samples,)`.
    """

    step: int
    train: Floats
    test: Floats
    weight_norm: float


def layers(run: StudentTeacher, draw: Draw) -> dict[str, Array]:
    """Weights and biases uniform in +-1/sqrt(fan-in), for inputs of shape `(n, input_dim)`."""
    sizes = (run.input_dim, run.width, run.width, run.output_dim)
    drawn = {}
    for k, (inputs, outputs) in enumerate(pairwise(sizes), start=1):
        drawn[f"W{k}"] = draw.uniform(outputs, inputs, bound=inputs**-0.5)
        drawn[f"b{k}"] = draw.uniform(outputs, bound=inputs**-0.5)
    return drawn


def outputs(parameters: Parameters, inputs: Array) -> Array:
    """The net without its output scale, shape `(n, output_dim)`."""
    hidden = (inputs @ parameters["W1"].mT + parameters["b1"]).tanh()
    hidden = (hidden @ parameters["W2"].mT + parameters["b2"]).tanh()
    return hidden @ parameters["W3"].mT + parameters["b3"]


def train(run: StudentTeacher, at: Sequence[int], device: str = "cpu") -> Iterator[Errors]:
    """Full-batch AdamW on the mean squared error; yields after each number of steps in `at`.

    Raises:
        InvalidInput: `at` does not increase from 0 or more.
        NumericalFailure: the loss is no longer finite.
    """
    import torch

    draw = Draw(run.seed, device)
    teacher = layers(run, draw)
    inputs = draw.normal(run.samples, run.input_dim)
    test_inputs = draw.normal(run.test_samples, run.input_dim)
    targets, test_targets = outputs(teacher, inputs), outputs(teacher, test_inputs)
    start = {name: run.weight_scale * value for name, value in layers(run, draw).items()}
    student = trainable(start)

    def errors(points: Array, labels: Array) -> Array:
        return (run.output_scale * outputs(student, points) - labels).square().mean(-1)

    optimizer = torch.optim.AdamW(
        student.values(), lr=run.learning_rate, weight_decay=run.weight_decay, fused=True
    )
    for step in steps_of(optimizer, lambda _: errors(inputs, targets).mean(), at):
        with torch.no_grad():
            pairs = ((inputs, targets), (test_inputs, test_targets))
            train_errors, test_errors = (errors(*pair).double().cpu().numpy() for pair in pairs)
        yield Errors(step, train_errors, test_errors, weight_norm(student))


def accuracy(errors: Floats, threshold: float) -> float:
    """The share of samples whose squared error is below the threshold."""
    return float(np.mean(errors < threshold))
