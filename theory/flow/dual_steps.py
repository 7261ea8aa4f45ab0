"""Steps of the dual variables of diagonal nets in compiled code, W lanes side by side.

Lanes have clocks, steps and errors of their own and wait for each other only where the chart
changes. `theory.flow.dual` prepares lanes and reads what comes back.
"""

from math import exp, inf
from typing import NamedTuple

import numpy as np

from theory.backend import Flags, Floats, Integers
from theory.compiled import compiled, filling
from theory.flow.dual_rates import (
    BY_TIME,
    DECAY_TIME,
    LOG_ALPHA,
    RATE,
    SHARE,
    SINCE,
    Kind,
    Lanes,
    clocks,
    differentiate,
    place,
    rates,
)
from theory.flow.dual_weights import (
    COMBINATION,
    FIRST_MEAN,
    FIRST_RATIO,
    LOG_HALF,
    MEAN,
    RATIO,
    WEIGHT,
    coordinates,
)
from theory.flow.rosenbrock import GAMMA, NODES, ORDER, SLOPES, STAGES, STATES, TIME_WEIGHTS
from theory.flow.side_by_side import add, invert, multiply

UNDER_WAY, FINISHED, GIVEN_UP = range(3)

_FIRST_STEP = 0.5
"""In units of tau; log a grows linearly at first."""

_FIRST_RICH_STEP = 0.01

_SAFETY, _MOST_SHRINKING, _MOST_GROWTH = 0.9, 0.2, 6.0

_TURNING = 2.0
"""Decay time before log alpha from which the duals themselves decay."""

_COARSEST = 1e-3
"""Error of log a in a step at most, however small the multiplier and however much is damped."""


class Plan(NamedTuple):
    """What W lanes are to do.

    Attributes:
        grid: increasing clocks on which steps land, the ends of pieces and the seam of the clock
            among them, shape `(G, W)`.
        ends: of pieces, increasing, shape `(E, W)`; the first piece is co-moving, the others rich.
        rtol, atol: shape `(W,)`.
    """

    grid: Floats
    ends: Floats
    rtol: Floats
    atol: Floats
    max_steps: int


class Progress(NamedTuple):
    """Where W lanes are, and the step to try next; all `(W,)` but for the state.

    Attributes:
        state: log a in the co-moving chart, the duals since the piece began in the rich one,
            shape `(n W,)`.
        due: the first point of the grid ahead.
        steps: steps tried.
        status: UNDER_WAY until a lane stops.
    """

    clock: Floats
    state: Floats
    step: Floats
    due: Integers
    steps: Integers
    status: Integers


def at_start(clock: Floats, state: Floats) -> Progress:
    """Lanes at `clock` `(W,)` and log a = `state` `(n W,)`."""
    due, steps, status = np.zeros((3, clock.size), dtype=np.int64)
    return Progress(clock, state, np.full(clock.size, _FIRST_STEP), due, steps, status)


class Room(NamedTuple):
    """Where steps are computed.

    Attributes:
        now, at, out: as in `rates`, of the stage that was looked at last.
        by_time, by_state: derivatives of the rates at the start of the step, as in
            `differentiate`, shapes `(n W,)` and `(n, n, W)`.
        inverse: of 1 / (gamma h) - df/dy, shape `(n, n, W)`.
        stages: shape `(STAGES, n W)`; the last one is the error of the step.
        trial: the states of a stage, and in the end those after the step, shape `(n W,)`.
        right: right-hand sides, shape `(n W,)`.
        lengths, times, errors: of the step, of a stage, and of the step in units of what is
            allowed, shape `(W,)`.
        going: which lanes step, shape `(W,)`.
    """

    now: Floats
    at: Floats
    out: Floats
    by_time: Floats
    by_state: Floats
    inverse: Floats
    stages: Floats
    trial: Floats
    right: Floats
    lengths: Floats
    times: Floats
    errors: Floats
    going: Flags


def room(lanes: Lanes) -> Room:
    """Room for these lanes."""
    samples, _, width = lanes.rows.shape
    out = np.zeros((5, samples * width))
    out[SHARE] = 1.0
    by_time, trial, right = np.zeros((3, samples * width))
    by_state, inverse = np.zeros((2, samples, samples, width))
    lengths, times, errors = np.ones((3, width))
    return Room(
        np.zeros((5, width)),
        coordinates(lanes.own.shape[1]),
        out,
        by_time,
        by_state,
        inverse,
        np.zeros((STAGES, samples * width)),
        trial,
        right,
        lengths,
        times,
        errors,
        np.zeros(width, dtype=np.bool_),
    )


