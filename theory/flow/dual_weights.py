"""Weights of diagonal nets from their dual combinations p = Z^T a, many lanes at a time.

The equations are those of `theory.flow.diagonal`. Rows of numbers are flat, d coordinates of W
lanes in the order (coordinate, lane), so that the compiler takes several together.
"""

from math import atanh, log, log1p

import numpy as np

from theory.backend import Floats
from theory.compiled import filling
from theory.flow.exponential import exp, expm1

STEEPEST = 150.0
"""Exponents of weights in trial steps; no accepted state comes near."""

_TINY = 1e-300

LOG_HALF, BASE, LEVER, FIRST_MEAN, FIRST_RATIO = range(5)
"""Rows of `own` `(5, d W)`: the log of the entries of u = v at unit scale; dw/dp at p = 0,
2 L^2 half^(2L-2); L half^(L-2); and of a rich piece log sqrt(u v) and log sqrt(u / v) where it
began."""

COMBINATION, WEIGHT, SLOPE, MEAN, RATIO, BEND, STRETCH = range(7)
"""Rows of `at` `(7, d W)`: p; w = (u^L - v^L) / rho^L in the co-moving chart, u^L - v^L in the rich
one; dw/dp; log sqrt(u v) and log sqrt(u / v), in the co-moving chart relative to rho half; and
factors that are 1 for degree 2."""


def coordinates(numbers: int) -> Floats:
    """Room for `at`, at zero."""
    room = np.zeros((7, numbers))
    room[BEND] = room[STRETCH] = 1.0
    return room


@filling
def comoving_weights(degree: int, own: Floats, epsilon: Floats, at: Floats) -> None:
    """Fill `at` from its combinations, but for the slopes; `epsilon` `(W,)` is rho^-L."""
    lanes, excess = epsilon.size, degree - 2
    for first in range(0, at.shape[1], lanes):
        for b in range(lanes):
            k = first + b
            ratio = epsilon[b] * own[LEVER, k] * at[COMBINATION, k]
            at[RATIO, k] = min(max(ratio, -STEEPEST), STEEPEST)
    for k in range(at.shape[1]):
        at[MEAN, k] = 0.0
    if excess > 0:
        for k in range(at.shape[1]):
            x = min(max(excess * at[RATIO, k], -1.0 + 1e-15), 1.0 - 1e-15)
            mean = -log1p(-x * x) / (2.0 * excess)
            turned = atanh(x) / x if abs(x) > 1e-9 else 1.0
            at[MEAN, k], at[RATIO, k] = mean, turned * x / excess
            at[BEND, k] = turned * exp(degree * mean)
            at[STRETCH, k] = exp((2 * degree - 2) * mean)
    for k in range(at.shape[1]):
        size = abs(degree * at[RATIO, k]) + _TINY
        grown = expm1(size)  # sinh(x) = g (g + 2) / (2 (g + 1)), without cancellation
        over = 0.5 * grown * ((grown + 2.0) / ((grown + 1.0) * size))
        at[WEIGHT, k] = own[BASE, k] * at[COMBINATION, k] * at[BEND, k] * over


@filling
def comoving_slopes(degree: int, own: Floats, at: Floats) -> None:
    """dw/dp, after `comoving_weights`."""
    power = 2 * degree - 2
    for k in range(at.shape[1]):
        grown = exp(abs(power * at[RATIO, k]))
        at[SLOPE, k] = own[BASE, k] * at[STRETCH, k] * (0.5 * (grown + 1.0 / grown))


@filling
def rich_weights(degree: int, own: Floats, passed: Floats, at: Floats) -> None:
    """The same in the rich chart; `passed` `(W,)` is decay time since the piece began."""
    lanes, excess = passed.size, degree - 2
    for first in range(0, at.shape[1], lanes):
        for b in range(lanes):
            at[MEAN, first + b] = own[FIRST_MEAN, first + b] - passed[b]
    if excess == 0:
        for k in range(at.shape[1]):
            at[RATIO, k] = own[FIRST_RATIO, k] + 2.0 * at[COMBINATION, k]
    else:
        for k in range(at.shape[1]):
            pull = degree * excess * at[COMBINATION, k]
            up = exp(excess * (own[FIRST_MEAN, k] + own[FIRST_RATIO, k]))
            down = exp(excess * (own[FIRST_MEAN, k] - own[FIRST_RATIO, k]))
            first_log = log(max(1.0 - up * pull, 1e-15))
            second_log = log(max(1.0 + down * pull, 1e-15))
            at[MEAN, k] -= (first_log + second_log) / (2.0 * excess)
            at[RATIO, k] = own[FIRST_RATIO, k] - (first_log - second_log) / (2.0 * excess)
    for k in range(at.shape[1]):
        size = abs(at[RATIO, k])
        larger = exp(min(degree * (at[MEAN, k] + size), STEEPEST))
        weight = -larger * expm1(-2.0 * degree * size)
        at[WEIGHT, k] = weight if at[RATIO, k] > 0.0 else -weight


@filling
def rich_slopes(degree: int, passed: Floats, at: Floats) -> None:
    """dw/dp, after `rich_weights`."""
    lanes, excess, power = passed.size, degree - 2, 2 * degree - 2
    for first in range(0, at.shape[1], lanes):
        for b in range(lanes):
            size = abs(at[RATIO, first + b])
            slope = exp(min(power * (at[MEAN, first + b] + size) + excess * passed[b], STEEPEST))
            at[SLOPE, first + b] = degree**2 * slope * (1.0 + exp(-2.0 * power * size))
