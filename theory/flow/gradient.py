"""Exact gradient flow with weight decay, for log10 alpha from 0.5 to 10000 in float64.

    theta' = -lambda theta - (1/n) sum_i grad l(f_i(theta), y_i),      theta(0) = alpha * anchor.

The kernel phase is integrated in the co-moving chart, the rest in theta; see `theory.flow.chart`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from math import log
from typing import Protocol

import numpy as np

from theory.assumptions import check_finite, check_zero_output
from theory.backend import Floats
from theory.clock import clock_of, decay_time_at, first_clock
from theory.errors import InvalidInput, NumericalFailure
from theory.flow.chart import Chart, stiffness
from theory.flow.collocation import few_rows
from theory.flow.compiled_chart import CompiledChart
from theory.flow.compiled_manifold import CompiledManifold
from theory.flow.compiled_radau import integrate_chart
from theory.flow.fastest_chart import Fastest, fastest_chart
from theory.flow.manifold import SlowManifold, slow_clocks
from theory.flow.pieces import hand_over
from theory.flow.state import FlowState
from theory.flow.traced_chart import TracedChart
from theory.flow.traced_radau import integrate_traced, worth_collocating
from theory.flow.trajectory import Trajectory
from theory.integrate import MAX_EVALUATIONS, METHODS, OneCall, RightHandSide, integrate
from theory.kernel.lazy import tolerances
from theory.low_rank import LowRankJacobian
from theory.problem import Problem, Regime, check_flow_of
from theory.requests import check_budget, check_rtol, requested_times
from theory.threads import both, threads_for

Event = Callable[[FlowState], float]


class System(Protocol):
    """What an integrator is given."""

    @property
    def rhs(self) -> RightHandSide: ...

    @property
    def jacobian(self) -> RightHandSide | None: ...

    @property
    def low_rank(self) -> LowRankJacobian | None: ...


LOOSER = 100.0
"""Ratio of the two tolerances whose difference is the error estimate."""

SHARED = 5.0
"""Of 2,080 states of `tests.theory.flow.twins`, flows at rtol 1e-9 were off by 4.3 times what
coordinates known to rtol tell of margins, 99 of 100 by 1.6 times that; rtol 1e-12 told it."""

RICH_BELOW = log(1e4)
"""The rich chart takes over once rho^L < 1e4, in the units of the problem: theta then loses four
digits of f to cancellation, where the co-moving chart would lose as many to the growth of eta. At
100 collocation loses two, for 3 % more right-hand sides, but SciPy's Radau stalls at rtol 1e-12."""

RICH_BELOW_AT_REST = 0.0
"""The same on a slow manifold, where nothing mends what is lost: integrated to rtol, theta knows f
to rtol rho^L, and f = y is restored at a rate of L only."""


def gradient_flow(
    problem: Problem,
    regime: Regime,
    at: Sequence[float] = (0.7, 1.3),
    *,
    rtol: float = 1e-11,
    method: str | None = None,
    dense: bool = False,
    events: Sequence[Event] = (),
    estimate_error: bool = True,
    max_evaluations: int = MAX_EVALUATIONS,
) -> Trajectory:
    """Integrate the flow from t = 0 to the largest of the times `at`, in units of t_g.

    Args:
        rtol: relative tolerance of the integrator, at least 1e-13; raised at huge alpha to the
            noise of exponents of size 2 (L-1) log alpha - log lambda. Errors are about as large.
        method: "LSODA", "BDF" or "Radau"; None takes compiled collocation for nets with few samples
            (up to log10 alpha = 300, without `dense` and `events`), BDF in as many dimensions as
            samples for large torch nets of more than 30 rows, and tries these three in this order
            otherwise.
        dense: also return an interpolant, `Trajectory.state(at)`.
        events: functions of a `FlowState` whose sign changes are located.
        estimate_error: integrate again at 100 rtol, and to first order where the squared loss is
            on its slow manifold, for `Trajectory.error_estimate`; on another core where both are
            compiled.
        max_evaluations: budget of right-hand sides for each chart and method.

    Raises:
        InvalidInput: for times that are negative or not finite, an unknown method, a bad rtol, or
            a budget below 1.
        AssumptionError: the anchor's output is not zero, or values are not finite; the squared loss
            is stiff and the linearised model cannot interpolate its targets.
        NumericalFailure: the squared loss is stiff and its kernel is singular at the anchor only.
        IntegrationFailed: no method finished within its budget.
    """
    check_flow_of(problem, regime)
    requested = requested_times(at)
    check_rtol(rtol)
    check_budget("max_evaluations", max_evaluations)
    if method is not None and method not in METHODS:
        raise InvalidInput(f"method is {method!r}; allowed are {', '.join(METHODS)}")
    check_finite(problem)
    check_zero_output(problem)
    with threads_for(problem.parameters):
        return checked_flow(
            problem,
            regime,
            requested,
            rtol=rtol,
            method=method,
            dense=dense,
            events=events,
            estimate_error=estimate_error,
            max_evaluations=max_evaluations,
        )


