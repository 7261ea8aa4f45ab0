"""The equations of the n dual variables of diagonal nets, for compiled code.

They are those of `theory.flow.diagonal` (its docstring has them), the clock is that of
`theory.clock`. There are W lanes, flows of their own; rows of numbers are flat, in the order
(sample, lane) or (coordinate, lane).
"""

from math import exp as exp_of
from math import log1p
from typing import NamedTuple

from theory.backend import Floats
from theory.compiled import compiled, filling
from theory.flow.dual_weights import (
    COMBINATION,
    SLOPE,
    WEIGHT,
    comoving_slopes,
    comoving_weights,
    rich_slopes,
    rich_weights,
)
from theory.flow.exponential import exp
from theory.flow.side_by_side import congruence, multiply

CEILING = 60.0
"""Exponents of forces in trial steps, as in `theory.losses`."""


class Kind(NamedTuple):
    """What the lanes share: the degree, the loss, and the chart they are in."""

    degree: int
    logistic: bool
    comoving: bool


class Lanes(NamedTuple):
    """What distinguishes W flows.

    Attributes:
        rows, columns: Z = diag(y) X and its transpose, shapes `(n, d, W)` and `(d, n, W)`.
        own: as in `theory.flow.dual_weights`.
        scales: log alpha, -log lambda - log n, and the decay time at which the piece began,
            shape `(3, W)`.
    """

    rows: Floats
    columns: Floats
    own: Floats
    scales: Floats


LOG_ALPHA, RESTING_GAIN, SINCE = range(3)

RATE, MARGIN, SHARE, DUAL, BY_TIME = range(5)
"""Rows of `out` `(5, n W)`: rates of the integrated variables by tau; q without the factor of the
gain; how far a force decays with its margin, r' = -share r; a; and derivatives of rates by tau."""

DECAY_TIME, PACE, LOG_GAIN, EPSILON, PASSED = range(5)
"""Rows of `now` `(5, W)`: s; ds/dtau; the log of a force at zero margin; in the co-moving chart
rho^-L; and decay time since the piece began."""


@compiled
def _drift(kind: Kind) -> tuple[float, float]:
    """How fast the log of a force at zero margin falls by s, and how fast log a does."""
    if kind.comoving:
        return 2.0 * (kind.degree - 1), float(kind.degree)
    return float(kind.degree - 2), 0.0


@filling
def clocks(kind: Kind, scales: Floats, clock: Floats, now: Floats) -> None:
    """Fill `now` at the times tau = `clock`, `(W,)`."""
    drift, _ = _drift(kind)
    for b in range(clock.size):
        pace = exp(min(clock[b], 0.0))
        decay_time = pace if clock[b] < 0.0 else clock[b] + 1.0
        now[DECAY_TIME, b], now[PACE, b] = decay_time, pace
        log_rho, passed = scales[LOG_ALPHA, b] - decay_time, decay_time - scales[SINCE, b]
        fallen = -log_rho if kind.comoving else passed
        now[LOG_GAIN, b] = min(clock[b], 0.0) + scales[RESTING_GAIN, b] - drift * fallen
        now[EPSILON, b] = exp(-kind.degree * log_rho) if kind.comoving else 0.0
        now[PASSED, b] = passed


@filling
def place(
    kind: Kind,
    columns: Floats,
    own: Floats,
    now: Floats,
    state: Floats,
    at: Floats,
    out: Floats,
) -> None:
    """Fill `at` and the duals of `out` where the lanes are at `state`, `(n W,)`."""
    for i in range(state.size):
        out[DUAL, i] = exp(state[i]) if kind.comoving else state[i]
    multiply(columns, out[DUAL], at[COMBINATION])
    if kind.comoving:
        comoving_weights(kind.degree, own, now[EPSILON], at)
    else:
        rich_weights(kind.degree, own, now[PASSED], at)


@filling
def rates(
    kind: Kind,
    rows: Floats,
    columns: Floats,
    own: Floats,
    scales: Floats,
    clock: Floats,
    state: Floats,
    now: Floats,
    at: Floats,
    out: Floats,
) -> None:
    """The rates of the integrated variables and what they are made of: fill `now`, `at`, `out`.

    The arrays of `Lanes` come one by one: compilers give up on loops over parts of a tuple.
    """
    lanes = clock.size
    _, decay = _drift(kind)
    clocks(kind, scales, clock, now)
    place(kind, columns, own, now, state, at, out)
    multiply(rows, at[WEIGHT], out[MARGIN])
    if kind.logistic:  # the force is 1 / (1 + e^q)
        for i in range(state.size):
            softened = max(out[MARGIN, i], 0.0) + log1p(exp_of(-abs(out[MARGIN, i])))
            out[SHARE, i] = exp_of(out[MARGIN, i] - softened)
            out[MARGIN, i] = softened
    for first in range(0, state.size, lanes):
        for b in range(lanes):
            exponent = now[LOG_GAIN, b] - out[MARGIN, first + b]
            if kind.comoving:  # of log a
                exponent -= state[first + b]
            out[RATE, first + b] = min(exponent, CEILING)
    for i in range(state.size):
        out[RATE, i] = exp(out[RATE, i])
    if kind.comoving:
        for first in range(0, state.size, lanes):
            for b in range(lanes):
                out[RATE, first + b] -= decay * now[PACE, b]


@filling
def differentiate(
    kind: Kind,
    rows: Floats,
    own: Floats,
    clock: Floats,
    now: Floats,
    at: Floats,
    out: Floats,
    by_state: Floats,
) -> None:
    """After `rates`: derivatives by tau into `out`, and by the variables, `(n, n, W)`.

    Each variable has a row in `by_state`. The rows of `at` are spent.
    """
    lanes, samples = clock.size, len(rows)
    drift, decay = _drift(kind)
    if kind.comoving:
        comoving_slopes(kind.degree, own, at)
    else:
        rich_slopes(kind.degree, now[PASSED], at)
    congruence(rows, at[SLOPE], by_state)
    for k in range(at.shape[1]):  # margins change by dw/ds at fixed a, and by dw/dp
        kept = at[COMBINATION, k] * at[SLOPE, k] if kind.comoving else 0.0
        at[WEIGHT, k] = kind.degree * (kept - at[WEIGHT, k])
    multiply(rows, at[WEIGHT], out[BY_TIME])
    for i in range(samples):
        for b in range(lanes):
            x = i * lanes + b
            growth, pace = (1.0 if clock[b] < 0.0 else 0.0), now[PACE, b]
            force = out[RATE, x] + decay * pace
            change = growth - pace * (drift + out[SHARE, x] * out[BY_TIME, x])
            out[BY_TIME, x] = force * change - decay * pace * growth
    for j in range(samples):
        for i in range(samples):
            for b in range(lanes):
                x = i * lanes + b
                by_dual = out[DUAL, j * lanes + b] if kind.comoving else 1.0
                force = out[RATE, x] + decay * now[PACE, b]
                by_state[j, i, b] *= -by_dual * out[SHARE, x] * force
        for b in range(lanes):
            if kind.comoving:
                by_state[j, j, b] -= out[RATE, j * lanes + b] + decay * now[PACE, b]
