"""What is measured of the late phase of the squared loss: windows after t_g, and the misfit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import exp, inf, log

import numpy as np
from scipy.integrate import simpson

from theory.backend import Floats
from theory.flow import FlowState, gradient_flow
from theory.flow.manifold import rests_slowly
from theory.kernel.ntk import feature_rank
from theory.kernel.regression import KernelRegression, kernel_regression, transition_decay_time
from theory.margin.min_norm import MinNormResidual, energy_bound, min_norm_residual
from theory.problem import Problem, Regime
from verify.claims.early_late.kernel_machines import probe_inputs
from verify.claims.early_late.windows import (
    RESTING,
    Span,
    Window,
    smallest_stationarity,
    windows,
)
from verify.instances import FlowInstance
from verify.language import Quantity

POINTS = 17
LADDER_STEPS = (1.0, 2.0)
"""Rungs in log alpha, relative to the instance's own."""

RTOL = 1e-9

KNOWN = 10.0 * RTOL
"""To which residuals are known, absolutely; two integrations of one route agree by less."""

MISFIT_SCALE = 6.0
MISFIT_REGIMES = tuple(
    Regime(log10_alpha=MISFIT_SCALE, log10_lambda=value) for value in (-2.5, -3.0, -3.5, -4.5)
)
"""Where n lambda |m| stays far above the integrator's error; counted as the problem does."""

SOFT = 0.3
"""n lambda over the smallest eigenvalue of the kernel at most, at the largest lambda. Beyond, a
mode is not at rest: its misfit is not n lambda m."""

LOWERED = (0.0, 0.5, 1.0, 1.5)
"""Powers of ten by which all of them are lowered until the largest is soft. At 10^-6.5 the misfit
was off by 7 times what is told of it."""

EFOLDS = log(100.0)
"""Times c, after t_g: from a flow at rest the misfit is n lambda m exactly, and nothing falls."""

SAME_POINT = 1.5
"""By which factor softness over lambda may change where lambda was lowered. On two instances of 960
the misfit did not approach at order 1, and it changed by 2.7 and 5.4; on 71 of 86 by less."""

SOFT_RTOL = 1e-6
"""Of the flow whose kernel decides how small lambda has to be."""

MISFIT_RTOL = 1e-11
OUTPUTS = 2e-13
"""To what f near y is known, relative to y, at rtol 10^-11: by two integrators it differs by up to
3 10^-13, as collocation knows slopes, and the misfit with them, to rtol^0.6 only; two tolerances of
one integrator may by chance differ by less."""

SLOPES = 1e-8
"""The same of the misfit, relative to itself: at rtol 10^-9 to 10^-12 it was off by 0.1 to 0.8 of
that, whatever the tolerance, on a net of degree 4."""


@dataclass(frozen=True, eq=False)
class MinNormRung:
    """A window of the flow, and what is read from it."""

    window: Window
    regression: KernelRegression

    @property
    def efolds(self) -> float:
        """T = (1+c) log alpha - s*, s* = log alpha - (1/L) log(|h| / |anchor|), at least 1."""
        instance = self.window.instance
        end = (1.0 + instance.c) * instance.own.log_alpha
        return max(end - transition_decay_time(self.regression, instance.regime), 1.0)

    @cached_property
    def smallest(self) -> Quantity:
        """The smallest stationarity."""
        return self.window.read(smallest_stationarity).no_finer(KNOWN)

    @cached_property
    def shares(self) -> Quantity:
        """Smallest stationarities over the energy's bound on them: of the window, its quarters."""
        found = self.window.shares(energy_bound)
        return found.no_finer(KNOWN / RESTING)

    @cached_property
    def last(self) -> Quantity:
        """The stationarity at the end."""
        return self.window.read_last(lambda state: state.stationarity).no_finer(KNOWN)

    @cached_property
    def best(self) -> Quantity:
        """The residual at the end by the best multipliers, less the flow's."""
        found = self.window.read_last(lambda s: _residual(s).stationarity - s.stationarity)
        return found.no_finer(KNOWN)

    @cached_property
    def one_sided(self) -> Quantity:
        """The same by the best multipliers with y_i m_i >= 0."""
        found = self.window.read_last(lambda s: _residual(s).one_sided - s.stationarity)
        return found.no_finer(KNOWN)

    @cached_property
    def off_its_kernel(self) -> Quantity:
        """f on probes less regression with its own kernel, over what stationarity allows."""
        found = self.window.read_last(lambda state: _off_kernel(state, state.direction))
        return found.no_finer(KNOWN / RESTING)

    @cached_property
    def off_the_kernel(self) -> Quantity:
        """The same with the kernel at the anchor."""
        return self.window.read_last(lambda state: _off_kernel(state, state.problem.anchor))