def checked_flow(
    problem: Problem,
    regime: Regime,
    at: Floats,
    *,
    rtol: float,
    method: str | None = None,
    dense: bool = False,
    events: Sequence[Event] = (),
    estimate_error: bool = True,
    max_evaluations: int = MAX_EVALUATIONS,
) -> Trajectory:
    """`gradient_flow` where all is checked, on as many threads as linear algebra has."""
    chart = Chart(problem, regime, comoving=True)
    rtol, atol = tolerances(chart.log_gain(0.0), rtol)
    fastest = fastest_chart(chart)
    flow = partial(_run, chart, fastest, at, method, max_evaluations)
    tightly = partial(flow, _Accuracy(rtol, atol, refined=True), dense, events)
    loosely = partial(flow, _Accuracy(LOOSER * rtol, LOOSER * atol, refined=False))
    error = np.full(at.size, np.nan)
    runs: tuple[_Run, ...]
    if not estimate_error:
        runs = (tightly(),)
    elif isinstance(fastest, CompiledChart) and not (dense or events or method):
        runs = both(tightly, loosely)
    else:
        runs = tightly(), loosely()
    tight, loose = runs[0], runs[-1]
    if estimate_error:
        states = zip(tight.states, loose.states, strict=True)
        error = np.array([_difference(a, b) + _floor(a, rtol) for a, b in states])
    return Trajectory(
        problem=problem,
        regime=regime,
        at=at,
        states=tight.states,
        error_estimate=error,
        evaluations=sum(run.evaluations for run in runs),
        method=tight.method,
        event_times=tight.event_times,
        loose=loose.states if estimate_error else (),
        _dense=tight.dense,
    )


@dataclass(frozen=True)
class _Run:
    states: tuple[FlowState, ...]
    evaluations: int
    method: str
    event_times: tuple[Floats, ...]
    dense: Callable[[float], FlowState] | None


@dataclass(frozen=True)
class _Accuracy:
    """Tolerances of the integrator, and whether a slow manifold is of second order."""

    rtol: float
    atol: float
    refined: bool


@dataclass(frozen=True)
class _Segment:
    """One stretch of clock time in one chart, on the full flow or on its slow manifold."""

    chart: Chart
    stop: float
    slow: bool = False

    def state(self, clock: float, coordinates: Floats, refined: bool = True) -> FlowState:
        """Of a slow manifold the point beside what was integrated."""
        decay_time = decay_time_at(clock)
        if self.slow:
            coordinates = SlowManifold(self.chart, refined).settled(decay_time, coordinates)
        return FlowState(self.chart, decay_time, coordinates, self.slow)


def _run(
    comoving: Chart,
    fastest: Fastest,
    at: Floats,
    method: str | None,
    max_evaluations: int,
    accuracy: _Accuracy,
    dense: bool = False,
    events: Sequence[Event] = (),
) -> _Run:
    """From its start in the co-moving chart, to which `fastest` is the fastest route."""
    chart, problem, regime = comoving, comoving.problem, comoving.regime
    zero = np.zeros(problem.parameters)
    states: list[FlowState] = [FlowState(chart, 0.0, zero)] * len(at)
    pending = [(clock_of(t * regime.log_alpha), k) for k, t in enumerate(at) if t > 0]
    pieces: list[tuple[_Segment, Callable[[float], Floats]]] = []
    crossings: list[list[float]] = [[] for _ in events]
    if not pending:
        return _Run(tuple(states), 0, "none", tuple(np.array(c) for c in crossings), None)

    first = fastest if isinstance(fastest, TracedChart) else chart
    start = min(start_clock(first), min(clock for clock, _ in pending) - 1.0)
    loss = problem.loss_function
    force = loss.force(start + chart.log_gain(0.0), np.zeros(problem.rows), chart.labels)
    coordinates = np.asarray(force @ first.base_jacobian)
    evaluations, methods, decay_time, settled = 0, [], decay_time_at(start), False
    atol = accuracy.atol
    for segment in _segments(chart, start, max(clock for clock, _ in pending)):
        if segment.chart is not chart:
            state = FlowState(chart, decay_time, coordinates).in_chart(comoving=False)
            chart, coordinates = segment.chart, state.coordinates
            atol *= min(1.0, float(np.abs(coordinates).max()))
        system = _system(segment, accuracy, fastest)
        _check_size(problem, system)
        due = [(clock, k) for clock, k in pending if start <= clock <= segment.stop]
        solution = integrate(
            system.rhs,
            system.jacobian,
            start,
            segment.stop,
            coordinates,
            [clock for clock, _ in due],
            rtol=accuracy.rtol,
            atol=atol,
            method=method,
            dense=dense,
            events=[_clocked(event, segment) for event in events],
            max_evaluations=max_evaluations,
            settled=settled and not segment.slow,
            low_rank=system.low_rank,
            in_one_call=in_one_call(system, regime),
        )
        settled = settled or segment.slow
        for (clock, k), row in zip(due, solution.states, strict=True):
            states[k] = segment.state(clock, row, accuracy.refined)
        if solution.interpolant is not None:
            pieces.append((segment, solution.interpolant))
        for found, clocks in zip(crossings, solution.event_times, strict=True):
            found.extend(decay_time_at(clock) / regime.log_alpha for clock in clocks)
        start = segment.stop
        coordinates = segment.state(start, solution.final, accuracy.refined).coordinates
        decay_time = decay_time_at(start)
        evaluations += solution.evaluations
        methods.append(solution.method)

    def interpolate(at: float) -> FlowState:
        if at == 0.0:
            return FlowState(comoving, 0.0, zero)
        clock = clock_of(at * regime.log_alpha)
        for piece, interpolant in pieces:
            if clock <= piece.stop:
                return piece.state(clock, interpolant(clock))
        raise NumericalFailure(f"time {at} lies past the end of the flow")

    return _Run(
        tuple(states),
        evaluations,
        "+".join(dict.fromkeys(methods)),
        tuple(np.array(found) for found in crossings),
        interpolate if dense else None,
    )


