"""Adam with epsilon = 0 on the exponential loss of a linear predictor.

Zhang, Zou, Cao (NeurIPS 2024). Without epsilon its steps depend neither on the size of the loss nor
on that of the slope of a coordinate. So moments are kept in units of the present loss, or of larger
ones where those before it are more than float64 holds, and of the columns of the rows.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from theory.backend import Floats, Integers
from theory.compiled import compiled
from theory.errors import InvalidInput, NumericalFailure
from theory.requests import check_number
from theory.steepest.recorded import checked_counts, checked_steps

_LARGEST: Final = 250.0
"""log of the root mean square of slopes, in units of the present loss, that is still squared."""


@dataclass(frozen=True)
class Adam:
    """Rates of forgetting of the mean and of the mean square; beta1 = 0 is RMSProp."""

    beta1: float
    beta2: float

    def __post_init__(self) -> None:
        for name, value in (("beta1", self.beta1), ("beta2", self.beta2)):
            check_number(name, value)
            if not 0.0 <= value < 1.0:
                raise InvalidInput(f"{name} is {value!r}; it must be at least 0 and below 1")


def adam_path(rows: Floats, adam: Adam, steps: ArrayLike, at: ArrayLike) -> Floats:
    """Weights `(T, d)` from 0 after each of the increasing numbers of steps `at`, `(T,)`.

    Args:
        rows: y_i x_i, `(n, d)`.
        steps: the learning rate of each step.

    Raises:
        InvalidInput: some coordinate has no slope at first, but for rounding, and so no step; `at`
            is not whole numbers that increase from 1 to at most the number of steps; rows or steps
            are not finite.
        NumericalFailure: outputs left float64.
    """
    if rows.ndim != 2 or rows.size == 0 or not np.all(np.isfinite(rows)):
        raise InvalidInput(f"rows have shape {rows.shape}; they must be (n, d) finite numbers")
    signed = np.ascontiguousarray(rows, dtype=np.float64)
    columns = np.ldexp(signed, -np.frexp(np.abs(signed).max(axis=0))[1])
    rounding = len(columns) * np.finfo(np.float64).eps * np.abs(columns).sum(axis=0)
    if np.any(np.abs(columns.sum(axis=0)) <= rounding):
        raise InvalidInput("rows add up to 0 in some coordinate; without epsilon it has no step")
    etas = checked_steps(steps)
    counts = checked_counts(at, len(etas))
    states = np.empty((len(counts), signed.shape[1]))
    _fill(signed, columns, adam.beta1, adam.beta2, etas, counts, states)
    if not np.all(np.isfinite(states)):
        raise NumericalFailure("outputs left float64; rows times steps are too large")
    return states


@compiled
def _unit_of_moments(before: float, log_loss: float, square: Floats) -> float:
    """log of the unit of the moments: the loss, or more where their squares would overflow."""
    largest = square.max()
    if largest == 0.0:
        return log_loss
    unit: float = max(log_loss, before + 0.5 * np.log(largest) - _LARGEST)
    return unit


@compiled
def _fill(
    rows: Floats,
    columns: Floats,
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
        log_loss = np.log(total) - least
        now = _unit_of_moments(before, log_loss, square)
        slope = np.exp(log_loss - now) * ((each / total) @ columns)
        unit = np.exp(before - now)
        mean = beta1 * unit * mean + (1.0 - beta1) * slope
        square = beta2 * unit**2 * square + (1.0 - beta2) * slope**2
        corrected = mean / (1.0 - beta1**done)
        weights += etas[done - 1] * corrected / np.sqrt(square / (1.0 - beta2**done))
        before = now
        while reached < counts.size and counts[reached] == done:
            states[reached] = weights
            reached += 1