@compiled
def run(
    degree: int,
    logistic: bool,
    lanes: Lanes,
    plan: Plan,
    progress: Progress,
    room: Room,
    found: Floats,
) -> None:
    """Bring lanes from where they are, before all pieces end, through their grids.

    `found` `(4, G, d W)` is filled with w = u^L - v^L, p = Z^T a in the chart of the piece, and
    log sqrt(uv) and log sqrt(u/v) relative to rho half; it stays as it is where the grid is not
    ahead, and where a lane does not come.
    """
    width = progress.clock.size
    after = np.zeros((2, lanes.own.shape[1]))
    for b in range(width):
        while progress.due[b] < len(plan.grid) and not _ahead(plan, progress, b):
            progress.due[b] += 1
    for e in range(len(plan.ends)):
        kind = Kind(degree, logistic, e == 0)
        while _set_out(plan, e, progress, room.going, room.lengths):
            try_step(kind, lanes, progress.clock, progress.state, room)
            _judge(kind, lanes.scales, plan, progress, room)
            if _settle(plan, progress, room):
                _record(kind, lanes, plan, progress, room, after, found)
        for k in range(after.shape[1]):
            lanes.own[FIRST_MEAN, k], lanes.own[FIRST_RATIO, k] = after[0, k], after[1, k]
        for b in range(width):
            lanes.scales[SINCE, b] = _decay_time(progress.clock[b])
            progress.step[b] = min(progress.step[b], _FIRST_RICH_STEP)
        for i in range(progress.state.size):
            progress.state[i] = 0.0
    for b in range(width):
        if progress.status[b] == UNDER_WAY:
            progress.status[b] = FINISHED


@filling
def _ahead(plan: Plan, progress: Progress, b: int) -> bool:
    """Whether the next point of the grid is ahead of lane b."""
    ahead: bool = plan.grid[progress.due[b], b] > progress.clock[b]
    return ahead


@filling
def _set_out(plan: Plan, e: int, progress: Progress, going: Flags, lengths: Floats) -> bool:
    """Which lanes step in piece e, and how far: to the next point of the grid at most."""
    any_goes = False
    for b in range(going.size):
        going[b] = False
        if progress.status[b] != UNDER_WAY or progress.clock[b] >= plan.ends[e, b]:
            continue
        clock, step = progress.clock[b], progress.step[b]
        if progress.steps[b] == plan.max_steps or not clock + step > clock:
            progress.status[b] = GIVEN_UP
        else:
            going[b] = any_goes = True
            lengths[b] = min(step, plan.grid[progress.due[b], b] - clock)
    return any_goes


@filling
def try_step(kind: Kind, lanes: Lanes, clock: Floats, state: Floats, room: Room) -> None:
    """Steps of `room.lengths`; `room.trial` and the last of `room.stages` are what they find."""
    rows, columns, own, scales = lanes.rows, lanes.columns, lanes.own, lanes.scales
    now, at, out, by_state, inverse = room.now, room.at, room.out, room.by_state, room.inverse
    lengths, times, trial, right, stages = (
        room.lengths,
        room.times,
        room.trial,
        room.right,
        room.stages,
    )
    for m in range(STAGES):
        for b in range(clock.size):
            times[b] = clock[b] + NODES[m] * lengths[b]
        for i in range(state.size):
            trial[i], right[i] = state[i], 0.0
        add(STATES[m, :m], stages, trial)
        add(SLOPES[m, :m], stages, right)
        rates(kind, rows, columns, own, scales, times, trial, now, at, out)
        if m == 0:
            differentiate(kind, rows, own, clock, now, at, out, by_state)
            _prepare(by_state, lengths, inverse, room.errors)
            for i in range(state.size):
                room.by_time[i] = out[BY_TIME, i]
        for first in range(0, state.size, clock.size):
            for b in range(clock.size):
                i, h = first + b, lengths[b]
                right[i] = out[RATE, i] + h * TIME_WEIGHTS[m] * room.by_time[i] + right[i] / h
        multiply(inverse, right, stages[m])
    for i in range(state.size):
        trial[i] += stages[STAGES - 1, i]


@filling
def _prepare(by_state: Floats, lengths: Floats, inverse: Floats, pivot: Floats) -> None:
    """The inverses of 1 / (gamma h) - df/dy."""
    for i in range(len(by_state)):
        for j in range(len(by_state)):
            for b in range(lengths.size):
                inverse[i, j, b] = -by_state[j, i, b]
        for b in range(lengths.size):
            inverse[i, i, b] += 1.0 / (GAMMA * lengths[b])
    invert(inverse, pivot)


