"""Weights of a diagonal net as functions of p and s, in the charts of `theory.flow.diagonal`.

u = e^(mean + ratio) and v = e^(mean - ratio) in every coordinate, with rho half for the unit in the
co-moving chart. All arrays are `(d,)`.
"""

from math import atanh, cosh, exp, expm1, log, log1p, sinh
from typing import TypeAlias

import numpy as np

from theory.backend import Floats
from theory.compiled import compiled, inlined
from theory.compiled_losses import forces

STEEPEST = 300.0
"""Trial steps beyond e^300 would overflow; no accepted state comes near."""

LEAST_BRACKET = 1e-15
LEAST_EXPONENT = -745.0
SLOPE_ONE_BELOW = 1e-9
"""Odd functions of slope 1 are linear to rounding below it."""


@inlined
def _within(x: float, largest: float) -> float:
    """x, or +-largest for trial steps outside; NaN stays."""
    if x > largest:
        return largest
    return -largest if x < -largest else x


@inlined
def _argument(degree: int, epsilon: float, half: float, p: float) -> float:
    """xi = L half^(L-2) eps p, or (L-2) xi where L > 2, kept inside its domain."""
    excess = degree - 2
    argument = degree * (epsilon * half**excess * p)
    if excess == 0:
        return _within(argument, 0.5 * STEEPEST)
    return _within(excess * argument, 1.0 - LEAST_BRACKET)


@inlined
def _mean(degree: int, argument: float) -> float:
    excess = degree - 2
    return 0.0 if excess == 0 else -log1p(-(argument**2)) / (2.0 * excess)


@inlined
def _ratio(degree: int, argument: float) -> float:
    excess = degree - 2
    return argument if excess == 0 else atanh(argument) / excess


@inlined
def _epsilon(degree: int, log_rho: float) -> float:
    return exp(max(-degree * log_rho, LEAST_EXPONENT))


@compiled
def comoving_exponents(
    degree: int, log_rho: float, half: Floats, p: Floats
) -> tuple[Floats, Floats]:
    """mean and ratio."""
    mean, ratio, epsilon = np.empty(p.size), np.empty(p.size), _epsilon(degree, log_rho)
    for j in range(p.size):
        argument = _argument(degree, epsilon, half[j], p[j])
        mean[j], ratio[j] = _mean(degree, argument), _ratio(degree, argument)
    return mean, ratio


@compiled
def comoving_weights(degree: int, log_rho: float, half: Floats, p: Floats) -> Floats:
    """w = 2 (rho half)^L e^(L mean) sinh(L ratio), as its slope at 0 times p times factors."""
    weights, epsilon = np.empty(p.size), _epsilon(degree, log_rho)
    for j in range(p.size):
        argument = _argument(degree, epsilon, half[j], p[j])
        growth = exp(degree * _mean(degree, argument))
        power = degree * _ratio(degree, argument)
        if abs(power) >= SLOPE_ONE_BELOW:
            growth *= sinh(power) / power
        if degree > 2 and abs(argument) >= SLOPE_ONE_BELOW:
            growth *= atanh(argument) / argument
        weights[j] = 2.0 * degree**2 * half[j] ** (2 * degree - 2) * p[j] * growth
    return weights


@compiled
def comoving_slopes(degree: int, log_rho: float, half: Floats, p: Floats) -> Floats:
    """dw/dp."""
    slopes, epsilon, power = np.empty(p.size), _epsilon(degree, log_rho), 2 * degree - 2
    for j in range(p.size):
        argument = _argument(degree, epsilon, half[j], p[j])
        grown = exp(power * _mean(degree, argument))
        grown *= cosh(power * _ratio(degree, argument))
        slopes[j] = 2.0 * degree**2 * half[j] ** power * grown
    return slopes


@inlined
def _brackets(degree: int, u_power: float, v_power: float, p: float) -> tuple[float, float]:
    """log of 1 -+ L (L-2) u0^(L-2) p."""
    reach = degree * (degree - 2) * p
    return (
        log(max(1.0 - reach * u_power, LEAST_BRACKET)),
        log(max(1.0 + reach * v_power, LEAST_BRACKET)),
    )


