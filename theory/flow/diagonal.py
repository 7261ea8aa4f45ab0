"""The flow of a diagonal net on n variables, exact for any input dimension.

f(u, v; x) = <u^L - v^L, x> from u = v = alpha * half. Every coordinate obeys its own scalar
equation u' = -u + L u^(L-1) g with the common g = Z^T mu, Z = diag(y) X, so u^(2-L) (log u for
L = 2) is affine in p = Z^T a, with the same n dual variables a for all of them:

    co-moving:  da/ds = rho^(2 (L-1)) mu - L a,    xi = L half^(L-2) rho^(-L) p,
                u = rho half (1 - (L-2) xi)^(-1/(L-2))     (rho half e^xi for L = 2), v with -xi,
    rich, from (u0, v0) at s0:    da/ds = e^(-(L-2) (s-s0)) mu,
                u = u0 e^(s0-s) (1 - L (L-2) u0^(L-2) p)^(-1/(L-2))   (u0 e^(s0-s+2p) for L = 2).

For L > 2 the rich brackets of the active coordinates cancel like e^(-(L-2) (s-s0)), so that chart
restarts every few 1/(L-2) units of s. One right-hand side is two passes over X.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from math import exp, log
from typing import Final, TypeAlias

import numpy as np

from theory.backend import Floats
from theory.clock import clock_of, decay_time_at, first_clock, log_rate
from theory.compiled_losses import code_of
from theory.errors import AssumptionError, InvalidInput
from theory.flow.chart import Chart
from theory.flow.compiled_diagonal import (
    Samples,
    comoving_exponents,
    comoving_rates,
    comoving_slopes,
    comoving_weights,
    rich_exponents,
    rich_rates,
    rich_slopes,
    rich_weights,
)
from theory.flow.gradient import LOOSER, RICH_BELOW
from theory.flow.pieces import piece_ends
from theory.flow.state import ROUNDING
from theory.integrate import MAX_EVALUATIONS, integrate
from theory.kernel.lazy import tolerances
from theory.losses import Loss
from theory.nets import Diagonal
from theory.problem import Problem, Regime, check_flow_of
from theory.requests import check_budget, check_rtol, requested_times

_EXACT_GRAM: Final = 1_000_000_000
"""Up to so many products n^2 d a Gram matrix for Newton's iteration is computed exactly (0.1 s);
above, from the Gram matrix at the anchor and the columns that left it most."""

SHARED: Final = 20.0
"""Tolerances that two integrations may share: beside collocation, of 288 flows over 29 times each,
what two of them tell lacked 15 at most, 5.7 in one of twenty."""

_MOVED_COLUMNS: Final = 4096
"""Columns of X treated exactly in an approximate Gram matrix. It only steers Newton's iteration."""


@dataclass(frozen=True, eq=False)
class DiagonalTrajectory:
    """A diagonal net's flow at T times.

    Attributes:
        at: times in units of t_g, shape `(T,)`.
        weights: the linear predictor w = u^L - v^L, shape `(T, d)`. Finite at every alpha: |w| is
            of order log alpha. Coordinates below 1e-308 are 0.
        log_parameters: log |u| and log |v|, shape `(T, 2, d)`, which neither overflow nor vanish.
        margins: q = Z w, shape `(T, n)`.
        log_multipliers: log mu_i = log(-l'(q_i)) - log lambda - log n, shape `(T, n)`.
        log_norm: log |theta|, shape `(T,)`.
        error_estimate: shape `(T,)`; NaN when not asked for. The sum of the largest relative
            difference in margins and weights from an integration at a hundred times the tolerance,
            of `SHARED` times that tolerance, and of the rounding of margins where weights cancel.
        evaluations: right-hand sides evaluated, both integrations together.
    """

    problem: Problem
    regime: Regime
    at: Floats
    weights: Floats
    log_parameters: Floats
    margins: Floats
    log_multipliers: Floats
    log_norm: Floats
    error_estimate: Floats
    evaluations: int

    @property
    def decay_times(self) -> Floats:
        """s = lambda t, shape `(T,)`."""
        return self.at * self.regime.log_alpha

    @cached_property
    def pull(self) -> Floats:
        """g = Z^T mu, shape `(T, d)`; infinite early on where the force exceeds float64."""
        with np.errstate(over="ignore", invalid="ignore"):
            signed = self.problem.labels * np.exp(self.log_multipliers)
            return np.asarray(signed @ self.problem.inputs)

    @cached_property
    def stationarity(self) -> Floats:
        """|d theta / ds| / |theta|, shape `(T,)`, as `FlowState.stationarity`."""
        degree, logs = self.problem.degree, self.log_parameters
        with np.errstate(over="ignore", invalid="ignore"):
            slopes = degree * np.exp((degree - 2) * logs) * (self.pull[:, None] * [[1.0], [-1.0]])
            sizes = np.exp(logs - self.log_norm[:, None, None])
            return np.asarray(np.sqrt(np.sum((sizes * (slopes - 1.0)) ** 2, axis=(1, 2))))


