"""Collocation at five Radau points, order nine, variable step, of a flow with few rows.

A flow is stiff in as many directions as it has rows only: there its Jacobian is -kappa - R^T R,
with R the rows' gradients times the root of the loss's curvature. With that in place of the whole
Jacobian, at each stage its own, a round of Newton's method is

    B = 1 + h A diag(kappa),  T = B^-1 h A,  r = B^-1 (h A F - Z),
    w_i + sum_j T_ij R_i R_j^T w_j = R_i r_i,  Z_i += r_i - sum_j T_ij R_j^T w_j:

one system of 5 n unknowns, whatever the number of parameters. What is left out, the curvature of
the net, is of the order of the decay, and rounds converge by h times that.

The net itself is the caller's: `collocate` is a compiled generator that says how many points of its
`Room` lack rows and gradients, so that nets in compiled code and in numpy share it.

No system here needs a search for pivots: with the weights b > 0 of the formula, diag(b) A has a
positive symmetric part, and so has what is made of it here, up to factors of rows and columns.
"""

from collections.abc import Iterator
from math import exp, sqrt
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from theory.backend import Floats
from theory.clock import SEAM
from theory.compiled import compiled, filling, inlined
from theory.compiled_clock import log_rate
from theory.flow.compiled_chart import (
    Equations,
    decay_of,
    equations_of,
    rates_together,
    stiff_rows,
)
from theory.flow.radau_formula import (
    ERROR_POWER,
    ERROR_WEIGHTS,
    POINTS,
    STAGES,
    START_WEIGHT,
    WEIGHTS,
)
from theory.integrate import Stretch
from theory.square_systems import factorize, multiply, solve, squares

POINTS_ASKED: Final = STAGES + 1
"""Of a step's first round: its stages, and where it begins."""

ERROR_SHARE: Final = 0.02
"""The embedded formula may be off by `ERROR_SHARE` times the tolerance to the power of
`ERROR_POWER`: the step itself, of twice the order, is then off by the tolerance. Of 0.1 and 0.01,
margins of two-layer nets at rtol 1e-11 are right to 5e-10 and to 5e-11 (see docs/decisions)."""

ROUNDS: Final = 10
"""Of Newton's method in a step."""

LEFT, STALLED = 1e-3, 0.1
"""What rounds may leave, in units of the tolerance, and what rounding may keep them from removing.
Of 0.1, the misfit of regression at rest was off by 5e-13 of its targets at rtol 1e-11."""

RENEWS: Final = 0.1
"""The matrix is made anew in each round until one shrinks the correction by so much."""

FEW, SHARE = 120, 1.25
"""Systems of at most so many unknowns, or of so many times the number of parameters, take less time
than LSODA: 50 rows of 200 parameters 0.9 of it, 60 of 132 2.4 times it."""

STIFF: Final = 0.01
"""h |R_i|^2 of the rows that Newton's method looks at."""

SAFETY, SHRINKS, GROWS = 0.9, 0.2, 8.0
"""Bounds of the factor by which a step changes."""

FARTHEST: Final = 8.0
"""In lengths of the last step: how far its polynomial predicts the next."""

FIRST_STEP: Final = 1e-2
"""In units of the clock, from where a flow starts or changes its chart."""

LONGEST: Final = 4.0
"""Step times decay at most, once the clock is the decay time: the co-moving net bends by e^(L h)
within a step. Steps of 10^3 over that were 6e-6 off ten e-folds before t_g, at every tolerance."""

GOES_ON, CONVERGED, GAVE_UP = range(3)
"""What a round of Newton's method amounts to."""

FINISHED, BUDGET_SPENT, STEP_TOO_SMALL = range(3)
REASONS: Final = ("", "budget spent", "steps below rounding")


