"""Gradient descent approaches the flow at first order in the step, with a predicted constant.

What is proved for the flow is seen by descent up to h |v|: v solves the variational equation of
backward error analysis, so the constant is predicted from the flow alone. The finding says up to
which alpha a fixed step still shows the theorem.
"""

from dataclasses import dataclass, replace
from math import inf, isfinite, log2, log10

import numpy as np

from theory.assumptions import check_assumptions
from theory.backend import Floats
from theory.descent import Descent, FixedStep, Run, gradient_descent
from theory.descent.modified import sharpness_at_start, step_error
from theory.errors import IntegratorsDisagree, NumericalFailure
from theory.flow import gradient_flow
from theory.problem import Regime
from verify.claims.base import Assertions, Bound, Claim, Finding, Ladder, RateSample, Rival
from verify.claims.fits import falls_like, log_slope, rate, slopes
from verify.instances import FlowInstance
from verify.registry import source_of
from verify.strategies.descents import descent_instances, step_size
from verify.strategies.tasks import problems

HALVINGS = 3
"""Steps h, h/2, h/4, h/8."""

RTOL = 1e-11
MAX_ERROR = 1e-6
"""Of the flow; the finest descent differs from it by 1e-4 and more."""

STIFFNESSES = (4.0, 32.0, 256.0, 2048.0)
"""Step times sharpness at the start, raised by alpha at the coarsest step, for the finding."""

VISIBLE = 0.1
"""Margins further from the flow's, relatively, do not show what is proved for the flow."""

REFERENCES = ("flow", "double decay", "no decay", "other loss", "sum of losses")


@dataclass(frozen=True)
class Theory:
    """theta_h(t) = reference(t) + constant * h^order * v(t) + O(h^(order + 1)).

    Attributes:
        order: the order in the step.
        extrapolated: the order of 2 theta_(h/2) - theta_h.
        constant: multiplies the v of the modified loss E + (h/4) |grad E|^2.
        reference: which flow descent approaches, one of `REFERENCES`.
    """

    order: float = 1.0
    extrapolated: float = 2.0
    constant: float = 1.0
    reference: str = "flow"


@dataclass(frozen=True, eq=False)
class Visibility:
    """Descent with one fixed step at a larger alpha.

    Attributes:
        stiffness: step times sharpness at the start.
        early, late: relative distance of the margins from the flow's at (1-c) t_g and (1+c) t_g;
            infinite where descent diverged.
    """

    log10_alpha: float
    stiffness: float
    early: float
    late: float


@dataclass(frozen=True, eq=False)
class Measured:
    """Descents along the ladder of steps, and the flows that they might approach.

    Attributes:
        steps: h of each rung, shape `(R,)`.
        descent: at (1-c) t_g and (1+c) t_g, arrays `(R, 2, ...)`.
        slope: v at these times, shape `(2, P)`.
        flows: theta `(2, P)` and margins `(2, n)` of each reference.
        error: relative error of the flow.
    """

    instance: FlowInstance
    steps: Floats
    descent: Descent
    slope: Floats
    flows: dict[str, tuple[Floats, Floats]]
    error: float
    visibility: tuple[Visibility, ...]


def measure(instance: FlowInstance) -> Measured:
    problem, regime = instance.problem, instance.regime
    check_assumptions(problem)
    at = _times(instance)
    flow = gradient_flow(problem, regime, at=at, rtol=RTOL)
    error = float(np.max(flow.error_estimate))
    if not error <= MAX_ERROR:
        raise IntegratorsDisagree(f"two tolerances differ by {error:.1e}")
    steps = np.array([step_size(regime) / 2**k for k in range(HALVINGS + 1)])
    runs = [Run.of(problem, regime, FixedStep(float(step))) for step in steps]
    return Measured(
        instance,
        steps,
        gradient_descent(problem, runs, at=at),
        step_error(problem, regime, at).slope,
        {"flow": (flow.theta, flow.margins), **_wrong_flows(instance)},
        error,
        _visibility(instance),
    )


def _times(instance: FlowInstance) -> list[float]:
    """In units of t_g, on the grid of the coarsest step."""
    return [round(1.0 - instance.c, 2), round(1.0 + instance.c, 2)]


