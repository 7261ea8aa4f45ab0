"""Forest plots: fitted rates about their predictions, each in units of its own tolerance.

A row is a few numbers in percent of the width, so that the page draws it at any width.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, isfinite
from typing import Any

WIDEST = 4.0
"""Tolerances on either side at most."""


@dataclass(frozen=True)
class Row:
    """One rate: positions in percent of the width; `low_out`, `high_out` and `out` lie beyond."""

    rate: dict[str, Any]
    low: float
    fitted: float
    high: float
    low_out: bool
    high_out: bool
    out: bool


@dataclass(frozen=True)
class Forest:
    """Rows under one axis.

    Attributes:
        band: where the tolerance begins and ends, in percent.
        ticks: (position in percent, label).
    """

    rows: tuple[Row, ...]
    band: tuple[float, float]
    ticks: tuple[tuple[float, str], ...]


def forest(rates: Sequence[dict[str, Any]], widest: float = WIDEST) -> Forest | None:
    """The plot of these entries of results.json; None where none can be drawn.

    Args:
        widest: what lies further out than so many tolerances is drawn as an arrow.
    """
    drawn = [rate for rate in rates if _drawable(rate)]
    if not drawn:
        return None
    furthest = max(abs(value) for rate in drawn for value in deviations(rate))
    limit = min(max(1.15 * furthest, 1.6), widest)

    def place(value: float) -> float:
        return round(50.0 + 50.0 * min(max(value / limit, -1.0), 1.0), 2)

    whole = floor(limit)
    return Forest(
        tuple(
            Row(
                rate,
                place(low),
                place(fitted),
                place(high),
                low < -limit,
                high > limit,
                abs(fitted) > limit,
            )
            for rate in drawn
            for low, fitted, high in (deviations(rate),)
        ),
        (place(-1.0), place(1.0)),
        tuple((place(t), _signed(t)) for t in range(-whole, whole + 1)),
    )


def deviations(rate: dict[str, Any]) -> tuple[float, float, float]:
    """Low, fitted and high less the prediction, in tolerances."""
    unit = rate["tolerance"] or max(abs(rate["high"] - rate["low"]), 1e-300)
    low, fitted, high = (
        (rate[key] - rate["predicted"]) / unit for key in ("low", "fitted", "high")
    )
    return low, fitted, high


def _drawable(rate: dict[str, Any]) -> bool:
    values = [rate[key] for key in ("predicted", "fitted", "low", "high")]
    return all(value is not None and isfinite(value) for value in values)


def _signed(tick: int) -> str:
    return "0" if tick == 0 else f"{tick:+d}".replace("-", "\N{MINUS SIGN}")