class Room(NamedTuple):
    """What a step is made of: `s` stages, `n` rows, `P` coordinates.

    Attributes:
        told: the number of points looked at so far, and how it ended.
        clocks, points: where rows are asked for, `(s + 1,)` and `(s + 1, P)`: the stages, and last
            where the step begins.
        outputs, gradients: the rows there, `(s + 1, n)` and `(s + 1, n, P)`; the caller fills them.
        state, slope, roots: y, F and R where a step begins, `(P,)`, `(P,)` and `(n, P)`.
        forces: on the rows at one point, `(n,)`.
        origin, shape: y and Z of the last step that is not cut short, `(P,)` and `(s, P)`.
        stages, rates: Z and F, `(s, P)`.
        pulled, change: h A F - Z and then R^T w; r and then the change of Z, `(s, P)`.
        inverse, transfer: B^-1 and T, `(s, s)`.
        rows: those rows of R of all stages that are stiff, `(s n, P)` at most.
        squares: sums of squares, of rows or of changes, `(s n,)`.
        starts: those of stage i are from `starts[i]` to `starts[i + 1]`.
        unknowns: w of those.
        matrix: of the system of stiff rows, in factors, flat.
    """

    told: NDArray[np.int64]
    clocks: Floats
    points: Floats
    outputs: Floats
    gradients: Floats
    state: Floats
    slope: Floats
    roots: Floats
    forces: Floats
    origin: Floats
    shape: Floats
    stages: Floats
    rates: Floats
    pulled: Floats
    change: Floats
    inverse: Floats
    transfer: Floats
    rows: Floats
    squares: Floats
    starts: NDArray[np.int64]
    unknowns: Floats
    matrix: Floats


def room_for(rows: int, size: int) -> Room:
    """For a flow of n `rows` in P = `size` coordinates."""
    unknowns = STAGES * rows
    return Room(
        told=np.zeros(2, np.int64),
        clocks=np.empty(POINTS_ASKED),
        points=np.empty((POINTS_ASKED, size)),
        outputs=np.empty((POINTS_ASKED, rows)),
        gradients=np.empty((POINTS_ASKED, rows, size)),
        state=np.empty(size),
        slope=np.empty(size),
        roots=np.empty((rows, size)),
        forces=np.empty(rows),
        origin=np.empty(size),
        shape=np.empty((STAGES, size)),
        stages=np.empty((STAGES, size)),
        rates=np.empty((STAGES, size)),
        pulled=np.empty((STAGES, size)),
        change=np.empty((STAGES, size)),
        inverse=np.empty((STAGES, STAGES)),
        transfer=np.empty((STAGES, STAGES)),
        rows=np.empty((unknowns, size)),
        squares=np.empty(unknowns),
        starts=np.zeros(STAGES + 1, np.int64),
        unknowns=np.empty(unknowns),
        matrix=np.empty(unknowns**2),
    )


def few_rows(rows: int, size: int) -> bool:
    """Whether a step of so many rows and coordinates costs less than one with a whole Jacobian."""
    return STAGES * rows <= max(FEW, SHARE * size)


def stretch(states: Floats, room: Room) -> Stretch:
    """What came of it, once `collocate` has ended."""
    evaluations, ended = room.told.tolist()
    return Stretch(states, evaluations, REASONS[ended])


@inlined
def _prepare(decay: float, clock: float, step: float, room: Room) -> None:
    """B^-1 and T of a step; `decay` is kappa by the decay time."""
    matrix = np.empty((STAGES, STAGES))
    for j in range(STAGES):
        weight = step * decay * exp(log_rate(clock + POINTS[j] * step))
        for i in range(STAGES):
            matrix[i, j] = WEIGHTS[i, j] * weight
        matrix[j, j] += 1.0
    factorize(matrix)
    column = np.empty(STAGES)
    for j in range(STAGES):
        for i in range(STAGES):
            column[i] = 1.0 if i == j else 0.0
        solve(matrix, column)
        for i in range(STAGES):
            room.inverse[i, j] = column[i]
    for i in range(STAGES):
        for j in range(STAGES):
            room.transfer[i, j] = 0.0
            for k in range(STAGES):
                room.transfer[i, j] += step * room.inverse[i, k] * WEIGHTS[k, j]


