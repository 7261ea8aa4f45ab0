"""The time variable of every integration: logarithmic first, then linear in the decay time.

s = lambda t is the decay time; the transition is at s = log alpha. The flow starts on the scale
s ~ e^-E0, which can be 1e-100000, and ends at s ~ 1e5. The clock tau = log s for s < 1 and
tau = s - 1 beyond resolves both and is continuously differentiable at the seam, so that an
integrator can pass it in one call.
"""

from math import exp, log
from typing import Final

HEAD_START: Final = -14.0
"""The first step is explicit Euler over e^-14 of the first time scale (relative error e^-28)."""

SEAM: Final = 0.0
"""tau where s = 1: the second derivative of s jumps, and no step of high order should cross it."""


def clock_of(decay_time: float) -> float:
    """tau at decay time s > 0."""
    return log(decay_time) if decay_time < 1.0 else decay_time - 1.0


def decay_time_at(clock: float) -> float:
    """s at tau (underflows to 0.0 below tau = -745, where only log s matters)."""
    return exp(clock) if clock < 0.0 else clock + 1.0


def first_clock(log_gain: float, stiffness: float) -> float:
    """tau at which a flow with the log of the force's gain `log_gain` has made its first step.

    `stiffness` is the largest entry of its kernel.
    """
    return HEAD_START - max(log_gain + log(max(1.0, stiffness)), 0.0)


def log_rate(clock: float) -> float:
    """log(ds/dtau), the logarithm of min(s, 1)."""
    return min(clock, 0.0)
