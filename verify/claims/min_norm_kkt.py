"""Theorem 2 for the squared loss: after t_g theta is a KKT point of minimum-norm interpolation.

As for classification, the form with some time of [t_g, (1+c) t_g] is asserted, against its energy
bound; the pointwise form for degree 2, where slow modes are all that can spoil it.
"""

from dataclasses import dataclass, replace
from math import e, exp, sqrt

import numpy as np

from theory.assumptions import check_assumptions
from theory.backend import Floats
from theory.errors import IntegratorsDisagree, NumericalFailure
from theory.flow import gradient_flow
from theory.kernel.regression import KernelRegression, kernel_regression, transition_decay_time
from theory.margin.min_norm import MinNormResidual, energy_bound, min_norm_residual
from theory.problem import Regime
from verify.claims.base import Assertions, Bound, Claim, Finding, Ladder, Rival
from verify.claims.fits import falls_like, log_slope, rate, slopes
from verify.claims.kernel_machines import probe_inputs
from verify.claims.windows import (
    GRID,
    Window,
    part_bounds,
    saddles_being_left,
    spans_to_judge,
)
from verify.instances import FlowInstance
from verify.registry import source_of
from verify.strategies.regression import min_norm_instances

WINDOW_POINTS = 17
LADDER_STEPS = (1.0, 2.0)
"""Rungs in log alpha, relative to the instance's own."""

RTOL = 1e-9
LOOSER_RTOL = 1e-7
MAX_ERROR = 1e-4
"""Residuals here are judged at the level of percents."""

ENERGY_CONSTANT = 1.0
"""C in min stationarity <= sqrt(C / T), T the e-folds of the window that follow the transition."""

LOG10_LAMBDAS = (-2.5, -3.5, -4.5)
"""Of the ladder for the misfit, at log10 alpha = `MISFIT_SCALE`: n lambda |m| stays above the
integrator's error."""

MISFIT_SCALE = 2.0
MISFIT_RTOL = 1e-8
MISFIT_ERROR = 1e-9
"""Of f, relative to y; at rtol 1e-9 the difference to rtol 1e-12 was below 2e-11, and 1e-8 is ten
times looser."""


@dataclass(frozen=True)
class Theory:
    """Theorem 2 for regression in constants.

    Attributes:
        window: "after" is [t_g, (1+c) t_g]; "before" [(1-c)/2 t_g, (1-c) t_g]; "half" and
            "inverse-decay" put log(alpha)/(2 lambda) and log(1/lambda)/lambda for t_g.
        one_sided: multipliers satisfy y_i m_i >= 0, as for max margin.
        still_kernel: f is still the kernel regression.
        misfit_order: f - y is of order lambda^misfit_order.
        misfit_samples_power: y - f = n^misfit_samples_power * lambda * m.
    """

    window: str = "after"
    one_sided: bool = False
    still_kernel: bool = False
    misfit_order: float = 1.0
    misfit_samples_power: float = 1.0


@dataclass(frozen=True, eq=False)
class MisfitRung:
    """y - f at the end of a window, and the least-squares multipliers m there, each `(n,)`."""

    regime: Regime
    misfit: Floats
    multipliers: Floats


@dataclass(frozen=True, eq=False)
class Measured:
    """Windows along a ladder of alphas, those that the rivals propose, and the misfit's ladder."""

    instance: FlowInstance
    regression: KernelRegression
    rungs: tuple[tuple[FlowInstance, Window], ...]
    proposed: dict[str, Window]
    residual: MinNormResidual
    misfits: tuple[MisfitRung, ...]


def measure(instance: FlowInstance) -> Measured:
    check_assumptions(instance.problem)
    regression = kernel_regression(instance.problem)
    spans = spans_to_judge(instance.c, instance.regime.decay_power)
    proposed = _windows(instance, spans)
    rungs = [(instance, proposed["after"])]
    for step in LADDER_STEPS[1:]:
        scaled = instance.at_alpha(step * instance.regime.log10_alpha)
        rungs.append((scaled, _windows(scaled, {"after": spans["after"]})["after"]))
    residual = min_norm_residual(instance.problem, rungs[-1][1].last.theta)
    return Measured(
        instance, regression, tuple(rungs), proposed, residual, _misfit_ladder(instance)
    )