@inlined
def _predict(behind: float, ratio: float, room: Room) -> None:
    """Fill Z from the polynomial of an earlier step, through `origin` and `origin + shape`.

    That step began `behind` of its lengths before the one to predict, which is `ratio` as long.
    """
    for i in range(STAGES):
        at = behind + ratio * POINTS[i]
        for p in range(room.state.size):
            room.stages[i, p] = room.origin[p] - room.state[p]
        for j in range(STAGES):
            weight = at / POINTS[j]
            for k in range(STAGES):
                if k != j:
                    weight *= (at - POINTS[k]) / (POINTS[j] - POINTS[k])
            for p in range(room.state.size):
                room.stages[i, p] += weight * room.shape[j, p]


@inlined
def _stand_still(room: Room) -> None:
    """Z = 0."""
    for i in range(STAGES):
        for p in range(room.state.size):
            room.stages[i, p] = 0.0


@inlined
def _keep_shape(room: Room) -> None:
    """What the next step is predicted from."""
    for p in range(room.state.size):
        room.origin[p] = room.state[p]
        for i in range(STAGES):
            room.shape[i, p] = room.stages[i, p]


@inlined
def _advance(room: Room) -> None:
    """y is where the last stage is."""
    for p in range(room.state.size):
        room.state[p] += room.stages[STAGES - 1, p]


@inlined
def _copy(source: Floats, target: Floats) -> None:
    for p in range(source.size):
        target[p] = source[p]


@inlined
def _place_start(clock: float, room: Room) -> None:
    """Where the step begins."""
    room.clocks[STAGES] = clock
    _copy(room.state, room.points[STAGES])


@inlined
def _place(clock: float, step: float, room: Room) -> None:
    """The points of all stages."""
    for i in range(STAGES):
        room.clocks[i] = clock + POINTS[i] * step
        for p in range(room.state.size):
            room.points[i, p] = room.state[p] + room.stages[i, p]


@filling
def _begin(system: Equations, room: Room) -> None:
    """F and R where a step begins."""
    last, size = slice(STAGES, POINTS_ASKED), room.state.size
    outputs, gradients = room.outputs[last], room.gradients[last]
    slope = room.slope.reshape((1, size))
    clocks, points = room.clocks[last], room.points[last]
    rates_together(system, clocks, points, outputs, gradients, room.forces, slope)
    stiff_rows(system, clocks[0], outputs[0], gradients[0], room.forces, room.roots)


@inlined
def _keep_stiff(stage: int, step: float, room: Room) -> None:
    """Of all rows of a stage, which follow those that are kept: those with h |R_i|^2 > `STIFF`."""
    first, rows, count = room.starts[stage], room.rows, len(room.roots)
    stiff, lengths = first, room.squares[:count]
    squares(rows[first : first + count], lengths)
    for i in range(count):
        if not step * lengths[i] < STIFF:
            if stiff < first + i:
                _copy(rows[first + i], rows[stiff])
            stiff += 1
    room.starts[stage + 1] = stiff


@inlined
def _system(room: Room) -> Floats:
    """Of the stiff rows, square."""
    stiff = room.starts[STAGES]
    return room.matrix[: stiff * stiff].reshape((stiff, stiff))


@compiled
def _gram(rows: Floats, products: Floats) -> None:
    """Fill `products` `(m, m)` with those of `rows` `(m, P)` with each other."""
    np.dot(rows, rows.T, products)


@inlined
def _renew(room: Room) -> None:
    """The system of the stiff rows, in factors."""
    starts, stiff = room.starts, room.starts[STAGES]
    rows, matrix = room.rows[:stiff], _system(room)
    _gram(rows, matrix)
    for i in range(STAGES):
        for j in range(STAGES):
            share = room.transfer[i, j]
            for a in range(starts[i], starts[i + 1]):
                for b in range(starts[j], starts[j + 1]):
                    matrix[a, b] *= share
    for a in range(stiff):
        matrix[a, a] += 1.0
    factorize(matrix)