@inlined
def _moved(
    degree: int, passed: float, mean: float, ratio: float, u_power: float, v_power: float, p: float
) -> tuple[float, float]:
    """mean and ratio, `passed` after they were those given."""
    if degree == 2:
        return mean - passed, ratio + 2.0 * p
    of_u, of_v = _brackets(degree, u_power, v_power, p)
    fall = 2.0 * (degree - 2)
    return mean - passed - (of_u + of_v) / fall, ratio - (of_u - of_v) / fall


@compiled
def rich_exponents(
    degree: int,
    passed: float,
    mean: Floats,
    ratio: Floats,
    u_power: Floats,
    v_power: Floats,
    p: Floats,
) -> tuple[Floats, Floats]:
    """mean and ratio, `passed` after they were those given."""
    means, ratios = np.empty(p.size), np.empty(p.size)
    for j in range(p.size):
        moved = _moved(degree, passed, mean[j], ratio[j], u_power[j], v_power[j], p[j])
        means[j], ratios[j] = moved
    return means, ratios


@compiled
def rich_weights(
    degree: int,
    passed: float,
    mean: Floats,
    ratio: Floats,
    u_power: Floats,
    v_power: Floats,
    p: Floats,
) -> Floats:
    """w = u^L - v^L."""
    weights = np.empty(p.size)
    for j in range(p.size):
        m, r = _moved(degree, passed, mean[j], ratio[j], u_power[j], v_power[j], p[j])
        size = exp(min(degree * (m + abs(r)), STEEPEST)) * -expm1(-2.0 * degree * abs(r))
        weights[j] = size if r > 0.0 else -size
    return weights


@compiled
def rich_slopes(
    degree: int,
    passed: float,
    mean: Floats,
    ratio: Floats,
    u_power: Floats,
    v_power: Floats,
    p: Floats,
) -> Floats:
    """dw/dp."""
    slopes, power = np.empty(p.size), 2 * degree - 2
    for j in range(p.size):
        m, r = _moved(degree, passed, mean[j], ratio[j], u_power[j], v_power[j], p[j])
        exponent = power * (m + abs(r)) + (degree - 2) * passed
        falling = exp(-2.0 * power * abs(r))
        slopes[j] = degree**2 * exp(min(exponent, STEEPEST)) * (1.0 + falling)
    return slopes


Samples: TypeAlias = tuple[int, Floats, Floats]
"""The loss, signs over the unit of gradients `(n,)`, and inputs `(n, d)`."""


@compiled
def comoving_rates(
    degree: int,
    log_rho: float,
    half: Floats,
    samples: Samples,
    log_gain: float,
    damping: float,
    dual: Floats,
) -> Floats:
    """da/dtau in the co-moving chart, shape `(n,)`; `damping` is what a decays at."""
    weights = comoving_weights(degree, log_rho, half, _combined(samples, dual))
    return _pulls(samples, log_gain, weights) - damping * dual


@compiled
def rich_rates(
    degree: int,
    passed: float,
    start: tuple[Floats, Floats, Floats, Floats],
    samples: Samples,
    log_gain: float,
    dual: Floats,
) -> Floats:
    """da/dtau in the rich chart, `passed` after its start; shape `(n,)`."""
    weights = rich_weights(degree, passed, *start, _combined(samples, dual))
    return _pulls(samples, log_gain, weights)


@compiled
def _combined(samples: Samples, dual: Floats) -> Floats:
    """p = Z^T a, shape `(d,)`."""
    _, signs, inputs = samples
    return (signs * dual) @ inputs


@compiled
def _pulls(samples: Samples, log_gain: float, weights: Floats) -> Floats:
    """The force on each sample at the margins Z w, shape `(n,)`."""
    loss, signs, inputs = samples
    pulls = np.empty(signs.size)
    forces(loss, 1, log_gain, signs * (inputs @ weights), np.ones(signs.size), pulls)
    return pulls
