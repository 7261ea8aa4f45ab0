"""What is measured of gradient descent: four steps, halved, beside the flows it might approach."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from functools import cached_property
from math import ceil, inf, log2, log10

import numpy as np

from theory.backend import Floats
from theory.descent import Descent, FixedStep, Run, gradient_descent
from theory.descent.modified import StepError, sharpness_at_start, step_error
from theory.errors import IntegratorsDisagree, NumericalFailure
from theory.flow import FlowState, gradient_flow
from theory.problem import Problem, Regime
from verify.instances import FlowInstance
from verify.language import Quantity
from verify.strategies.descents import STABLE, step_size

HALVINGS = 3
"""Steps h, h/2, h/4, h/8."""

MOST_REFINED = 6
"""Halvings of t_g / 200 after which h is stable at the latest: 5e4 steps to t_g."""

RTOL = 1e-11
RESOLVES = 10.0 * RTOL
MAX_ERROR = 1e-6
"""Of the flow; the finest descent differs from it by 1e-4 and more."""

STIFFNESSES = (4.0, 32.0, 256.0, 2048.0)
"""Step times sharpness at the start, raised by alpha at the coarsest step, for the finding."""

VISIBLE = 0.1
"""Margins further from the flow's, relatively, do not show what is proved for the flow."""

REFERENCE_RTOL = 1e-8
"""Of the flows that only rivals read."""


class Reference(Enum):
    """Which flow descent is said to approach."""

    FLOW = "its own"
    DOUBLE_DECAY = "with weight decay 2 lambda"
    NO_DECAY = "without weight decay"
    OTHER_LOSS = "of the other loss"
    SUM_OF_LOSSES = "of the sum of the losses"


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
class Descents:
    """Descents along the ladder of steps, and the flow.

    Attributes:
        steps: h of each rung, shape `(R,)`.
        descent: at (1-c) t_g and (1+c) t_g, arrays `(R, 2, ...)`.
        tight, loose: the flow at these times, at two tolerances.
        predicted: theta, v and w at these times.
    """

    instance: FlowInstance
    steps: Floats
    descent: Descent
    tight: tuple[FlowState, ...]
    loose: tuple[FlowState, ...]
    predicted: StepError

    def references(self, reference: Reference) -> tuple[list[Quantity], list[Quantity]]:
        """theta `(P,)` and margins `(n,)` of a flow, at each time.

        Raises:
            NumericalFailure: a flow that only rivals read cannot be integrated.
        """
        if reference is Reference.FLOW:
            pairs = list(zip(self.tight, self.loose, strict=True))
            return (
                [Quantity.paired(lambda s: s.theta, *pair, floor=RESOLVES) for pair in pairs],
                [Quantity.paired(lambda s: s.margins, *pair, floor=RESOLVES) for pair in pairs],
            )
        if reference not in self._others:
            self._others[reference] = _other_flow(self.instance, reference)
        states = self._others[reference]
        if isinstance(states, NumericalFailure):
            raise states
        return [_roughly(s.theta) for s in states], [_roughly(s.margins) for s in states]

    @cached_property
    def _others(self) -> dict[Reference, tuple[FlowState, ...] | NumericalFailure]:
        return {}

    @cached_property
    def visibility(self) -> tuple[Visibility, ...]:
        """The coarsest step, kept while alpha grows."""
        return _visibility(self.instance, float(self.steps[0]))


def _roughly(values: Floats) -> Quantity:
    return Quantity.of(values, REFERENCE_RTOL * np.abs(values).max())