def _windows(instance: FlowInstance, spans: dict[str, tuple[float, float]]) -> dict[str, Window]:
    """One flow, read over several windows of time (in units of t_g)."""
    problem, regime = instance.problem, instance.regime
    grids = {name: np.linspace(*span, WINDOW_POINTS) for name, span in spans.items()}
    times = np.unique(np.concatenate(list(grids.values())))
    flow = gradient_flow(problem, regime, at=times.tolist(), rtol=RTOL, estimate_error=False)
    ends = [span[1] for span in spans.values()]
    loose = gradient_flow(problem, regime, at=ends, rtol=LOOSER_RTOL, estimate_error=False)
    windows = {}
    for (name, grid), end in zip(grids.items(), loose.states, strict=True):
        states = tuple(flow.states[row] for row in np.searchsorted(times, grid))
        error = float(np.linalg.norm(states[-1].direction - end.direction))
        windows[name] = Window(states, error)
    if not windows["after"].error <= MAX_ERROR:
        raise IntegratorsDisagree(
            f"two tolerances differ by {windows['after'].error:.1e} at log10 alpha = "
            f"{regime.log10_alpha:g}"
        )
    return windows


def _misfit_ladder(instance: FlowInstance) -> tuple[MisfitRung, ...]:
    """Late flows at one alpha and several lambdas; empty where one of them does not finish."""
    problem, rungs = instance.problem, []
    for log10_lambda in LOG10_LAMBDAS:
        regime = Regime(log10_alpha=MISFIT_SCALE, log10_lambda=log10_lambda)
        try:
            flow = gradient_flow(
                problem, regime, at=[1.0 + instance.c], rtol=MISFIT_RTOL, estimate_error=False
            )
        except NumericalFailure:
            return ()
        state = flow.states[0]
        multipliers = min_norm_residual(problem, state.theta).multipliers
        misfit = problem.labels - state.outputs(problem.inputs)
        rungs.append(MisfitRung(regime, misfit, multipliers))
    return tuple(rungs)


def efolds(measured: Measured, instance: FlowInstance) -> float:
    """T = (1+c) log alpha - s*, with s* = log alpha - (1/L) log(|h| / |anchor|), at least 1."""
    end = (1.0 + instance.c) * instance.regime.log_alpha
    return max(end - transition_decay_time(measured.regression, instance.regime), 1.0)


def assertions(measured: Measured, theory: Theory) -> Assertions:
    bounds: list[Bound] = []
    for j, (instance, window) in enumerate(measured.rungs):
        proposed = measured.proposed[theory.window] if j == 0 else window
        bounds += _window_bounds(measured, instance, proposed)
    if theory.one_sided:
        # with multipliers of the right sign everywhere the two residuals are the same number
        value = measured.residual.one_sided - measured.residual.stationarity
        error = measured.rungs[-1][1].error
        bounds.append(Bound("cost of one-sided multipliers", value, 0.01, error))
    if theory.still_kernel:
        bounds.append(_kernel_shape(measured))
    misfit = _misfit_level(measured, theory)
    return Assertions((*bounds, *misfit.bounds), misfit.rates)


def _window_bounds(measured: Measured, instance: FlowInstance, window: Window) -> list[Bound]:
    scale = f"log10 alpha = {instance.regime.log10_alpha:g}"
    span, smallest = efolds(measured, instance), window.smallest_stationarity
    error = 10.0 * window.error + 1e-9
    bounds = [
        Bound(f"some time is stationary, {scale}", smallest, sqrt(ENERGY_CONSTANT / span), error),
        Bound(
            f"energy bound on the window, {scale}",
            smallest,
            GRID * energy_bound(window.states) + 2.0 * error,
            error,
        ),
        *part_bounds(window, energy_bound, scale, error),
    ]
    if instance.problem.degree == 2:
        limit = 2.0 / (e * span)
        name = f"stationary at (1+c) t_g, {scale}"
        bounds.append(Bound(name, window.last.stationarity, limit, error))
    return bounds


def _kernel_shape(measured: Measured) -> Bound:
    """Rival only: f on the probes is the kernel regression, to a tenth."""
    problem, state = measured.instance.problem, measured.rungs[-1][1].last
    probes = probe_inputs(problem)
    predicted = measured.regression.outputs(probes)
    gap = np.linalg.norm(state.outputs(probes) - predicted) / np.linalg.norm(predicted)
    return Bound("f on the probes against kernel regression", float(gap), 0.1, 1e-6)


def _misfit_level(measured: Measured, theory: Theory) -> Assertions:
    """y - f = n lambda m (1 + O(lambda)), at any late time."""
    rungs, problem = measured.misfits, measured.instance.problem
    if not rungs:
        return Assertions()
    factor = problem.samples**theory.misfit_samples_power
    sizes = [float(np.linalg.norm(rung.misfit)) for rung in rungs]
    error = MISFIT_ERROR * float(np.linalg.norm(problem.labels))
    predicted = [factor * exp(rung.regime.log_lambda) * rung.multipliers for rung in rungs]
    deviations = [
        float(np.linalg.norm(rung.misfit - p)) / float(np.linalg.norm(p))
        for rung, p in zip(rungs, predicted, strict=True)
    ]
    errors = [error / float(np.linalg.norm(p)) for p in predicted]
    logs = [rung.regime.log10_lambda for rung in rungs]
    lambdas = [exp(rung.regime.log_lambda) for rung in rungs]
    bounds = falls_like("deviation of the misfit from n lambda m", lambdas, deviations, errors, 1.0)
    fitted = log_slope(logs, sizes, [error] * len(rungs), agreement=0.2)
    rates = rate(
        "order of the misfit in lambda",
        theory.misfit_order,
        fitted,
        tolerance=0.02,
        method=slopes(len(rungs)),
    )
    return Assertions(bounds, rates)


