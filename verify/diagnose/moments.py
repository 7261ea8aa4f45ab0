"""When a run turned from its start and when it generalised, between checkpoints."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import cos
from typing import Any, Final

from theory.observed import TURN

FITTED: Final = 0.95
"""Training accuracy from which on the data fit."""

LEARNED: Final = 0.05
"""A rise of test accuracy that is one."""

Entries = Sequence[Mapping[str, Any]]


def turned(entries: Entries) -> float | None:
    """When the weights had turned by `TURN`, linear between checkpoints; None if they did not."""
    seen = _course(entries, "direction_cosine")
    return _crossing([(time, -value) for time, value in seen], -cos(TURN))


def generalised(entries: Entries) -> float | None:
    """When test accuracy was half-way from what it was as soon as the data fit to its largest.

    None where it does not rise from there, or where there are no test data.
    """
    fitted = _course([e for e in entries if (e["accuracy"] or 0.0) >= FITTED], "test_accuracy")
    if not fitted:
        return None
    first, largest = fitted[0][1], max(value for _, value in fitted)
    return None if largest - first < LEARNED else _crossing(fitted, 0.5 * (first + largest))


def reached(entries: Entries) -> float | None:
    """The time of the last checkpoint; None where it is not known."""
    times = [entry["time"] for entry in entries if entry["time"] is not None]
    return times[-1] if times else None


def _course(entries: Entries, name: str) -> list[tuple[float, float]]:
    return [
        (entry["time"], entry[name])
        for entry in entries
        if entry["time"] is not None and entry.get(name) is not None
    ]


def _crossing(course: Sequence[tuple[float, float]], level: float) -> float | None:
    """The first time at which a course rises through a level."""
    for (before, low), (after, high) in pairwise(course):
        if low < level <= high:
            return float(before + (level - low) / (high - low) * (after - before))
    return None