def _system(segment: _Segment, accuracy: _Accuracy, comoving: Fastest) -> System:
    """What is integrated, given the fastest route to the co-moving chart."""
    if isinstance(comoving, TracedChart):  # once for all segments
        fastest: Fastest = replace(comoving, comoving=segment.chart.comoving)
    else:
        fastest = comoving if segment.chart.comoving else fastest_chart(segment.chart)
    if not segment.slow:
        return fastest
    if isinstance(fastest, CompiledChart):
        return CompiledManifold(SlowManifold(segment.chart, accuracy.refined), fastest)
    return SlowManifold(fastest, accuracy.refined)


LARGEST_DENSE = 2.0**31
"""Bytes of the Jacobian of a stiff integrator; it holds two or three of them."""


def _check_size(problem: Problem, system: System) -> None:
    """Refuse, with an estimate, what would not fit into memory.

    Raises:
        InvalidInput: the flow of so many parameters needs a dense Jacobian.
    """
    size = 8.0 * problem.parameters**2
    if system.low_rank is None and size > LARGEST_DENSE:
        raise InvalidInput(
            f"net has {problem.parameters} parameters; its flow at this anchor needs a dense "
            f"Jacobian of {size / 2**30:.0f} GiB, and a day or more; take a diagonal net at a "
            f"balanced anchor, a torch net, or at most {int((LARGEST_DENSE / 8) ** 0.5)} parameters"
        )


LARGEST_COLLOCATED = 300.0
"""log10 alpha beyond which LSODA takes less time: its steps at rest have no bound."""


def in_one_call(system: System, regime: Regime) -> OneCall | None:
    """How what is compiled, and stiff in few directions, is integrated."""
    if regime.log10_alpha > LARGEST_COLLOCATED:
        return None
    if isinstance(system, CompiledChart) and few_rows(system.rows, system.size):
        return partial(integrate_chart, system)
    if isinstance(system, TracedChart) and worth_collocating(system):
        return partial(integrate_traced, system)
    return None


def start_clock(chart: Chart) -> float:
    """tau at which the flow has covered e^-14 of the first time scale of its co-moving chart."""
    return first_clock(chart.log_gain(0.0), stiffness(chart.base_jacobian))


def _clocked(event: Event, segment: _Segment) -> Callable[[float, Floats], float]:
    return lambda clock, y: event(segment.state(clock, y))


def _segments(chart: Chart, start: float, stop: float) -> list[_Segment]:
    """From `start` to `stop`: co-moving, then rich; on the slow manifold where that is stiff."""
    relaxed, released = slow_clocks(chart, start)
    turn = hand_over(chart, RICH_BELOW)
    if relaxed <= turn < released:
        turn = hand_over(chart, RICH_BELOW_AT_REST)
    rich = replace(chart, comoving=False)
    ends = [*sorted(clock for clock in (turn, relaxed, released) if start < clock < stop), stop]
    return [
        _Segment(chart if begin < turn else rich, end, slow=relaxed <= begin < released)
        for begin, end in pairwise([start, *ends])
    ]


def _floor(state: FlowState, rtol: float) -> float:
    """What two tolerances may share: rounding, and what coordinates to rtol tell of margins."""
    return state.rounding + SHARED * rtol * max(state.condition, 1.0)


def _difference(a: FlowState, b: FlowState) -> float:
    """Largest relative difference of two states, in margins and direction."""
    scale = max(float(np.abs(a.margins).max()), float(np.abs(b.margins).max()))
    margins = float(np.abs(a.margins - b.margins).max()) / scale if scale > 0 else 0.0
    return max(margins, float(np.linalg.norm(a.direction - b.direction)))
