"""Collocation (`theory.flow.collocation`) of compiled charts: one call from start to end."""

import numpy as np
from numpy.typing import NDArray

from theory.backend import Floats
from theory.compiled import compiled, linked
from theory.compiled_clock import decay_time_at
from theory.flow.collocation import POINTS_ASKED, Room, collocate, room_for, stretch
from theory.flow.compiled_chart import CompiledChart, equations_of, linearize_together
from theory.flow.compiled_nets import SPACE
from theory.integrate import Stretch

_steps = linked(collocate)


def integrate_chart(
    chart: CompiledChart,
    start: float,
    clocks: Floats,
    initial: Floats,
    rtol: float,
    atol: float,
    max_evaluations: int,
) -> Stretch:
    """Integrate to the last of the ascending `clocks`, all after `start`, landing on each."""
    states, room = np.empty((len(clocks), initial.size)), room_for(chart.rows, chart.size)
    whole, real = chart.whole, chart.real
    _integrate(whole, real, start, clocks, initial, rtol, atol, max_evaluations, states, room)
    return stretch(states, room)


@compiled
def _integrate(
    whole: NDArray[np.int64],
    real: Floats,
    start: float,
    clocks: Floats,
    initial: Floats,
    rtol: float,
    atol: float,
    budget: int,
    states: Floats,
    room: Room,
) -> None:
    system = equations_of(whole, real)
    decay_times, space = np.empty(POINTS_ASKED), np.empty((SPACE, initial.size))
    for asked in _steps(whole, real, start, clocks, initial, rtol, atol, budget, states, room):
        for i in range(asked):
            decay_times[i] = decay_time_at(room.clocks[i])
        times, points = decay_times[:asked], room.points[:asked]
        linearize_together(system, times, points, space, room.outputs, room.gradients)
