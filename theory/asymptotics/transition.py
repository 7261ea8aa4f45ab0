"""When the transition happens at finite alpha: t* = t_g (1 - log-log corrections)."""

from math import log
from typing import Final

from scipy.optimize import brentq

from theory.asymptotics.kernel_phase import log_inverse_decay, log_refined_normalization
from theory.errors import InvalidInput
from theory.kernel.svm import KernelSVM
from theory.own_scale import OwnScale
from theory.problem import Problem, Regime

SHORTEST: Final = 0.1
"""Decay time from which on the transition is looked for, where log alpha is less."""

LATEST: Final = 1e6
"""Multiple of it up to which the transition is looked for."""


def transition_decay_time(svm: KernelSVM, problem: Problem, regime: Regime) -> float:
    """s* = lambda t*, where the kernel machine has grown as large as what is left of the anchor.

    rho^L |anchor| = |eta|, with |eta| from `refined_normalization`; to leading order
    s* = log alpha - (1/L) log(log(1/lambda) / (gamma |anchor|)).

    Raises:
        InvalidInput: there is none: decay outweighs the data, as at degree 2 for a large lambda,
            where both lengths shrink as exp(-2 s) and never meet.
    """

    def excess(decay_time: float) -> float:
        level = log_inverse_decay(problem, regime, decay_time / regime.log_alpha)
        log_rho = regime.log_alpha - decay_time
        log_anchor = problem.degree * log_rho + log(problem.anchor_norm)
        return log_anchor - log_refined_normalization(svm, level)

    # from log alpha as the problem counts it on: much later weight decay has outweighed the data
    high = own = max(regime.log_alpha + OwnScale.of(problem).log_alpha, SHORTEST)
    while excess(high) > 0 and high < LATEST * own:
        high *= 1.5
    if excess(0.0) <= 0:
        return 0.0
    if excess(high) > 0:
        raise InvalidInput(
            f"log10 lambda is {regime.log10_lambda:g}; decay outweighs the data, so that what is "
            "left of the anchor shrinks no faster than the kernel machine: there is no transition"
        )
    return float(brentq(excess, 0.0, high))
