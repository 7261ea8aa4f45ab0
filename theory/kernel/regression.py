"""Kernel regression with the NTK at the anchor: minimum norm, ridge, and what the flow leaves.

Minimum norm: h = J^T a with K a = y. Ridge r: (K + r) a = y. At (1-c) t_g the flow of the squared
loss is kernel ridge regression with r = n lam_eff, lam_eff = L lambda rho^(-2 (L-1)), to first
order in r. To second order it lags behind, since lam_eff grows at the rate 2 (L-1): the linearised
flow a' = -L a + (L / r) (y - K a) has

    y - K a = r (K + r (3L - 2) / L)^-1 y + O(r^3),

and exactly, in each mode k of K, the share b U(1, 1 - b, b k / r) of y with b = L / (2 (L-1)) and
Tricomi's function U.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from math import exp, log
from typing import Final

import numpy as np
from scipy.special import hyperu

from theory.backend import Floats
from theory.errors import AssumptionError, InvalidInput, OracleFailed
from theory.kernel.ntk import RANK_TOLERANCE, feature_rank, signed_features
from theory.own_scale import OwnScale
from theory.problem import Problem, Regime
from theory.requests import check_not_negative, check_number
from theory.units import power_of_two, scaled

RESIDUAL_TOLERANCE: Final = 1e-6
"""Relative to |y|, as for targets written by hand (`REALIZABILITY_TOLERANCE`): the normal equations
are solved through singular values, so a realizable task leaves 1e-13 to 1e-9."""


@dataclass(frozen=True, eq=False)
class KernelRegression:
    """The minimiser of |y - J h|^2 + ridge |h|^2, or the minimum-norm interpolator for ridge = 0.

    Attributes:
        features: J, shape `(n, P)`.
        targets: y, shape `(n,)`.
        ridge: r >= 0, in the units of the kernel.
        misfit: y - J h, shape `(n,)`; known without cancellation.
        dual: a, shape `(n,)`, with h = J^T a.
        certificate: |y - J h - misfit| / |y| recomputed from h: rounding, not optimality lost.
    """

    problem: Problem
    features: Floats
    targets: Floats
    ridge: float
    misfit: Floats
    dual: Floats
    certificate: float

    @cached_property
    def weights(self) -> Floats:
        """h = J^T a, shape `(P,)`."""
        return np.asarray(self.features.T @ self.dual)

    @cached_property
    def norm(self) -> float:
        """|h|."""
        exponent = power_of_two(self.weights)  # squares stay in float64
        return float(scaled(np.linalg.norm(scaled(self.weights, -exponent)), exponent))

    def outputs(self, inputs: Floats) -> Floats:
        """K(x, X) a on any inputs `(m, d)`, shape `(m,)`."""
        net, anchor = self.problem.net, self.problem.anchor
        gradients = net.jacobian(anchor, np.asarray(inputs, dtype=np.float64))
        return np.asarray(gradients @ self.weights)


def kernel_regression(
    problem: Problem, *, ridge: float = 0.0, lag: float = 0.0
) -> KernelRegression:
    """Kernel regression of the targets with the NTK at the anchor.

    Args:
        ridge: r >= 0; 0 interpolates.
        lag: the misfit is r (K + r (1 + lag))^-1 y; 0 for ridge regression proper, and
            2 (L-1) / L for the flow (see `lagging_regression`).

    Raises:
        InvalidInput: a classification loss, or a ridge that is negative or not finite, or a lag
            that is not finite.
        AssumptionError: the model linearised at the anchor cannot interpolate the targets
            ("realizability").
        OracleFailed: the solution does not carry its own certificate.
    """
    check_not_negative("ridge", ridge)
    check_number("lag", lag)

    def share(eigenvalues: Floats) -> Floats:
        return np.asarray(ridge / (eigenvalues + ridge * (1.0 + lag)))

    return _leaving(problem, ridge, share)


def _leaving(problem: Problem, ridge: float, share: Callable[[Floats], Floats]) -> KernelRegression:
    """The regression whose misfit is, in each mode of K, that share of the targets."""
    if problem.loss_function.classifies:
        raise InvalidInput(f"loss is {problem.loss!r}; kernel regression is for 'squared'")
    features, exponent = signed_features(problem), power_of_two(problem.labels)
    targets = scaled(problem.labels, -exponent)  # squares stay in float64
    left, singular, _ = np.linalg.svd(features, full_matrices=False)
    rank = feature_rank(features)
    size = float(np.linalg.norm(targets))
    if rank == 0:
        raise AssumptionError("realizability", "all gradient features at the anchor are zero")
    left, eigenvalues = left[:, :rank], singular[:rank] ** 2
    projected = left.T @ targets
    unreachable = float(np.linalg.norm(targets - left @ projected))
    if unreachable > RESIDUAL_TOLERANCE * size:
        raise AssumptionError(
            "realizability",
            "the model linearised at the anchor cannot interpolate the targets: its best fit, with "
            f"gradients of rank {rank} for {problem.samples} samples, misses them by "
            f"{unreachable / size:.1e} relative (allowed: {RESIDUAL_TOLERANCE:.0e})",
        )
    left_over = share(eigenvalues)
    misfit = left @ (projected * left_over)
    dual = left @ (projected * (1.0 - left_over) / eigenvalues)
    remaining = targets - misfit - features @ (features.T @ dual)
    certificate = float(np.linalg.norm(remaining)) / max(size, np.finfo(float).tiny)
    if not certificate <= RESIDUAL_TOLERANCE:
        raise OracleFailed(
            f"kernel regression leaves a residual of {certificate:.1e} relative to the targets "
            f"(allowed: {RESIDUAL_TOLERANCE:.0e}); singular values span "
            f"{singular[rank - 1] / singular[0]:.1e}, at least {RANK_TOLERANCE:.0e}"
        )
    misfit, dual = scaled(misfit, exponent), scaled(dual, exponent)
    return KernelRegression(problem, features, problem.labels, ridge, misfit, dual, certificate)


def log_effective_ridge(problem: Problem, regime: Regime, at: float) -> float:
    """log(n lam_eff) at s = `at` * log alpha, with lam_eff = L lambda rho^(-2 (L-1))."""
    log_rho = (1.0 - at) * regime.log_alpha
    decay = log(problem.samples * problem.degree) + regime.log_lambda
    return decay - 2.0 * (problem.degree - 1) * log_rho


def lagging_regression(problem: Problem, regime: Regime, at: float) -> KernelRegression:
    """The linearised flow at `at` < 1 (units of t_g): ridge n lam_eff, with its lag; error O(r^3).

    Raises:
        as `kernel_regression`.
    """
    ridge = exp(log_effective_ridge(problem, regime, at))
    lag = 2.0 * (problem.degree - 1) / problem.degree
    return kernel_regression(problem, ridge=ridge, lag=lag)


def linearised_flow(problem: Problem, regime: Regime, at: float) -> KernelRegression:
    """The linearised flow at `at` < 1 (units of t_g), exactly, for a degree above 1.

    Its `ridge` is n lam_eff, which it lags behind: see the module.

    Raises:
        as `kernel_regression`.
    """
    ridge = exp(log_effective_ridge(problem, regime, at))
    memory = problem.degree / (2.0 * (problem.degree - 1.0))

    def share(eigenvalues: Floats) -> Floats:
        ratio = ridge / eigenvalues
        # below 1e-15, also of ridges that underflow, the share is the ratio to rounding
        argument = memory / np.maximum(ratio, 1e-15)
        exact = memory * hyperu(1.0, 1.0 - memory, argument)
        return np.asarray(np.where(ratio > 1e-15, exact, ratio))

    return _leaving(problem, ridge, share)


def relative_displacement(regression: KernelRegression, regime: Regime, at: float) -> float:
    """delta = rho^-L |h| / |anchor|: how far theta is from rho * anchor, relatively."""
    problem = regression.problem
    log_epsilon = -problem.degree * (1.0 - at) * regime.log_alpha
    return exp(log_epsilon) * regression.norm / problem.anchor_norm


def log10_scale_of_displacement(
    regression: KernelRegression, at: float, displacement: float
) -> float:
    """log10 alpha at which the relative displacement at time `at` < 1 is `displacement`.

    alpha and `at` are counted as the problem does, see `theory.own_scale`.
    """
    problem = regression.problem
    scale = OwnScale.of(problem)
    log_eta = log(regression.norm) + scale.log_gradient - scale.log_target
    return (log_eta - log(displacement)) / (problem.degree * (1.0 - at) * log(10.0))


def transition_decay_time(regression: KernelRegression, regime: Regime) -> float:
    """s* = log alpha - (1/L) log(|h| / |anchor|), where rho^L |anchor| = |h|; no log-log shift."""
    problem = regression.problem
    return regime.log_alpha - log(regression.norm / problem.anchor_norm) / problem.degree


BESIDE: Final = 1e-12
"""Of the anchor: how far along h its side is looked for, beyond rounding and below any turn."""


def kernel_drift(regression: KernelRegression) -> float:
    """How fast the gradients turn along h: |dJ/d eps| / (smallest singular value of J), at eps = 0.

    theta = rho (anchor + eps h) has gradients J + eps dJ. In the norm |J^T v|, the multipliers
    (J J^T)^-1 y then differ from K^-1 y by at most 2 x + O(x^2), relatively, with x = eps times
    this; and the pseudo-inverse J^+ y differs from h by at most 2 x |h|, half of which survives the
    averaging over the flow's memory of 1 / (2 L). So x is what bounds the kernel phase. Where the
    net bends at the anchor, as the squared rectifier of a preactivation of 0, it is the side to
    which h leads.
    """
    problem = regression.problem
    beside = BESIDE * problem.anchor_norm / regression.norm * regression.weights
    bent = [
        problem.net.weighted_hessian(problem.anchor + beside, problem.inputs, sample)
        @ regression.weights
        for sample in np.eye(problem.samples)
    ]
    smallest = float(np.linalg.svd(regression.features, compute_uv=False).min())
    return float(np.linalg.norm(np.array(bent), 2)) / smallest
