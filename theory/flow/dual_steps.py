"""The n dual variables of diagonal nets, stepped by compiled code, one lane of a batch at a time.

The equations are those of `theory.flow.diagonal` (its docstring has them), the clock is that of
`theory.clock`. Only the arithmetic of a lane is here; `theory.flow.dual` prepares lanes and reads
what comes back.
"""

from math import atanh, exp, expm1, factorial, inf, log, log1p
from typing import NamedTuple

import numpy as np

from theory.backend import Flags, Floats
from theory.flow.compiled import compiled
from theory.flow.rosenbrock import (
    GAMMA,
    NODES,
    ORDER,
    SLOPES,
    STAGES,
    STATES,
    TIME_WEIGHTS,
    factorize,
    solve,
)

CEILING = 60.0
"""Exponents of forces in trial steps, as in `theory.losses`."""

STEEPEST = 150.0
"""Exponents of weights in trial steps; no accepted state comes near."""

FINISHED, BUDGET_SPENT, STALLED = 0, 1, 2

FIRST_STEP = 0.5
"""In units of tau; log a grows linearly at first."""

_FIRST_RICH_STEP = 0.01

_SAFETY, _MOST_SHRINKING, _MOST_GROWTH = 0.9, 0.2, 6.0
_TURNING = 2.0
"""Decay time before log alpha from which the duals themselves decay."""

_FORGOTTEN, _FORGETTING = 10.0, -1.0
"""How much larger an error may be before this clock time, where the force alone moves the duals
and corrects most of it. Measured, against 1: a tenth to a sixth fewer steps for degree 2, as
good from 0.7 t_g on; at 0.3 t_g and alpha = 30 errors grow from 0.4 to 2.2 rtol. With 100: to 8."""

_COARSEST = 1e-3
"""Error of log a in a step at most, however small the multiplier and however much is damped."""


_S = tuple(1.0 / factorial(2 * k + 3) for k in range(6))
_C = tuple(1.0 / factorial(2 * k + 2) for k in range(6))
"""Taylor coefficients of sinh(x) / x and cosh(x) after the first."""


@compiled
def hyperbolic(x: float) -> tuple[float, float]:
    """sinh(x) / x and cosh(x); their series, to the last digit, below 1/2."""
    y = x * x
    if y < 0.25:
        over = _S[0] + y * (_S[1] + y * (_S[2] + y * (_S[3] + y * (_S[4] + y * _S[5]))))
        even = _C[0] + y * (_C[1] + y * (_C[2] + y * (_C[3] + y * (_C[4] + y * _C[5]))))
        return 1.0 + y * over, 1.0 + y * even
    grown = exp(x)
    shrunk = 1.0 / grown
    return 0.5 * (grown - shrunk) / x, 0.5 * (grown + shrunk)


@compiled
def comoving_weight(
    degree: int, base: float, lever: float, p: float
) -> tuple[float, float, float, float]:
    """w, dw/dp, and log sqrt(uv), log sqrt(u/v) relative to rho half, of one coordinate.

    `base` is dw/dp at p = 0, 2 L^2 half^(2L-2), and `lever` is xi / p = L half^(L-2) rho^-L.
    """
    excess = degree - 2
    ratio = lever * p
    if excess == 0:
        ratio = min(max(ratio, -STEEPEST), STEEPEST)
        over, even = hyperbolic(2.0 * ratio)
        return base * p * over, base * even, 0.0, ratio
    x = min(max(excess * ratio, -1.0 + 1e-15), 1.0 - 1e-15)
    mean = -log1p(-x * x) / (2.0 * excess)
    turned = atanh(x) / x if abs(x) > 1e-9 else 1.0
    ratio = turned * x / excess
    power = 2 * degree - 2
    over, _ = hyperbolic(degree * ratio)
    _, even = hyperbolic(power * ratio)
    weight = base * p * exp(degree * mean) * over * turned
    return weight, base * exp(power * mean) * even, mean, ratio


