"""The slow manifold of the squared loss, on which f = y up to a multiple of e^-G.

With gain e^G the residual is y - f = e^-G m, which float64 resolves to five digits or less once
e^G > 1e5. There the multipliers m follow from f' = -L f + J J^T m (Euler's identity, in either
chart) and f = y - e^-G m:

    (J J^T + (L + drift) e^-G) m = L y - e^-G m',        drift = -G'.

Without m' this is m to first order in e^-G / k, with k the smallest eigenvalue of J J^T; m' from
that makes it second order. A restoring term keeps f near the manifold, and what is read is moved
onto it. Where every theta obeys the same linear relations between outputs, as of duplicated inputs,
J J^T is inverted on its range.
"""

from dataclasses import dataclass
from functools import cached_property
from math import exp, inf, log

import numpy as np

from theory.assumptions import check_realizability
from theory.backend import Floats
from theory.clock import clock_of, decay_time_at, log_rate
from theory.errors import NumericalFailure
from theory.flow.chart import Chart
from theory.kernel.ntk import feature_rank
from theory.problem import Problem

_STIFF_ABOVE = log(1e5)
_RELAXED = 50.0
"""e-folds after which the slowest mode of the initial fit is below rounding."""

DIFFERENCE = 1e-6
"""Step in s of the one-sided difference for m'; its error, relative to m', is as large."""

FLOOR = 1e-12
TINY = float(np.finfo(float).tiny)
"""Trial steps of an integrator may leave the manifold, and lose rank: singular values below
`FLOOR` of the largest are taken for that."""

_PROBE_SEED = 0


@dataclass(frozen=True, eq=False)
class SlowManifold:
    """Right-hand side and Jacobian of the reduced flow, in the coordinates of `chart`.

    Its error is of order (e^-G / k)^2 when `refined`, and e^-G / k otherwise.
    """

    chart: Chart
    refined: bool = True

    @cached_property
    def rank(self) -> int:
        """The rank of the gradients, at the anchor and along the flow."""
        problem = self.chart.problem
        return feature_rank(problem.unit_gradients)

    def pull(self, decay_time: float, coordinates: Floats) -> Floats:
        """sum_i m_i grad f_i(z), shape `(P,)`."""
        spectrum, gradients, multipliers, astray = self._found(decay_time, coordinates)
        restoring = spectrum.solve(self.chart.problem.degree * astray)
        return np.asarray((multipliers + restoring) @ gradients)

    def settled(self, decay_time: float, coordinates: Floats) -> Floats:
        """The point of the manifold beside `coordinates`, along the gradients, shape `(P,)`.

        A flow lags behind its manifold by a share e^-G / k of its misfit, of first order, where the
        multipliers change fast: it is restored at the rate 2 L only.
        """
        spectrum, gradients, _, astray = self._found(decay_time, coordinates)
        return np.asarray(coordinates + spectrum.solve(astray) @ gradients)

    def _found(
        self, decay_time: float, coordinates: Floats
    ) -> tuple["_Spectrum", Floats, Floats, Floats]:
        """J J^T, J, m, and by how much f is off y - e^-G m, at a point near the manifold."""
        softness = exp(-self.chart.log_gain(decay_time))
        outputs, gradients = self.chart.linearize(decay_time, coordinates)
        spectrum = _Spectrum.of(gradients, self.rank)
        multipliers = self._resting(spectrum, softness)
        if self.refined:
            velocity = multipliers @ gradients - self.chart.decay * coordinates
            later = decay_time + DIFFERENCE, coordinates + DIFFERENCE * velocity
            moved = _Spectrum.of(self.chart.linearize(*later)[1], self.rank)
            change = self._resting(moved, exp(-self.chart.log_gain(later[0]))) - multipliers
            multipliers = multipliers - spectrum.solve(softness / DIFFERENCE * change)
        astray = self.chart.labels - softness * multipliers - outputs
        return spectrum, gradients, multipliers, astray

    def _resting(self, spectrum: "_Spectrum", softness: float) -> Floats:
        """m to first order, shape `(n,)`."""
        degree = self.chart.problem.degree
        ridge = (degree + self.chart.drift) * softness
        return spectrum.solve(degree * self.chart.labels, ridge)

    def rhs(self, clock: float, coordinates: Floats) -> Floats:
        """dy/dtau."""
        pull = self.pull(decay_time_at(clock), coordinates)
        return np.asarray(exp(log_rate(clock)) * (pull - self.chart.decay * coordinates))

    jacobian = low_rank = None
    """The reduced flow is not stiff; the integrator differences it."""