@filling
def _combine(weights: Floats, vectors: Floats, combined: Floats) -> None:
    """Fill `combined` `(s, P)` with the products of `weights` `(s, s)` and `vectors` `(s, P)`."""
    for i in range(STAGES):
        for p in range(vectors.shape[1]):
            total = 0.0
            for j in range(STAGES):
                total += weights[i, j] * vectors[j, p]
            combined[i, p] = total


@inlined
def _change(step: float, room: Room) -> None:
    """The change of Z, from F, R and the factors."""
    change, pulled, starts, stiff = room.change, room.pulled, room.starts, room.starts[STAGES]
    size = room.state.size
    _combine(WEIGHTS, room.rates, change)
    for i in range(STAGES):
        for p in range(size):
            pulled[i, p] = step * change[i, p] - room.stages[i, p]
    _combine(room.inverse, pulled, change)
    if stiff == 0:
        return
    rows, unknowns = room.rows, room.unknowns[:stiff]
    for i in range(STAGES):
        part = slice(starts[i], starts[i + 1])
        multiply(rows[part], change[i], unknowns[part])
    solve(_system(room), unknowns)
    for i in range(STAGES):
        for p in range(size):
            pulled[i, p] = 0.0
        for a in range(starts[i], starts[i + 1]):
            share = unknowns[a]
            for p in range(size):
                pulled[i, p] += share * rows[a, p]
    for i in range(STAGES):
        for p in range(size):
            total = 0.0
            for j in range(STAGES):
                total += room.transfer[i, j] * pulled[j, p]
            change[i, p] -= total


@filling
def _correct(
    system: Equations, step: float, rtol: float, atol: float, renews: bool, room: Room
) -> float:
    """A round of Newton's method: by how much it changed Z, in units of the tolerance."""
    clocks, state, change = room.clocks[:STAGES], room.state, room.change
    rates_together(
        system, clocks, room.points, room.outputs, room.gradients, room.forces, room.rates
    )
    if renews:
        for i in range(STAGES):
            rows = room.rows[room.starts[i] : room.starts[i] + len(room.roots)]
            stiff_rows(system, clocks[i], room.outputs[i], room.gradients[i], room.forces, rows)
            _keep_stiff(i, step, room)
        _renew(room)
    _change(step, room)
    for i in range(STAGES):
        for p in range(state.size):
            room.stages[i, p] += change[i, p]
            change[i, p] /= atol + rtol * abs(state[p])
    lengths = room.squares[:STAGES]
    squares(change, lengths)
    return float(sqrt(lengths.sum() / change.size))


@compiled
def _outcome(rounds: int, length: float, before: float, shrinks: float) -> tuple[int, float]:
    """What a round of that `length` amounts to, and by how much it shrank the change.

    `before` is the length of the round before, or negative.
    """
    if not np.isfinite(length):
        return GAVE_UP, 1.0
    if before > 0.0:
        shrinks = length / before
        if shrinks >= 1.0 and length <= STALLED:
            return CONVERGED, 0.0
        if shrinks >= 2.0:
            return GAVE_UP, 1.0
    left = length * min(shrinks / (1.0 - shrinks), 1.0) if shrinks < 1.0 else length
    if left <= LEFT and (before > 0.0 or length <= LEFT):
        return CONVERGED, shrinks
    return (GAVE_UP, 1.0) if rounds == ROUNDS else (GOES_ON, shrinks)


@inlined
def _damp(weight: float, decay: float, error: Floats, room: Room) -> None:
    """Solve (1 + weight (decay + R^T R)) x = error, in its place; the step's factors are lost."""
    rows, count, damping = room.roots, len(room.roots), 1.0 + weight * decay
    matrix, unknowns = room.matrix[: count * count].reshape((count, count)), room.unknowns[:count]
    _gram(rows, matrix)
    for a in range(count):
        for b in range(count):
            matrix[a, b] *= weight / damping
        matrix[a, a] += 1.0
    factorize(matrix)
    multiply(rows, error, unknowns)
    solve(matrix, unknowns)
    for a in range(count):
        share = unknowns[a] * weight / damping
        for p in range(error.size):
            error[p] -= share * rows[a, p]
    for p in range(error.size):
        error[p] /= damping