def diagonal_flow(
    problem: Problem,
    regime: Regime,
    at: Sequence[float] = (0.7, 1.3),
    *,
    rtol: float = 1e-11,
    estimate_error: bool = True,
    max_evaluations: int = MAX_EVALUATIONS,
) -> DiagonalTrajectory:
    """Integrate the n dual variables to the largest of the times `at`, in units of t_g.

    Args:
        problem: a `Diagonal` net at a balanced anchor (u = v, any entries), with the exponential
            or the logistic loss.
        rtol: relative tolerance of the integrator, raised at huge alpha as in `gradient_flow`.
        estimate_error: integrate again at 100 rtol, for `DiagonalTrajectory.error_estimate`.
        max_evaluations: budget of right-hand sides for each piece of the flow and method.

    Raises:
        InvalidInput: another net or loss, times that are negative or not finite, a bad rtol, a
            budget below 1.
        AssumptionError: an anchor that is not balanced ("zero output").
        IntegrationFailed: no method finished within its budget.
    """
    check_flow_of(problem, regime)
    check_budget("max_evaluations", max_evaluations)
    requested = _checked(problem, at, rtol)
    system = _System(problem, regime)
    rtol, atol = tolerances(system.chart.log_gain(0.0), rtol)

    def run(looser: float) -> _Run:
        return _run(system, requested, looser * rtol, looser * atol, max_evaluations)

    tight = run(1.0)
    weights, logs, evaluations = tight.weights, tight.logs, tight.evaluations
    margins = problem.labels * (weights @ problem.inputs.T)
    error = np.full(requested.size, np.nan)
    if estimate_error:
        loose = run(LOOSER)
        evaluations += loose.evaluations
        error = np.maximum(
            _relative_difference(weights, loose.weights),
            _relative_difference(margins, problem.labels * (loose.weights @ problem.inputs.T)),
        )
        error += SHARED * rtol + _rounding(problem, weights, margins)
    largest = logs.max(axis=(1, 2))
    squares = np.exp(2.0 * (logs - largest[:, None, None])).sum(axis=(1, 2))
    return DiagonalTrajectory(
        problem=problem,
        regime=regime,
        at=requested,
        weights=weights,
        log_parameters=logs,
        margins=margins,
        log_multipliers=_log_multipliers(problem, regime, margins),
        log_norm=largest + 0.5 * np.log(squares),
        error_estimate=error,
        evaluations=evaluations,
    )


