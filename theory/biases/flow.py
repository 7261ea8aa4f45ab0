"""Exact gradient flow with weight decay of a net with biases, up to log10 alpha = 10000.

As `theory.flow.gradient`, theta = rho (anchor + rho^-L eta) at first and theta itself afterwards.
A bias of lag k is held as u = rho^k eta at first: its gradients are rho^-k of those of weights, so
that u is of order one, and what it adds to outputs is rho^-2k times what it would add at rho = 1.
Source: this project.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import exp, log

import numpy as np

from theory.backend import Floats, Integers
from theory.biases.compiled_chart import compiled_chart
from theory.biases.nets import BiasedNet
from theory.clock import clock_of, decay_time_at, first_clock, log_rate
from theory.errors import AssumptionError, InvalidInput
from theory.flow.chart import LARGEST_EXPONENT, LINEAR_BELOW, stiffness
from theory.integrate import integrate
from theory.kernel.lazy import tolerances
from theory.problem import Problem, Regime
from theory.requests import check_rtol, requested_times

RICH_BELOW = log(1e2)
"""The rich chart takes over once rho^L is below: what a bias has learned is read before that."""


@dataclass(frozen=True, eq=False)
class BiasedChart:
    """Right-hand side of the flow in one of its two charts; coordinates are `(P,)`."""

    problem: Problem
    regime: Regime
    comoving: bool

    @cached_property
    def lags(self) -> Integers:
        net: BiasedNet = self.problem.net  # type: ignore[assignment]
        return net.lags

    @cached_property
    def base(self) -> Floats:
        return self.problem.anchor if self.comoving else np.zeros(self.problem.parameters)

    @cached_property
    def base_jacobian(self) -> Floats:
        return np.asarray(self.problem.row_net.jacobian(self.base, self.problem.inputs))

    @cached_property
    def decay(self) -> Floats:
        """Of each coordinate, `(P,)`."""
        if not self.comoving:
            return np.ones(self.problem.parameters)
        return np.asarray(self.problem.degree + self.lags, dtype=np.float64)

    def log_rho(self, decay_time: float) -> float:
        return self.regime.log_alpha - decay_time if self.comoving else 0.0

    def log_gain(self, decay_time: float) -> float:
        """G(s)."""
        resting = -self.regime.log_lambda - log(self.problem.samples)
        return resting + 2.0 * (self.problem.degree - 1) * self.log_rho(decay_time)

    def epsilon(self, decay_time: float) -> float:
        log_epsilon = -self.problem.degree * self.log_rho(decay_time)
        return exp(min(log_epsilon, LARGEST_EXPONENT)) if log_epsilon > LINEAR_BELOW else 0.0

    def weight(self, decay_time: float) -> Floats:
        """Of each coordinate in the outputs: rho^(-2 lag), `(P,)`."""
        return np.asarray(np.exp(-2.0 * self.lags * self.log_rho(decay_time)))

    def linearize(self, decay_time: float, coordinates: Floats) -> tuple[Floats, Floats]:
        """The rows `(n,)`, and their gradients by effective parameters `(n, P)`."""
        net, inputs = self.problem.row_net, self.problem.inputs
        epsilon, moved = self.epsilon(decay_time), self.weight(decay_time) * coordinates
        if epsilon == 0.0:
            return self.base_jacobian @ moved, self.base_jacobian
        step = epsilon * moved
        rows = net.increment(self.base, step, inputs) / epsilon
        return np.asarray(rows), np.asarray(net.jacobian(self.base + step, inputs))

    def rhs(self, clock: float, coordinates: Floats) -> Floats:
        """dy/dtau."""
        decay_time, rate = decay_time_at(clock), log_rate(clock)
        rows, gradients = self.linearize(decay_time, coordinates)
        log_gain = rate + self.log_gain(decay_time)
        force = self.problem.loss_function.force(log_gain, rows, self.problem.row_labels)
        return np.asarray(force @ gradients - exp(rate) * self.decay * coordinates)

    def jacobian(self, clock: float, coordinates: Floats) -> Floats:
        """d(dy/dtau)/dy, shape `(P, P)`."""
        decay_time, rate = decay_time_at(clock), log_rate(clock)
        problem, loss, labels = self.problem, self.problem.loss_function, self.problem.row_labels
        rows, gradients = self.linearize(decay_time, coordinates)
        log_gain = rate + self.log_gain(decay_time)
        matrix = -gradients.T @ loss.curved(log_gain, rows, labels, gradients)
        epsilon, weight = self.epsilon(decay_time), self.weight(decay_time)
        if epsilon > 0.0:
            point, force = self.base + epsilon * weight * coordinates, loss.force
            pulls = force(log_gain, rows, labels)
            bent = problem.row_net.weighted_hessian(point, problem.inputs, pulls)
            matrix = matrix + epsilon * bent
        matrix = matrix * weight
        matrix[np.diag_indices_from(matrix)] -= exp(rate) * self.decay
        return np.asarray(matrix)


@dataclass(frozen=True, eq=False)
class BiasedState:
    """One moment of the flow."""

    chart: BiasedChart
    decay_time: float
    coordinates: Floats

    @cached_property
    def rows(self) -> Floats:
        """Outputs at the samples, or margins of several classes."""
        return np.asarray(self.chart.linearize(self.decay_time, self.coordinates)[0])

    @property
    def margins(self) -> Floats:
        """As those of `theory.flow.FlowState`, shape `(n,)`."""
        return np.asarray(self.chart.problem.row_labels * self.rows)

    def learned(self, lag: int) -> Floats:
        """rho^lag eta of the parameters of that lag, in the kernel phase; weights have lag 0."""
        if not self.chart.comoving:
            raise InvalidInput("the state lies after the kernel phase, where nothing is linear")
        return np.asarray(self.coordinates[self.chart.lags == lag])

    @cached_property
    def theta(self) -> Floats:
        """theta, shape `(P,)`."""
        chart, s = self.chart, self.decay_time
        step = chart.epsilon(s) * chart.weight(s) * self.coordinates
        # a bias is rho^lag times what it amounts to beside weights at rho = 1
        powers = np.exp((1.0 + chart.lags) * chart.log_rho(s))
        return np.asarray(powers * (chart.base + step))

    def part(self, lag: int) -> Floats:
        """f_D of the samples' rows, D = L - lag, linear in the biases of that lag; `(n,)`."""
        if lag < 1:
            raise InvalidInput(f"lag is {lag}; parts of a lower degree have at least 1")
        problem, lags = self.chart.problem, self.chart.lags
        weights, biases = np.where(lags == 0, self.theta, 0.0), np.where(lags == lag, self.theta, 0)
        return np.asarray(problem.row_net.increment(weights, biases, problem.inputs))


