"""The flow of a field of one's own, integrated at two tolerances a hundred apart."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike
from scipy.integrate import solve_ivp

from theory.backend import Floats
from theory.errors import IntegrationFailed, InvalidInput

Field = Callable[[float, Floats], Floats]

METHODS: Final = ("DOP853", "LSODA", "Radau", "RK45")

LOOSER: Final = 100.0
"""The ratio of the two tolerances; errors of the looser one are then those that one sees."""


@dataclass(frozen=True, eq=False)
class PlainFlow:
    """States `(T, P)` at `times`, `(T,)`, of a tight and of a looser integration."""

    times: Floats
    tight: Floats
    loose: Floats


def plain_flow(
    field: Field,
    start: Floats,
    times: ArrayLike,
    *,
    rtol: float = 1e-11,
    method: str = "DOP853",
    begin: float = 0.0,
    jacobian: Field | None = None,
) -> PlainFlow:
    """Integrate y' = field(t, y) from `start`, `(P,)`, at `begin` to increasing `times`.

    Absolute tolerances are a thousandth of the relative ones, in units of the largest initial
    entry. Nothing is assumed of the field, and no structure of it is made use of.

    Raises:
        InvalidInput: times do not increase from `begin` or are not finite; the start is not
            finite or empty; the method is unknown.
        IntegrationFailed: the integrator gave up or left the finite numbers.
    """
    grid = np.atleast_1d(np.asarray(times, dtype=np.float64))
    check_times("times", grid, begin)
    if method not in METHODS:
        raise InvalidInput(f"method is {method!r}; allowed are {', '.join(METHODS)}")
    if start.size == 0 or not np.all(np.isfinite(start)):
        raise InvalidInput(f"start is {start!r}; it must be one or more finite numbers")
    scale = float(np.abs(start).max()) or 1.0

    def integrated(tolerance: float) -> Floats:
        options = {"jac": jacobian} if jacobian is not None else {}
        with np.errstate(over="ignore", invalid="ignore"):
            found = solve_ivp(
                field,
                (begin, float(grid[-1])),
                start,
                method,
                grid,
                rtol=tolerance,
                atol=1e-3 * tolerance * scale,
                **options,
            )
        if found.status != 0 or not np.all(np.isfinite(found.y)):
            raise IntegrationFailed(f"{method} at rtol {tolerance:g}: {found.message}")
        states: Floats = found.y.T
        return states

    return PlainFlow(grid, integrated(rtol), integrated(LOOSER * rtol))


def check_times(name: str, times: Floats, begin: float) -> None:
    """`InvalidInput` unless `times`, `(T,)`, are finite and increase from above `begin`."""
    rises = np.diff(np.append(begin, times))
    if times.size == 0 or times.ndim != 1 or not np.all((rises > 0.0) & (rises < np.inf)):
        raise InvalidInput(f"{name} are {times!r}; they must be finite and increase from {begin:g}")
