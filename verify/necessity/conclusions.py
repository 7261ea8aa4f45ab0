"""The two conclusions as numbers: how far an instance is from each, in units of what is granted.

What the theorems grant at a finite alpha depends on the valid instance alone: its margin, sample
count, alpha, lambda and c. It is granted to the instance beside it as well, which differs in one
assumption: were that not needed, it would not notice. Two exceptions keep a failure from being one
of the bounds': a net that is not smooth has its own degree and kernel SVM, and gets what they
grant; a lambda larger than the valid one gets what its own Lam grants. The assumption is needed
where the severity exceeds 2 without it and is at most 1 with it.

Kernel phase, at (1-c) t_g, with delta the predicted relative displacement and
D = log(gamma^2 / lam_eff):

| what | value | granted |
| --- | --- | --- |
| direction | sine between theta and the anchor | 2 delta |
| margin | q_min over its limit log(alpha^(2c(L-1)) / lambda), less 1 | `norm_bounds`, lag, delta |
| shape | f/|f| less that of the kernel SVM, anywhere | sqrt(2 log n / (D - log D)), delta |
| the same | less that of the quasi-static machine | 2 (2 (L-1)/L)^2 / (gamma |eta|)^3, delta |

Late phase, somewhere on [t_g, (1+c) t_g]: the stationarity is within the energy bound and within
sqrt(1 / (c log alpha)), the complementarity within log n / mean margin, and every sample is fitted.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import exp, inf, isfinite, log, sqrt

import numpy as np

from theory.asymptotics.kernel_phase import (
    depth,
    direction_gap_bound,
    features_at,
    log_inverse_decay,
    log_normalization_argument,
    norm_bounds,
    relative_displacement,
)
from theory.backend import Floats
from theory.errors import AssumptionError, NumericalFailure
from theory.kernel import KernelSVM, gram, kernel_svm
from theory.kernel.quasi_static import lag_correction, quasi_static_dual
from theory.problem import Problem
from verify.claims.early_late.kernel_machines import probe_inputs
from verify.claims.early_late.kkt import ENERGY_CONSTANT
from verify.instances import FlowInstance, Violation
from verify.necessity.moments import Moment, moments

WINDOW_POINTS = 17

NONLINEARITY = 10.0
"""Outputs are nonlinear by this many delta at most."""

ROUNDING = 1e-6
FAILURE = 2.0
"""Severity of a failure: twice what is granted, so that none rests on a constant of a bound."""

LARGEST = 1e6
"""Severities are capped: an infinite one says no more."""


@dataclass(frozen=True)
class Part:
    """One number of a conclusion against what is granted."""

    name: str
    value: float
    granted: float

    @property
    def severity(self) -> float:
        if self.granted <= 0:
            return LARGEST if self.value > 0 else 0.0
        ratio = self.value / self.granted
        return min(ratio, LARGEST) if isfinite(ratio) else LARGEST


@dataclass(frozen=True)
class Outcome:
    """A conclusion on one instance, by its parts."""

    parts: tuple[Part, ...]

    @property
    def worst(self) -> Part:
        return max(self.parts, key=lambda part: part.severity)

    @property
    def severity(self) -> float:
        return self.worst.severity

    def line(self) -> str:
        return "; ".join(f"{p.name} {p.value:.3g} (granted {p.granted:.3g})" for p in self.parts)


@dataclass(frozen=True)
class Judged:
    """A conclusion without and with the assumption."""

    violating: Outcome
    restored: Outcome

    @property
    def valid(self) -> bool:
        """Whether the conclusion holds where nothing is violated; else the pair proves nothing."""
        return self.restored.severity <= 1.0

    @property
    def severity(self) -> float:
        """Of the violating instance; 0 where the pair proves nothing."""
        return self.violating.severity if self.valid else 0.0

    @property
    def needed(self) -> bool:
        return self.severity > FAILURE


def judge_pair(pair: Violation, conclusion: str) -> Judged:
    """Judge one of `CONCLUSIONS` on both instances.

    Raises:
        NumericalFailure: a flow cannot be computed.
        AssumptionError: the restored instance is not valid.
    """
    return _KINDS[conclusion](pair)


def _kernel_phase(pair: Violation) -> Judged:
    valid = _KernelGrant(pair.restored, _level(pair.restored))
    own = valid
    if pair.assumption == "smoothness":
        own = _KernelGrant(pair.violating, _level(pair.violating))
    elif pair.assumption == "lambda a power of alpha":
        own = _KernelGrant(pair.restored, min(_level(pair.violating), _level(pair.restored)))
    restored = _kernel_outcome(pair.restored, valid)
    return Judged(_kernel_outcome(pair.violating, own), restored)


def _level(instance: FlowInstance) -> float:
    """Lam at (1-c) t_g."""
    return log_inverse_decay(instance.problem, instance.regime, 1.0 - instance.c)


@dataclass(frozen=True, eq=False)
class _KernelGrant:
    """What Theorem 1 grants to a valid instance, at its own Lam or at a smaller one."""

    instance: FlowInstance
    level: float

    @cached_property
    def displacement(self) -> float:
        problem, regime = self.instance.problem, self.instance.regime
        return relative_displacement(self._svm, problem, regime, 1.0 - self.instance.c)

    @cached_property
    def direction_gap(self) -> float:
        """Of eta from the SVM's direction."""
        slack = self._logistic_slack
        return direction_gap_bound(self._svm, self.level, slack) + NONLINEARITY * self.displacement

    @cached_property
    def machine_gap(self) -> float:
        """Of eta from the quasi-static machine with its lag: of third order in 1/Lam, and delta."""
        drift = 2.0 * (self.instance.problem.degree - 1) / self.instance.problem.degree
        smallest = norm_bounds(self._svm, self.level)[0] * self._svm.margin
        order = 2.0 * drift**2 / max(smallest, 1.0) ** 3
        return order + self._logistic_slack + NONLINEARITY * self.displacement

    @cached_property
    def margin(self) -> float:
        """Of q_min over its limit, from 1: |eta| gamma in `norm_bounds`, less its spread, + lag."""
        problem = self.instance.problem
        limit = self.level + log(problem.samples * problem.degree)
        low, high = (norm * self._svm.margin for norm in norm_bounds(self._svm, self.level))
        deep = depth(self._svm, self.level)
        spread = log(problem.samples) + self._logistic_slack
        smallest = low * (1.0 - min(spread / max(deep - log(max(deep, 1.0)), 1e-9), 1.0))
        lag = 4.0 * (problem.degree - 1) / problem.degree / max(low, 1.0) ** 2
        furthest = max(abs(high / limit - 1.0), abs(smallest / limit - 1.0))
        return furthest + lag + NONLINEARITY * self.displacement

    @property
    def _logistic_slack(self) -> float:
        """e^-q_min, with q_min near half of D at the least."""
        logistic = self.instance.problem.loss == "logistic"
        return exp(-0.5 * depth(self._svm, self.level)) if logistic else 0.0

    @cached_property
    def _svm(self) -> KernelSVM:
        return kernel_svm(self.instance.problem)