@filling
def _judge(kind: Kind, scales: Floats, plan: Plan, progress: Progress, room: Room) -> None:
    """Errors of the step in units of what is allowed: of a, relative to the largest of them.

    In the co-moving chart da/ds = force(a) - L a, and a larger a never feels a larger force: an
    error of a shrinks at least like e^(-L s), while a itself stays of its size until the flow
    turns. So errors may be larger here than at the next point of the grid, where they arrive.
    """
    state, trial = progress.state, room.trial
    lanes = progress.clock.size
    samples = state.size // lanes
    for b in range(lanes):
        if not room.going[b]:
            continue
        rtol, total, largest = plan.rtol[b], 0.0, -inf
        if kind.comoving:
            clock = progress.clock[b] + room.lengths[b]
            stop = _decay_time(plan.grid[progress.due[b], b])
            turning = min(stop, scales[LOG_ALPHA, b] - _TURNING)
            damped = kind.degree * (turning - _decay_time(clock))
            rtol *= exp(min(max(damped, 0.0), 100.0))
        for i in range(b, state.size, lanes):
            reached = trial[i] if kind.comoving else max(abs(trial[i]), abs(state[i]))
            largest = max(largest, reached)
        for i in range(b, state.size, lanes):
            allowed = plan.atol[b] + rtol * largest
            if kind.comoving:
                allowed = min(rtol * exp(min(largest - trial[i], 100.0)), _COARSEST)
            total += (room.stages[STAGES - 1, i] / allowed) ** 2
        total = (total / samples) ** 0.5
        room.errors[b] = total if total < inf else inf


@filling
def _decay_time(clock: float) -> float:
    return exp(clock) if clock < 0.0 else clock + 1.0


@filling
def _settle(plan: Plan, progress: Progress, room: Room) -> bool:
    """Accept or refuse steps and choose the next ones; whether some lane has landed."""
    any_landed = False
    for b in range(progress.clock.size):
        if not room.going[b]:
            continue
        length, error = room.lengths[b], room.errors[b]
        accepted = error <= 1.0
        factor = _SAFETY * max(error, 1e-10) ** (-1.0 / ORDER) if error < inf else 0.0
        step = length * min(max(factor, _MOST_SHRINKING), _MOST_GROWTH)
        progress.steps[b] += 1
        room.going[b] = False
        if accepted:
            stop = plan.grid[progress.due[b], b]
            landed = progress.clock[b] + progress.step[b] >= stop
            progress.clock[b] = stop if landed else progress.clock[b] + length
            for i in range(b, room.trial.size, room.going.size):
                progress.state[i] = room.trial[i]
            if landed:
                step = max(step, progress.step[b])
                room.going[b] = any_landed = True
        progress.step[b] = step
    return any_landed


@filling
def _record(
    kind: Kind,
    lanes: Lanes,
    plan: Plan,
    progress: Progress,
    room: Room,
    after: Floats,
    found: Floats,
) -> None:
    """Write what there is at the points of the grid where lanes, those of `room.going`, landed.

    And into `after` `(2, d W)` what a rich piece would start from.
    """
    now, at, due, width = room.now, room.at, progress.due, progress.clock.size
    clocks(kind, lanes.scales, progress.clock, now)
    place(kind, lanes.columns, lanes.own, now, progress.state, at, room.out)
    for b in range(width):
        if not room.going[b]:
            continue
        log_rho = lanes.scales[LOG_ALPHA, b] - now[DECAY_TIME, b]
        for k in range(b, at.shape[1], width):
            log_anchor = log_rho + lanes.own[LOG_HALF, k]
            after[0, k] = at[MEAN, k] + (log_anchor if kind.comoving else 0.0)
            after[1, k] = at[RATIO, k]
        while due[b] < len(plan.grid) and not _ahead(plan, progress, b):
            for k in range(b, at.shape[1], width):
                found[0, due[b], k] = at[WEIGHT, k]
                found[1, due[b], k] = at[COMBINATION, k]
                found[2, due[b], k] = at[MEAN, k]  # tiny in the co-moving chart
                if not kind.comoving:
                    found[2, due[b], k] -= log_rho + lanes.own[LOG_HALF, k]
                found[3, due[b], k] = at[RATIO, k]
            due[b] += 1