@filling
def _error(decay: float, step: float, rtol: float, atol: float, room: Room) -> float:
    """Of the embedded formula, with what is stiff of it damped; in units of what it may be."""
    weight, state, error = START_WEIGHT * step, room.state, room.change[0]
    for p in range(state.size):
        error[p] = weight * room.slope[p]
        for i in range(STAGES):
            error[p] += ERROR_WEIGHTS[i] * room.stages[i, p]
    _damp(weight, decay, error, room)
    total = 0.0
    for p in range(state.size):
        size = max(abs(state[p]), abs(state[p] + room.stages[STAGES - 1, p]))
        total += (error[p] / (atol + rtol * size)) ** 2
    return float(sqrt(total / state.size) / (ERROR_SHARE * rtol ** (ERROR_POWER - 1.0)))


@compiled
def collocate(
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
) -> Iterator[int]:
    """Integrate to the last of the ascending `clocks`, all after `start`, landing on each.

    Yields how many of the first points of `room` lack `outputs` and `gradients`; fills `states`
    `(T, P)`. `whole` and `real` are those of a chart, of which the net is not asked.
    """
    system, eps = equations_of(whole, real), np.finfo(np.float64).eps
    decay_by_decay_time = decay_of(system)
    clock, wanted, step_before, error_before, shrinks = start, FIRST_STEP, 0.0, 1.0, 1.0
    began, length, used, reported, ended, begins = start, 0.0, 0, 0, FINISHED, True
    _copy(initial, room.state)
    while reported < clocks.size:
        if clocks[reported] <= clock:
            _copy(room.state, states[reported])
            reported += 1
            continue
        if used > budget:
            ended = BUDGET_SPENT
            break
        if wanted < 10.0 * eps * max(abs(clock), 1.0):
            ended = STEP_TOO_SMALL
            break
        if clock >= SEAM:
            wanted = min(wanted, LONGEST / decay_by_decay_time)
        stop = min(clocks[reported], SEAM) if clock < SEAM else clocks[reported]
        lands = clock + (1.0 + 1e-4) * wanted >= stop
        step = stop - clock if lands else wanted
        if clock + step - began <= FARTHEST * length:
            _predict((clock - began) / length, step / length, room)
        else:
            _stand_still(room)
        _prepare(decay_by_decay_time, clock, step, room)
        rounds, before, outcome = 0, -1.0, GOES_ON
        while outcome == GOES_ON:
            _place(clock, step, room)
            if begins:
                _place_start(clock, room)
                yield POINTS_ASKED
                _begin(system, room)
                used, begins = used + POINTS_ASKED, False
            else:
                yield STAGES
                used += STAGES
            rounds += 1
            renews = rounds == 1 or shrinks > RENEWS
            change = _correct(system, step, rtol, atol, renews, room)
            outcome, shrinks = _outcome(rounds, change, before, shrinks)
            before = change
        if outcome == GAVE_UP:
            wanted = 0.5 * step
            continue
        decay = decay_by_decay_time * exp(log_rate(clock))
        error = max(_error(decay, step, rtol, atol, room), 1e-10)
        factor = SAFETY * (2 * ROUNDS + 1) / (2 * ROUNDS + rounds) * error ** (-1.0 / (STAGES + 1))
        if not error <= 1.0:
            wanted = step * max(factor, SHRINKS) if np.isfinite(error) else 0.5 * step
            continue
        if step_before > 0.0:
            trend = step / step_before * (error_before / error) ** (1.0 / (STAGES + 1))
            factor *= min(trend, 1.0)
        step_before, error_before = step, max(error, 1e-2)
        longer = step * min(max(factor, SHRINKS), GROWS)
        if not lands or step > 0.5 * wanted:
            _keep_shape(room)
            began, length = clock, step
        wanted = max(wanted, longer) if lands else longer
        clock, begins = stop if lands else clock + step, True
        _advance(room)
    room.told[0], room.told[1] = used, ended
