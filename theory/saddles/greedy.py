"""Which saddles the flow of a diagonal net visits, and when (Pesme and Flammarion 2023).

w = u^2 - v^2 from u = v = alpha, loss |X w - y|^2 / 2, time in units of log(1/alpha), alpha to 0.
From w = s = 0: while w rests, s moves by -2 grad L per unit of time; when a coordinate that is off
reaches |s_i| = 1 the flow jumps to the least loss among w with w_i >= 0 where s_i = 1, w_i <= 0
where s_i = -1, and 0 elsewhere. Coordinates may leave. It ends at the interpolator of least |w|_1.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.optimize import linprog, nnls

from theory.backend import Floats
from theory.errors import InvalidInput, OracleFailed
from theory.requests import all_finite, finite_numbers, number_array

_AT_REST: Final = 1e-9
"""Gradients below so much of the first are zero: the solver leaves 1e-12."""

_ACTIVE: Final = 1e-9
MAX_JUMPS: Final = 60

_MISSED: Final = 1e-9
"""Of the sizes that a target is a sum of: vertices of linear programmes are right to 1e-12."""


@dataclass(frozen=True, eq=False)
class GreedyPath:
    """Jumps at `times`, `(K,)`, to `saddles`, `(K + 1, d)`, of which the first is 0.

    Attributes:
        duals: s on arrival at each saddle, `(K + 1, d)`, and how fast it moves there, `rates`.
    """

    times: Floats
    saddles: Floats
    duals: Floats
    rates: Floats

    def room(self, times: Floats) -> Floats:
        """The least 1 - |s_i| of coordinates that are off, `(T,)`: w_i is alpha^(2 (1 - |s_i|))."""
        index = np.searchsorted(self.times, times, side="right")
        since = times - np.append(0.0, self.times)[index]
        duals = self.duals[index] + since[:, None] * self.rates[index]
        return np.asarray(
            np.where(self.saddles[index] == 0.0, 1.0 - np.abs(duals), 1.0).min(axis=1)
        )

    @property
    def room_at_jumps(self) -> float:
        """The least 1 - |s_i|, at any jump, of coordinates that are off before and after it."""
        off = (self.saddles[:-1] == 0.0) & (self.saddles[1:] == 0.0)
        return float(np.where(off, 1.0 - np.abs(self.duals[1:]), 1.0).min())

    def at(self, times: Floats) -> Floats:
        """Where the flow rests at each of the times, `(T, d)`."""
        return np.asarray(self.saddles[np.searchsorted(self.times, times, side="right")])

    def losses(self, rows: Floats, targets: Floats) -> Floats:
        """|X w - y|^2 / 2 of the saddles, `(K + 1,)`."""
        return np.asarray(((self.saddles @ rows.T - targets) ** 2).sum(axis=1) / 2.0)


def greedy_path(
    rows: Floats, targets: Floats, *, remembers: bool = True, leaves: bool = True
) -> GreedyPath:
    """The saddles for inputs `(n, d)` and targets `(n,)`.

    Args:
        remembers: s is kept from saddle to saddle; False starts it anew from 0, so that the largest
            gradient comes next.
        leaves: signs are those of s; False fits the active coordinates freely, so that none leaves.
            Neither of the two is orthogonal matching pursuit.

    Raises:
        InvalidInput: targets that no gradient at 0 sees; shapes that do not fit, or numbers that
            are not finite.
        OracleFailed: more than `MAX_JUMPS` jumps, or the solver failed.
    """
    rows, targets = checked(rows, targets)
    weights, dual = np.zeros((2, rows.shape[1]))
    first = np.abs(rows.T @ targets).max()
    if first == 0.0:
        raise InvalidInput("targets are orthogonal to every input; the flow never leaves 0")
    times: list[float] = []
    saddles, duals, rates, now = [weights], [dual], [], 0.0
    for _ in range(MAX_JUMPS):
        slope = rows.T @ (rows @ weights - targets)
        slope[np.abs(slope) < _AT_REST * first] = 0.0
        # those that are on have no slope, or one that takes them off |s| = 1
        rate = -2.0 * slope
        moving = (rate != 0.0) & (weights == 0.0)
        rates.append(rate)
        if not moving.any():
            break
        room = np.where(rate > 0.0, 1.0 - dual, -1.0 - dual)
        room = np.where(np.abs(room) < _ACTIVE, np.inf, room)  # it has just left this bound
        waits = np.where(moving, np.abs(room) / np.where(moving, np.abs(rate), 1.0), np.inf)
        step = float(waits.min())
        now, dual = now + step, dual + rate * step
        dual[waits <= step * (1.0 + 1e-9)] = np.sign(rate[waits <= step * (1.0 + 1e-9)])
        weights = _least_loss(rows, targets, dual, leaves)
        if not remembers:
            dual = np.where(weights != 0.0, dual, 0.0)
        times.append(now)
        saddles.append(weights)
        duals.append(dual)
    else:
        if remembers and leaves:
            raise OracleFailed(f"the flow jumps more than {MAX_JUMPS} times")
        rates.append(np.zeros_like(dual))  # pursuits may go in circles
    return GreedyPath(np.array(times), np.array(saddles), np.array(duals), np.array(rates))


def checked(rows: Floats, targets: Floats) -> tuple[Floats, Floats]:
    """Inputs and targets; the solvers of SciPy do not look, and one crashes on NaN."""
    inputs = all_finite("rows", number_array("rows", rows))
    if inputs.ndim != 2 or inputs.size == 0:
        raise InvalidInput(f"rows has shape {inputs.shape}; it must be (n, d), n and d at least 1")
    return inputs, finite_numbers("targets", targets, inputs.shape[:1])


def _least_loss(rows: Floats, targets: Floats, dual: Floats, leaves: bool) -> Floats:
    on = np.abs(dual) > 1.0 - _ACTIVE
    weights = np.zeros(len(dual))
    if not leaves:
        weights[on] = np.linalg.lstsq(rows[:, on], targets, rcond=None)[0]
        return weights
    signed = rows[:, on] * np.sign(dual[on])
    try:
        found, _ = nnls(signed, targets)
    except RuntimeError as error:
        raise OracleFailed(f"least squares with signs: {error}") from None
    weights[on] = np.sign(dual[on]) * found
    return weights


def least_absolute(rows: Floats, targets: Floats) -> float:
    """The least |w|_1 with X w = y, a linear programme.

    Its solver has absolute tolerances: each row is taken in units of its largest entry, and w
    in units of the largest of the targets then.

    Raises:
        InvalidInput: shapes do not fit, or numbers are not finite.
        OracleFailed: the solver found none, or one that misses a target by more than 1e-9 of what
            it is made of.
    """
    rows, targets = checked(rows, targets)
    sizes = np.abs(rows).max(axis=1)
    sizes[sizes == 0.0] = 1.0
    scaled, wanted = rows / sizes[:, None], targets / sizes
    unit = float(np.abs(wanted).max(initial=0.0)) or 1.0
    both = np.hstack([scaled, -scaled])
    found = linprog(np.ones(both.shape[1]), A_eq=both, b_eq=wanted / unit, method="highs")
    if found.status != 0:
        raise OracleFailed(f"least |w|_1: {found.message}")
    missed = np.abs(both @ found.x - wanted / unit)
    if np.any(missed > _MISSED * (np.abs(both) @ found.x)):
        raise OracleFailed(f"least |w|_1: a target is missed by {missed.max():g} of the largest")
    return unit * float(found.fun)
