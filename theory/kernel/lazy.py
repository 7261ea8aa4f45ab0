"""The lazy (dual) flow: the gradient flow of the model linearised at its anchor.

In co-moving coordinates eta = Phi^T a it closes on the n dual variables, one for each margin,

    da/ds = exp(E0 - 2 (L-1) s) * r(K a) - L a,      E0 = 2 (L-1) log alpha - log lambda - log n,

and differs from the full flow by a power of alpha only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log
from typing import NamedTuple

import numpy as np

from theory.backend import Floats
from theory.clock import clock_of, first_clock
from theory.compiled import compiled, inlined
from theory.compiled_clock import decay_time_at, log_rate
from theory.compiled_losses import code_of, coupled, curve, forces
from theory.errors import InvalidInput
from theory.integrate import integrate
from theory.kernel.ntk import gram, unit_features
from theory.problem import Problem, Regime, check_flow_of
from theory.requests import check_rtol, requested_times
from theory.units import scaled


@dataclass(frozen=True, eq=False)
class LazyFlow:
    """The lazy flow at the requested times.

    Attributes:
        at: times in units of t_g, shape `(T,)`.
        dual: a, shape `(T, n)`, with n (K - 1) for n where there are K classes.
        margins: K a, likewise.
        displacement: eta = Phi^T a, shape `(T, P)`.
    """

    at: Floats
    dual: Floats
    margins: Floats
    displacement: Floats
    evaluations: int


def initial_log_gain(problem: Problem, regime: Regime) -> float:
    """E0 = 2 (L-1) log alpha - log lambda - log n, the log of the force's gain at s = 0."""
    return 2.0 * (problem.degree - 1) * regime.log_alpha - regime.log_lambda - log(problem.samples)


def tolerances(log_gain: float, rtol: float) -> tuple[float, float]:
    """(rtol, atol) raised to the noise that exponents of size E0 carry in float64."""
    scale = abs(log_gain) + 10.0
    return max(rtol, 100 * np.finfo(float).eps * scale), max(1e-3 * rtol, 2e-15 * scale)


def lazy_flow(
    problem: Problem,
    regime: Regime,
    at: Sequence[float],
    *,
    rtol: float = 1e-11,
    method: str | None = None,
) -> LazyFlow:
    """Integrate the lazy dual flow; `at` are times in units of t_g, each > 0.

    Raises:
        InvalidInput: for the squared loss (its kernel machine has a closed form), times <= 0, or an
            rtol outside [1e-13, 1e-2].
        IntegrationFailed: as `theory.integrate.integrate`.
    """
    check_flow_of(problem, regime)
    check_rtol(rtol)
    loss = problem.loss_function
    if not loss.classifies:
        raise InvalidInput("loss is 'squared'; the lazy flow is written for classification")
    requested = requested_times(at)
    if requested.min() <= 0:
        raise InvalidInput(f"at is {list(at)}; times are finite multiples > 0 of t_g")
    units = problem.units
    features = unit_features(problem)
    kernel = gram(features)
    gain = initial_log_gain(problem, regime) + units.kernel_exponent * log(2.0)
    drift = 2.0 * (problem.degree - 1)
    degree = float(problem.degree)
    system = _Equations(kernel, degree, gain, drift, code_of(loss), coupled(loss))

    def rhs(clock: float, dual: Floats) -> Floats:
        return _slope(system, clock, dual)

    def jacobian(clock: float, dual: Floats) -> Floats:
        return _slope_derivative(system, clock, dual)

    clocks = np.array([clock_of(t * regime.log_alpha) for t in requested])
    start = min(first_clock(gain, float(np.abs(kernel).max())), clocks.min() - 1.0)
    ones = np.ones(problem.rows)
    initial = loss.force(start + gain, 0.0 * ones, ones)
    order = np.argsort(clocks)
    rtol, atol = tolerances(gain, rtol)
    solution = integrate(
        rhs,
        jacobian,
        start,
        float(clocks.max()),
        initial,
        clocks[order].tolist(),
        rtol=rtol,
        atol=atol,
        method=method,
    )
    dual = np.empty((len(requested), problem.rows))
    dual[order] = solution.states
    return LazyFlow(
        at=requested,
        dual=scaled(dual, -units.kernel_exponent),
        margins=dual @ kernel,
        displacement=units.displacement(dual @ features),
        evaluations=solution.evaluations,
    )


class _Equations(NamedTuple):
    """What the right-hand side is made of."""

    kernel: Floats
    degree: float
    gain: float
    drift: float
    loss: int
    others: int


@inlined
def _log_gain(system: _Equations, clock: float) -> float:
    return log_rate(clock) + system.gain - system.drift * decay_time_at(clock)


@compiled
def _slope(system: _Equations, clock: float, dual: Floats) -> Floats:
    margins, pulls = system.kernel @ dual, np.empty(dual.size)
    ones = np.ones(dual.size)
    forces(system.loss, system.others, _log_gain(system, clock), margins, ones, pulls)
    return pulls - system.degree * exp(log_rate(clock)) * dual


@compiled
def _slope_derivative(system: _Equations, clock: float, dual: Floats) -> Floats:
    kernel, ones = system.kernel, np.ones(dual.size)
    margins, matrix = kernel @ dual, np.empty_like(kernel)
    log_gain, pulls = _log_gain(system, clock), np.empty(dual.size)
    curve(system.loss, system.others, log_gain, margins, ones, kernel, pulls, matrix)
    decay = system.degree * exp(log_rate(clock))
    for i in range(dual.size):
        matrix[i, i] -= decay
    return matrix
