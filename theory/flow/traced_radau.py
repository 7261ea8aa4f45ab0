"""Collocation (`theory.flow.collocation`) of a user's traced net: its rows in numpy."""

from typing import Final

import numpy as np

from theory.backend import Floats
from theory.flow.collocation import collocate, few_rows, room_for, stretch
from theory.flow.compiled_chart import without_net
from theory.flow.traced_chart import TracedChart
from theory.integrate import Stretch

MOST_ROWS: Final = 30
"""Against BDF in as many dimensions as rows, of 1,000 parameters: 20, 40 and 60 rows take 0.6, 1.5
and 3 times as long."""


def worth_collocating(chart: TracedChart) -> bool:
    """Whether steps cost less than those with a whole Jacobian, or one of low rank."""
    problem = chart.problem
    if chart.low_rank is not None:
        return problem.rows <= MOST_ROWS
    return few_rows(problem.rows, problem.parameters)


def integrate_traced(
    chart: TracedChart,
    start: float,
    clocks: Floats,
    initial: Floats,
    rtol: float,
    atol: float,
    max_evaluations: int,
) -> Stretch:
    """Integrate to the last of the ascending `clocks`, all after `start`, landing on each."""
    states = np.empty((len(clocks), initial.size))
    room, bare = room_for(chart.problem.rows, initial.size), without_net(chart)
    whole, real = bare.whole, bare.real
    for _ in collocate(
        whole, real, start, clocks, initial, rtol, atol, max_evaluations, states, room
    ):  # all points, asked for or not: a program is for one number of them
        room.outputs[:], room.gradients[:] = chart.linearize_together(room.clocks, room.points)
    return stretch(states, room)
