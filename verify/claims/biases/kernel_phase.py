"""Biases at (1-c) t_g: the flow of the net with them beside the lazy flow of its weights alone."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial
from math import exp

import numpy as np
from numpy.typing import ArrayLike

from theory.asymptotics.kernel_phase import log_inverse_decay, scale_of_displacement
from theory.backend import Floats
from theory.biases import (
    BiasedState,
    DualCourse,
    biased_flow,
    followed_share,
    moved_dual,
    with_biases,
)
from theory.flow import FlowState
from theory.kernel import gram, kernel_svm, lazy_flow
from theory.kernel.lazy import initial_log_gain, tolerances
from theory.kernel.quasi_static import quasi_static_dual
from theory.problem import Problem
from verify.claims.early_late.assumptions import OF_THE_THEOREMS
from verify.claims.early_late.kernel_phase import (
    RESOLVES,
    FlowAt,
    brought_near,
    flow_at,
    measure_rung,
)
from verify.instances import FlowInstance
from verify.language import Measurement, Quantity, in_words
from verify.strategies.biases import FAMILIES, before_t_g

RTOL, LOOSER = 1e-12, 100.0
INDEPENDENT_RTOL = 1e-10
"""Of the other route, which would take ten times as long at `RTOL`; its two tolerances tell what it
knows."""

LIMIT_SCALES = (100.0, 10000.0)
"""log10 alpha: the flow is linear there to every digit, and 1 / Lam is 10^-3 and 10^-5."""

FALLS = (0.0, 0.5, 1.0)
"""Decades by which what biases add has fallen on the rungs at finite alpha."""

DISPLACEMENT = 1e-3
"""Relative, on the first of these, or less where the flow without biases is not nearly lazy there:
beside a kink it was 57 % off the lazy flow, and the power of rho 0.8 for 2."""

LEAST_PULL = 0.05
"""Of what all samples could pull a bias by together: below it they cancel, and the rest decides."""

ROUNDING = 1e-12
"""Of features, over |anchor|^(D-1) by which they scale: where products of weights cancel, as of a
net by difference they may, features of 10^-18 are pulled as any others are."""


@dataclass(frozen=True, eq=False)
class Pair:
    """A state of the flow with biases by two tolerances."""

    tight: BiasedState
    loose: BiasedState
    floor: float


@dataclass(frozen=True, eq=False)
class Block:
    """The biases of one lag at one alpha.

    Attributes:
        features: Phi_D, signed, shape `(n, P_D)`.
        dual: a of the lazy flow of the weights.
    """

    lag: int
    degree: int
    flow: Pair
    features: Floats
    dual: Floats

    @property
    def kernel(self) -> Floats:
        """What its part adds to that of the weights, but for rho^(-2 lag), shape `(n, n)`."""
        share = followed_share(self.degree, self.lag)
        return np.asarray(share * self.features @ self.features.T)

    @property
    def pulled(self) -> bool:
        """Whether it has features, and the samples' pulls at it do not cancel."""
        sizes = np.linalg.norm(self.features, axis=1)
        scale = self.flow.tight.chart.problem.anchor_norm ** (self.degree - self.lag - 1)
        most = float(self.dual @ sizes)
        return bool(
            sizes.max() > ROUNDING * scale and np.linalg.norm(self.at_rest) > LEAST_PULL * most
        )

    @property
    def at_rest(self) -> Floats:
        """Phi_D^T a, shape `(P_D,)`."""
        return np.asarray(self.dual @ self.features)

    @property
    def share(self) -> Quantity:
        """rho^lag eta_D along Phi_D^T a, over that."""
        rest = self.at_rest
        along = rest / (rest @ rest)
        return self._read(lambda state: state.learned(self.lag) @ along)

    def gap(self, predicted: Floats) -> Quantity:
        """|rho^lag eta_D - Phi_D^T `predicted`| / |Phi_D^T a|."""
        rest = float(np.linalg.norm(self.at_rest))
        course = predicted @ self.features
        found = self._read(lambda state: np.linalg.norm(state.learned(self.lag) - course) / rest)
        return found.no_finer(self.flow.floor)

    def _read(self, reading: Callable[[BiasedState], ArrayLike]) -> Quantity:
        return Quantity.paired(reading, self.flow.tight, self.flow.loose, self.flow.floor)


@dataclass(frozen=True, eq=False)
class Rung:
    """One large alpha.

    Attributes:
        blocks: by lag, those that the samples pull.
    """

    instance: FlowInstance
    blocks: tuple[Block, ...]

    @property
    def log_inverse_decay(self) -> float:
        """Lam."""
        at = self.instance.told(1.0 - self.instance.c)
        return log_inverse_decay(self.instance.problem, self.instance.regime, at)

    @cached_property
    def course(self) -> DualCourse:
        problem = self.instance.problem
        kernel = gram(kernel_svm(problem).features)
        return DualCourse.of(kernel, problem, self.log_inverse_decay)


