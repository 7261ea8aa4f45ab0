"""Flows of diagonal nets through their n dual variables, in compiled code.

The equations are those of `theory.flow.diagonal`; here a small system is stepped by a Rosenbrock
method with exact Jacobians. In the co-moving chart log a is integrated: multipliers of samples that
are not support decay exponentially in s, and their logarithms are straight lines. Lanes of a batch
are stepped side by side; alone, such a flow takes longer than by collocation.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import inf, log
from typing import Final

import numpy as np

from theory.backend import Flags, Floats, Integers
from theory.clock import clock_of, decay_time_at, first_clock
from theory.flow.chart import Chart
from theory.flow.dual_states import DualStates
from theory.flow.pieces import piece_ends
from theory.nets import Diagonal
from theory.problem import Problem, Regime

LARGEST_DUAL_SCALE: Final = 300.0
"""Largest log10 alpha; beyond, exponents leave float64 too few digits for the method's steps."""

MAX_STEPS: Final = 20_000
"""Flows need 200 to 3000 steps at rtol 1e-8 and 1e-11 up to log10 alpha = 100."""

_RICH_BELOW: Final = log(10.0)
"""rho^L at the hand-over, in the units of the problem. Earlier, the rich chart has more to cover,
and it cannot use that errors are damped; later, log a itself turns. Measured between 1 and 10^4: 10
takes the fewest steps."""


_WIDEST: Final = 32
"""Lanes side by side at most: all wait for the slowest."""


def reducible(problem: Problem) -> bool:
    """Whether the flow has the dual form: a diagonal net at a balanced anchor, classification."""
    scalar = isinstance(problem.net, Diagonal) and problem.classes is None
    if not scalar or not problem.loss_function.classifies:
        return False
    half, other = np.split(problem.anchor, 2)
    return bool(np.array_equal(half, other) and np.all(half))


@dataclass(frozen=True, eq=False)
class DualFlows:
    """B flows at T times.

    Attributes:
        states: shape `(B, T)`; zero in lanes that did not finish.
        steps: steps tried, shape `(B,)`.
        finished: whether the lane reached all its times, shape `(B,)`.
    """

    states: DualStates
    steps: Integers
    finished: Flags


def dual_flows(
    problems: Sequence[Problem],
    regimes: Sequence[Regime],
    at: Floats,
    tolerances: Floats,
    max_steps: int = MAX_STEPS,
    threads: int = 1,
) -> DualFlows:
    """The flows of `reducible` problems of one net, one loss and inputs of one shape.

    Args:
        at: times in units of t_g, at least 0, shape `(T,)`.
        tolerances: relative and absolute, shape `(B, 2)`.
    """
    from theory.flow.dual_rates import Lanes
    from theory.flow.dual_steps import FINISHED, Plan, at_start, room, run

    first, degree, logistic = problems[0], problems[0].degree, problems[0].loss == "logistic"
    charts = [Chart(p, r, comoving=True) for p, r in zip(problems, regimes, strict=True)]
    anchors = np.array([p.unit_anchor for p in problems])
    signed_half = anchors[:, : first.parameters // 2]
    half = np.abs(signed_half)
    inputs = np.array([p.labels[:, None] * p.inputs / p.units.gradient for p in problems])
    inputs *= np.sign(signed_half)[:, None] ** degree
    base = 2.0 * degree**2 * half ** (2 * degree - 2)
    log_alpha = np.array([chart.log_alpha for chart in charts])
    resting_gain = np.array([chart.resting_gain for chart in charts])
    stops = np.array([[clock_of(t * r.log_alpha) if t > 0 else -inf for t in at] for r in regimes])
    gains = np.array([chart.log_gain(0.0) for chart in charts])
    starts = _starts(gains, (inputs**2 @ base[..., None]).max(axis=(1, 2)), stops)
    states = starts + gains - (log(2.0) if logistic else 0.0)
    ends = _ends(charts, starts, stops.max(axis=1))
    grid = np.sort(np.concatenate([stops, ends, np.zeros((len(ends), 1))], axis=1), axis=1)
    out = np.zeros((len(ends), half.shape[1], grid.shape[1], 4))
    steps, status = np.zeros((2, len(ends)), dtype=np.int64)

    def integrate(group: Integers) -> None:
        def side_by_side(numbers: Floats) -> Floats:
            return np.ascontiguousarray(np.moveaxis(numbers[group], 0, -1))

        def flat(*rows: Floats) -> Floats:
            return np.array([side_by_side(row).ravel() for row in rows])

        started = np.zeros_like(half)  # no rich piece yet
        lanes = Lanes(
            side_by_side(inputs),
            side_by_side(inputs.swapaxes(1, 2)),
            flat(np.log(half), base, degree * half ** (degree - 2), started, started),
            flat(log_alpha, resting_gain, 0.0 * log_alpha),
        )
        rtol, atol = side_by_side(tolerances)
        plan = Plan(side_by_side(grid), side_by_side(ends), rtol, atol, max_steps)
        progress = at_start(starts[group], np.tile(states[group], first.samples))
        found = np.zeros((4, grid.shape[1], lanes.own.shape[1]))
        run(degree, logistic, lanes, plan, progress, room(lanes), found)
        out[group] = found.reshape(4, grid.shape[1], half.shape[1], len(group)).T
        steps[group], status[group] = progress.steps, progress.status

    groups = _groups(len(problems), threads)
    if len(groups) == 1:
        integrate(groups[0])
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(integrate, groups))
    lane = np.arange(len(problems))[:, None]
    when = (grid[:, None, :] < stops[:, :, None]).sum(axis=-1)
    states = DualStates(
        degree,
        np.repeat(anchors[:, None], at.size, axis=1),
        log_alpha[:, None] - np.vectorize(decay_time_at)(stops),
        stops <= ends[:, :1],
        *(out[..., row].swapaxes(1, 2)[lane, when] for row in range(4)),
    )
    return DualFlows(states, steps, status == FINISHED)


def _starts(gains: Floats, stiffness: Floats, stops: Floats) -> Floats:
    """Clocks `(B,)` of the first steps, before all stops."""
    first = np.array([first_clock(*flow) for flow in zip(gains, stiffness, strict=True)])
    moving = np.where(stops > -inf, stops, inf)
    return np.asarray(np.minimum(first, moving.min(axis=1) - 1.0))


def _ends(charts: Sequence[Chart], starts: Floats, last: Floats) -> Floats:
    """Clocks `(B, E)` at which pieces end; lanes of fewer pieces repeat their last one."""
    flows = zip(charts, starts, last, strict=True)
    ends = [piece_ends(chart, _RICH_BELOW, start, stop) for chart, start, stop in flows]
    most = max(map(len, ends))
    return np.array([row + row[-1:] * (most - len(row)) for row in ends])


def _groups(lanes: int, threads: int) -> list[Integers]:
    """Indices of lanes to integrate side by side; the last lane fills the last group up."""
    width = min(_WIDEST, -(-lanes // threads))
    indices = np.arange(-(-lanes // width) * width)
    return list(np.minimum(indices, lanes - 1).reshape(-1, width))