def ladders(measured: Measured) -> tuple[Ladder, ...]:
    logs = tuple(instance.regime.log10_alpha for instance, _ in measured.rungs)
    windows = [window for _, window in measured.rungs]
    smallest = Ladder(
        "smallest residual over [t_g, (1+c) t_g]",
        "log10 alpha",
        logs,
        tuple(max(window.smallest_stationarity, 1e-16) for window in windows),
        tuple(max(energy_bound(window.states), 1e-16) for window in windows),
    )
    if not measured.misfits:
        return (smallest,)
    samples = measured.instance.problem.samples
    misfit = Ladder(
        "misfit after t_g",
        "log10 lambda",
        tuple(rung.regime.log10_lambda for rung in measured.misfits),
        tuple(float(np.linalg.norm(rung.misfit)) for rung in measured.misfits),
        tuple(
            samples * exp(rung.regime.log_lambda) * float(np.linalg.norm(rung.multipliers))
            for rung in measured.misfits
        ),
    )
    return smallest, misfit


def findings(measured: Measured) -> tuple[Finding, ...]:
    """Where the pointwise form fails."""
    return saddles_being_left(
        measured.rungs,
        "minimum norm: pointwise KKT fails at (1+c) t_g, a saddle is being left",
        "residual",
    )


_TRUE = Theory()

CLAIM = Claim(
    id="min-norm-kkt",
    title="With the squared loss, after t_g theta is a KKT point of minimum-norm interpolation",
    statement=(
        r"\min_{t \in [t_g, (1+c) t_g]} \frac{\|(I - P_J)\theta(t)\|}{\|\theta(t)\|}"
        r" = O\!\left(\frac{1}{\sqrt{c \log\alpha}}\right), \quad"
        r" y - f(\theta; X) = n \lambda m, \quad"
        r" \text{KKT of } \min \|\theta\|^2 \text{ s.t. } f(\theta; x_i) = y_i"
    ),
    source=source_of("min-norm-kkt"),
    assumptions=(
        "homogeneity",
        "smoothness",
        "zero output",
        "realizability",
        "lambda a power of alpha",
        "alpha large",
        "c > 0",
    ),
    instances=min_norm_instances,
    measure=measure,
    theory=_TRUE,
    assertions=assertions,
    rivals=(
        Rival("early", "KKT already at (1-c) t_g", replace(_TRUE, window="before")),
        Rival("half-time", "t_g = log(alpha) / (2 lambda)", replace(_TRUE, window="half")),
        Rival(
            "time-of-inverse-decay",
            "t_g = log(1/lambda) / lambda",
            replace(_TRUE, window="inverse-decay"),
        ),
        Rival(
            "max-margin",
            "multipliers with y_i m_i >= 0, as of y_i f_i >= y_i^2",
            replace(_TRUE, one_sided=True),
        ),
        Rival("still-kernel", "f is still kernel regression", replace(_TRUE, still_kernel=True)),
        Rival(
            "misfit-square-root",
            "f - y is of order sqrt(lambda)",
            replace(_TRUE, misfit_order=0.5),
        ),
        Rival("misfit-quadratic", "f - y is of order lambda^2", replace(_TRUE, misfit_order=2.0)),
        Rival(
            "misfit-without-samples",
            "y - f = lambda m, without n",
            replace(_TRUE, misfit_samples_power=0.0),
        ),
    ),
    tolerances=(
        "some time is stationary: sqrt(1 / T), the order of the energy bound, T the e-folds since "
        "s* = log alpha - (1/L) log(|h| / |anchor|)",
        "energy bound, on the window and on each of its quarters: exact, times 1.01 since the "
        "minimum is over 17 times of the window; energies are known to ten times the flow's error",
        "stationary at (1+c) t_g, degree 2 only: 2 / (e T), twice what a single slow mode "
        "kappa e^(-kappa T) can reach",
        "misfit: its deviation from n lambda m falls like lambda, with twice the first rung's "
        "constant; order in lambda 1 to 2 %, the share of the next order at lambda = 10^-3",
    ),
    ladders=ladders,
    findings=findings,
)
