"""When the transition happens at finite alpha: t* = t_g (1 - log-log corrections)."""

from math import log

from scipy.optimize import brentq

from theory.asymptotics.kernel_phase import log_inverse_decay, refined_normalization
from theory.kernel.svm import KernelSVM
from theory.problem import Problem, Regime


def transition_decay_time(svm: KernelSVM, problem: Problem, regime: Regime) -> float:
    """s* = lambda t*, where the kernel machine has grown as large as what is left of the anchor.

    rho^L |anchor| = |eta|, with |eta| from `refined_normalization`; to leading order
    s* = log alpha - (1/L) log(log(1/lambda) / (gamma |anchor|)).
    """

    def excess(at: float) -> float:
        displacement = refined_normalization(svm, log_inverse_decay(problem, regime, at))
        log_anchor = problem.degree * (1.0 - at) * regime.log_alpha + log(problem.anchor_norm)
        return log_anchor - log(displacement)

    high = 1.0
    while excess(high) > 0 and high < 1e6:
        high *= 1.5
    low = 0.0
    if excess(low) <= 0:
        return 0.0
    return float(brentq(excess, low, high)) * regime.log_alpha
