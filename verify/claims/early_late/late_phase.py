"""The late phase of one instance: its flow over [t_g, (1+c) t_g], along a ladder of alphas."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from math import exp

import numpy as np

from theory.anchors import balanced_anchor
from theory.asymptotics.late_phase import complementarity_bound, energy, stationarity_bound
from theory.backend import Floats
from theory.flow import FlowState
from theory.margin.kkt import KKTResidual, complementarity, kkt_residual
from theory.nets import Diagonal
from theory.problem import Problem, Regime
from verify.claims.early_late.assumptions import OF_THE_THEOREMS
from verify.claims.early_late.windows import (
    Span,
    Window,
    energy_balance,
    windows,
)
from verify.instances import FlowInstance
from verify.language import Measurement, Quantity
from verify.strategies.nets import FAMILIES
from verify.strategies.regimes import late_phase_instances
from verify.strategies.tasks import problems

POINTS = 33
EFOLD_POINTS = 17
LADDER_STEPS = (1.0, 1.5, 2.25)
"""Rungs in log alpha, relative to the instance's own."""

RTOL = 1e-10
INDEPENDENT_RTOL = 1e-8
"""Of the other route, in Python; its two tolerances tell what it knows."""


@dataclass(frozen=True, eq=False)
class LateRung:
    """A window of the flow, with what is costly to read from it."""

    window: Window

    @property
    def efolds(self) -> float:
        """c log alpha, the decay times that [t_g, (1+c) t_g] spans."""
        return self.window.instance.c * self.window.instance.own.log_alpha

    @cached_property
    def shares(self) -> Quantity:
        """Smallest stationarities over the energy's bound on them: of the window, its quarters."""
        return self.window.shares(stationarity_bound)

    @cached_property
    def best(self) -> KKTResidual:
        """At the end, by the best multipliers."""
        return best_residual(self.window.last)

    @property
    def excess(self) -> float:
        """By how much the best multipliers do worse than the flow's, of the same state; or 0."""
        return max(self.best.stationarity - self.window.last.stationarity, 0.0)


@dataclass(frozen=True, eq=False)
class LatePhase:
    """Windows along a ladder of alphas.

    Attributes:
        proposed: the windows of all theories, on the first rung.
        efold: the e-fold after t_g, or as much of it as the window has.
    """

    instance: FlowInstance
    rungs: tuple[LateRung, ...]
    proposed: Mapping[Span, LateRung]
    efold: Window

    def over(self, span: Span) -> tuple[LateRung, ...]:
        """The rungs, the first of them over the window that a theory speaks of."""
        return (self.proposed[span], *self.rungs[1:])

    @cached_property
    def energy_balance(self) -> Quantity:
        """Energy lost over the integral of the squared speed; Simpson's rule against a coarser."""
        found = self.efold.read(partial(energy_balance, energy=energy))
        by_rule = abs(found.values[0] - found.values[1])
        return Quantity.of(found.values[:1], found.errors[:1] + by_rule)


def measure(
    instance: FlowInstance,
    *,
    steps: Sequence[float] = LADDER_STEPS,
    method: str | None = None,
    rtol: float = RTOL,
    decay: float = 1.0,
) -> LatePhase:
    """Integrate the ladder of windows; for `decay` see `windows`."""
    c, own = instance.c, instance.own
    flow = partial(windows, rtol=rtol, method=method, decay=decay)
    grids = {span: np.linspace(*span.times(c, own.decay_power), POINTS) for span in Span}
    efold = np.linspace(1.0, 1.0 + min(c, 1.0 / own.log_alpha), EFOLD_POINTS)
    first = flow(instance, {**grids, None: efold})
    proposed = {span: LateRung(first[span]) for span in Span}
    further = [
        LateRung(flow(instance.at_own_alpha(k * own.log10_alpha), {None: grids[Span.AFTER]})[None])
        for k in steps[1:]
        if instance.reaches(k * own.log10_alpha)
    ]
    return LatePhase(instance, (proposed[Span.AFTER], *further), proposed, first[None])


def mean_margin(state: FlowState) -> float:
    """Of the samples, weighed by the flow's multipliers."""
    weights = _weights(state)
    return float(weights @ state.margins / weights.sum())


def flow_complementarity(state: FlowState) -> float:
    """1 - q_min / q_mean by the flow's multipliers."""
    return complementarity(state.margins, _weights(state))


def softness(state: FlowState) -> float:
    """e^-q_min with the logistic loss, whose multipliers are e^-q (1 + O(e^-q)); K - 1 times that
    with the cross-entropy of K classes; 0 otherwise.
    """
    problem = state.problem
    others = 1 if problem.classes is None else problem.classes - 1
    return 0.0 if problem.loss == "exponential" else others * exp(-float(state.margins.min()))


def entropy_share(state: FlowState) -> float:
    """(H - H_min) / q_mean by the flow's multipliers."""
    return complementarity_bound(state) - softness(state) / mean_margin(state)


def best_residual(state: FlowState) -> KKTResidual:
    """Of the programme, at any scale of theta."""
    return kkt_residual(state.problem, state.direction, margins=state.margins)


def _weights(state: FlowState) -> Floats:
    """The flow's multipliers, the largest of them 1."""
    return np.asarray(np.exp(state.log_multipliers - state.log_multipliers.max()))


def second_transition_example() -> FlowInstance:
    """Two samples on which the limit flow lands on a symmetric saddle (L = 3, p = 1).

    The saddle is left at (1 + p/2) t_g for every alpha, so at c = 0.47 the pointwise residual does
    not vanish. Nothing in the theorem as proved forbids it.
    """
    net = Diagonal(2, 3)
    inputs = np.array([[1.0, 1.0], [2.0, 1.0]])
    problem = Problem(net, balanced_anchor(net, np.ones(2)), inputs, np.ones(2))
    return FlowInstance(problem, Regime(log10_alpha=8.0, decay_power=1.0), c=0.467)


LATE_PHASE = Measurement(
    id="late-phase",
    kind=FlowInstance,
    families=FAMILIES,
    instances=lambda families, sizes: late_phase_instances(problems(families, sizes=sizes)),
    measure=measure,
    assumptions=OF_THE_THEOREMS,
    sabotaged={"a flow at 1.05 lambda": partial(measure, decay=1.05)},
    independent=partial(measure, method="BDF", rtol=INDEPENDENT_RTOL),
    examples=(second_transition_example(),),
)