def _residual(state: FlowState) -> MinNormResidual:
    return min_norm_residual(state.problem, state.direction)


def _off_kernel(state: FlowState, point: Floats) -> float:
    """|f - K(., X) K^-1 f(X)| on probes, over |F (I - P)| |(I - P) theta| / L at theta.

    L f = <grad f, theta> and theta = P theta + (I - P) theta, where P theta = J^T K^-1 L f(X).
    """
    problem, net = state.problem, state.problem.net
    probes = probe_inputs(problem)
    trained = net.jacobian(point, problem.inputs)
    weights = np.linalg.lstsq(trained, state.outputs(problem.inputs), rcond=1e-10)[0]
    gap = np.linalg.norm(state.outputs(probes) - net.jacobian(point, probes) @ weights)
    own = net.jacobian(state.direction, problem.inputs)
    probed = net.jacobian(state.direction, probes)
    across = probed - probed @ np.linalg.pinv(own, rcond=1e-10) @ own
    size = exp(problem.degree * state.log_norm) / problem.degree
    rest = np.linalg.norm(across, 2) * state.stationarity + RESTING * np.linalg.norm(probed, 2)
    return float(gap / (size * rest))


@dataclass(frozen=True, eq=False)
class MinNormPhase:
    """Windows along a ladder of alphas, and flows at one alpha and several lambdas.

    Attributes:
        proposed: the windows of all theories, on the first rung.
        efold: the e-fold after t_g, or as much of it as the window has.
        regimes: alpha and lambda of the settled flows, as the problem counts them.
        settled: the flow c `EFOLDS` after t_g of each, by two tolerances.
    """

    instance: FlowInstance
    rungs: tuple[MinNormRung, ...]
    proposed: Mapping[Span, MinNormRung]
    efold: Window
    regimes: tuple[Regime, ...]
    settled: tuple[tuple[FlowState, FlowState], ...]

    @property
    def problem(self) -> Problem:
        return self.instance.problem

    def over(self, span: Span) -> tuple[MinNormRung, ...]:
        """The rungs, the first of them over the window that a theory speaks of."""
        return (self.proposed[span], *self.rungs[1:])

    @cached_property
    def balance(self) -> Quantity:
        """The energy bound of the e-fold over the root mean square of the speed in it."""
        found = self.efold.read(_balance)
        by_rule = abs(found.values[0] - found.values[1])
        return Quantity.of(found.values[:1], found.errors[:1] + by_rule)

    @cached_property
    def misfits(self) -> tuple[Quantity, ...]:
        """y - f of each settled flow, `(n,)`."""
        labels, inputs = self.problem.labels, self.problem.inputs
        least = OUTPUTS * np.abs(labels).max()
        found = []
        for (tight, loose), softness in zip(self.settled, self.softness, strict=True):
            misfit = Quantity.paired(lambda s: labels - s.outputs(inputs), tight, loose, 0.0)
            # two tolerances share what the slow manifold leaves out, which is of second order
            slow = (self.problem.degree * softness) ** 2 if rests_slowly(tight.chart) else 0.0
            shared = max(slow, SLOPES)
            found.append(misfit.no_finer(max(least, shared * np.abs(misfit.values).max())))
        return tuple(found)

    @property
    def decays(self) -> Floats:
        """lambda of each settled flow, as told, `(R,)`."""
        return np.exp([self.instance.in_own(own).regime.log_lambda for own in self.regimes])

    @cached_property
    def pulls(self) -> tuple[Floats, ...]:
        """lambda m, with the least-squares multipliers of each settled flow, `(n,)`."""
        return tuple(
            decay * min_norm_residual(self.problem, tight.theta).multipliers
            for decay, (tight, _) in zip(self.decays, self.settled, strict=True)
        )

    @cached_property
    def softness(self) -> Floats:
        """n lambda over the smallest eigenvalue of the kernel, of each settled flow, `(R,)`.

        Over it a mode comes to rest in so many times an e-fold: what is next to n lambda m.
        """
        pairs = zip(self.decays, self.settled, strict=True)
        return np.array([_softness(tight, decay) for decay, (tight, _) in pairs])

    @property
    def expected_lag(self) -> float:
        """The size, relative to n lambda m, of what is next to it at the largest lambda.

        It is n lambda K^-1 m', and K changes at the rate 2 (L - 1) |theta'| / |theta|, which is the
        stationarity; m' itself may cross zero.
        """
        rate = 2.0 * (self.problem.degree - 1) * self.settled[0][0].stationarity
        return float(rate * self.softness[0])

    @property
    def elsewhere(self) -> bool:
        """Whether lambda was lowered to where flows are not at one point.

        What is next to n lambda m is the softness times how fast m changes: at one point it falls
        like lambda.
        """
        if self.regimes == MISFIT_REGIMES:
            return False
        falls = self.softness[-1] / self.softness[0] * self.decays[0] / self.decays[-1]
        return not 1.0 / SAME_POINT < falls < SAME_POINT


