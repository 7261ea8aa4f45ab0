"""Where a flow changes its chart: co-moving at first, rich from the hand-over on."""

from math import ceil
from typing import Final

from theory.clock import clock_of, decay_time_at
from theory.problem import Regime

_PIECE: Final = 3.0
"""(L-2) times the length of a rich piece: at its end active brackets have lost e^-3, one digit."""


def hand_over(regime: Regime, degree: int, rich_below: float) -> float:
    """tau at which log rho^L falls to `rich_below`, but not before half of the kernel phase."""
    log_alpha = regime.log_alpha
    return clock_of(max(log_alpha - rich_below / degree, 0.5 * log_alpha))


def piece_ends(
    regime: Regime, degree: int, rich_below: float, start: float, stop: float
) -> list[float]:
    """Where the pieces of a flow in dual variables end: the first co-moving, the others rich."""
    turn = hand_over(regime, degree, rich_below)
    if not start < turn < stop:
        return [stop]
    first, last = decay_time_at(turn), decay_time_at(stop)
    pieces = max(ceil((last - first) * (degree - 2) / _PIECE), 1)
    inner = (clock_of(first + (last - first) * k / pieces) for k in range(1, pieces))
    return [turn, *inner, stop]