def _checked(problem: Problem, at: Sequence[float], rtol: float) -> Floats:
    if not isinstance(problem.net, Diagonal) or problem.classes is not None:
        raise InvalidInput(
            f"net is {problem.net}; diagonal_flow is for Diagonal nets of one output"
        )
    if not problem.loss_function.classifies:
        raise InvalidInput("loss is 'squared'; diagonal_flow is for exponential and logistic loss")
    half, other = np.split(problem.anchor, 2)
    if not np.array_equal(half, other):
        raise AssumptionError("zero output", "the anchor is not balanced: u and v must be equal")
    if not np.all(half):
        raise InvalidInput(
            f"anchor has {np.count_nonzero(half == 0)} coordinates u = v = 0, which never move; "
            "leave them and their columns of inputs out"
        )
    requested = requested_times(at)
    check_rtol(rtol)
    return requested


def _log_multipliers(problem: Problem, regime: Regime, margins: Floats) -> Floats:
    exponents = np.logaddexp(margins, 0.0) if problem.loss == "logistic" else margins
    return np.asarray(-exponents - regime.log_lambda - log(problem.samples))


def _rounding(problem: Problem, weights: Floats, margins: Floats) -> Floats:
    """How far rounding may move margins, relative to the largest, shape `(T,)`."""
    largest = np.abs(margins).max(axis=1)
    cancelling = np.array([max(np.abs(w) @ np.abs(x) for x in problem.inputs) for w in weights])
    safe = np.where(largest > 0.0, largest, 1.0)
    unknown = np.where(cancelling > 0.0, np.inf, 0.0)
    return np.where(largest > 0.0, ROUNDING * cancelling / safe, unknown)


def _relative_difference(a: Floats, b: Floats) -> Floats:
    """max |a - b| / max |a| per row, 0 for rows of zeros."""
    scale = np.maximum(np.abs(a).max(axis=1), np.finfo(float).tiny)
    return np.asarray(np.abs(a - b).max(axis=1) / scale)


@dataclass(frozen=True, eq=False)
class _CoMoving:
    """u = rho half e^(ell+), v = rho half e^(ell-) as functions of p and s."""

    degree: int
    half: Floats
    log_alpha: float
    resting_gain: float

    @property
    def decay(self) -> float:
        return float(self.degree)

    def log_gain(self, decay_time: float) -> float:
        return self.resting_gain + 2.0 * (self.degree - 1) * (self.log_alpha - decay_time)

    @cached_property
    def base_slopes(self) -> Floats:
        """dw/dp at p = 0."""
        return np.asarray(2.0 * self.degree**2 * self.half ** (2 * self.degree - 2))

    def weights(self, decay_time: float, p: Floats) -> Floats:
        """w."""
        return comoving_weights(self.degree, self.log_alpha - decay_time, self.half, p)

    def slopes(self, decay_time: float, p: Floats) -> Floats:
        """dw/dp."""
        return comoving_slopes(self.degree, self.log_alpha - decay_time, self.half, p)

    def rates(self, samples: Samples, clock: float, dual: Floats) -> Floats:
        """da/dtau."""
        decay_time, rate = decay_time_at(clock), log_rate(clock)
        gain, damping = rate + self.log_gain(decay_time), self.degree * exp(rate)
        log_rho = self.log_alpha - decay_time
        return comoving_rates(self.degree, log_rho, self.half, samples, gain, damping, dual)

    def logs(self, decay_time: float, p: Floats) -> tuple[Floats, Floats]:
        """log sqrt(u v) and log sqrt(u / v)."""
        log_rho = self.log_alpha - decay_time
        mean, ratio = comoving_exponents(self.degree, log_rho, self.half, p)
        return log_rho + np.log(self.half) + mean, ratio


