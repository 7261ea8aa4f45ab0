"""Slopes on ladders, and bounds that a ladder calibrates for itself."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from verify.claims.base import Bound, RateSample

RESOLVED = 30.0
"""A rung enters a fit when it exceeds its numerical error by this factor: 3 % of its value, 1 % of
a slope over two decades."""


def slope(x: Sequence[float], y: Sequence[float]) -> float:
    """Least-squares slope of y against x."""
    return float(np.polyfit(x, y, 1)[0])


def slopes(rungs: int, resolved: bool = True) -> str:
    """How slopes on ladders of that many rungs were fitted, for `RateSample.method`."""
    which = f"the resolved ones of {rungs} rungs" if resolved else f"{rungs} rungs"
    return f"least-squares slopes over {which}"


def log_slope(
    x: Sequence[float], values: Sequence[float], errors: Sequence[float], agreement: float
) -> float | None:
    """Slope of log10(values) against x over the resolved rungs.

    None with fewer than three of them, or where the slopes between neighbours differ by more than
    `agreement`: such a ladder has not reached its power law (two terms cancel, say), and its fitted
    exponent would mean nothing.
    """
    kept = [
        (a, float(np.log10(v)))
        for a, v, e in zip(x, values, errors, strict=True)
        if v > RESOLVED * e > 0
    ]
    if len(kept) < 3:
        return None
    steps = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in pairwise(kept)]
    if max(steps) - min(steps) > agreement:
        return None
    return slope(*zip(*kept, strict=True))


def rate(
    quantity: str, predicted: float, fitted: float | None, tolerance: float, method: str
) -> tuple[RateSample, ...]:
    """A rate sample, or nothing where there was nothing to fit."""
    if fitted is None or not np.isfinite(fitted):
        return ()
    return (RateSample(quantity, predicted, fitted, tolerance, method),)


def falls_like(
    name: str,
    variable: Sequence[float],
    values: Sequence[float],
    errors: Sequence[float],
    order: float,
    factor: float = 2.0,
    first: float = 0.0,
) -> tuple[Bound, ...]:
    """value_j <= factor * value_0 * (variable_j / variable_0)^order on every later rung.

    The constant is measured on the instance's own first rung; `factor` leaves room for the next
    order, whose share at variable = 10^-2 is a few percent. A rung whose bound lies below three
    times its numerical error says nothing and is left out. `first` is a size that value_0 can be
    expected to have, for quantities in which orders cancel there, or are all large.
    """
    bounds = [
        factor * (max(values[0], first) + errors[0]) * (variable[j] / variable[0]) ** order
        for j in range(len(values))
    ]
    return tuple(
        Bound(f"{name}, rung {j}", values[j], bounds[j], errors[j])
        for j in range(1, len(values))
        if bounds[j] >= 3.0 * errors[j]
    )
