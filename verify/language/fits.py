"""Slopes on ladders, with their errors."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf, nan

import numpy as np
from numpy.typing import ArrayLike

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

    None, with the reason, for fewer than three of them, or where the slopes between neighbours
    differ by more than `agreement`: such a ladder has not reached its power law.
    """
    resolved = values.resolved(RESOLVED)
    if np.isnan(values.values).any() or (values.values[resolved] <= 0.0).any():
        told = "a rung is not a positive number"
        return Slope(nan, inf, inf, "least-squares slope", told)
    kept = resolved
    axis = np.asarray(x, dtype=np.float64)[kept]
    logs = np.log10(values.values[kept])
    errors = values.errors[kept] / (values.values[kept] * np.log(10.0))
    method = f"least-squares slope over the resolved ones of {len(values)} rungs"
    if len(axis) < 3:
        return Slope(nan, inf, inf, method, f"{len(axis)} of {len(values)} rungs are resolved")
    found = linear_slope(axis, Quantity.of(logs, errors))
    if found.wandering > agreement:
        told = f"slopes between neighbours differ by {found.wandering:.2g}: no power law yet"
        return Slope(nan, inf, found.wandering, method, told)
    return Slope(found.value, found.error, found.wandering, method)


def linear_slope(x: ArrayLike, values: Quantity) -> Slope:
    """Slope of values against x, over two rungs at least."""
    axis = np.asarray(x, dtype=np.float64)
    if len(axis) < 2 or len(axis) != len(values):
        raise InvalidInput(f"x has {len(axis)} entries for {len(values)} values; two are needed")
    method = f"least-squares slope over {len(axis)} rungs"
    if not np.isfinite(values.values).all():
        return Slope(nan, inf, inf, method, "a value is not finite")
    centred = axis - axis.mean()
    weights = centred / (centred @ centred)
    counted = weights != 0.0  # an unknown one in the middle of three does not matter
    return Slope(
        float(weights @ values.values),
        float(np.abs(weights[counted]) @ values.errors[counted]),
        _wandering(axis.tolist(), values.values.tolist()),
        method,
    )


def _wandering(x: Sequence[float], y: Sequence[float]) -> float:
    """The spread of slopes between neighbours; infinite where two share a place."""
    pairs = list(pairwise(zip(x, y, strict=True)))
    if any(p == q for (p, _), (q, _) in pairs):
        return inf
    steps = [(b - a) / (q - p) for (p, a), (q, b) in pairs]
    return max(steps) - min(steps)
