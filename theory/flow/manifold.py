"""The slow manifold of the squared loss, on which f = y up to O(n lambda).

With gain e^G the residual is y - f = e^-G m, which float64 cannot resolve once e^G > 1e6. There the
multipliers m follow from f' = -L f + J J^T m (Euler's identity, in either chart) and f = y - e^-G m:

    (J J^T + (L + drift) e^-G) m = L y    up to O(e^-G m'),

drift = -G'. A restoring term keeps f on the manifold. Error: O(e^-G / smallest eigenvalue).
"""

from dataclasses import dataclass
from math import exp, log

import numpy as np
from scipy.linalg import solve

from theory.backend import Floats
from theory.clock import decay_time_at, log_rate
from theory.errors import NumericalFailure
from theory.flow.chart import Chart

_STIFF_ABOVE = log(1e6)
_RELAXED = 50.0
"""e-folds after which the slowest mode of the initial fit is below rounding."""


@dataclass(frozen=True, eq=False)
class SlowManifold:
    """Right-hand side and Jacobian of the reduced flow, in the coordinates of `chart`."""

    chart: Chart

    def multipliers(self, decay_time: float, outputs: Floats, gradients: Floats) -> Floats:
        """m, shape `(n,)`."""
        problem, softness = self.chart.problem, exp(-self.chart.log_gain(decay_time))
        kernel = gradients @ gradients.T
        ridge = (problem.degree + self.chart.drift) * softness * np.eye(len(kernel))
        try:
            rest = solve(kernel + ridge, problem.degree * problem.labels, assume_a="pos")
            astray = problem.labels - softness * rest - outputs
            return np.asarray(rest + solve(kernel, problem.degree * astray, assume_a="pos"))
        except np.linalg.LinAlgError:
            raise NumericalFailure("the targets are not realisable: J J^T is singular") from None

    def rhs(self, clock: float, coordinates: Floats) -> Floats:
        """dy/dtau."""
        decay_time = decay_time_at(clock)
        outputs, gradients = self.chart.linearize(decay_time, coordinates)
        pull = self.multipliers(decay_time, outputs, gradients) @ gradients
        return np.asarray(exp(log_rate(clock)) * (pull - self.chart.decay * coordinates))

    jacobian = None
    """The reduced flow is not stiff; the integrator differences it."""


def relaxation_clock(chart: Chart, start: float) -> float | None:
    """tau after which the squared loss has relaxed onto the manifold; None where it is not stiff."""
    problem = chart.problem
    if problem.loss_function.classifies:
        return None
    resting_gain = Chart(problem, chart.regime, comoving=False).log_gain(0.0)
    if resting_gain < _STIFF_ABOVE:
        return None
    slowest = float(np.linalg.eigvalsh(chart.base_jacobian @ chart.base_jacobian.T)[0])
    if slowest <= 0:
        raise NumericalFailure("the targets are not realisable: the kernel at the anchor is singular")
    return max(start + 1.0, log(_RELAXED / slowest) - chart.log_gain(0.0))