def biased_flow(
    problem: Problem,
    regime: Regime,
    at: Sequence[float],
    *,
    rtol: float = 1e-11,
    method: str | None = None,
) -> tuple[BiasedState, ...]:
    """The flow at times > 0 in units of t_g, ascending.

    Args:
        problem: of a `BiasedNet`, whose biases start at zero; see `with_biases`.
        method: as `theory.integrate.integrate`.

    Raises:
        InvalidInput: for bad times or tolerances, a net without biases, the squared loss.
        AssumptionError: the anchor has biases, or outputs at the samples.
        IntegrationFailed: no method finished within its budget.
    """
    requested = requested_times(at)
    check_rtol(rtol)
    if not requested.min() > 0.0 or np.any(np.diff(requested) < 0.0):
        raise InvalidInput(f"at is {list(at)}; times are ascending multiples > 0 of t_g")
    if not problem.loss_function.classifies:
        raise InvalidInput(f"loss is {problem.loss!r}; biases are flown for classification")
    chart = BiasedChart(problem, regime, comoving=True)
    _check_anchor(chart)
    rtol, atol = tolerances(chart.log_gain(0.0), rtol)
    clocks = [clock_of(t * regime.log_alpha) for t in requested]
    first = first_clock(chart.log_gain(0.0), stiffness(chart.base_jacobian))
    start = min(first, clocks[0] - 1.0)
    zero = np.zeros(problem.rows)
    force = problem.loss_function.force(start + chart.log_gain(0.0), zero, problem.row_labels)
    coordinates = np.asarray(force @ chart.base_jacobian)
    turn = max(regime.log_alpha - RICH_BELOW / problem.degree, 0.5 * regime.log_alpha)
    states: list[BiasedState] = []
    for comoving, stop in ((True, min(clock_of(turn), clocks[-1])), (False, clocks[-1])):
        if not comoving:
            coordinates = BiasedState(chart, decay_time_at(start), coordinates).theta
            chart = replace(chart, comoving=False)
            atol *= min(1.0, float(np.abs(coordinates).max()))
        due = [clock for clock in clocks[len(states) :] if clock <= stop]
        fastest = compiled_chart(chart) or chart
        found = integrate(
            fastest.rhs,
            fastest.jacobian,
            start,
            stop,
            coordinates,
            due,
            rtol=rtol,
            atol=atol,
            method=method,
        )
        for clock, row in zip(due, found.states, strict=True):
            states.append(BiasedState(chart, decay_time_at(clock), row))
        start, coordinates = stop, found.final
        if len(states) == len(clocks):
            break
    return tuple(states)


def _check_anchor(chart: BiasedChart) -> None:
    problem = chart.problem
    if not hasattr(problem.net, "lags"):
        raise InvalidInput(f"net is {problem.net}; it has no biases, use gradient_flow")
    if problem.anchor[chart.lags > 0].any():
        raise AssumptionError("zero output", "biases of a lower degree must start at zero")
    outputs = problem.row_net.outputs(problem.anchor, problem.inputs)
    sizes = np.linalg.norm(chart.base_jacobian, axis=1) * problem.anchor_norm
    if np.any(np.abs(outputs) > 1e-6 * sizes):
        raise AssumptionError("zero output", "the anchor has an output at one of the samples")
