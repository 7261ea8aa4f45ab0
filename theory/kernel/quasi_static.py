"""The quasi-static regularised kernel machine: where the lazy flow would rest at frozen decay.

With h = Phi^T a it minimises (1/n) sum loss(Phi_i h) + (lam_eff / 2) |h|^2, whose stationarity
reads, for Lam = log(1 / (n lam_eff)),

    exponential:  (K a)_i + log a_i = Lam,      logistic:  softplus((K a)_i) + log a_i = Lam.
"""

from typing import Final

import numpy as np
from scipy.special import expit, softmax

from theory.backend import Floats
from theory.errors import InvalidInput, OracleFailed
from theory.losses import softplus

_NEWTON_STEPS = 30

RESOLUTION: Final = 1e-6
"""Accepted rounding of the margins K a, relative to 1 + |Lam|. Terms of K a are 1/gamma^2 times
their sum, so this is reached for gamma = 1e-4, relative to the features."""


def quasi_static_dual(
    kernel: Floats, log_inverse_decay: float, loss: str = "exponential"
) -> Floats:
    """log a, shape `(n,)`, for a kernel matrix K `(n, n)` and Lam = `log_inverse_decay` (any real).

    Newton's method in log a, continued in Lam from where K a is negligible and the solution is
    log a = Lam.

    Raises:
        OracleFailed: the residual did not fall to rounding, or rounding is as large as margins
            that nearly cancel.
    """
    if loss not in ("exponential", "logistic"):
        raise InvalidInput(f"loss is {loss!r}; quasi-static duals exist for exponential, logistic")
    target = float(log_inverse_decay)
    level = min(target, -float(np.log(np.abs(kernel).sum(axis=1).max())) - 2.0)
    log_dual = _newton(kernel, np.full(len(kernel), level), level, loss)
    if log_dual is None:
        raise OracleFailed("quasi-static kernel machine: Newton failed at its starting level")
    stride = 1.0
    while level < target:
        next_level = min(level + stride, target)
        tangent = np.linalg.solve(_slope(kernel, log_dual, loss), np.ones(len(kernel)))
        guess = log_dual + (next_level - level) * tangent
        solved = _newton(kernel, guess, next_level, loss)
        if solved is None:
            stride *= 0.25
            if stride < 1e-6:
                raise OracleFailed(f"quasi-static kernel machine: stuck at Lam = {level:.6g}")
            continue
        log_dual, level, stride = solved, next_level, 4.0 * stride
    return log_dual


def _residual(kernel: Floats, log_dual: Floats, level: float, loss: str) -> Floats:
    margins = kernel @ np.exp(log_dual)
    return np.asarray((softplus(margins) if loss == "logistic" else margins) + log_dual - level)


def _slope(kernel: Floats, log_dual: Floats, loss: str) -> Floats:
    dual = np.exp(log_dual)
    slope = kernel * dual
    if loss == "logistic":
        slope = expit(kernel @ dual)[:, None] * slope
    return np.asarray(slope + np.eye(len(kernel)))


def _newton(kernel: Floats, log_dual: Floats, level: float, loss: str) -> Floats | None:
    """The root, or None when the residual does not fall to its rounding floor."""
    for _ in range(_NEWTON_STEPS):
        if log_dual.max() > 600.0:
            return None
        residual = _residual(kernel, log_dual, level, loss)
        scale = 1.0 + abs(level) + np.abs(kernel) @ np.exp(log_dual)  # sample by sample
        rounding = 64 * np.finfo(float).eps * scale
        if np.all(np.abs(residual) <= rounding):
            if rounding.max() > RESOLUTION * (1.0 + abs(level)):
                raise OracleFailed(
                    "quasi-static kernel machine: margins below what the kernel matrix resolves: "
                    f"its products cancel to {(1.0 + abs(level)) / scale.max():.1e} of themselves"
                )
            return log_dual
        step = np.linalg.solve(_slope(kernel, log_dual, loss), -residual)
        log_dual = log_dual + step * min(1.0, 20.0 / max(float(np.abs(step).max()), 1e-300))
    return None


def entropies(log_dual: Floats) -> tuple[float, float]:
    """Shannon entropy H and min-entropy -log max p of the normalised dual p = a / sum a."""
    weights = softmax(log_dual)
    positive = weights[weights > 0]
    return float(-(positive * np.log(positive)).sum()), float(-np.log(weights.max()))


def lag_correction(kernel: Floats, log_dual: Floats, degree: int) -> Floats:
    """delta, shape `(n,)`: how far the lazy flow's dual lags behind the quasi-static one.

    The decay lam_eff drifts at rate 2 (L-1); to first order in it
    delta = (2 (L-1) / L) (K + D)^-1 D (K + D)^-1 1 with D = diag(1 / a), for the exponential loss.
    """
    dual = np.exp(log_dual)
    # (K + D)^-1 = A (K A + 1)^-1 with A = diag(a), which stays finite where a_i underflows
    shifted = kernel * dual + np.eye(len(kernel))
    inner = np.linalg.solve(shifted, np.ones(len(kernel)))
    outer = np.linalg.solve(shifted, inner)
    return np.asarray(2.0 * (degree - 1) / degree * dual * outer)