@dataclass(frozen=True, eq=False)
class _Spectrum:
    """The nonzero eigenvalues `(r,)` of J J^T and their eigenvectors, the columns of `(n, r)`."""

    eigenvalues: Floats
    vectors: Floats

    @classmethod
    def of(cls, gradients: Floats, rank: int) -> "_Spectrum":
        vectors, values, _ = np.linalg.svd(gradients, full_matrices=False)
        floored = np.maximum(values[:rank], FLOOR * values[0] + TINY)
        return cls(floored**2, vectors[:, :rank])

    def solve(self, target: Floats, ridge: float = 0.0) -> Floats:
        """(J J^T + ridge)^-1 target on the range of J J^T, shape `(n,)`."""
        return np.asarray(self.vectors @ ((self.vectors.T @ target) / (self.eigenvalues + ridge)))


def slow_clocks(chart: Chart, start: float) -> tuple[float, float]:
    """The clocks tau between which a flow is on its slow manifold; infinite where it never is.

    From when the squared loss has relaxed until the gain of the co-moving `chart`, times the
    geometric mean of the kernel's eigenvalues at the anchor, falls below 1e5; for good, where the
    gain of the rich chart is above.

    Raises:
        AssumptionError: the linearised model cannot interpolate the targets ("realizability").
        NumericalFailure: it can, but only away from the anchor do the gradients have full rank.
    """
    problem, regime = chart.problem, chart.regime
    if problem.loss_function.classifies:
        return inf, inf
    rank = feature_rank(chart.base_jacobian)
    if rank == 0:
        return inf, inf
    log_values = np.log(np.linalg.svd(chart.base_jacobian, compute_uv=False)[:rank])
    log_rates = chart.log_gain(0.0) + 2.0 * log_values
    surplus = float(log_rates.mean()) - _STIFF_ABOVE
    rests = rests_slowly(Chart(problem, regime, comoving=False))
    stiff_until = inf if rests else surplus / chart.drift
    if stiff_until <= 0.0:
        return inf, inf
    check_realizability(problem)
    _check_rank(problem)
    relaxed = log(_RELAXED) - float(log_rates.min())
    clocks = max(start + 1.0, relaxed), clock_of(stiff_until)
    return clocks if clocks[0] < clocks[1] else (inf, inf)


def rests_slowly(chart: Chart) -> bool:
    """Whether a flow of the squared loss is on its slow manifold for good, in a rich chart."""
    return not chart.comoving and chart.log_gain(0.0) >= _STIFF_ABOVE


def _check_rank(problem: Problem) -> None:
    """Linear relations between the gradients at the anchor hold at every theta."""
    at_anchor = problem.unit_gradients
    rank = feature_rank(at_anchor)
    elsewhere = np.random.default_rng(_PROBE_SEED).standard_normal(problem.parameters)
    both = np.hstack([at_anchor, problem.net.jacobian(elsewhere, problem.inputs)])
    if feature_rank(both) > rank:
        raise NumericalFailure(
            f"the kernel at the anchor is singular, of rank {rank} for {problem.samples} samples, "
            "and elsewhere it is not: the modes that it lacks relax on another time scale, which "
            "the slow manifold of the squared loss ignores"
        )
