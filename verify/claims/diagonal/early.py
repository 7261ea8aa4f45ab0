"""Diagonal nets at (1-c) t_g, on alphas from the instance's own to 10^10000."""

from dataclasses import dataclass, replace
from functools import cached_property, partial
from math import exp, log
from typing import Final

import numpy as np

from theory.asymptotics.kernel_phase import log_inverse_decay
from theory.kernel import KernelSVM, kernel_svm
from theory.kernel.quasi_static import entropies
from theory.problem import Problem
from verify.claims.diagonal.margins import OF_DIAGONAL_NETS, Norm, Optima, optima_of, softness
from verify.claims.diagonal.moments import (
    Moment,
    Route,
    by_all_parameters,
    by_dual_variables,
    moments,
)
from verify.claims.early_late.kernel_phase import Time
from verify.instances import FlowInstance
from verify.language import Measurement
from verify.strategies.wide_diagonal import early_instances

LIMIT_SCALES: Final = (100.0, 1000.0, 10000.0)
"""log10 alpha of the rungs beyond the instance's own, as for `kernel-svm`."""

MISTAKEN_SCALE: Final = 12.0
"""log10 alpha at which rivals that mistake the time are read: far enough for O(1) differences."""

RTOL: Final = 1e-12
MISTAKEN_RTOL: Final = 1e-7


@dataclass(frozen=True, eq=False)
class EarlyPhase:
    """The predictor at (1-c) t_g on the rungs, with the optima of both programmes."""

    instance: FlowInstance
    svm: KernelSVM
    optima: Optima
    rungs: tuple[Moment, ...]

    @property
    def problem(self) -> Problem:
        return self.instance.problem

    @property
    def gamma(self) -> float:
        """gamma_2."""
        return self.optima[Norm.L2].margin

    @property
    def deficit_constant(self) -> float:
        """H(p*) + log max p*, p* the normalised multipliers: (1 - ratio) gamma |w| tends to it."""
        shannon, smallest = entropies(np.log(np.maximum(self.svm.dual, 1e-300)))
        return shannon - smallest

    def at(self, time: Time) -> tuple[Moment, ...]:
        """The rungs, or the one moment that a rival takes for early.

        Raises:
            NumericalFailure: the flow does not get there.
        """
        return self.rungs if time is Time.EARLY else (self._mistaken[time],)

    @cached_property
    def _mistaken(self) -> dict[Time, Moment]:
        instance = self.instance
        scale = min(MISTAKEN_SCALE, instance.own.log10_alpha)
        # beyond 1.5 t_g theta only comes to rest
        times = {
            Time.LATE: 1.0 + instance.c,
            Time.INVERSE_DECAY: min((1.0 - instance.c) * instance.own.decay_power, 1.5),
        }
        rung = instance.at_own_alpha(scale)
        found = moments(rung, list(times.values()), MISTAKEN_RTOL, by_dual_variables)
        return dict(zip(times, found, strict=True))

    def level(self, rung: Moment, growth: float = 1.0) -> float:
        """Lam of lam_eff = L lambda rho^(-2 (L-1) growth)."""
        return self._level(rung, 1.0 - growth * (1.0 - rung.at))

    def _level(self, rung: Moment, at: float) -> float:
        units = 2.0 * self.instance.scale.log_gradient
        return log_inverse_decay(self.problem, rung.own, at) - units

    def depth(self, level: float) -> float:
        """D = log(gamma^2 / lam_eff)."""
        return 2.0 * log(self.svm.margin) + level + log(self.problem.samples)

    def soft(self, rung: Moment) -> float:
        """What the logistic loss adds to differences of margins."""
        return softness(self.problem, float(rung.tight.margins.min()))

    def deficit_bound(self, rung: Moment) -> float:
        """Bound on 1 - min q / (gamma_2 |w|_2): log n / (D - log D), and the shift of the flow.

        The first term is derived for the quasi-static machine. The shift of w moves margins by up
        to |x| |w|, in units of gamma_2 |w|.
        """
        depth = self.depth(self._level(rung, min(rung.at, 1.0)))
        spread = log(self.problem.samples) + self.soft(rung)
        if depth - log(max(depth, 1.0)) <= spread:
            return 1.0
        length = float(np.linalg.norm(self.problem.inputs, axis=1).max())
        return spread / (depth - log(depth)) + (1.0 + length / self.gamma) * self.shift(rung)

    def shift(self, rung: Moment) -> float:
        """Relative distance of w from the quasi-static machine of the linearised net, at most.

        Lag: (2 (L-1) / L) / Lam^2 to leading order; the largest seen is 1.8 of it, 3 are granted.
        Bending, before t_g: w = 2 L xi (rho half)^L (1 + (2L-2)(3L-4)/6 xi^2 + ...), twice for
        what the multipliers give back; xi of the largest coordinate.
        """
        degree, weights = self.problem.degree, rung.tight.weights
        size = float(np.linalg.norm(weights))
        lag = 3.0 * 2.0 * (degree - 1) / degree / (self.gamma * size) ** 2
        if rung.at > 1.0 - self.instance.c:
            return lag
        told, half = rung.rung, log(self.problem.anchor[0])
        log_scale = degree * ((1.0 - told.told(rung.at)) * told.regime.log_alpha + half)
        xi = exp(max(log(float(np.abs(weights).max()) / (2.0 * degree)) - log_scale, -300.0))
        return lag + 2.0 * (2 * degree - 2) * (3 * degree - 4) / 6.0 * xi**2


def measure(
    instance: FlowInstance, *, route: Route = by_dual_variables, shift: float = 1.0
) -> EarlyPhase:
    """Integrate the rungs.

    Args:
        shift: the flow, not what is said of it, is read at so many times its time: a wrong world.
    """
    problem, time = instance.problem, 1.0 - instance.c
    svm, optima = kernel_svm(problem), optima_of(problem)
    told = [instance, *(instance.at_own_alpha(scale) for scale in LIMIT_SCALES)]
    found = [moments(rung, [shift * time], RTOL, route)[0] for rung in told]
    rungs = tuple(replace(moment, at=time) for moment in found)
    return EarlyPhase(instance, svm, optima, rungs)


DIAGONAL_EARLY = Measurement(
    id="diagonal-early",
    kind=FlowInstance,
    families=("diagonal",),
    instances=lambda _, sizes: early_instances(sizes),
    measure=measure,
    assumptions=OF_DIAGONAL_NETS,
    sabotaged={"a flow read 2 % late": partial(measure, shift=1.02)},
    independent=partial(measure, route=partial(by_all_parameters, method="BDF")),
)