@compiled
def rich_weight(
    degree: int, mean: float, ratio: float, passed: float, p: float
) -> tuple[float, float, float, float]:
    """w, dw/dp, log sqrt(uv) and log sqrt(u/v), from `mean` and `ratio` a decay time earlier."""
    excess = degree - 2
    if excess == 0:
        mean, ratio = mean - passed, ratio + 2.0 * p
    else:
        up = exp(excess * (mean + ratio))
        down = exp(excess * (mean - ratio))
        first = log(max(1.0 - degree * excess * up * p, 1e-15))
        second = log(max(1.0 + degree * excess * down * p, 1e-15))
        mean = mean - passed - (first + second) / (2.0 * excess)
        ratio = ratio - (first - second) / (2.0 * excess)
    size = abs(ratio)
    weight = exp(min(degree * (mean + size), STEEPEST)) * -expm1(-2.0 * degree * size)
    power = 2 * degree - 2
    slope = degree**2 * exp(min(power * (mean + size) + excess * passed, STEEPEST))
    slope *= 1.0 + exp(-2.0 * power * size)
    return (weight if ratio > 0 else -weight), slope, mean, ratio


class Lane(NamedTuple):
    """One flow.

    Attributes:
        columns: of Z = diag(y) X, shape `(d, n)`.
        log_half: log of the entries of u = v at unit scale, shape `(d,)`.
        base, lever: as in `comoving_weight`, the latter at rho = 1, shape `(d,)`.
        resting_gain: -log lambda - log n.
    """

    degree: int
    logistic: bool
    columns: Floats
    log_half: Floats
    base: Floats
    lever: Floats
    log_alpha: float
    resting_gain: float


class Piece(NamedTuple):
    """A stretch of clock time in one chart: rich from log sqrt(uv) and log sqrt(u/v) at `since`."""

    comoving: bool
    since: float
    mean: Floats
    ratio: Floats


class Slopes(NamedTuple):
    """Rates by tau `(n,)`, and their derivatives by tau `(n,)` and by the variables `(n, n)`."""

    value: Floats
    by_time: Floats
    by_state: Floats


@compiled
def epsilon_of(lane: Lane, decay_time: float) -> float:
    """rho^-L."""
    return exp(max(-lane.degree * (lane.log_alpha - decay_time), -745.0))


@compiled
def coordinate(
    lane: Lane, piece: Piece, k: int, passed: float, epsilon: float, p: float
) -> tuple[float, float, float, float]:
    """Of coordinate k: w, dw/dp, and in its chart log sqrt(uv) and log sqrt(u/v).

    `passed` is the decay time since the start of a rich piece, `epsilon` is rho^-L.
    """
    if piece.comoving:
        return comoving_weight(lane.degree, lane.base[k], epsilon * lane.lever[k], p)
    return rich_weight(lane.degree, piece.mean[k], piece.ratio[k], passed, p)


@compiled
def combined(lane: Lane, k: int, dual: Floats) -> float:
    """p_k = (Z^T a)_k."""
    total = 0.0
    for i in range(dual.size):
        total += lane.columns[k, i] * dual[i]
    return total


