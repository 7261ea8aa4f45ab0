"""Modular addition by a quadratic net without weight decay: it groks while its weights grow.

    f(a, b) = s^2 W2 (W1 x(a, b))^2 / (D N),   x = (e_a, e_b),  D = 2p

trained by gradient descent on the mean squared error to one-hot labels, divided by s^2, at the
learning rate lr / s^2, so that the first steps of f do not depend on s.

Source: Kumar et al. (ICLR 2024), modular arithmetic without weight decay.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from theory.backend import Array
from theory.descent.modular_addition import ModularTask
from theory.errors import InvalidInput
from verify.experiments.optimization import (
    Draw,
    Moment,
    Parameters,
    check_positive,
    share_right,
    steps_of,
    trainable,
)


@dataclass(frozen=True)
class ModularMLP:
    """Sizes of one run; the weights are N(0, 1).

    Attributes:
        task: the pairs and their split.
        scale: s.
        learning_rate: lr at s = 1.
        seed: of the weights.
    """

    task: ModularTask
    width: int = 100
    scale: float = 1.0
    learning_rate: float = 100.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.width < 1:
            raise InvalidInput(f"width is {self.width}; it must be at least 1")
        check_positive(scale=self.scale, learning_rate=self.learning_rate)


def initial_weights(run: ModularMLP, device: str = "cpu") -> dict[str, Array]:
    """W1 of shape `(N, 2p)` and W2 of shape `(p, N)`."""
    draw, modulus = Draw(run.seed, device), run.task.modulus
    return {"W1": draw.normal(run.width, 2 * modulus), "W2": draw.normal(modulus, run.width)}


def outputs(run: ModularMLP, weights: Parameters, inputs: Array) -> Array:
    """f of one-hot inputs of shape `(n, 2p)`, shape `(n, p)`."""
    fields = inputs @ weights["W1"].mT
    normalization = run.scale**2 / (inputs.shape[-1] * run.width)
    return normalization * (fields.square() @ weights["W2"].mT)


def train(run: ModularMLP, at: Sequence[int], device: str = "cpu") -> Iterator[Moment]:
    """Full-batch gradient descent; yields after each number of steps in `at`.

    The losses that are yielded are not divided by s^2.

    Raises:
        InvalidInput: `at` does not increase from 0 or more, or a task with a shared embedding.
        NumericalFailure: the loss is no longer finite.
    """
    import torch

    if run.task.shared:
        raise InvalidInput("task has shared=True; this net has one embedding for each summand")
    weights = trainable(initial_weights(run, device))
    parts = [
        (
            torch.as_tensor(run.task.inputs(pairs), dtype=torch.float32, device=device),
            torch.as_tensor(run.task.sums(pairs), device=device),
        )
        for pairs in run.task.split()
    ]
    one_hot = torch.eye(run.task.modulus, device=device)

    def loss(found: Array, labels: Array) -> Array:
        return (found - one_hot[labels]).square().mean()

    inputs, labels = parts[0]
    optimizer = torch.optim.SGD(weights.values(), lr=run.learning_rate / run.scale**2)
    objective = lambda _: loss(outputs(run, weights, inputs), labels) / run.scale**2  # noqa: E731
    for step in steps_of(optimizer, objective, at):
        with torch.no_grad():
            found = [(outputs(run, weights, points), sums) for points, sums in parts]
            measured = [(float(loss(*pair)), share_right(*pair)) for pair in found]
        yield Moment.of(step, measured, weights)
