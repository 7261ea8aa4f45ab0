"""How far the linearised flow lags behind its ridge, which grows while the flow follows it."""

from dataclasses import dataclass

import numpy as np

from theory.backend import Floats
from theory.kernel.regression import (
    kernel_regression,
    lagging_regression,
    linearised_flow,
    log_effective_ridge,
)
from theory.problem import LOG_10, Problem, Regime
from verify.language import Quantity

RIDGES = 10.0 ** np.array([-1.0, -1.5, -2.0, -2.5])
"""Over the smallest eigenvalue of the kernel."""


@dataclass(frozen=True, eq=False)
class Lag:
    """Misfits of the linearised flow, of its ridge, and of the ridge with its lag, `(R, n)`."""

    flow: Floats
    proper: Floats
    lagging: Floats

    def unexplained(self, lag: float) -> Quantity:
        """What `lag` times the lag leaves of the flow's misfit, relatively, `(R,)`."""
        left = self.flow - self.proper - lag * (self.lagging - self.proper)
        sizes = np.linalg.norm(self.flow, axis=1)
        return Quantity.rounded(np.linalg.norm(left, axis=1) / sizes, 1.0)


def lag_of(problem: Problem) -> Lag:
    """At half the time t_g of regimes with these ridges."""
    features = kernel_regression(problem).features
    smallest = float(np.linalg.svd(features, compute_uv=False).min()) ** 2
    unit = log_effective_ridge(problem, Regime(log10_alpha=1.0, log10_lambda=0.0), 0.5)
    regimes = [
        Regime(log10_alpha=1.0, log10_lambda=float(np.log(ridge) - unit) / LOG_10)
        for ridge in RIDGES * smallest
    ]
    return Lag(
        np.array([linearised_flow(problem, regime, 0.5).misfit for regime in regimes]),
        np.array([kernel_regression(problem, ridge=r).misfit for r in RIDGES * smallest]),
        np.array([lagging_regression(problem, regime, 0.5).misfit for regime in regimes]),
    )
