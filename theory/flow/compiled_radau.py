"""The integrator of compiled charts: collocation at five Radau points, order nine, variable step.

The stages Y_i = y + Z_i of a step h obey Z = h A F(Y) (Radau IIA; Hairer and Wanner, Solving
Ordinary Differential Equations II, sections IV.5 and IV.8). A flow is stiff in as many directions
as it has rows only: there its Jacobian is -kappa - R^T R, with R the rows' gradients times the root
of the loss's curvature. With that in place of the whole Jacobian, at each stage its own, a round of
Newton's method is

    B = 1 + h A diag(kappa),  T = B^-1 h A,  r = B^-1 (h A F - Z),
    w_i + sum_j T_ij R_i R_j^T w_j = R_i r_i,  Z_i += r_i - sum_j T_ij R_j^T w_j:

one system of 5 n unknowns, whatever the number of parameters. What is left out, the curvature of
the net, is of the order of the decay, and rounds converge by h times that.
"""

from math import exp, sqrt
from typing import Final, NamedTuple

import numpy as np
from numpy.polynomial import Legendre
from numpy.typing import NDArray

from theory.backend import Floats
from theory.clock import SEAM
from theory.compiled import compiled
from theory.compiled_clock import log_rate
from theory.flow.compiled_chart import (
    ROWS,
    CompiledChart,
    decay_in,
    equations_of,
    rates_and_rows,
    rates_at,
    stiff_rows,
)
from theory.integrate import Stretch
from theory.square_systems import factorize, solve

STAGES: Final = 5


def _radau_points() -> Floats:
    """The zeros of P_s(2 c - 1) - P_{s-1}(2 c - 1), ascending; the last is 1."""
    polynomial = Legendre.basis(STAGES) - Legendre.basis(STAGES - 1)
    zeros = np.sort(polynomial.roots().real)
    for _ in range(3):
        zeros = zeros - polynomial(zeros) / polynomial.deriv()(zeros)
    points = np.asarray((zeros + 1.0) / 2.0)
    points[-1] = 1.0
    return points


POINTS: Final = _radau_points()
_POWERS: Final = np.vander(POINTS, STAGES, increasing=True)
WEIGHTS: Final = np.ascontiguousarray(
    (_POWERS * POINTS[:, None] / np.arange(1, STAGES + 1)) @ np.linalg.inv(_POWERS)
)
"""A: integrals of polynomials of degree 4 from 0 to each point, from their values at the points."""

_EIGENVALUES: Final = np.linalg.eigvals(WEIGHTS)
START_WEIGHT: Final = float(_EIGENVALUES[np.abs(_EIGENVALUES.imag) < 1e-9].real[0])
"""Of the slope where a step begins, in the embedded formula of order five; the real eigenvalue of A
makes it as stable as the step."""

ERROR_WEIGHTS: Final = np.linalg.solve(
    WEIGHTS.T, np.linalg.solve(_POWERS.T, -START_WEIGHT * np.eye(STAGES)[0])
)
"""What is added to `START_WEIGHT` h F(y), in stages Z, for the difference of the two formulas."""

ERROR_POWER: Final = (STAGES + 1) / (2 * STAGES)
ERROR_SHARE: Final = 0.02
"""The embedded formula may be off by `ERROR_SHARE` times the tolerance to the power of
`ERROR_POWER`: the step itself, of twice the order, is then off by the tolerance. Of 0.1 and 0.01,
margins of two-layer nets at rtol 1e-11 are right to 5e-10 and to 5e-11 (see docs/decisions)."""

ROUNDS: Final = 10
"""Of Newton's method in a step."""

CONVERGED, STALLED = 1e-3, 0.1
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

FINISHED, BUDGET_SPENT, STEP_TOO_SMALL = range(3)
REASONS: Final = ("", "budget spent", "steps below rounding")


