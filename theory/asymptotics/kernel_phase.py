"""Predictions for the kernel phase, at (1-c) t_g: orders, constants, and bounds at finite alpha.

Symbols: n samples, L degree, gamma the kernel margin, lam_eff = L lambda rho^(-2 (L-1)) the decay
that the kernel machine effectively feels, Lam = log(1 / (n lam_eff)).
"""

from collections.abc import Callable
from math import exp, log, sqrt

import numpy as np
from scipy.optimize import brentq

from theory.backend import Floats
from theory.kernel.svm import KernelSVM
from theory.own_scale import OwnScale
from theory.problem import Problem, Regime


def log_inverse_decay(problem: Problem, regime: Regime, at: float) -> float:
    """Lam(s) = log(1 / (n L lambda)) + 2 (L-1) (log alpha - s) at s = `at` * log alpha."""
    log_rho = (1.0 - at) * regime.log_alpha
    resting = -log(problem.samples * problem.degree) - regime.log_lambda
    return resting + 2.0 * (problem.degree - 1) * log_rho


def log_normalization_argument(problem: Problem, regime: Regime, at: float) -> float:
    """log(alpha^(2 c (L-1)) / lambda) with c = 1 - `at`: gamma times the theorem's Z(alpha)."""
    log_rho = (1.0 - at) * regime.log_alpha
    return 2.0 * (problem.degree - 1) * log_rho - regime.log_lambda


def normalization(svm: KernelSVM, problem: Problem, regime: Regime, at: float) -> float:
    """Z(alpha): f / Z tends to the kernel SVM.

    Source: Lyu et al. (ICLR 2024), proof of Theorem 3.4; Z is printed with log(alpha^c / lambda).
    """
    return log_normalization_argument(problem, regime, at) / svm.margin


def plus_logarithm_inverse(total: float) -> float:
    """The x > 0 with x + log x = `total`."""
    if total < -30.0:
        return exp(total)
    x = max(total - log(max(total, 1.0)), 0.5 * exp(min(total, 0.0)))
    for _ in range(60):
        step = (x + log(x) - total) * x / (1.0 + x)
        x = max(x - step, 0.1 * x)
        if abs(step) <= 1e-15 * x:
            break
    return x


def dual_entropy(svm: KernelSVM) -> float:
    """Shannon entropy of the normalised SVM multipliers."""
    weights = svm.dual[svm.dual > 0] / svm.dual.sum()
    return float(-(weights * np.log(weights)).sum())


def refined_normalization(svm: KernelSVM, log_inverse_decay: float) -> float:
    """|eta| up to O(1 / Lam^2): x / gamma with x + log x = Lam + 2 log gamma + H(p*).

    Holds under strict complementarity (p* the normalised SVM multipliers, H Shannon entropy).
    """
    return exp(log_refined_normalization(svm, log_inverse_decay))


def log_refined_normalization(svm: KernelSVM, log_inverse_decay: float) -> float:
    """Its logarithm, also where it leaves float64."""
    return log_machine_norm(log(svm.margin), dual_entropy(svm), log_inverse_decay)


def log_machine_norm(log_margin: float, entropy: float, log_inverse_decay: float) -> float:
    """The same of log gamma and of the entropy of the normalised multipliers."""
    total = log_inverse_decay + 2.0 * log_margin + entropy
    x = plus_logarithm_inverse(total)
    return (log(x) if x > 1.0 else total - x) - log_margin


def norm_bounds(svm: KernelSVM, log_inverse_decay: float) -> tuple[float, float]:
    """Bounds on |h| of the quasi-static machine, from gamma, n and Lam alone (exponential loss).

    With A = sum a, p = a / A and q the margins: mean_p q = Lam - log A + H(p), |h|^2 = A mean_p q,
    mean_p q - min q <= log n, min q <= gamma |h| and gamma A <= |h|. So x = gamma |h| lies in
    [m - log n, m] for m = mean_p q, and A = x^2 / (gamma^2 m).
    """
    samples, log_margin = len(svm.dual), log(svm.margin)
    spread = log(samples)
    # m + log A = Lam + H with A <= m / gamma^2 and H >= 0 gives the smallest m
    smallest_mean = plus_logarithm_inverse(log_inverse_decay + 2.0 * log_margin)

    def excess(mean: float) -> float:
        log_total = 2.0 * log(max(mean - spread, 1e-300)) - log(mean) - 2.0 * log_margin
        return mean + log_total - log_inverse_decay - spread

    low = spread + 1e-12
    high = max(2.0 * spread + 1.0, low + 1.0)
    while excess(high) < 0:
        high *= 2.0
    largest_mean = float(brentq(excess, low, high)) if excess(low) < 0 else low
    return max(smallest_mean - spread, 0.0) / svm.margin, largest_mean / svm.margin


