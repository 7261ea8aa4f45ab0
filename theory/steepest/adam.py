"""Adam with epsilon = 0 on the exponential loss of a linear predictor.

Zhang, Zou, Cao (NeurIPS 2024). Without epsilon its steps do not depend on the size of the loss, so
moments are kept in units of the present loss and nothing underflows.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from theory.backend import Floats, Integers
from theory.compiled import compiled
from theory.errors import InvalidInput
from theory.steepest.recorded import checked_counts


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
    counts = checked_counts(at, len(etas))
    signed = np.ascontiguousarray(rows, dtype=np.float64)
    states = np.empty((len(counts), signed.shape[1]))
    _fill(signed, adam.beta1, adam.beta2, etas, counts, states)
    return states


@compiled
def _fill(
    rows: Floats,
    beta1: float,
    beta2: float,
    etas: Floats,
    counts: Integers,
    states: Floats,
) -> None:
    """The weights after each number of steps."""
    weights = np.zeros(rows.shape[1])
    mean, square, before = np.zeros_like(weights), np.zeros_like(weights), 0.0
    reached = 0
    for done in range(1, counts[-1] + 1):
        outputs = rows @ weights
        least = outputs.min()
        each = np.exp(least - outputs)
        total = each.sum()
        slope = (each / total) @ rows
        log_loss = np.log(total) - least
        unit = np.exp(before - log_loss)
        mean = beta1 * unit * mean + (1.0 - beta1) * slope
        square = beta2 * unit**2 * square + (1.0 - beta2) * slope**2
        corrected = mean / (1.0 - beta1**done)
        weights += etas[done - 1] * corrected / np.sqrt(square / (1.0 - beta2**done))
        before = log_loss
        while reached < counts.size and counts[reached] == done:
            states[reached] = weights
            reached += 1