class Room(NamedTuple):
    """What a step is made of: `s` stages, `n` rows, `P` coordinates.

    Attributes:
        stages, rates: Z and F, `(s, P)`.
        inverse, transfer: B^-1 and T, `(s, s)`.
        rows: those rows of R of all stages that are stiff, `(s n, P)` at most.
        owners: the stage of each; those of stage i are from `starts[i]` to `starts[i + 1]`.
        matrix: of the system of stiff rows, in factors, with its `pivots`.
    """

    stages: Floats
    rates: Floats
    inverse: Floats
    transfer: Floats
    rows: Floats
    owners: NDArray[np.int64]
    starts: NDArray[np.int64]
    matrix: Floats
    pivots: NDArray[np.int64]


def few_rows(chart: CompiledChart) -> bool:
    """Whether a step here costs less than those of an integrator with a whole Jacobian."""
    unknowns = STAGES * chart.rows
    return unknowns <= max(FEW, SHARE * chart.size)


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
    states = np.empty((len(clocks), initial.size))
    evaluations, ended = _integrate(
        chart.whole, chart.real, start, clocks, initial, rtol, atol, max_evaluations, states
    )
    return Stretch(states, evaluations, REASONS[ended])


@compiled
def _room(rows: int, size: int) -> Room:
    unknowns = STAGES * rows
    return Room(
        np.empty((STAGES, size)),
        np.empty((STAGES, size)),
        np.empty((STAGES, STAGES)),
        np.empty((STAGES, STAGES)),
        np.empty((unknowns, size)),
        np.empty(unknowns, np.int64),
        np.zeros(STAGES + 1, np.int64),
        np.empty((unknowns, unknowns)),
        np.empty(unknowns, np.int64),
    )


@compiled
def _prepare(decay: float, clock: float, step: float, room: Room) -> None:
    """B^-1 and T of a step; `decay` is kappa by the decay time."""
    matrix, pivots = np.empty((STAGES, STAGES)), np.empty(STAGES, np.int64)
    for j in range(STAGES):
        weight = step * decay * exp(log_rate(clock + POINTS[j] * step))
        for i in range(STAGES):
            matrix[i, j] = WEIGHTS[i, j] * weight
        matrix[j, j] += 1.0
    factorize(matrix, pivots)
    column = np.empty(STAGES)
    for j in range(STAGES):
        for i in range(STAGES):
            column[i] = 1.0 if i == j else 0.0
        solve(matrix, pivots, column)
        for i in range(STAGES):
            room.inverse[i, j] = column[i]
    for i in range(STAGES):
        for j in range(STAGES):
            room.transfer[i, j] = 0.0
            for k in range(STAGES):
                room.transfer[i, j] += step * room.inverse[i, k] * WEIGHTS[k, j]


@compiled
def _predict(
    state: Floats, origin: Floats, shape: Floats, behind: float, ratio: float, stages: Floats
) -> None:
    """Fill Z from the polynomial of an earlier step, through `origin` and `origin + shape`.

    That step began `behind` of its lengths before the one to predict, which is `ratio` as long.
    """
    for i in range(STAGES):
        at = behind + ratio * POINTS[i]
        for p in range(state.size):
            stages[i, p] = origin[p] - state[p]
        for j in range(STAGES):
            weight = at / POINTS[j]
            for k in range(STAGES):
                if k != j:
                    weight *= (at - POINTS[k]) / (POINTS[j] - POINTS[k])
            for p in range(state.size):
                stages[i, p] += weight * shape[j, p]


@compiled
def _combine(weights: Floats, vectors: Floats) -> Floats:
    """weights @ vectors, for few rows."""
    combined = np.zeros((len(weights), vectors.shape[1]))
    for i in range(len(weights)):
        for j in range(len(vectors)):
            for p in range(vectors.shape[1]):
                combined[i, p] += weights[i, j] * vectors[j, p]
    return combined


