"""SciPy's stiff integrators with what they lack: a budget, a fallback chain, and distrust.

`status == 0` alone proves nothing (a solver can step over a singularity), so the result is checked
for completeness and finiteness here, and by a second tolerance where the flow is assembled.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf
from threading import RLock
from typing import Any, Final

import numpy as np
from scipy.integrate import ODEintWarning, odeint, solve_ivp
from scipy.linalg import LinAlgWarning

from theory.backend import Floats
from theory.errors import IntegrationFailed, InvalidInput
from theory.low_rank import LowRankBDF, LowRankJacobian

METHODS: Final = ("LSODA", "BDF", "Radau")
"""In order of cost; a fresh LSODA call can lock into its non-stiff branch, the others cannot."""

MAX_EVALUATIONS: Final = 30_000
"""Flows here need 2000 to 11000 evaluations at rtol 1e-10; a stall is past this within seconds."""

_LOW_RANK: Final = "low-rank BDF"
_COMPILED: Final = "compiled Radau"

RightHandSide = Callable[[float, Floats], Floats]


@dataclass(frozen=True, eq=False)
class Stretch:
    """States `(T, k)` at ascending times; `reason` says why it ended early, and is empty if not."""

    states: Floats
    evaluations: int
    reason: str = ""


OneCall = Callable[[float, Floats, Floats, float, float, int], Stretch]
"""Of start, ascending times, initial state, rtol, atol and budget."""


class _BudgetSpent(Exception):
    pass


class _GaveUp(Exception):
    pass


@dataclass(frozen=True)
class Integration:
    """States `(T, k)` at the requested clock times; `interpolant` only when asked for."""

    states: Floats
    final: Floats
    evaluations: int
    method: str
    interpolant: Callable[[float], Floats] | None
    event_times: tuple[Floats, ...]


def integrate(
    rhs: RightHandSide,
    jacobian: RightHandSide | None,
    start: float,
    stop: float,
    initial: Floats,
    times: Sequence[float],
    *,
    rtol: float,
    atol: float,
    method: str | None = None,
    dense: bool = False,
    events: Sequence[Callable[[float, Floats], float]] = (),
    max_evaluations: int = MAX_EVALUATIONS,
    settled: bool = False,
    low_rank: LowRankJacobian | None = None,
    in_one_call: OneCall | None = None,
) -> Integration:
    """Integrate y' = rhs(tau, y) from `start` to `stop`, reporting at `times` in between.

    `method` None tries LSODA, then BDF, then Radau; LSODA last where the initial state is `settled`
    on the slow manifold of a stiff system, and BDF in few dimensions first where the stiff part of
    the Jacobian is `low_rank`. What can be integrated `in_one_call` is, before all others, if
    neither an interpolant nor events nor a method are asked for.

    Raises:
        IntegrationFailed: when every method stops early, exceeds the budget or returns NaN.
    """
    if method is not None and method not in METHODS:
        raise InvalidInput(f"method is {method!r}; allowed are {', '.join(METHODS)}")
    requested = np.asarray(times, dtype=np.float64)
    grid = np.array(sorted({*requested.tolist(), stop}))
    system = _System(rhs, jacobian, low_rank, start, grid, initial, rtol, atol)
    reasons, spent = [], 0

    def told(reached: _Reached, name: str) -> Integration:
        asked = reached.states[np.searchsorted(grid, requested)]
        rest = reached.interpolant, reached.event_times
        return Integration(asked, reached.states[-1], spent, name, *rest)

    if in_one_call is not None and method is None and not dense and not events:
        stretch = in_one_call(start, grid, initial, rtol, atol, max_evaluations)
        spent += stretch.evaluations
        if not stretch.reason:
            return told(_Reached(stretch.states), _COMPILED)
        reasons.append(f"{_COMPILED}: {stretch.reason}")
    stalled = False
    for name in _order(method, settled, low_rank):
        if stalled and name == "Radau":
            continue  # it takes as many steps, and more evaluations for each
        by_odepack = name == "LSODA" and not dense and not events
        # a differenced Jacobian stays at one time
        patience = _RETRIES + 2 * initial.size if by_odepack else inf
        counter = _Watched(rhs, max_evaluations, patience)
        try:
            reached = (
                _Reached(_odepack(system, counter))
                if by_odepack
                else _by_steps(system, counter, name, dense, events)
            )
        except _BudgetSpent:
            reasons.append(f"{name}: more than {max_evaluations} evaluations")
            spent += max_evaluations
            stalled = stalled or name == "BDF"
        except (ValueError, np.linalg.LinAlgError, _GaveUp) as error:
            reasons.append(f"{name}: {error}")
            spent += counter.count
        else:
            spent += counter.count
            return told(reached, name)
    raise IntegrationFailed(
        f"no integrator finished from tau = {start:.6g} to {stop:.6g}: {'; '.join(reasons)}"
    )


@dataclass(frozen=True, eq=False)
class _System:
    """What is integrated, from `start` to the last of the times of `grid`."""

    rhs: RightHandSide
    jacobian: RightHandSide | None
    low_rank: LowRankJacobian | None
    start: float
    grid: Floats
    initial: Floats
    rtol: float
    atol: float


@dataclass(frozen=True, eq=False)
class _Reached:
    """States at the times of a grid, `(T, k)`."""

    states: Floats
    interpolant: Callable[[float], Floats] | None = None
    event_times: tuple[Floats, ...] = ()


def _order(method: str | None, settled: bool, low_rank: LowRankJacobian | None) -> tuple[str, ...]:
    if method is not None:
        return (method,)
    order = (*METHODS[1:], METHODS[0]) if settled else METHODS
    return order if low_rank is None else (_LOW_RANK, *order)


def _by_steps(
    system: _System,
    rhs: RightHandSide,
    name: str,
    dense: bool,
    events: Sequence[Callable[[float, Floats], float]],
) -> _Reached:
    """By a method of SciPy's that steps in Python.

    Raises:
        _GaveUp: it did not reach the end, or NaN.
    """
    with _quiet():
        # rejected trial steps may overflow; a method that gives up says so in `solution`
        warnings.filterwarnings("ignore", message="lsoda: ", category=UserWarning)
        warnings.simplefilter("ignore", LinAlgWarning)
        solution: Any = solve_ivp(
            rhs,
            (system.start, float(system.grid[-1])),
            system.initial,
            method=LowRankBDF if name == _LOW_RANK else name,
            t_eval=system.grid,
            jac=system.low_rank if name == _LOW_RANK else system.jacobian,
            rtol=system.rtol,
            atol=system.atol,
            dense_output=dense,
            events=list(events) or None,
        )
    # a run that reached none of the times has a list for its states
    if not solution.success or np.shape(solution.y)[1:] != system.grid.shape:
        raise _GaveUp(solution.message)
    if not np.all(np.isfinite(solution.y)):
        raise _GaveUp("NaN in the states")
    event_times = tuple(np.asarray(t) for t in solution.t_events or ())
    return _Reached(solution.y.T, solution.sol, event_times)


_FILTERS: Final = RLock()
"""Filters of warnings are those of all threads."""


@contextmanager
def _quiet() -> Iterator[None]:
    """With filters of warnings of its own, in one thread at a time, and silent arithmetic."""
    with _FILTERS, warnings.catch_warnings(), np.errstate(all="ignore"):
        yield


def _odepack(system: _System, rhs: RightHandSide) -> Floats:
    """LSODA in one call, without the price of a Python step; shape `(T, k)`.

    Raises:
        _GaveUp: it did not reach the end, its steps fall below rounding, or NaN.
    """
    with _quiet():
        warnings.simplefilter("ignore", ODEintWarning)
        solution, told = odeint(
            rhs,
            system.initial,
            np.append(system.start, system.grid),
            Dfun=system.jacobian,
            rtol=system.rtol,
            atol=system.atol,
            tcrit=system.grid[-1:],
            mxstep=_NO_LIMIT,
            full_output=True,
            tfirst=True,
        )
    if told["message"] != "Integration successful.":
        raise _GaveUp(told["message"])
    if not np.all(np.isfinite(solution)):
        raise _GaveUp("NaN in the states")
    return np.asarray(solution[1:])


_NO_LIMIT: Final = 2**31 - 1
"""Of steps between two times: the budget is that of evaluations."""


class _Watched:
    """A right-hand side with a budget, and an end to LSODA's patience.

    LSODA itself goes on in steps below rounding, over a singularity and to the end.
    """

    def __init__(self, rhs: RightHandSide, limit: int, patience: float = inf) -> None:
        self.rhs, self.limit, self.count = rhs, limit, 0
        self.patience, self.time, self.stays = patience, -inf, 0

    def __call__(self, time: float, state: Floats) -> Floats:
        self.count += 1
        if self.count > self.limit:
            raise _BudgetSpent
        if time != self.time:
            self.time, self.stays = time, 0
        else:
            self.stays += 1
            if self.stays > self.patience:
                raise _GaveUp(f"steps below rounding at tau = {time:.6g}")
        return self.rhs(time, state)


_RETRIES: Final = 100
"""Evaluations at one time: a corrector iterates three times, an order or a step is tried anew."""