def _softness(state: FlowState, decay: float) -> float:
    problem = state.problem
    last = feature_rank(problem.unit_gradients) - 1
    gradients = problem.net.jacobian(state.theta, problem.inputs)
    least = float(np.linalg.svd(gradients, compute_uv=False)[last])
    return problem.samples * decay / least**2 if least > 0.0 else inf


def _balance(states: Sequence[FlowState]) -> list[float]:
    """By Simpson's rule over equal steps; then by the same rule over twice the step.

    The bound is (E_1 - E_2) / (span min |theta|^2), squared, and exact for the mean of the speed.
    """
    logs = np.array([state.log_norm for state in states])
    residuals = np.array([state.stationarity for state in states])
    powers = np.exp(2.0 * (logs - logs.min())) * residuals**2
    span = states[-1].decay_time - states[0].decay_time
    means = (simpson(powers[::k], dx=k * span / (len(states) - 1)) / span for k in (1, 2))
    return [energy_bound(states) / float(np.sqrt(mean)) for mean in means]


def measure(
    instance: FlowInstance, *, method: str | None = None, decay: float = 1.0
) -> MinNormPhase:
    """Integrate windows and settled flows.

    Args:
        decay: the settled flows are at so many times the lambda that is told: a wrong world.
    """
    problem, c = instance.problem, instance.c
    regression = kernel_regression(problem)
    grids: dict[Span | None, Floats] = {
        span: np.linspace(*span.times(c, instance.own.decay_power), POINTS) for span in Span
    }
    short = np.linspace(1.0, 1.0 + min(c, 1.0 / instance.own.log_alpha), POINTS)
    first = windows(instance, {**grids, None: short}, rtol=RTOL, method=method)
    proposed = {span: MinNormRung(first[span], regression) for span in Span}
    rungs = [proposed[Span.AFTER]]
    for step in LADDER_STEPS[1:]:
        scaled = instance.at_own_alpha(step * instance.own.log10_alpha)
        own = windows(scaled, {Span.AFTER: grids[Span.AFTER]}, rtol=RTOL, method=method)
        rungs.append(MinNormRung(own[Span.AFTER], regression))
    regimes = _soft_regimes(instance, method)
    settled = tuple(_settled(instance.in_own(own), method, decay) for own in regimes)
    return MinNormPhase(instance, tuple(rungs), proposed, first[None], regimes, settled)


def _soft_regimes(instance: FlowInstance, method: str | None) -> tuple[Regime, ...]:
    """`MISFIT_REGIMES`, lowered until the first is soft; as they are where none is."""
    for lower in LOWERED:
        regimes = [replace(own, log10_lambda=own.log10_lambda - lower) for own in MISFIT_REGIMES]
        told = instance.in_own(regimes[0])
        state = _settled_state(told, method, 1.0, SOFT_RTOL)
        if _softness(state, exp(told.regime.log_lambda)) <= SOFT:
            return tuple(regimes)
    return MISFIT_REGIMES


def _settled(told: FlowInstance, method: str | None, decay: float) -> tuple[FlowState, FlowState]:
    # both of second order on the slow manifold: to first order the misfit is all error
    tolerances = MISFIT_RTOL, 100.0 * MISFIT_RTOL
    tight, loose = (_settled_state(told, method, decay, rtol) for rtol in tolerances)
    return tight, loose


def _settled_state(told: FlowInstance, method: str | None, decay: float, rtol: float) -> FlowState:
    regime = told.regime.with_decay(decay)
    at = told.told(1.0 + told.c * EFOLDS / told.own.log_alpha)
    flow = gradient_flow(
        told.problem, regime, at=[at], rtol=rtol, method=method, estimate_error=False
    )
    return flow.states[0]
