"""Where a flow changes its chart: co-moving at first, rich from the hand-over on."""

from math import ceil, inf
from typing import Final

from theory.clock import clock_of, decay_time_at
from theory.flow.chart import Chart

_PIECE: Final = 3.0
"""(L-2) times the length of a rich piece: at its end active brackets have lost e^-3, one digit."""

_SHORTEST: Final = 0.5
"""Of the first piece, by the clock: one e-fold at most of a flow that hardly moves yet."""


def hand_over(chart: Chart, rich_below: float) -> float:
    """tau at which log rho^L falls to `rich_below`, but not before half of the kernel phase.

    rho is that of the units of the problem, so this looks at the size of outputs. -inf where they
    are below order one from the start.
    """
    decay_time = max(chart.log_alpha - rich_below / chart.problem.degree, 0.5 * chart.log_alpha)
    return clock_of(decay_time) if decay_time > 0.0 else -inf


def piece_ends(chart: Chart, rich_below: float, start: float, stop: float) -> list[float]:
    """Where the pieces of a flow in dual variables end: the first co-moving, the others rich."""
    degree, turn = chart.problem.degree, max(hand_over(chart, rich_below), start + _SHORTEST)
    if not turn < stop:
        return [stop]
    first, last = decay_time_at(turn), decay_time_at(stop)
    pieces = max(ceil((last - first) * (degree - 2) / _PIECE), 1)
    inner = (clock_of(first + (last - first) * k / pieces) for k in range(1, pieces))
    return [turn, *inner, stop]
