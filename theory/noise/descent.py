"""Gradient descent on w = u^2 - v^2, full or stochastic, with the two sums that decide its limit.

u^+ = u (1 - 2 eta g), v^+ = v (1 + 2 eta g) with any g = X_B^T r / b. Each step multiplies u v by
1 - 4 eta^2 g^2 and u / v by e^(-4 eta g) (1 + O(eta^3)): the limit is that of the flow from a start
which these products have moved. Even et al. (2023), Pesme et al. (2021) bound it; this is exact.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from theory.backend import Floats
from theory.errors import InvalidInput, NumericalFailure
from theory.noise.interpolation import checked, interpolation
from theory.plain_flow import plain_flow
from theory.requests import check_number, check_positive, check_whole

INTERPOLATES: Final = 1e-13
"""Largest residual of fitted samples, relative to the numbers that predictions are summed from,
|X| (u^2 + v^2)."""

MOST_STEPS: Final = 200_000


@dataclass(frozen=True, eq=False)
class DiagonalTask:
    """Inputs X `(n, d)`, labels y `(n,)`, and u(0) = a, v(0) = b, both positive `(d,)`.

    Raises:
        InvalidInput: shapes do not fit, numbers are not finite, or a start is not positive.
    """

    inputs: Floats
    labels: Floats
    plus: Floats
    minus: Floats

    def __post_init__(self) -> None:
        given = checked(self.inputs, self.labels, self.plus, self.minus)
        for name, values in zip(("inputs", "labels", "plus", "minus"), given, strict=True):
            object.__setattr__(self, name, values)

    def limit(self, log_plus: Floats | float = 0.0, log_minus: Floats | float = 0.0) -> Floats:
        """Where the flow ends from a e^log_plus, b e^log_minus."""
        plus, minus = self.plus * np.exp(log_plus), self.minus * np.exp(log_minus)
        return interpolation(self.inputs, self.labels, plus, minus)


@dataclass(frozen=True, eq=False)
class Descent:
    """Where steps of descent have led.

    Attributes:
        weights: w, `(d,)`.
        shrinking: the sum of log(1 - 4 eta^2 g^2), `(d,)`: what is added to log(u v).
        shift: the sum of log((1 - 2 eta g) / (1 + 2 eta g)) + 4 eta g, `(d,)`.
        steps: how many there were.
    """

    weights: Floats
    shrinking: Floats
    shift: Floats
    steps: int


def descend(
    task: DiagonalTask,
    step: float,
    *,
    rng: np.random.Generator | None = None,
    noise: float = 0.0,
    noisy_steps: int = 0,
    precise: bool = False,
) -> Descent:
    """Steps of size eta until every sample is fitted; loss (1/2b) |X_B w - y_B|^2.

    Args:
        rng: which sample each step takes; without it a step takes all of them.
        noise: labels of the first `noisy_steps` are off by this, up or down, as `rng` has it.
        precise: compute in `numpy.longdouble`.

    Raises:
        InvalidInput: the step is not positive, the noise not finite, or `noisy_steps` no count.
        NumericalFailure: a step overshoots zero, or nothing is fitted after `MOST_STEPS`, as
            where steps are so small that float64 rounds them off.
    """
    check_positive("step", step)
    check_number("noise", noise)
    check_whole("noisy_steps", noisy_steps, 0)
    if rng is None and noise * noisy_steps != 0.0:
        raise InvalidInput(f"rng is None; noise of {noise!r} needs a generator to draw its signs")
    kind: Any = np.longdouble if precise else np.float64
    inputs, labels = task.inputs.astype(kind), task.labels.astype(kind)
    u, v = task.plus.astype(kind), task.minus.astype(kind)
    shrinking, shift = np.zeros_like(u), np.zeros_like(u)
    every = np.arange(len(labels))
    for count in range(MOST_STEPS):
        residuals = inputs @ (u**2 - v**2) - labels
        allowed = INTERPOLATES * (np.abs(inputs) @ (u**2 + v**2)).max()
        if count >= noisy_steps and np.abs(residuals).max() <= allowed:
            ends = [x.astype(np.float64) for x in (u**2 - v**2, shrinking, shift)]
            return Descent(ends[0], ends[1], ends[2], count)
        chosen = every if rng is None else rng.integers(len(labels), size=1)
        used = residuals[chosen]
        if rng is not None and count < noisy_steps:
            used = used + noise * (2 * rng.integers(2) - 1)
        move = 2.0 * step * (inputs[chosen].T @ used) / len(chosen)
        if np.abs(move).max() >= 1.0:
            raise NumericalFailure(f"a step of {step:g} changes a sign after {count} steps")
        shrinking += np.log1p(-(move**2))
        shift += np.log1p(-move) - np.log1p(move) + 2.0 * move
        u, v = u * (1.0 - move), v * (1.0 + move)
    raise NumericalFailure(f"not fitted after {MOST_STEPS} steps of {step:g}")


def squared_gradients_of_flow(task: DiagonalTask, until: float) -> Floats:
    """The integral of g^2 over the flow of the mean loss up to a late time, `(d,)`.

    To first order in eta descent ends where the flow from a, b times e^(-2 eta integral) does.
    """
    inputs, count = task.inputs, len(task.labels)

    def field(_: float, state: Floats) -> Floats:
        z = inputs.T @ state[:count]
        weights = task.plus**2 * np.exp(4.0 * z) - task.minus**2 * np.exp(-4.0 * z)
        residuals = (inputs @ weights - task.labels) / count
        return np.concatenate([-residuals, (inputs.T @ residuals) ** 2])

    start = np.zeros(count + inputs.shape[1])
    flow = plain_flow(field, start, [until], rtol=1e-10, method="LSODA")
    return flow.tight[-1, count:]