def _wrong_flows(instance: FlowInstance) -> dict[str, tuple[Floats, Floats]]:
    """The flows of the rivals at the same times t; left out where they cannot be computed."""
    problem, regime = instance.problem, instance.regime
    other = "logistic" if problem.loss == "exponential" else "exponential"
    swapped = replace(problem, loss=other)
    # a sum over n samples is the mean with lambda / n, its time counted n times as fast: the decay
    # time lambda t stays
    variants = {
        "double decay": (problem, 2.0, 2.0),
        "no decay": (problem, 1e-6, 1e-6),
        "other loss": (swapped, 1.0, 1.0),
        "sum of losses": (problem, 1.0 / problem.samples, 1.0),
    }
    flows = {}
    for name, (changed, factor, stretch) in variants.items():
        decay = Regime(
            log10_alpha=regime.log10_alpha, log10_lambda=regime.log10_lambda + log10(factor)
        )
        at = [stretch * time for time in _times(instance)]
        try:
            flow = gradient_flow(changed, decay, at=at, rtol=1e-8, estimate_error=False)
        except NumericalFailure:
            continue
        flows[name] = (flow.theta, flow.margins)
    return flows


def _visibility(instance: FlowInstance) -> tuple[Visibility, ...]:
    """The coarsest step, kept while alpha grows; it ends where descent diverges."""
    problem, regime, at = instance.problem, instance.regime, _times(instance)
    step = step_size(regime)
    own = step * sharpness_at_start(problem, regime)
    seen: list[Visibility] = []
    for stiffness in STIFFNESSES:
        # the sharpness grows like alpha^(2 (L-1))
        growth = log10(stiffness / own) / (2.0 * (problem.degree - 1.0))
        scaled = Regime(log10_alpha=regime.log10_alpha + growth, log10_lambda=regime.log10_lambda)
        reached = step * sharpness_at_start(problem, scaled)
        try:
            flow = gradient_flow(problem, scaled, at=at, rtol=1e-7, estimate_error=False)
        except NumericalFailure:
            break
        try:
            run = Run.of(problem, scaled, FixedStep(step))
            descent = gradient_descent(problem, [run], at=at)
        except NumericalFailure:
            seen.append(Visibility(scaled.log10_alpha, reached, inf, inf))
            break
        gaps = _relative(descent.margins[0] - flow.margins, flow.margins)
        seen.append(Visibility(scaled.log10_alpha, reached, float(gaps[0]), float(gaps[1])))
        if gaps[0] > VISIBLE:
            break
    return tuple(seen)


def _relative(difference: Floats, whole: Floats) -> Floats:
    """Norms over the last axis."""
    return np.asarray(np.linalg.norm(difference, axis=-1) / np.linalg.norm(whole, axis=-1))


def assertions(measured: Measured, theory: Theory) -> Assertions:
    if theory.reference not in measured.flows:
        return Assertions()
    theta, margins = measured.flows[theory.reference]
    descent, steps = measured.descent, measured.steps
    relative_steps = (steps / steps[0]).tolist()
    logs = [log10(step) for step in relative_steps]
    gaps = descent.theta - theta
    norms = np.linalg.norm(theta, axis=-1)
    errors = _relative(gaps, theta)
    outputs = _relative(descent.margins - margins, margins)
    extrapolated = _relative(2.0 * descent.theta[1:] - descent.theta[:-1] - theta, theta)
    bounds: list[Bound] = []
    rates: list[RateSample] = []
    for k, moment in enumerate(("(1-c) t_g", "(1+c) t_g")):
        predicted = theory.constant * steps[:, None] ** theory.order * measured.slope[k]
        scale = steps**theory.order * float(np.linalg.norm(measured.slope[k]))
        deviations = np.linalg.norm(gaps[:, k] - predicted, axis=-1) / scale
        noise = measured.error * norms[k] / scale
        flow_error = [measured.error] * len(steps)
        bounds += falls_like(
            f"theta, {moment}", relative_steps, errors[:, k].tolist(), flow_error, theory.order, 1.5
        )
        bounds += [
            Bound(
                f"error less its leading term, over that term, {moment}, rung {j}",
                float(deviations[j]),
                0.5 * float(relative_steps[j]) + 3.0 * float(noise[j]),
                float(noise[j]),
            )
            for j in range(len(steps))
        ]
        rates += rate(
            f"order of theta's error in the step, {moment}",
            theory.order,
            log_slope(logs, errors[:, k].tolist(), flow_error, agreement=0.5),
            tolerance=0.05,
            method=slopes(len(steps)),
        )
        rates += rate(
            f"order of the margins' error in the step, {moment}",
            theory.order,
            log_slope(logs, outputs[:, k].tolist(), flow_error, agreement=0.5),
            tolerance=0.05,
            method=slopes(len(steps)),
        )
        rates += rate(
            f"order after one extrapolation, {moment}",
            theory.extrapolated,
            log_slope(logs[1:], extrapolated[:, k].tolist(), flow_error[1:], agreement=0.5),
            tolerance=0.15,
            method=slopes(len(steps) - 1),
        )
    return Assertions(tuple(bounds), tuple(rates))


