"""Adam with epsilon = 0 on the exponential loss of a linear predictor.

Zhang, Zou, Cao (NeurIPS 2024). Without epsilon its steps do not depend on the size of the loss, so
moments are kept in units of the present loss and nothing underflows.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from theory.backend import Floats
from theory.errors import InvalidInput
from theory.steepest.recorded import recorded


@dataclass(frozen=True)
class Adam:
    """Rates of forgetting of the mean and of the mean square; beta1 = 0 is RMSProp."""

    beta1: float
    beta2: float

    def __post_init__(self) -> None:
        for name, value in (("beta1", self.beta1), ("beta2", self.beta2)):
            if not 0.0 <= value < 1.0:
                raise InvalidInput(f"{name} is {value!r}; it must be at least 0 and below 1")


def adam_path(rows: Floats, adam: Adam, steps: ArrayLike, at: ArrayLike) -> Floats:
    """Weights `(T, d)` from 0 after each of the increasing numbers of steps `at`, `(T,)`.

    Args:
        rows: y_i x_i, `(n, d)`.
        steps: the learning rate of each step.

    Raises:
        InvalidInput: some coordinate has no slope at first, and so no step; `at` asks for more
            steps than there are.
    """
    if np.any(rows.sum(axis=0) == 0.0):
        raise InvalidInput("rows add up to 0 in some coordinate; without epsilon it has no step")
    etas = np.asarray(steps, dtype=np.float64)
    return recorded(_steps(rows, adam, etas), len(etas), at)


def _steps(rows: Floats, adam: Adam, etas: Floats) -> Iterator[Floats]:
    weights = np.zeros(rows.shape[1])
    mean, square, before = np.zeros_like(weights), np.zeros_like(weights), 0.0
    for done, eta in enumerate(etas.tolist(), start=1):
        outputs = rows @ weights
        least = float(outputs.min())
        each = np.exp(least - outputs)
        total = float(each.sum())
        slope = (each / total) @ rows
        log_loss = float(np.log(total)) - least
        unit = np.exp(before - log_loss)
        mean = adam.beta1 * unit * mean + (1.0 - adam.beta1) * slope
        square = adam.beta2 * unit**2 * square + (1.0 - adam.beta2) * slope**2
        corrected = mean / (1.0 - adam.beta1**done)
        weights = weights + eta * corrected / np.sqrt(square / (1.0 - adam.beta2**done))
        before = log_loss
        yield weights
