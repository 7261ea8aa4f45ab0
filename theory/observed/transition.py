"""When a run with weight decay leaves its start: t_g, and the transition at finite alpha.

theta_0 = alpha theta-bar with |theta-bar| = 1; the penalty is lambda |theta|^2 / 2 beside the mean
loss, and time is steps times learning rate. t_g = log(alpha) / lambda. At s = lambda t the kernel
machine has grown to |eta|, gamma |eta| = x with x + log x = Lam + 2 log gamma + H, and theta has
turned by the angle of tangent |eta| / rho^L, rho = alpha e^-s.
"""

from dataclasses import dataclass
from math import exp, log, pi, tan
from typing import Final

from scipy.optimize import brentq

from theory.asymptotics.kernel_phase import log_machine_norm
from theory.errors import InvalidInput

LATEST: Final = 1e4
"""Decay time up to which a transition is looked for."""

TURN: Final = pi / 6
"""Angle between theta and the start by which a run has left its start. The linear picture holds
until about then: from alpha = 100 on, rectifiers come to 30 degrees within 5 % of the predicted
time, but to 45 degrees 20 to 30 % late."""


@dataclass(frozen=True)
class DecayRun:
    """What the prediction needs of a run.

    Attributes:
        norm: alpha = |theta_0|.
        decay: lambda.
        degree: L.
        samples: n.
        margin: gamma of the kernel SVM at theta_0 itself.
        entropy: H, of its normalised multipliers.
    """

    norm: float
    decay: float
    degree: float
    samples: int
    margin: float
    entropy: float

    def log_machine_norm(self, decay_time: float) -> float:
        """log |eta| at s: how long the kernel machine is, in units of theta-bar."""
        log_margin = log(self.margin) - (self.degree - 1) * log(self.norm)
        level = -log(self.samples * self.degree * self.decay)
        level += 2.0 * (self.degree - 1) * (log(self.norm) - decay_time)
        return log_machine_norm(log_margin, self.entropy, level)


def grokking_time(norm: float, decay: float) -> float:
    """t_g = log(alpha) / lambda.

    Raises:
        InvalidInput: no decay, or a start of norm 1 at most, which is not large.
    """
    if not decay > 0:
        raise InvalidInput(f"decay is {decay}; t_g = log(alpha) / lambda needs a positive one")
    if not norm > 1:
        raise InvalidInput(
            f"norm of the start is {norm:.4g}; t_g = log(norm) / lambda needs one above 1"
        )
    return log(norm) / decay


def transition_time(run: DecayRun) -> float:
    """t at which theta has turned from its start by `TURN`: the end of the kernel regime.

    Asymptotics in a large alpha and a small lambda, of a homogeneous net of zero output at the
    start.

    Raises:
        InvalidInput: it lies before the start, so that there is no kernel phase, or nowhere.
    """

    def excess(decay_time: float) -> float:
        left = run.degree * (log(run.norm) - decay_time) + log(tan(TURN))
        return left - run.log_machine_norm(decay_time)

    if excess(0.0) <= 0:
        raise InvalidInput(
            "norm of the start is too small for a kernel phase: the kernel machine outgrows it at "
            f"once (|eta| = {exp(run.log_machine_norm(0.0)):.3g}, alpha^L = "
            f"{run.norm**run.degree:.3g})"
        )
    high = max(log(run.norm), 0.1)
    while excess(high) > 0 and high < LATEST:
        high *= 1.5
    if excess(high) > 0:
        raise InvalidInput(
            f"decay is {run.decay:g}; it outweighs the data: what is left of the start shrinks no "
            "faster than the kernel machine"
        )
    return float(brentq(excess, 0.0, high)) / run.decay