@compiled
def _evaluate(
    whole: NDArray[np.int64],
    real: Floats,
    clock: float,
    step: float,
    state: Floats,
    renews: bool,
    room: Room,
) -> None:
    """F at the stages, and the stiff rows of R there where it `renews`."""
    system = equations_of(whole, real)
    count, size = system.labels.size, state.size
    outputs, pulls, moved = np.empty(count), np.empty(count), np.empty(size)
    gradients, candidates = np.empty((count, size)), np.empty((count, size))
    for i in range(STAGES):
        then = clock + POINTS[i] * step
        for p in range(size):
            moved[p] = state[p] + room.stages[i, p]
        rates_at(system, then, moved, outputs, gradients, pulls, room.rates[i])
        if renews:
            stiff_rows(system, then, outputs, gradients, candidates)
            _keep_stiff(i, step, candidates, room)


@compiled
def _keep_stiff(stage: int, step: float, candidates: Floats, room: Room) -> None:
    """Append the rows R_i of a stage with h |R_i|^2 above `STIFF`."""
    stiff = room.starts[stage]
    for i in range(len(candidates)):
        square = 0.0
        for p in range(candidates.shape[1]):
            room.rows[stiff, p] = candidates[i, p]
            square += candidates[i, p] ** 2
        if not step * square < STIFF:
            room.owners[stiff] = stage
            stiff += 1
    room.starts[stage + 1] = stiff


@compiled
def _renew(room: Room) -> None:
    """The system of the stiff rows, in factors."""
    stiff = room.starts[STAGES]
    rows, matrix = room.rows[:stiff], room.matrix[:stiff, :stiff]
    products = rows @ rows.T
    for a in range(stiff):
        for b in range(stiff):
            matrix[a, b] = room.transfer[room.owners[a], room.owners[b]] * products[a, b]
        matrix[a, a] += 1.0
    factorize(matrix, room.pivots)


@compiled
def _change(step: float, room: Room) -> Floats:
    """The change of Z, from F, R and the factors."""
    change = _combine(room.inverse, _combine(step * WEIGHTS, room.rates) - room.stages)
    starts, stiff = room.starts, room.starts[STAGES]
    if stiff == 0:
        return change
    unknowns, pulled = np.empty(stiff), np.empty_like(change)
    for i in range(STAGES):
        part = slice(starts[i], starts[i + 1])
        np.dot(room.rows[part], change[i], unknowns[part])
    solve(room.matrix[:stiff, :stiff], room.pivots, unknowns)
    for i in range(STAGES):
        part = slice(starts[i], starts[i + 1])
        np.dot(unknowns[part], room.rows[part], pulled[i])
    change -= _combine(room.transfer, pulled)
    return change


@compiled
def _solve_stages(
    whole: NDArray[np.int64],
    real: Floats,
    clock: float,
    step: float,
    state: Floats,
    rtol: float,
    atol: float,
    shrinks: float,
    room: Room,
) -> tuple[bool, int, float]:
    """Z by Newton's method, from what it is: whether it converged, in how many rounds, how fast.

    `shrinks` is by how much the last round of the step before shrank the change.
    """
    before = -1.0
    for rounds in range(1, ROUNDS + 1):
        renews = rounds == 1 or shrinks > RENEWS
        _evaluate(whole, real, clock, step, state, renews, room)
        if renews:
            _renew(room)
        change = _change(step, room)
        total = 0.0
        for i in range(STAGES):
            for p in range(state.size):
                room.stages[i, p] += change[i, p]
                total += (change[i, p] / (atol + rtol * abs(state[p]))) ** 2
        length = sqrt(total / change.size)
        if not np.isfinite(length):
            return False, rounds, 1.0
        if before > 0.0:
            shrinks = length / before
            if shrinks >= 1.0 and length <= STALLED:
                return True, rounds, 0.0
            if shrinks >= 2.0:
                return False, rounds, 1.0
        left = length * min(shrinks / (1.0 - shrinks), 1.0) if shrinks < 1.0 else length
        if left <= CONVERGED and (before > 0.0 or length <= 1e-3):
            return True, rounds, shrinks
        before = length
    return False, ROUNDS, 1.0