@dataclass(frozen=True, eq=False)
class BiasPhase:
    """What biases have learned, and what they did to the weights.

    Attributes:
        limits: rungs at `LIMIT_SCALES`.
        distances: |eta - eta of the net without biases| / |eta| on three rungs at finite alpha.
        lazy: whether the net without biases is nearly lazy on these.
        falls: log10 rho from the first to each of these, `(3,)`.
        least_lag: of the biases that the samples pull; None where they pull none.
        shifts: of the machine of K_eff on these rungs, relative, over rho^(-2 least_lag), `(3,)`.
    """

    limits: tuple[Rung, ...]
    distances: Quantity
    lazy: bool
    falls: Floats
    least_lag: int | None
    shifts: Floats

    @property
    def degree(self) -> int:
        return self.limits[0].instance.problem.degree


def measure(
    instance: FlowInstance, method: str | None = None, rtol: float = RTOL, shift: float = 1.0
) -> BiasPhase:
    """The rungs; in a wrong world the limit rungs are read late."""
    limits = tuple(_rung(instance.at_own_alpha(s), method, rtol, shift) for s in LIMIT_SCALES)
    lags = [block.lag for block in limits[0].blocks]
    least = min(lags, default=None)
    falls = np.array(FALLS) / (2.0 * (least or 1))
    svm, at = kernel_svm(instance.problem), 1.0 - instance.c
    scale = scale_of_displacement(svm, instance.problem, instance.own.decay_power, at, DISPLACEMENT)
    first = brought_near(svm, measure_rung, measure_rung(instance.at_own_alpha(scale)))
    logs = first.own.log10_alpha + falls[1:] / instance.c
    further = [instance.at_own_alpha(scale) for scale in logs.tolist()]
    flows = [(first.instance, first.flow), *((rung, flow_at(rung, at)) for rung in further)]
    distances = Quantity.joined(_distance(*flow, method, rtol) for flow in flows)
    shifts = np.array([_shift(rung, limits[0].blocks) for rung, _ in flows])
    return BiasPhase(limits, distances, first.nearly_lazy, falls, least, shifts)


def _shift(instance: FlowInstance, blocks: tuple[Block, ...]) -> float:
    """How far K_eff moves the machine of the weights, relative, over rho^(-2 lag) of the least."""
    if not blocks:
        return 0.0
    problem, regime, at = instance.problem, instance.regime, instance.told(1.0 - instance.c)
    features, log_rho = kernel_svm(problem).features, (1.0 - at) * regime.log_alpha
    kernel, level = gram(features), log_inverse_decay(problem, regime, at)
    dual = np.exp(quasi_static_dual(kernel, level, problem.loss, problem.classes))
    least = min(block.lag for block in blocks)
    gained = [exp(2.0 * (least - block.lag) * log_rho) * block.kernel for block in blocks]
    moved = moved_dual(kernel, dual, np.sum(gained, axis=0)) @ features
    return float(np.linalg.norm(moved) / np.linalg.norm(dual @ features))


def _pair(
    instance: FlowInstance, problem: Problem, at: float, method: str | None, rtol: float
) -> Pair:
    flow = partial(biased_flow, problem, instance.regime, [instance.told(at)], method=method)
    used = tolerances(initial_log_gain(problem, instance.regime), rtol)[0]
    return Pair(flow(rtol=rtol)[0], flow(rtol=LOOSER * rtol)[0], RESOLVES * used)


def _rung(instance: FlowInstance, method: str | None, rtol: float, shift: float) -> Rung:
    at = 1.0 - instance.c
    problem, regime = instance.problem, instance.regime
    dual = lazy_flow(problem, regime, [instance.told(at)], rtol=RTOL).dual[0]
    biased = with_biases(problem)
    flow = _pair(instance, biased, shift * at, method, rtol)
    chart = flow.tight.chart
    signed = biased.row_labels[:, None] * chart.base_jacobian
    blocks = []
    for lag in np.unique(chart.lags[chart.lags > 0]).tolist():
        block = Block(lag, problem.degree, flow, signed[:, chart.lags == lag], dual)
        if block.pulled:
            blocks.append(block)
    return Rung(instance, tuple(blocks))


def _distance(instance: FlowInstance, plain: FlowAt, method: str | None, rtol: float) -> Quantity:
    """|eta - eta without biases| / |eta without|."""
    at = 1.0 - instance.c
    biased = _pair(instance, with_biases(instance.problem), at, method, rtol)
    size = float(np.linalg.norm(plain.state.displacement))

    def read(states: tuple[BiasedState, FlowState]) -> float:
        apart = states[0].learned(0) - states[1].displacement
        return float(np.linalg.norm(apart)) / size

    tight, loose = (biased.tight, plain.state), (biased.loose, plain.loose)
    return Quantity.paired(read, tight, loose, 0.0).no_finer(biased.floor + plain.floor)


BIAS_PHASE = Measurement(
    id="bias-phase",
    kind=FlowInstance,
    families=FAMILIES,
    instances=before_t_g,
    measure=measure,
    assumptions=(
        *(replace(assumption, violated=None) for assumption in OF_THE_THEOREMS),
        *in_words("biases start at zero", "strict complementarity"),
    ),
    sabotaged={"a flow read 2 % late": partial(measure, shift=1.02)},
    independent=partial(measure, method="BDF", rtol=INDEPENDENT_RTOL),
    thrift=2,
)
