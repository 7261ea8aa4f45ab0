"""Slopes on ladders, with their errors."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf, nan

import numpy as np
from numpy.typing import ArrayLike

from theory.backend import Floats
from theory.errors import InvalidInput
from verify.language.quantity import Quantity

RESOLVED = 30.0
"""A rung enters a fit when it exceeds its numerical error by this factor: 3 % of its value, 1 % of
a slope over two decades."""


@dataclass(frozen=True)
class Slope:
    """A least-squares slope.

    Attributes:
        error: what the errors of the values can make of it.
        wandering: the largest less the smallest slope between neighbours.
        method: how it was found.
        reason: why there is none.
    """

    value: float
    error: float
    wandering: float
    method: str
    reason: str = ""


def log_slope(x: ArrayLike, values: Quantity, agreement: float = inf) -> Slope:
    """Slope of log10(values) against x over the resolved rungs.

    NaN of infinite error, with the reason, where there is none: for fewer than three of them, where
    all lie at one place, or where the slopes between neighbours differ by more than `agreement`,
    since such a ladder has not reached its power law.

    Raises:
        InvalidInput: there are not as many x as values.
    """
    places = _places(x, values)
    kept = values.resolved(RESOLVED)
    if np.isnan(values.values).any() or (values.values[kept] <= 0.0).any():
        told = "a rung is not a positive number"
        return Slope(nan, inf, inf, "least-squares slope", told)
    axis = places[kept]
    logs = np.log10(values.values[kept])
    errors = values.errors[kept] / (values.values[kept] * np.log(10.0))
    method = f"least-squares slope over the resolved ones of {len(values)} rungs"
    if len(axis) < 3:
        return Slope(nan, inf, inf, method, f"{len(axis)} of {len(values)} rungs are resolved")
    found = linear_slope(axis, Quantity.of(logs, errors))
    if found.reason:
        return Slope(nan, inf, inf, method, found.reason)
    if found.wandering > agreement:
        told = f"slopes between neighbours differ by {found.wandering:.2g}: no power law yet"
        return Slope(nan, inf, found.wandering, method, told)
    return Slope(found.value, found.error, found.wandering, method)


def linear_slope(x: ArrayLike, values: Quantity) -> Slope:
    """Slope of values against x, over two rungs at least.

    NaN of infinite error, with the reason, where a number is not finite or all lie at one place.

    Raises:
        InvalidInput: there are not as many x as values, or fewer than two.
    """
    axis = _places(x, values)
    if len(axis) < 2:
        raise _unfit(axis, values)
    method = f"least-squares slope over {len(axis)} rungs"
    if not np.isfinite(values.values).all():
        return Slope(nan, inf, inf, method, "a value is not finite")
    if not np.isfinite(axis).all():
        return Slope(nan, inf, inf, method, "a rung lies at no finite place")
    if axis.min() == axis.max():
        return Slope(nan, inf, inf, method, "all rungs lie at one place")
    centred = axis - axis.mean()
    weights = centred / (centred @ centred)
    counted = weights != 0.0  # an unknown one in the middle of three does not matter
    return Slope(
        float(weights @ values.values),
        float(np.abs(weights[counted]) @ values.errors[counted]),
        _wandering(axis.tolist(), values.values.tolist()),
        method,
    )


def _places(x: ArrayLike, values: Quantity) -> Floats:
    axis = np.atleast_1d(np.asarray(x, dtype=np.float64))
    if axis.shape != values.values.shape:
        raise _unfit(axis, values)
    return axis


def _unfit(axis: Floats, values: Quantity) -> InvalidInput:
    told = f"x has {len(axis)} entries for {len(values)} values"
    return InvalidInput(f"{told}; as many are needed, and two at least")


def _wandering(x: Sequence[float], y: Sequence[float]) -> float:
    """The spread of slopes between neighbours; infinite where two share a place."""
    pairs = list(pairwise(zip(x, y, strict=True)))
    if any(p == q for (p, _), (q, _) in pairs):
        return inf
    steps = [(b - a) / (q - p) for (p, a), (q, b) in pairs]
    return max(steps) - min(steps)