@dataclass(frozen=True, eq=False)
class _Rich:
    """u and v from where they were at `start`, as functions of p and s."""

    degree: int
    mean: Floats
    ratio: Floats
    start: float
    resting_gain: float

    @property
    def decay(self) -> float:
        return 0.0

    def log_gain(self, decay_time: float) -> float:
        return self.resting_gain - (self.degree - 2) * (decay_time - self.start)

    def logs(self, decay_time: float, p: Floats) -> tuple[Floats, Floats]:
        """log sqrt(u v) and log sqrt(u / v)."""
        passed = decay_time - self.start
        return rich_exponents(self.degree, passed, self.mean, self.ratio, *self._start_powers, p)

    @cached_property
    def _start_powers(self) -> tuple[Floats, Floats]:
        """u0^(L-2), v0^(L-2)."""
        excess = self.degree - 2
        return np.exp(excess * (self.mean + self.ratio)), np.exp(excess * (self.mean - self.ratio))

    def weights(self, decay_time: float, p: Floats) -> Floats:
        """w."""
        passed = decay_time - self.start
        return rich_weights(self.degree, passed, self.mean, self.ratio, *self._start_powers, p)

    def slopes(self, decay_time: float, p: Floats) -> Floats:
        """dw/dp."""
        passed = decay_time - self.start
        return rich_slopes(self.degree, passed, self.mean, self.ratio, *self._start_powers, p)

    def rates(self, samples: Samples, clock: float, dual: Floats) -> Floats:
        """da/dtau."""
        decay_time, rate = decay_time_at(clock), log_rate(clock)
        passed, gain = decay_time - self.start, rate + self.log_gain(decay_time)
        start = (self.mean, self.ratio, *self._start_powers)
        return rich_rates(self.degree, passed, start, samples, gain, dual)


_Chart: TypeAlias = _CoMoving | _Rich


