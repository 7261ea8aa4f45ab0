"""When the first unit of a layer of rectifiers meets a kink: until then the net is a polynomial.

While each v_m.x_i has the sign that it has at the anchor, f is bilinear in readout and hidden
weights, and all that is said of smooth nets holds as it stands. With theta = rho (anchor + rho^-2
eta) and eta = x h*, h* the weights of the kernel SVM and x + log x = Lam + 2 log gamma + H, the
first kink is met where rho^2 = x kappa, kappa the largest -<h*_m, x_i> / <vb_m, x_i>: at

    s = log alpha - log(x kappa) / 2,

up to what is nonlinear, which is small where the first kink is near the anchor. Source: this
project.
"""

from dataclasses import replace
from math import log

import numpy as np
from scipy.optimize import brentq

from theory.asymptotics.kernel_phase import log_inverse_decay, log_refined_normalization
from theory.backend import Floats
from theory.kernel.svm import KernelSVM
from theory.margin.clarke import rectifiers_of
from theory.problem import Problem, Regime


def cosines(problem: Problem, theta: Floats) -> Floats:
    """<v_m, x_i> / (|v_m| |x_i|) at theta `(P,)`, shape `(n, width)`.

    Raises:
        InvalidInput: a net that is not two layers of rectifiers.
    """
    net, inputs = rectifiers_of(problem)
    hidden = net.split(theta)[1]
    lengths = np.linalg.norm(inputs, axis=1)[:, None] * np.linalg.norm(hidden, axis=1)
    return np.asarray(inputs @ hidden.T / np.where(lengths > 0, lengths, 1.0))


def kink_ratio(svm: KernelSVM, problem: Problem) -> float:
    """kappa; not positive where no kink is met at first order, as at anchors of readout zero.

    Raises:
        InvalidInput: a net that is not two layers of rectifiers.
    """
    net, inputs = rectifiers_of(problem)
    anchored = inputs @ net.split(problem.anchor)[1].T
    moving = inputs @ net.split(svm.weights)[1].T
    return float((-moving / anchored).max())


def kink_displacement(svm: KernelSVM, problem: Problem) -> float:
    """rho^-2 |eta| / |anchor| at the first kink, 1 / (gamma kappa |anchor|); infinite for none."""
    ratio = kink_ratio(svm, problem)
    return 1.0 / (svm.margin * ratio * problem.anchor_norm) if ratio > 0.0 else np.inf


def kink_decay_time(
    svm: KernelSVM,
    problem: Problem,
    regime: Regime,
    *,
    share: float = 0.5,
    ratio: float | None = None,
    left: float = 0.0,
) -> float:
    """s at the first kink, where s = log alpha - share log(x kappa); 0 where it is met at once.

    Args:
        share: 1 / L = 1/2.
        ratio: kappa; None for that of the machine.
        left: the time when that much is left of a preactivation: rho^2 = x kappa / (1 - left).
    """
    kappa = kink_ratio(svm, problem) if ratio is None else ratio

    def excess(decay_time: float) -> float:
        level = log_inverse_decay(problem, regime, decay_time / regime.log_alpha)
        log_x = log_refined_normalization(svm, level) + log(svm.margin)
        return regime.log_alpha - decay_time - share * (log(kappa / (1.0 - left)) + log_x)

    high = 2.0 * regime.log_alpha
    if excess(0.0) <= 0.0:
        return 0.0
    return float(brentq(excess, 0.0, high)) if excess(high) < 0.0 else high


def bent(problem: Problem, smoothing: float) -> Problem:
    """The same with another smoothing."""
    net, _ = rectifiers_of(problem)
    new = replace(net, smoothing=smoothing)
    outer = problem.net
    return replace(problem, net=new if outer is net else replace(outer, net=new))  # type: ignore[type-var]
