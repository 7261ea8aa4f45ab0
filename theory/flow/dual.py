"""Flows of diagonal nets through their n dual variables, in compiled code.

The equations are those of `theory.flow.diagonal`; here a small system is stepped by a Rosenbrock
method with exact Jacobians. In the co-moving chart log a is integrated: multipliers of samples that
are not support decay exponentially in s, and their logarithms are straight lines.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from math import inf, log
from typing import Final

import numpy as np

from theory.backend import Flags, Floats
from theory.clock import clock_of, decay_time_at, first_clock
from theory.errors import IntegrationFailed
from theory.flow.chart import Chart
from theory.flow.pieces import piece_ends
from theory.flow.state import FlowState
from theory.kernel.lazy import initial_log_gain
from theory.nets import Diagonal
from theory.problem import Problem, Regime

DUAL_METHOD: Final = "Rodas5P"

LARGEST_DUAL_SCALE: Final = 300.0
"""Largest log10 alpha; beyond, exponents leave float64 too few digits for the method's steps."""

STAGES_PER_STEP: Final = 8

MAX_STEPS: Final = 20_000
"""Flows need 200 to 3000 steps at rtol 1e-8 and 1e-11 up to log10 alpha = 100."""

_RICH_BELOW: Final = log(10.0)
"""rho^L at the hand-over. Earlier, the rich chart has more to cover, and it cannot use that errors
are damped; later, log a itself turns. Measured between 1 and 10^4: 10 takes the fewest steps."""


def reducible(problem: Problem) -> bool:
    """Whether the flow has the dual form: a diagonal net at a balanced anchor, classification."""
    if not isinstance(problem.net, Diagonal) or not problem.loss_function.classifies:
        return False
    half, other = np.split(problem.anchor, 2)
    return bool(np.array_equal(half, other) and np.all(half))


@dataclass(frozen=True, eq=False)
class DualStates:
    """States of diagonal nets of one degree relative to u = v = rho half; leading axes are free.

    Attributes:
        anchor: u then v, shape `(..., 2 d)`.
        log_rho: shape `(...)`.
        comoving: whether the chart is the co-moving one, shape `(...)`.
        weights: w = u^L - v^L for positive halves, shape `(..., d)`; else of negated columns.
        combinations: p = Z^T a where `comoving`, shape `(..., d)`.
        means, ratios: log sqrt(u v) and log sqrt(u / v) relative to rho half, shape `(..., d)`.
    """

    degree: int
    anchor: Floats
    log_rho: Floats
    comoving: Flags
    weights: Floats
    combinations: Floats
    means: Floats
    ratios: Floats

    @classmethod
    def stacked(cls, lanes: Sequence["DualStates"]) -> "DualStates":
        """States of one shape and degree along a new first axis."""
        names = [field.name for field in fields(cls) if field.name != "degree"]
        return cls(lanes[0].degree, *(np.stack([getattr(s, n) for s in lanes]) for n in names))

    @cached_property
    def _logs(self) -> Floats:
        """log of |u| and |v| over rho |half|, shape `(..., 2 d)`."""
        return np.concatenate([self.means + self.ratios, self.means - self.ratios], axis=-1)

    @property
    def theta(self) -> Floats:
        """Shape `(..., 2 d)`; infinite where it exceeds float64."""
        with np.errstate(over="ignore"):
            return np.asarray(self.anchor * np.exp(self._logs + self.log_rho[..., None]))

    @cached_property
    def _scaled(self) -> tuple[Floats, Floats]:
        """theta over rho and its largest factor, and the logarithm of that factor."""
        largest = self._logs.max(-1)
        return self.anchor * np.exp(self._logs - largest[..., None]), largest

    @property
    def log_norm(self) -> Floats:
        """log |theta|, shape `(...)`."""
        scaled, largest = self._scaled
        return np.asarray(self.log_rho + largest + np.log(np.linalg.norm(scaled, axis=-1)))

    @property
    def directions(self) -> Floats:
        """theta / |theta|, shape `(..., 2 d)`."""
        scaled, _ = self._scaled
        return np.asarray(scaled / np.linalg.norm(scaled, axis=-1, keepdims=True))

    @property
    def displacement(self) -> Floats:
        """eta of theta = rho (anchor + rho^-L eta), shape `(..., 2 d)`, also for tiny rho^-L."""
        half = np.abs(self.anchor[..., : self.means.shape[-1]])
        slope = self.degree * half ** (self.degree - 2) * self.combinations
        first_order = np.concatenate([slope, -slope], axis=-1)
        log_scale = self.degree * self.log_rho[..., None]
        with np.errstate(over="ignore", under="ignore"):
            moved = np.exp(-log_scale) * first_order
            linear = np.abs(moved) < 1e-150
            growth = np.where(linear, 1.0, np.expm1(self._logs) / np.where(linear, 1.0, moved))
            near = first_order * growth
            far = np.expm1(self._logs) * np.exp(np.minimum(log_scale, 700.0))
        return np.asarray(self.anchor * np.where(self.comoving[..., None], near, far))


