"""alpha and lambda as a problem counts them: from a unit anchor, with gradients and targets of one.

With theta-bar = A b, |b| = 1, S the largest |grad f(b; x_i)| and Y the largest |y_i| (1 where signs
are told apart), the flow is that of f' = f / S from b, with targets y / Y, at

    alpha' = alpha A (S / Y)^(1/L),      lambda' = lambda / (Y^2 (S / Y)^(2/L)),

on the same clock s = lambda t (see `theory.units`, which takes powers of two next to these). An
anchor times k at alpha / k, or outputs times k at the alpha and lambda that keep the flow, have the
same alpha', lambda' and t_g = log(alpha') / lambda. So what is said of alpha', lambda' and t_g does
not depend on units; of alpha alone it does: log alpha has none only if it is large.
"""

from dataclasses import dataclass
from math import log

import numpy as np

from theory.backend import Floats
from theory.errors import AssumptionError
from theory.nets import HomogeneousNet
from theory.problem import LOG_10, Problem, Regime
from theory.units import largest_gradient


@dataclass(frozen=True)
class OwnScale:
    """Logarithms of what a problem makes of alpha and lambda.

    Attributes:
        log_alpha: log(alpha' / alpha).
        log_lambda: log(lambda' / lambda).
        log_gradient: log(A^(L-1) S), of the largest gradient at the anchor.
        log_target: log Y. |eta'| = A^(L-1) S |eta| / Y.
    """

    log_alpha: float
    log_lambda: float
    log_gradient: float
    log_target: float

    @classmethod
    def of(cls, problem: Problem) -> "OwnScale":
        """Of a problem; a size that is zero counts as one."""
        degree, unit_norm = problem.degree, float(np.linalg.norm(problem.unit_anchor))
        log_anchor = problem.units.anchor_exponent * log(2.0) + log(unit_norm)
        log_slope = _log_slope(problem.row_net, problem.unit_anchor, problem.inputs)
        log_slope -= (degree - 1) * log(unit_norm)
        log_target = 0.0 if problem.loss_function.classifies else _log_of_largest(problem.labels)
        log_theta = (log_slope - log_target) / degree
        return cls(
            log_anchor + log_theta,
            -2.0 * (log_target + log_theta),
            (degree - 1) * log_anchor + log_slope,
            log_target,
        )

    def own(self, regime: Regime) -> Regime:
        """alpha' and lambda'.

        Raises:
            AssumptionError: alpha' is 1 or below ("alpha large").
        """
        log10_alpha = regime.log10_alpha + self.log_alpha / LOG_10
        if log10_alpha <= 0:
            raise AssumptionError(
                "alpha large",
                f"log10 alpha is {regime.log10_alpha:.6g}, and {log10_alpha:.3g} counted from a "
                "unit anchor with unit gradients; there it must be positive",
            )
        log10_lambda = regime.log10_lambda + self.log_lambda / LOG_10
        return Regime(log10_alpha=log10_alpha, log10_lambda=log10_lambda)

    def told(self, own: Regime) -> Regime:
        """The inverse of `own`.

        Raises:
            InvalidInput: alpha is 1 or below.
        """
        return Regime(
            log10_alpha=own.log10_alpha - self.log_alpha / LOG_10,
            log10_lambda=own.log10_lambda - self.log_lambda / LOG_10,
        )


def _log_slope(net: HomogeneousNet, anchor: Floats, inputs: Floats) -> float:
    """log of the largest gradient at the anchor."""
    with np.errstate(all="ignore"):
        slope = largest_gradient(net, anchor, inputs)
    return log(slope) if 0.0 < slope < np.inf else 0.0


def _log_of_largest(numbers: Floats) -> float:
    largest = float(np.abs(numbers).max())
    return log(largest) if largest > 0.0 else 0.0