def measure(instance: FlowInstance, *, decay: float = 1.0) -> Descents:
    """Descend, and integrate the flow.

    Args:
        decay: descent is at so many times the lambda that is told: a wrong world.

    Raises:
        IntegratorsDisagree: two tolerances of the flow differ by more than `MAX_ERROR`.
        NumericalFailure: no affordable step is stable along the flow.
    """
    problem, regime = instance.problem, instance.regime
    at = _times(instance)
    predicted = step_error(problem, regime, at)
    coarsest = _stable_step(instance, predicted.sharpness)
    flow = gradient_flow(problem, regime, at=at, rtol=RTOL)
    error = float(np.max(flow.error_estimate))
    if not error <= MAX_ERROR:
        raise IntegratorsDisagree(f"two tolerances differ by {error:.1e}")
    steps = np.array([coarsest / 2**k for k in range(HALVINGS + 1)])
    runs = [Run.of(problem, regime, FixedStep(float(step))) for step in steps]
    runs = [replace(run, decay=decay * run.decay) for run in runs]
    descent = gradient_descent(problem, runs, at=at)
    return Descents(instance, steps, descent, flow.states, flow.loose, predicted)


def _stable_step(instance: FlowInstance, sharpness: float) -> float:
    """t_g / 200, halved until it is at most `STABLE` over the sharpness."""
    step = step_size(instance)
    halvings = max(ceil(log2(step * sharpness / STABLE)), 0)
    if halvings > MOST_REFINED:
        raise NumericalFailure(
            f"step times sharpness reaches {step * sharpness:.3g} along the flow at a step of "
            f"t_g / 200; more than {MOST_REFINED} halvings are not affordable"
        )
    return float(step / 2**halvings)


def _times(instance: FlowInstance) -> list[float]:
    """In units of log(alpha) / lambda, on the grid of the coarsest step."""
    return [instance.told(round(1.0 + side * instance.c, 2)) for side in (-1.0, 1.0)]


def _other_flow(
    instance: FlowInstance, reference: Reference
) -> tuple[FlowState, ...] | NumericalFailure:
    """The flow of a rival at the same times t."""
    problem, regime = instance.problem, instance.regime
    other = "logistic" if problem.loss == "exponential" else "exponential"
    # a sum over n samples is the mean with lambda / n, its time counted n times as fast: the decay
    # time lambda t stays
    variants: Mapping[Reference, tuple[Problem, float, float]] = {
        Reference.DOUBLE_DECAY: (problem, 2.0, 2.0),
        Reference.NO_DECAY: (problem, 1e-6, 1e-6),
        Reference.OTHER_LOSS: (replace(problem, loss=other), 1.0, 1.0),
        Reference.SUM_OF_LOSSES: (problem, 1.0 / problem.samples, 1.0),
    }
    changed, factor, stretch = variants[reference]
    decay = regime.with_decay(factor)
    at = [stretch * time for time in _times(instance)]
    try:
        flow = gradient_flow(changed, decay, at=at, rtol=REFERENCE_RTOL, estimate_error=False)
    except NumericalFailure as failure:
        return failure
    return flow.states


def _visibility(instance: FlowInstance, step: float) -> tuple[Visibility, ...]:
    """The coarsest step, kept while alpha grows; it ends where descent diverges."""
    problem, regime = instance.problem, instance.regime
    own = step * sharpness_at_start(problem, regime)
    seen: list[Visibility] = []
    for stiffness in STIFFNESSES:
        # the sharpness grows like alpha^(2 (L-1))
        growth = log10(stiffness / own) / (2.0 * (problem.degree - 1.0))
        if regime.log10_alpha + growth <= 0.0:  # alpha as it is told exceeds 1
            continue
        scaled = Regime(log10_alpha=regime.log10_alpha + growth, log10_lambda=regime.log10_lambda)
        rung = replace(instance, regime=scaled)
        at = _times(rung)
        reached = step * sharpness_at_start(problem, scaled)
        try:
            flow = gradient_flow(problem, scaled, at=at, rtol=1e-7, estimate_error=False)
        except NumericalFailure:
            break
        try:
            run = Run.of(problem, scaled, FixedStep(step))
            descent = gradient_descent(problem, [run], at=at)
        except NumericalFailure:
            seen.append(Visibility(rung.own.log10_alpha, reached, inf, inf))
            break
        gaps = np.linalg.norm(descent.margins[0] - flow.margins, axis=-1) / np.linalg.norm(
            flow.margins, axis=-1
        )
        seen.append(Visibility(rung.own.log10_alpha, reached, float(gaps[0]), float(gaps[1])))
        if gaps[0] > VISIBLE:
            break
    return tuple(seen)