def dual_flow(
    problem: Problem,
    regime: Regime,
    at: Floats,
    rtol: float,
    atol: float,
    max_steps: int = MAX_STEPS,
) -> tuple[DualStates, int]:
    """The flow of a `reducible` problem at T times `at`, in units of t_g, and the steps tried.

    Raises:
        IntegrationFailed: the budget of steps is spent, or steps no longer move the clock.
    """
    from theory.flow.dual_steps import BUDGET_SPENT, FINISHED, Lane, run_lane

    signed_half = np.split(problem.anchor, 2)[0]
    half, degree = np.abs(signed_half), problem.degree
    signs = problem.labels[:, None] * np.sign(signed_half) ** degree
    resting_gain = -regime.log_lambda - log(problem.samples)
    logistic = problem.loss == "logistic"
    lane = Lane(
        degree,
        logistic,
        np.ascontiguousarray((signs * problem.inputs).T),
        np.log(half),
        2.0 * degree**2 * half ** (2 * degree - 2),
        degree * half ** (degree - 2),
        regime.log_alpha,
        resting_gain,
    )
    clocks = np.array([clock_of(t * regime.log_alpha) if t > 0 else -inf for t in at])
    moving = clocks[clocks > -inf]
    found, steps, turn = np.zeros((4, len(at), half.size)), 0, inf
    if moving.size:
        gain = initial_log_gain(problem, regime)
        stiffness = float((problem.inputs**2 @ lane.base).max())
        start = min(first_clock(gain, stiffness), float(moving.min()) - 1.0)
        first = np.full(problem.samples, start + gain - (log(2.0) if logistic else 0.0))
        turns = piece_ends(regime, degree, _RICH_BELOW, start, float(moving.max()))
        turn = turns[0]
        seam = [0.0] if start < 0.0 < turns[-1] else []
        grid = np.unique(np.concatenate([moving, turns, seam]))
        out = np.empty((4, grid.size, half.size))
        ends = np.isin(grid, turns)
        status, steps = run_lane(lane, start, first, grid, ends, rtol, atol, max_steps, out)
        if status != FINISHED:
            why = f"more than {max_steps} steps" if status == BUDGET_SPENT else "steps too short"
            raise IntegrationFailed(f"{DUAL_METHOD} did not finish: {why}")
        found[:, clocks > -inf] = out[:, np.searchsorted(grid, moving)]
    decay_times = np.array([0.0 if clock == -inf else decay_time_at(clock) for clock in clocks])
    states = DualStates(
        degree,
        np.broadcast_to(problem.anchor, (len(at), problem.parameters)),
        regime.log_alpha - decay_times,
        clocks <= turn,
        *found,
    )
    return states, steps


def flow_states(problem: Problem, regime: Regime, states: DualStates) -> tuple[FlowState, ...]:
    """States of one flow, shape `(T,)`, as those of `gradient_flow`, each in its own chart."""
    displacement, theta = states.displacement, states.theta
    return tuple(
        FlowState(
            Chart(problem, regime, comoving=bool(comoving)),
            regime.log_alpha - float(log_rho),
            displacement[row] if comoving else theta[row],
        )
        for row, (comoving, log_rho) in enumerate(zip(states.comoving, states.log_rho, strict=True))
    )