def _kernel_outcome(instance: FlowInstance, grant: _KernelGrant) -> Outcome:
    problem, at = instance.problem, 1.0 - instance.c
    moment = _early(instance)
    limit = log_normalization_argument(problem, instance.regime, at)
    parts = [
        Part("sine with the anchor", moment.anchor_sine, 2.0 * grant.displacement + ROUNDING),
        Part(
            "smallest margin off its limit", abs(moment.margins.min() / limit - 1.0), grant.margin
        ),
    ]
    return Outcome((*parts, *_shape(instance, moment, grant)))


def _shape(instance: FlowInstance, moment: Moment, grant: _KernelGrant) -> list[Part]:
    """f against the kernel SVM, and against the regularised machine that it passes on its way.

    Unit vectors u, v of F = G e obey |u - v| <= 2 |F - F'| / |F'| <= 2 |G| |e - e'| / |F'|: outputs
    may differ by that much more than directions. Nothing where there is no kernel SVM.
    """
    problem = instance.problem
    try:
        svm = kernel_svm(problem)
    except AssumptionError:
        return []
    features = features_at(problem, np.concatenate([problem.inputs, probe_inputs(problem)]))
    parts = []
    for name, weights, granted in (
        ("shape off the kernel SVM", svm.weights, grant.direction_gap),
        (
            "shape off the quasi-static machine",
            machine_weights(problem, svm, _level(instance)),
            grant.machine_gap,
        ),
    ):
        predicted = features @ (weights / np.linalg.norm(weights))
        size = float(np.linalg.norm(predicted))
        gap = moment.probed / max(float(np.linalg.norm(moment.probed)), 1e-300) - predicted / size
        amplification = 2.0 * float(np.linalg.norm(features, 2)) / size
        bound = min(amplification * granted, 2.0) + ROUNDING
        parts.append(Part(name, float(np.linalg.norm(gap)), bound))
    return parts