def ladders(measured: Measured) -> tuple[Ladder, ...]:
    theta, _ = measured.flows["flow"]
    errors = _relative(measured.descent.theta - theta, theta)
    leading = _relative(measured.slope, theta)
    unit = step_size(measured.instance.regime, per_unit=1)
    return tuple(
        Ladder(
            f"relative error of theta at {moment}",
            "log2 of steps per t_g",
            tuple(log2(unit / step) for step in measured.steps),
            tuple(errors[:, k].tolist()),
            tuple((measured.steps * leading[k]).tolist()),
        )
        for k, moment in enumerate(("(1-c) t_g", "(1+c) t_g"))
    )


def findings(measured: Measured) -> tuple[Finding, ...]:
    """Up to which alpha the coarsest step shows the theorem."""
    lost = [seen for seen in measured.visibility if not seen.early <= VISIBLE]
    if not lost:
        return ()
    first, degree = lost[0], measured.instance.problem.degree
    kept = [seen for seen in measured.visibility if seen.early <= VISIBLE]
    after = (
        f"the margins at (1-c) t_g are off by {first.early:.2g}, at (1+c) t_g by {first.late:.2g}"
        if isfinite(first.early)
        else "descent diverges"
    )
    before = (
        f"at {kept[-1].stiffness:.2g} by {kept[-1].early:.2g}" if kept else "no larger step tried"
    )
    return (
        Finding(
            "a fixed step stops showing the kernel phase as alpha grows",
            f"step {measured.steps[0]:.3g}: at alpha = {10**first.log10_alpha:.3g}, where step "
            f"times sharpness at the start is {first.stiffness:.2g}, {after} ({before}); "
            f"c = {measured.instance.c:g}, degree {degree}",
            min(first.early, 1e6),
        ),
    )


_TRUE = Theory()

CLAIM = Claim(
    id="descent-follows-flow",
    title="Gradient descent follows the flow at first order in the step",
    statement=(
        r"\theta_h(t) = \theta(t) + h\, v(t) + O(h^2), \quad"
        r" \dot v = -\nabla^2 E\, v - \tfrac12 \nabla^2 E\, \nabla E, \quad v(0) = 0, \quad"
        r" E = \tfrac1n \sum_i \ell_i + \tfrac{\lambda}{2} \|\theta\|^2"
    ),
    source=source_of("descent-follows-flow"),
    assumptions=(
        "homogeneity",
        "smoothness",
        "zero output",
        "separability",
        "step below 0.4 of the inverse sharpness at the start",
    ),
    instances=lambda families: descent_instances(problems(families)),
    measure=measure,
    theory=_TRUE,
    assertions=assertions,
    rivals=(
        Rival(
            "second-order", "the error falls like h^2", replace(_TRUE, order=2.0, extrapolated=3.0)
        ),
        Rival("half-order", "the error falls like h^(1/2)", replace(_TRUE, order=0.5)),
        Rival(
            "not-extrapolable",
            "one extrapolation leaves an error of first order",
            replace(_TRUE, extrapolated=1.0),
        ),
        Rival(
            "full-modified-loss",
            "the modified loss is E + (h/2) |grad E|^2",
            replace(_TRUE, constant=2.0),
        ),
        Rival(
            "opposite-modified-loss",
            "the modified loss is E - (h/4) |grad E|^2",
            replace(_TRUE, constant=-1.0),
        ),
        Rival(
            "double-decay",
            "descent follows the flow with weight decay 2 lambda",
            replace(_TRUE, reference="double decay"),
        ),
        Rival(
            "no-decay",
            "descent follows the flow without weight decay",
            replace(_TRUE, reference="no decay"),
        ),
        Rival(
            "other-loss",
            "descent follows the flow of the other loss (logistic for exponential)",
            replace(_TRUE, reference="other loss"),
        ),
        Rival(
            "sum-of-losses",
            "descent follows the flow of the sum of the losses, not their mean",
            replace(_TRUE, reference="sum of losses"),
        ),
    ),
    tolerances=(
        "errors: first order with the constant of the instance's coarsest step times 1.5, room for "
        "the next order",
        "leading term: what it leaves is at most half of it at the coarsest step, and falls with "
        "the step",
        "rates: 5 %, the next order shifts a fitted exponent by about half its share, which is a "
        "few percent at the coarsest step; after extrapolation 0.15",
    ),
    ladders=ladders,
    findings=findings,
)
