"""What is measured of a matrix completion: its flow early and late, the norms that it may reach.

The flow is followed in its product W, where it closes (`theory.flow.completion`); on small matrices
that reduction is checked against the flow of U and V.
"""

from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from math import log

import numpy as np

from theory.backend import Floats
from theory.errors import IntegratorsDisagree
from theory.flow import gradient_flow
from theory.flow.completion import (
    ABSOLUTE,
    Completion,
    CompletionState,
    completion_flow,
    completion_of,
    log_metric_scale,
)
from theory.kernel.regression import (
    KernelRegression,
    kernel_drift,
    kernel_regression,
    log10_scale_of_displacement,
)
from theory.margin.nuclear import NuclearCompletion, excess_bound, least_nuclear_norm
from theory.problem import LOG_10, Regime
from verify.claims.regression.circulant import CirculantTwin, circulant_twin
from verify.instances import FlowInstance
from verify.language import Quantity

RTOL = 1e-10
LOOSER_RTOL = 1e-8
MAX_ERROR = 1e-5
"""Of nuclear norms, relative: excesses are judged at the level of 10^-3 to 10^-1."""

DISPLACEMENTS = 10.0 ** np.array([-1.5, -2.0, -2.5])
"""Relative displacements of the early rungs: gaps 10^-3 to 10^-5."""

LATE_STEPS = np.array([1.0, 2.0, 4.0])
"""Rungs in log alpha, relative to the instance's own: up to 160 e-folds after t_g."""

FULL_SIZE = 4
FULL_REGIME = Regime(log10_alpha=6.0, decay_power=2.0)
"""Up to this size the flow of U and V is integrated too, at this alpha and lambda = 1e-12, both
counted as the problem does."""

FULL_RTOL = 1e-8
"""Of that flow, and so what its difference from the flow of W is known to."""


class Transition(Enum):
    """Where t_g is said to be."""

    LOG_ALPHA = "log(alpha) / lambda"
    HALF = "log(alpha) / (2 lambda)"
    INVERSE_DECAY = "log(1/lambda) / lambda"

    def share(self, decay_power: float) -> float:
        """Of log(alpha) / lambda; later than that all is settled, so 1 at most."""
        shares = {Transition.HALF: 0.5, Transition.INVERSE_DECAY: min(decay_power, 1.0)}
        return shares.get(self, 1.0)


Pair = tuple[CompletionState, CompletionState]


@dataclass(frozen=True, eq=False)
class CompletionFlows:
    """One flow, each state by two tolerances.

    Attributes:
        early: at (1-c) t_g of alphas where the displacement is one of `DISPLACEMENTS`.
        late: at (1+c) t_g along `LATE_STEPS`.
        proposed: at (1+c) times what each theory takes for t_g, on the first late rung.
    """

    instance: FlowInstance
    completion: Completion
    regression: KernelRegression
    early: tuple[Pair, ...]
    late: tuple[Pair, ...]
    proposed: dict[Transition, Pair]

    @property
    def unit(self) -> float:
        """max |y|."""
        return float(np.abs(self.completion.values).max())

    @cached_property
    def early_logs(self) -> Floats:
        """log10 alpha of the early rungs."""
        return np.array(early_logs(self.regression, self.instance.c))

    @cached_property
    def late_logs(self) -> Floats:
        """log10 alpha of the late rungs."""
        return LATE_STEPS * self.instance.own.log10_alpha

    @cached_property
    def early_bounds(self) -> Floats:
        """2 |F| |h| x, in units of max |y|: see `kernel_drift`."""
        problem, own = self.instance.problem, self.regression
        features = problem.net.jacobian(problem.anchor, every_pair(self.completion.size))
        reach = 2.0 * np.linalg.norm(features, 2) * own.norm / self.unit
        return np.asarray(
            reach * kernel_drift(own) * problem.anchor_norm / own.norm * DISPLACEMENTS
        )

    def gaps(self, predicted: Floats) -> Quantity:
        """|W - predicted| on the early rungs, in units of max |y|."""
        noise = self.completion.size * ABSOLUTE * LOOSER_RTOL
        lengths = []
        for tight, loose in self.early:
            left = Quantity.paired(lambda state: state.matrix.ravel(), tight, loose, RTOL)
            found = (left - predicted.ravel()).norm() / self.unit
            lengths.append(Quantity.of(found.values, found.errors + noise))
        return Quantity.joined(lengths)

    def excess(self, optimum: float, certificate: float, transition: Transition) -> Quantity:
        """||W|_* / optimum - 1| on the late rungs, the first of them where a theory puts it."""
        pairs = (self.proposed[transition], *self.late[1:])
        norms = Quantity.joined(
            Quantity.paired(lambda state: state.nuclear_norm, *pair, floor=RTOL) for pair in pairs
        )
        return abs(norms / Quantity.of(optimum, optimum * certificate) - 1.0)

    @cached_property
    def late_bounds(self) -> Floats:
        """log d / (2 T + O(1)): see `excess_bound`."""
        completion, nuclear = self.completion, self.nuclear.high
        scales = (log_metric_scale(completion, tight.efolds) for tight, _ in self.late)
        return np.array([excess_bound(completion, nuclear, scale) for scale in scales])

    @cached_property
    def nuclear(self) -> NuclearCompletion:
        """Over symmetric matrices."""
        return least_nuclear_norm(self.completion)

    @cached_property
    def nonsymmetric(self) -> NuclearCompletion:
        """Over all matrices, with (j, i) unobserved."""
        return least_nuclear_norm(self.completion, symmetric=False)

    @cached_property
    def twin(self) -> CirculantTwin | None:
        """Whose measurements commute."""
        return circulant_twin(
            self.completion, efolds_of_transition(self.instance), RTOL, LOOSER_RTOL
        )

    @cached_property
    def full_gap(self) -> Quantity:
        """The flow of U and V against that of W at (1-c) t_g, t_g and three e-folds later.

        Later still the kernel of a matrix of low rank comes near a singular one, which the flow of
        U and V does not get past. In units of max |y|.
        """
        size, log_alpha = self.completion.size, FULL_REGIME.log_alpha
        told = self.instance.in_own(FULL_REGIME)
        times = (1.0 - told.c, 1.0, 1.0 + 3.0 / log_alpha)
        problem, pairs = told.problem, every_pair(size)
        at = [told.told(time) for time in times]
        flow = gradient_flow(problem, told.regime, at=at, rtol=FULL_RTOL, estimate_error=False)
        first = efolds_of_transition(told)
        own = completion_flow(self.completion, [first + (t - 1.0) * log_alpha for t in times])
        return Quantity.of(
            [
                np.abs(state.outputs(pairs).reshape(size, size) - reduced.matrix).max() / self.unit
                for state, reduced in zip(flow.states, own, strict=True)
            ],
            FULL_RTOL,
        )