def machine_weights(problem: Problem, svm: KernelSVM, level: float) -> Floats:
    """The quasi-static kernel machine at Lam = `level` with its lag, as a direction `(P,)`."""
    kernel = gram(svm.features)
    log_dual = quasi_static_dual(kernel, level, problem.loss)
    dual = np.exp(log_dual) + lag_correction(kernel, log_dual, problem.degree)
    return np.asarray(svm.features.T @ dual)


def _late_phase(pair: Violation) -> Judged:
    valid = _window(pair.restored)
    grant = _late_grant(pair.restored, valid)
    restored = _late_outcome(valid, grant)
    return Judged(_late_outcome(_window(pair.violating), grant), restored)


@dataclass(frozen=True)
class _LateGrant:
    stationarity: float
    complementarity: float


@lru_cache(maxsize=8)
def _course(instance: FlowInstance) -> list[Moment] | NumericalFailure:
    """At (1-c) t_g, then over the late window; both conclusions are read off one flow."""
    window = np.linspace(1.0, 1.0 + instance.c, WINDOW_POINTS)
    try:
        return moments(instance, [1.0 - instance.c, *window], probe_inputs(instance.problem))
    except NumericalFailure as failure:
        return failure


def _early(instance: FlowInstance) -> Moment:
    course = _course(instance)
    if isinstance(course, list):
        return course[0]
    return moments(instance, [1.0 - instance.c], probe_inputs(instance.problem))[0]


def _window(instance: FlowInstance) -> list[Moment]:
    course = _course(instance)
    if isinstance(course, list):
        return course[1:]
    raise course


def _late_grant(instance: FlowInstance, window: list[Moment]) -> _LateGrant:
    """What Theorem 2 grants: E' = -|theta'|^2 in decay time, and log n / mean margin."""
    first, last = window[0], window[-1]
    smallest = min(exp(2.0 * moment.log_norm) for moment in window)
    drop = max(first.energy - last.energy, 0.0)
    by_energy = sqrt(drop / ((last.decay_time - first.decay_time) * smallest))
    by_rate = sqrt(ENERGY_CONSTANT / (instance.c * instance.regime.log_alpha))
    spread = log(instance.problem.samples)
    bounds = []
    for moment in window:
        slack = exp(-moment.margins.min()) if instance.problem.loss == "logistic" else 0.0
        mean = moment.mean_margin
        bounds.append((spread + slack) / mean if mean > 0 else inf)
    # the minimum is over 17 times of the window, the theorem's over all of them
    return _LateGrant(min(1.01 * by_energy, by_rate) + ROUNDING, min(max(bounds), 1.0) + ROUNDING)


def _late_outcome(window: list[Moment], grant: _LateGrant) -> Outcome:
    """At the best time of the window."""
    outcomes = [
        Outcome(
            (
                Part("samples not fitted", float((moment.margins <= 0).sum()), 0.0),
                Part("stationarity", moment.stationarity, grant.stationarity),
                Part("complementarity", moment.complementarity, grant.complementarity),
            )
        )
        for moment in window
    ]
    return min(outcomes, key=lambda outcome: outcome.severity)


_KINDS = {"kernel phase": _kernel_phase, "late phase": _late_phase}