def direction_gap_bound(svm: KernelSVM, log_inverse_decay: float, slack: float = 0.0) -> float:
    """Bound on |h/|h| - h*/|h*|| of the quasi-static machine, from gamma, n and Lam alone.

    sqrt(2 log n / (D - log D)) with D = log(gamma^2 / lam_eff), for the exponential loss: h is
    feasible up to scale, so cos(h, h*) >= min q / (gamma |h|) >= 1 - log n / mean_p q. At most 2.
    The logistic loss adds e^(-min q) to log n: `slack`.
    """
    spread = log(len(svm.dual)) + slack
    data_over_decay = depth(svm, log_inverse_decay)
    if data_over_decay <= 1.0 or spread >= data_over_decay - log(data_over_decay):
        return 2.0
    return sqrt(2.0 * spread / (data_over_decay - log(data_over_decay)))


def direction_gap_constant(svm: KernelSVM) -> float:
    """C1 with |h/|h| - h*/|h*|| = C1 / Lam (1 + o(1)), under strict complementarity.

    C1 = gamma |(1 - h h^T / |h|^2) Phi_S^T K_SS^-1 log b_S| over the support S.
    """
    features, logarithms = svm.features[svm.support], np.log(svm.dual[svm.support])
    lengths = np.linalg.norm(features, axis=1)
    # rows of unit length: neither units nor a squared condition number decide on the rank
    shift = np.linalg.lstsq(features / lengths[:, None], logarithms / lengths, rcond=None)[0]
    across = shift - (shift @ svm.direction) * svm.direction
    return svm.margin * float(np.linalg.norm(across))


def relative_displacement(svm: KernelSVM, problem: Problem, regime: Regime, at: float) -> float:
    """delta = rho^-L |eta| / |anchor|, predicted: how far theta is from rho * anchor, relatively.

    Everything nonlinear in the kernel phase is a power of delta.
    """
    displacement = refined_normalization(svm, log_inverse_decay(problem, regime, at))
    log_epsilon = -problem.degree * (1.0 - at) * regime.log_alpha
    return exp(log_epsilon + log(displacement / problem.anchor_norm))


def depth(svm: KernelSVM, log_inverse_decay: float) -> float:
    """D = log(gamma^2 / lam_eff): the log of how strongly data outweigh decay, gauge-free."""
    return 2.0 * log(svm.margin) + log_inverse_decay + log(len(svm.dual))


def scale_of_displacement(
    svm: KernelSVM,
    problem: Problem,
    decay_power: float,
    at: float,
    displacement: float,
    min_depth: float = 8.0,
) -> float:
    """log10 alpha from which on the relative displacement at time `at` < 1 is below `displacement`
    and `depth` above `min_depth`: where the kernel phase has been reached.

    alpha, `decay_power` and `at` are counted as the problem does, see `theory.own_scale`.
    """
    log_gradient = OwnScale.of(problem).log_gradient

    def level(own: Regime) -> float:
        """Lam of the gradients as they are."""
        return log_inverse_decay(problem, own, at) - 2.0 * log_gradient

    def lacking_depth(log10_alpha: float) -> float:
        own = Regime(log10_alpha=log10_alpha, decay_power=decay_power)
        return min_depth - depth(svm, level(own))

    def excess(log10_alpha: float) -> float:
        own = Regime(log10_alpha=log10_alpha, decay_power=decay_power)
        log_eta = log_refined_normalization(svm, level(own)) + log_gradient
        return log_eta - problem.degree * (1.0 - at) * own.log_alpha - log(displacement)

    return _last_root(excess, _last_root(lacking_depth, 0.01))


def _last_root(decreasing: Callable[[float], float], low: float) -> float:
    """Where a function that decreases from `low` on turns negative; `low` when it already is."""
    if decreasing(low) <= 0:
        return low
    high = 2.0 * low
    while decreasing(high) > 0:
        high *= 2.0
    return float(brentq(decreasing, low, high))


def features_at(problem: Problem, inputs: Floats) -> Floats:
    """grad f(anchor; x) for any inputs `(m, d)`, shape `(m, P)`, or `(m, K, P)`."""
    return np.asarray(problem.net.jacobian(problem.anchor, np.asarray(inputs, dtype=np.float64)))