@compiled
def _damp(weight: float, decay: float, rows: Floats, error: Floats) -> None:
    """Solve (1 + weight (decay + R^T R)) x = error, in its place."""
    damping = 1.0 + weight * decay
    matrix, pivots = (weight / damping) * (rows @ rows.T), np.empty(len(rows), np.int64)
    for a in range(len(rows)):
        matrix[a, a] += 1.0
    factorize(matrix, pivots)
    unknowns = rows @ error
    solve(matrix, pivots, unknowns)
    error -= (weight / damping) * (unknowns @ rows)
    error /= damping


@compiled
def _error(
    decay: float,
    step: float,
    state: Floats,
    rates: Floats,
    rows: Floats,
    rtol: float,
    atol: float,
    room: Room,
) -> float:
    """Of the embedded formula, with what is stiff of it damped; in units of what it may be.

    `rates` and `rows` are F and R where the step begins.
    """
    weight = START_WEIGHT * step
    error = weight * rates
    for i in range(STAGES):
        for p in range(state.size):
            error[p] += ERROR_WEIGHTS[i] * room.stages[i, p]
    _damp(weight, decay, rows, error)
    total = 0.0
    for p in range(state.size):
        size = max(abs(state[p]), abs(state[p] + room.stages[STAGES - 1, p]))
        total += (error[p] / (atol + rtol * size)) ** 2
    return float(sqrt(total / state.size) / (ERROR_SHARE * rtol ** (ERROR_POWER - 1.0)))


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
) -> tuple[int, int]:
    """Fill `states`; the number of right-hand sides, and how it ended."""
    count, size, eps = whole[ROWS], initial.size, np.finfo(np.float64).eps
    decay_by_decay_time = decay_in(whole, real)
    room = _room(count, size)
    state, rates, rows = initial.copy(), np.empty(size), np.empty((count, size))
    origin, shape, began, length = initial.copy(), np.zeros((STAGES, size)), start, 0.0
    clock, wanted, step_before, error_before, shrinks = start, FIRST_STEP, 0.0, 1.0, 1.0
    rates_and_rows(whole, real, clock, state, rates, rows)
    used, reported = 1, 0
    while reported < clocks.size:
        if clocks[reported] <= clock:
            states[reported] = state
            reported += 1
            continue
        if used > budget:
            return used, BUDGET_SPENT
        if wanted < 10.0 * eps * max(abs(clock), 1.0):
            return used, STEP_TOO_SMALL
        if clock >= SEAM:
            wanted = min(wanted, LONGEST / decay_by_decay_time)
        stop = min(clocks[reported], SEAM) if clock < SEAM else clocks[reported]
        lands = clock + (1.0 + 1e-4) * wanted >= stop
        step = stop - clock if lands else wanted
        if clock + step - began <= FARTHEST * length:
            _predict(state, origin, shape, (clock - began) / length, step / length, room.stages)
        else:
            room.stages[:] = 0.0
        _prepare(decay_by_decay_time, clock, step, room)
        converged, rounds, shrinks = _solve_stages(
            whole, real, clock, step, state, rtol, atol, shrinks, room
        )
        used += STAGES * rounds
        if not converged:
            wanted = 0.5 * step
            continue
        decay = decay_by_decay_time * exp(log_rate(clock))
        error = max(_error(decay, step, state, rates, rows, rtol, atol, room), 1e-10)
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
            origin[:], shape[:], began, length = state, room.stages, clock, step
        wanted = max(wanted, longer) if lands else longer
        clock = stop if lands else clock + step
        for p in range(size):
            state[p] += room.stages[STAGES - 1, p]
        rates_and_rows(whole, real, clock, state, rates, rows)
        used += 1
    return used, FINISHED