@compiled
def slopes(
    lane: Lane, piece: Piece, clock: float, state: Floats, dual: Floats, out: Slopes, whole: bool
) -> None:
    """The rates of the integrated variables into `out.value`; with `whole` also derivatives.

    `dual` is room for a.
    """
    dimension, samples = lane.columns.shape
    decay_time = exp(clock) if clock < 0.0 else clock + 1.0
    log_rate = min(clock, 0.0)
    rate, growth = exp(log_rate), (1.0 if clock < 0.0 else 0.0)
    if piece.comoving:
        drift, decay = 2.0 * (lane.degree - 1), float(lane.degree)
        gain = lane.resting_gain + drift * (lane.log_alpha - decay_time)
    else:
        drift, decay = float(lane.degree - 2), 0.0
        gain = lane.resting_gain - drift * (decay_time - piece.since)
    for i in range(samples):
        dual[i] = exp(state[i]) if piece.comoving else state[i]
    out.value[:] = 0.0
    if whole:
        out.by_time[:] = 0.0
        out.by_state[:] = 0.0
    passed, epsilon = decay_time - piece.since, epsilon_of(lane, decay_time)
    for k in range(dimension):
        p = combined(lane, k, dual)
        weight, slope, _, _ = coordinate(lane, piece, k, passed, epsilon, p)
        for i in range(samples):
            out.value[i] += lane.columns[k, i] * weight
        if whole:  # margins change by dw/ds at fixed a, and by dw/dp
            fading = lane.degree * (p * slope - weight if piece.comoving else -weight)
            for i in range(samples):
                out.by_time[i] += lane.columns[k, i] * fading
                scaled = lane.columns[k, i] * slope
                for j in range(samples):
                    out.by_state[i, j] -= scaled * lane.columns[k, j]
    for i in range(samples):
        exponent, share = out.value[i], 1.0
        if lane.logistic:
            exponent = max(out.value[i], 0.0) + log1p(exp(-abs(out.value[i])))
            share = exp(out.value[i] - exponent)
        if piece.comoving:  # of log a
            exponent += state[i]
        force = exp(min(log_rate + gain - exponent, CEILING))
        out.value[i] = force - decay * rate
        if whole:
            change = growth - rate * (drift + share * out.by_time[i])
            out.by_time[i] = force * change - decay * rate * growth
            for j in range(samples):
                out.by_state[i, j] *= force * share * (dual[j] if piece.comoving else 1.0)
            out.by_state[i, i] -= force if piece.comoving else 0.0


@compiled
def _allowance(lane: Lane, piece: Piece, clock: float, stop: float) -> float:
    """How much larger an error may be here than at the next stop, where it arrives damped.

    In the co-moving chart da/ds = force(a) - L a, and a larger a never feels a larger force: an
    error of a shrinks at least like e^(-L s), while a itself stays of its size until the flow
    turns.
    """
    if not piece.comoving:
        return 1.0
    now = exp(clock) if clock < 0.0 else clock + 1.0
    then = exp(stop) if stop < 0.0 else stop + 1.0
    damped = lane.degree * (min(then, lane.log_alpha - _TURNING) - now)
    forgotten = _FORGOTTEN if clock < _FORGETTING else 1.0
    return forgotten * exp(min(max(damped, 0.0), 100.0))


@compiled
def _size(
    piece: Piece, state: Floats, trial: Floats, error: Floats, rtol: float, atol: float
) -> float:
    """Error of a step in units of what is allowed: of a, relative to the largest of them."""
    total, largest = 0.0, -inf
    for i in range(state.size):
        largest = max(largest, trial[i] if piece.comoving else max(abs(trial[i]), abs(state[i])))
    for i in range(state.size):
        if piece.comoving:
            allowed = rtol * exp(min(largest - trial[i], 100.0))
            total += (error[i] / min(allowed, _COARSEST)) ** 2
        else:
            total += (error[i] / (atol + rtol * largest)) ** 2
    total = (total / state.size) ** 0.5
    return total if total < inf else inf