@dataclass(frozen=True, eq=False)
class _System:
    """The equations of n dual variables a, in either chart, in the units of the problem."""

    problem: Problem
    regime: Regime

    @cached_property
    def comoving(self) -> _CoMoving:
        return _CoMoving(
            self.problem.degree,
            np.abs(self.problem.unit_anchor[: self.problem.parameters // 2]),
            self.chart.log_alpha,
            self.chart.resting_gain,
        )

    @cached_property
    def chart(self) -> Chart:
        """What is known of the units of this flow."""
        return Chart(self.problem, self.regime, comoving=True)

    def combine(self, dual: Floats) -> Floats:
        """p = Z^T a, shape `(d,)`."""
        return np.asarray((self._signs * dual) @ self.problem.inputs)

    def margins(self, weights: Floats) -> Floats:
        """q = Z w, shape `(n,)` of weights `(d,)`."""
        return np.asarray(self._signs * (self.problem.inputs @ weights))

    def rhs(self, chart: _Chart, clock: float, dual: Floats) -> Floats:
        """da/dtau."""
        return chart.rates(self._told, clock, dual)

    def jacobian(self, chart: _Chart, clock: float, dual: Floats) -> Floats:
        """d(da/dtau)/da, shape `(n, n)`; approximate for large inputs (see `gram`)."""
        decay_time, rate = decay_time_at(clock), log_rate(clock)
        p = self.combine(dual)
        margins = self.margins(chart.weights(decay_time, p))
        curvature = self._loss.curvature(rate + chart.log_gain(decay_time), margins, self._ones)
        labels = self.problem.labels
        matrix = -(labels * curvature)[:, None] * self.gram(chart.slopes(decay_time, p)) * labels
        matrix[np.diag_indices_from(matrix)] -= chart.decay * exp(rate)
        return np.asarray(matrix)

    def steepness(self, chart: _Rich) -> float:
        """By how much weights move faster with p, where the chart starts, than at the anchor.

        So much finer must dual variables be known that start from 0 there.
        """
        slopes = chart.slopes(chart.start, np.zeros(self.comoving.half.size))
        return float(slopes.max() / self.comoving.base_slopes.max())

    def gram(self, slopes: Floats) -> Floats:
        """X diag(slopes) X^T over the square of the unit of gradients, shape `(n, n)`.

        For large inputs the columns whose slopes moved most are exact, and the others keep their
        proportions of the anchor.
        """
        inputs, base = self.problem.inputs, self.comoving.base_slopes
        slopes = slopes / self.problem.units.gradient**2
        if inputs.size * len(inputs) <= _EXACT_GRAM or inputs.shape[1] <= 2 * _MOVED_COLUMNS:
            return _gram(inputs, slopes)
        typical = float(np.median(slopes / base))
        moved = np.argpartition(np.abs(slopes - typical * base), -_MOVED_COLUMNS)[-_MOVED_COLUMNS:]
        others = np.ones(len(slopes), dtype=bool)
        others[moved] = False
        typical = float(slopes[others].sum() / base[others].sum())
        columns = inputs[:, moved]
        change = slopes[moved] - typical * base[moved]
        return np.asarray(typical * self.base_gram + (columns * change) @ columns.T)

    @cached_property
    def base_gram(self) -> Floats:
        """The Gram matrix at the anchor, of inputs in their own units."""
        return _gram(self.problem.inputs, self.comoving.base_slopes)

    @cached_property
    def _ones(self) -> Floats:
        return np.ones(self.problem.samples)

    @cached_property
    def _signs(self) -> Floats:
        """Of samples, over the unit of gradients, `(n,)`."""
        return np.asarray(self.problem.labels / self.problem.units.gradient)

    @cached_property
    def _told(self) -> Samples:
        return code_of(self._loss), self._signs, self.problem.inputs

    @property
    def _loss(self) -> Loss:
        return self.problem.loss_function


def _gram(inputs: Floats, slopes: Floats) -> Floats:
    rooted = inputs * np.sqrt(slopes)
    return np.asarray(rooted @ rooted.T)


@dataclass(frozen=True, eq=False)
class _Run:
    weights: Floats
    logs: Floats
    evaluations: int


def _run(system: _System, at: Floats, rtol: float, atol: float, max_evaluations: int) -> _Run:
    regime, degree = system.regime, system.problem.degree
    weights = np.zeros((at.size, system.comoving.half.size))
    logs = np.empty((at.size, 2, system.comoving.half.size))
    logs[:] = system.chart.log_alpha + np.log(system.comoving.half)
    pending = [(clock_of(t * regime.log_alpha), k) for k, t in enumerate(at) if t > 0]
    unit = system.problem.units
    if not pending:
        return _Run(weights, logs - unit.log_theta, 0)
    stop = max(clock for clock, _ in pending)
    chart: _Chart = system.comoving
    stiffness = float(np.diagonal(system.base_gram).max()) / system.problem.units.gradient**2
    earliest = min(clock for clock, _ in pending)
    start = min(first_clock(chart.log_gain(0.0), stiffness), earliest - 1.0)
    zero = np.zeros(system.problem.samples)
    dual = system.problem.loss_function.force(start + chart.log_gain(0.0), zero, zero + 1.0)
    evaluations, finest = 0, atol
    for end in piece_ends(system.chart, RICH_BELOW, start, stop):
        if evaluations:
            mean, ratio = chart.logs(decay_time_at(start), system.combine(dual))
            chart = _Rich(degree, mean, ratio, decay_time_at(start), chart.resting_gain)
            dual, finest = zero, atol / max(system.steepness(chart), 1.0)
        due = [(clock, k) for clock, k in pending if start < clock <= end]
        solution = integrate(
            partial(system.rhs, chart),
            partial(system.jacobian, chart),
            start,
            end,
            dual,
            [clock for clock, _ in due],
            rtol=rtol,
            atol=finest,
            max_evaluations=max_evaluations,
        )
        evaluations += solution.evaluations
        for (clock, k), row in zip(due, solution.states, strict=True):
            p = system.combine(row)
            weights[k] = chart.weights(decay_time_at(clock), p)
            mean, ratio = chart.logs(decay_time_at(clock), p)
            logs[k] = mean + ratio, mean - ratio
        start, dual = end, solution.final
    if degree % 2:  # where u = v < 0 and L is odd, u takes the course of |v|
        negative = system.problem.anchor[: weights.shape[1]] < 0
        logs[:, :, negative] = logs[:, ::-1, negative]
    return _Run(weights / unit.gradient, logs - unit.log_theta, evaluations)
