"""Gradient flow of w = u^D - v^D on |X w - y|^2 / 2 with weight decay, in log u and log v.

With decay lambda the start counts as if it were a e^(-lambda t), b e^(-lambda t): at any t

    D = 2:  u v = a b e^(-2 lambda t),  log(u / v) - log(a / b) in the row space of X,
    D > 2:  the same of u^(2-D) + v^(2-D) and of v^(2-D) - u^(2-D).

So for small lambda, at s = lambda t, the flow is where it would have ended from a e^-s, b e^-s. The
slow flow on interpolators of Boursier, Pesme, Dragomir (2025) is in closed form here.
"""

from typing import Final

import numpy as np

from theory.backend import Floats
from theory.noise.interpolation import checked
from theory.plain_flow import PlainFlow, plain_flow

_ROUNDING: Final = 1e-15
"""Of the numbers that a difference is made of, and of their logarithms."""


def decayed_flow(
    inputs: Floats,
    targets: Floats,
    start: tuple[Floats, Floats],
    degree: int,
    decay: float,
    time: float,
    *,
    linear_decay: float = 0.0,
    rtol: float = 1e-9,
    method: str = "LSODA",
) -> PlainFlow:
    """States (log u, log v), `(1, 2d)`, at one time.

    Args:
        linear_decay: of u alone, added to that of both: another world.

    Raises:
        InvalidInput: shapes do not fit, numbers are not finite, or a start is not positive.
        IntegrationFailed: see `plain_flow`.
    """
    inputs, targets, plus, minus = checked(inputs, targets, *start, called="targets")
    size = inputs.shape[1]
    gram = inputs.T @ inputs
    fall = np.repeat([decay + linear_decay, decay], size)
    signs = np.repeat([1.0, -1.0], size)

    def slope(powers: Floats) -> Floats:
        return np.asarray(inputs.T @ (inputs @ (powers[:size] - powers[size:]) - targets))

    def field(_: float, logs: Floats) -> Floats:
        pull = np.tile(slope(np.exp(degree * logs)), 2)
        return np.asarray(-degree * signs * np.exp((degree - 2.0) * logs) * pull - fall)

    def jacobian(_: float, logs: Floats) -> Floats:
        powers, speeds = np.exp(degree * logs), np.exp((degree - 2.0) * logs)
        pull = np.tile(slope(powers), 2)
        moved = -(degree**2) * np.outer(signs * speeds, signs * powers) * np.tile(gram, (2, 2))
        return np.asarray(moved - np.diag(degree * (degree - 2.0) * signs * speeds * pull))

    first = np.log(np.concatenate([plus, minus]))
    return plain_flow(field, first, [time], rtol=rtol, method=method, jacobian=jacobian)


def path_deviation(
    inputs: Floats, logs: Floats, start: tuple[Floats, Floats], degree: int
) -> Floats:
    """How far (log u, log v), `(2d,)`, is off the path of an undecayed flow from `start`, `(2d,)`.

    First the sums that are to be those of the start, relatively, then the part of the differences
    outside the row space of X, over the largest of them; 0 where they are but rounding, as at the
    start itself.
    """
    u, v = np.split(logs, 2)
    a, b = np.log(start[0]), np.log(start[1])
    if degree == 2:
        sums, differences = u + v - a - b, (u - v) - (a - b)
        rounding = np.abs([u, v, a, b])
    else:
        power = 2.0 - degree
        powers = np.exp(power * np.array([u, v, a, b]))
        at_start = powers[2] + powers[3]
        sums = (powers[0] + powers[1]) / at_start - 1.0
        differences = powers[1] - powers[0] - powers[3] + powers[2]
        rounding = powers * (1.0 + np.abs(power * np.array([u, v, a, b])))
    largest = float(np.abs(differences).max())
    if largest <= _ROUNDING * float(rounding.max()):
        return np.concatenate([sums, np.zeros_like(sums)])
    inside = inputs.T @ np.linalg.lstsq(inputs.T, differences, rcond=None)[0]
    return np.concatenate([sums, (differences - inside) / largest])