@compiled
def march(
    lane: Lane,
    piece: Piece,
    clock: float,
    state: Floats,
    stops: Floats,
    step: float,
    rtol: float,
    atol: float,
    max_steps: int,
    arrived: Floats,
) -> tuple[int, int, float]:
    """Step one piece to the last of its `stops`, which increase; the states go into `arrived`.

    `state` ends where the piece ends. Returns a status, the steps tried, and the step to try next.
    """
    samples = state.size
    start = Slopes(np.empty(samples), np.empty(samples), np.empty((samples, samples)))
    stage = Slopes(np.empty(samples), start.by_time, start.by_state)
    matrix, pivots = np.empty((samples, samples)), np.empty(samples)
    stages, trial, dual = np.empty((STAGES, samples)), np.empty(samples), np.empty(samples)
    tried, due, fresh = 0, 0, True
    while due < stops.size:
        if tried == max_steps:
            return BUDGET_SPENT, tried, step
        if not clock + step > clock:
            return STALLED, tried, step
        tried += 1
        landing = clock + step >= stops[due]
        h = stops[due] - clock if landing else step
        if fresh:
            slopes(lane, piece, clock, state, dual, start, True)
        for i in range(samples):
            for j in range(samples):
                matrix[i, j] = -start.by_state[i, j]
            matrix[i, i] += 1.0 / (GAMMA * h)
        error = inf
        if factorize(matrix, pivots):
            for m in range(STAGES):
                for i in range(samples):
                    trial[i] = state[i]
                    for j in range(m):
                        trial[i] += STATES[m, j] * stages[j, i]
                if m > 0:
                    slopes(lane, piece, clock + NODES[m] * h, trial, dual, stage, False)
                for i in range(samples):
                    total = start.value[i] if m == 0 else stage.value[i]
                    total += h * TIME_WEIGHTS[m] * start.by_time[i]
                    for j in range(m):
                        total += SLOPES[m, j] / h * stages[j, i]
                    stages[m, i] = total
                solve(matrix, pivots, stages[m])
            for i in range(samples):
                trial[i] += stages[STAGES - 1, i]
            allowance = _allowance(lane, piece, clock + h, stops[due])
            error = _size(piece, state, trial, stages[STAGES - 1], allowance * rtol, atol)
        fresh = error <= 1.0
        factor = _MOST_SHRINKING
        if error < inf:
            factor = _MOST_GROWTH if error == 0.0 else _SAFETY * error ** (-1.0 / ORDER)
            factor = min(max(factor, _MOST_SHRINKING), _MOST_GROWTH)
        if not fresh:
            step = factor * h
            continue
        state[:] = trial
        if landing:
            clock = stops[due]
            arrived[due] = state
            due += 1
            step = max(factor * h, step)
        else:
            clock, step = clock + h, factor * h
    return FINISHED, tried, step


@compiled
def run_lane(
    lane: Lane,
    clock: float,
    state: Floats,
    grid: Floats,
    turns: Flags,
    rtol: float,
    atol: float,
    max_steps: int,
    out: Floats,
) -> tuple[int, int]:
    """One flow from log a = `state` at `clock` over the increasing clocks `grid` `(G,)`.

    A piece ends at each grid point of `turns` `(G,)`, the last one among them; the first piece is
    co-moving, the others rich. `out` `(4, G, d)` is filled with w = u^L - v^L, p = Z^T a in the
    chart of the piece, and log sqrt(uv) and log sqrt(u/v) relative to rho half. Returns a status
    and the steps tried.
    """
    dimension, samples = lane.columns.shape
    arrived, dual = np.empty((grid.size, samples)), np.empty(samples)
    piece = Piece(True, 0.0, np.zeros(dimension), np.zeros(dimension))
    step, tried, first = FIRST_STEP, 0, 0
    for last in range(grid.size):
        if not turns[last]:
            continue
        status, steps, step = march(
            lane,
            piece,
            clock,
            state,
            grid[first : last + 1],
            step,
            rtol,
            atol,
            max_steps - tried,
            arrived[first : last + 1],
        )
        tried += steps
        if status != FINISHED:
            return status, tried
        for g in range(first, last + 1):
            decay_time = exp(grid[g]) if grid[g] < 0.0 else grid[g] + 1.0
            for i in range(samples):
                dual[i] = exp(arrived[g, i]) if piece.comoving else arrived[g, i]
            passed, epsilon = decay_time - piece.since, epsilon_of(lane, decay_time)
            for k in range(dimension):
                p = combined(lane, k, dual)
                weight, _, mean, ratio = coordinate(lane, piece, k, passed, epsilon, p)
                if not piece.comoving:
                    mean -= lane.log_alpha - decay_time + lane.log_half[k]
                out[0, g, k], out[1, g, k], out[2, g, k], out[3, g, k] = weight, p, mean, ratio
        clock, since = grid[last], decay_time
        means = out[2, last] + (lane.log_alpha - since) + lane.log_half
        piece = Piece(False, since, means, out[3, last].copy())
        state[:] = 0.0
        step, first = min(step, _FIRST_RICH_STEP), last + 1
    return FINISHED, tried