def every_pair(size: int) -> Floats:
    """Inputs (i, j) of all entries of the matrix, row by row."""
    return np.argwhere(np.ones((size, size))).astype(np.float64)


def early_logs(regression: KernelRegression, c: float) -> list[float]:
    """log10 alpha at which (1-c) t_g has the displacements."""
    return [log10_scale_of_displacement(regression, 1.0 - c, d) for d in DISPLACEMENTS]


def efolds_of_transition(instance: FlowInstance) -> float:
    """t_g in e-folds after alpha |anchor| e^-s = 1, from where `theory.flow.completion` counts."""
    log_anchor = log(instance.problem.anchor_norm)
    return instance.own.log_alpha - (instance.regime.log_alpha + log_anchor)


def measure(instance: FlowInstance) -> CompletionFlows:
    """Integrate.

    Raises:
        IntegratorsDisagree: two tolerances differ by more than `MAX_ERROR`.
    """
    problem, c, log_alpha = instance.problem, instance.c, instance.own.log_alpha
    completion, regression = completion_of(problem), kernel_regression(problem)
    first, power = efolds_of_transition(instance), instance.own.decay_power
    early = [first - c * LOG_10 * scale for scale in early_logs(regression, c)]
    late = [first + step * c * log_alpha for step in LATE_STEPS.tolist()]
    proposed = {t: first + (t.share(power) * (1.0 + c) - 1.0) * log_alpha for t in Transition}
    proposed[Transition.LOG_ALPHA] = late[0]
    times = sorted({*early, *late, *proposed.values()})
    tight, loose = (
        dict(zip(times, completion_flow(completion, times, rtol=rtol), strict=True))
        for rtol in (RTOL, LOOSER_RTOL)
    )

    def pair(time: float) -> Pair:
        return tight[time], loose[time]

    measured = CompletionFlows(
        instance,
        completion,
        regression,
        tuple(map(pair, early)),
        tuple(map(pair, late)),
        {name: pair(time) for name, time in proposed.items()},
    )
    worst = max(_disagreement(*found) for found in (*measured.early, *measured.late))
    if not worst <= MAX_ERROR:
        raise IntegratorsDisagree(f"two tolerances differ by {worst:.1e}, completing a matrix")
    return measured


def _disagreement(tight: CompletionState, loose: CompletionState) -> float:
    return abs(tight.nuclear_norm / loose.nuclear_norm - 1.0)
