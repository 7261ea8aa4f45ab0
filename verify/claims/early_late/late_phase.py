"""The late phase of one instance: its flow over [t_g, (1+c) t_g], along a ladder of alphas."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from math import exp, log10

import numpy as np

from theory.anchors import balanced_anchor
from theory.assumptions import check_assumptions
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
    shares_of_energy,
    smallest_stationarity,
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


@dataclass(frozen=True, eq=False)
class LateRung:
    """A window of the flow, and what is read from it."""

    window: Window

    @property
    def log10_alpha(self) -> float:
        return self.window.log10_alpha

    @property
    def efolds(self) -> float:
        """c log alpha, the decay times that [t_g, (1+c) t_g] spans."""
        return self.window.instance.c * self.window.instance.regime.log_alpha

    @cached_property
    def smallest(self) -> Quantity:
        """The smallest stationarity."""
        return self.window.read(smallest_stationarity)

    @cached_property
    def shares(self) -> Quantity:
        """Smallest stationarities over the energy's bound on them: of the window, its quarters."""
        return self.window.read(partial(shares_of_energy, energy_bound=stationarity_bound))

    @cached_property
    def last(self) -> Quantity:
        """The stationarity at the end."""
        return self.window.read_last(lambda state: state.stationarity)

    @cached_property
    def least_margin(self) -> Quantity:
        """q_min at the end."""
        return self.window.read_last(lambda state: state.margins.min())

    @cached_property
    def spread(self) -> Quantity:
        """(q_max - q_min) / q_max at the end."""
        return self.window.read_last(lambda state: 1.0 - state.margins.min() / state.margins.max())

    @cached_property
    def complementarity(self) -> Quantity:
        """1 - q_min / q_mean at the end, weighed by the flow's multipliers."""
        return self.window.read_last(flow_complementarity)

    @cached_property
    def entropies(self) -> Quantity:
        """(H - H_min) / q_mean of the flow's multipliers at the end."""
        return self.window.read_last(entropy_share)

    @property
    def mean_margin(self) -> float:
        """Of the samples at the end, weighed by the flow's multipliers."""
        return mean_margin(self.window.last)

    @property
    def softness(self) -> float:
        """What the logistic loss adds to differences of margins, at most."""
        return softness(self.window.last)

    @cached_property
    def best(self) -> KKTResidual:
        """At the end, by the best multipliers."""
        return best_residual(self.window.last)

    @cached_property
    def excess(self) -> Quantity:
        """The residual by the best multipliers over that by the flow's."""
        return self.window.read_last(lambda s: best_residual(s).stationarity - s.stationarity)


def flow_weights(state: FlowState) -> Floats:
    """The flow's multipliers, the largest of them 1."""
    return np.asarray(np.exp(state.log_multipliers - state.log_multipliers.max()))


def mean_margin(state: FlowState) -> float:
    """Of the samples, weighed by the flow's multipliers."""
    weights = flow_weights(state)
    return float(weights @ state.margins / weights.sum())


def flow_complementarity(state: FlowState) -> float:
    """1 - q_min / q_mean by the flow's multipliers."""
    return complementarity(state.margins, flow_weights(state))


def softness(state: FlowState) -> float:
    """e^-q_min with the logistic loss, whose multipliers are e^-q (1 + O(e^-q)); 0 otherwise."""
    return exp(-float(state.margins.min())) if state.problem.loss == "logistic" else 0.0


def entropy_share(state: FlowState) -> float:
    """(H - H_min) / q_mean by the flow's multipliers."""
    return complementarity_bound(state) - softness(state) / mean_margin(state)


def best_residual(state: FlowState) -> KKTResidual:
    """Of the programme, at any scale of theta."""
    return kkt_residual(state.problem, state.direction, margins=state.margins)


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


def measure(instance: FlowInstance, *, method: str | None = None, decay: float = 1.0) -> LatePhase:
    """Check the assumptions and integrate the ladder of windows.

    Args:
        decay: the flow, not what is said of it, is at so many times its lambda: a wrong world.
    """
    check_assumptions(instance.problem)
    c, power = instance.c, instance.regime.decay_power
    grids: dict[Span | None, Floats] = {
        span: np.linspace(*span.times(c, power), POINTS) for span in Span
    }
    after = grids[Span.AFTER]
    short = np.linspace(1.0, 1.0 + min(c, 1.0 / instance.regime.log_alpha), EFOLD_POINTS)
    flow = partial(_windows, method=method, decay=decay)
    first = flow(instance, {**grids, None: short})
    own = {span: LateRung(first[span]) for span in Span}
    further = [instance.at_alpha(k * instance.regime.log10_alpha) for k in LADDER_STEPS[1:]]
    rungs = [LateRung(flow(scaled, {Span.AFTER: after})[Span.AFTER]) for scaled in further]
    return LatePhase(instance, (own[Span.AFTER], *rungs), own, first[None])


def _windows(
    instance: FlowInstance,
    grids: Mapping[Span | None, Floats],
    method: str | None,
    decay: float,
) -> dict[Span | None, Window]:
    if decay == 1.0:
        return windows(instance, grids, rtol=RTOL, method=method)
    regime = instance.regime
    wrong = Regime(log10_alpha=regime.log10_alpha, log10_lambda=regime.log10_lambda + log10(decay))
    found = windows(replace(instance, regime=wrong), grids, rtol=RTOL, method=method)
    return {name: _read_at(instance, window) for name, window in found.items()}


def _read_at(instance: FlowInstance, window: Window) -> Window:
    """The same states, read as those of a flow in the regime of `instance`."""

    def read(state: FlowState) -> FlowState:
        return replace(state, chart=replace(state.chart, regime=instance.regime))

    states, loose = (tuple(map(read, run)) for run in (window.states, window.loose))
    return replace(window, instance=instance, states=states, loose=loose)


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
    instances=lambda families: late_phase_instances(problems(families)),
    measure=measure,
    assumptions=OF_THE_THEOREMS,
    sabotaged={"a flow at 1.05 lambda": partial(measure, decay=1.05)},
    independent=partial(measure, method="BDF"),
    examples=(second_transition_example(),),
)
