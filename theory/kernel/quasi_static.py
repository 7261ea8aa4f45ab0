"""The quasi-static regularised kernel machine: where the lazy flow would rest at frozen decay.

With h = Phi^T a it minimises (1/n) sum loss(Phi_i h) + (lam_eff / 2) |h|^2, whose stationarity
reads, for Lam = log(1 / (n lam_eff)),

    exponential:  (K a)_i + log a_i = Lam,      logistic:  softplus((K a)_i) + log a_i = Lam,

and for the cross-entropy of several margins of each sample, with S_i = log(1 + sum_j e^-(K a)_ij),

    (K a)_ij + S_i + log a_ij = Lam.
"""

from math import exp
from typing import Final

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import softmax

from theory.backend import Floats
from theory.compiled import compiled
from theory.compiled_losses import (
    CROSS_ENTROPY,
    LOGISTIC,
    code_of,
    coupled,
    loss_of_sample,
    softplus,
)
from theory.errors import InvalidInput, OracleFailed
from theory.losses import loss_named
from theory.requests import (
    all_finite,
    check_number,
    check_positive,
    check_whole,
    finite_numbers,
    number_array,
)

_NEWTON_STEPS = 30
_ROUNDING = 64 * float(np.finfo(float).eps)

RESOLUTION: Final = 1e-6
"""Accepted rounding of the margins K a, relative to 1 + |Lam|. Terms of K a are 1/gamma^2 times
their sum, so this is reached for gamma = 1e-4, relative to the features."""


def quasi_static_dual(
    kernel: ArrayLike,
    log_inverse_decay: float,
    loss: str = "exponential",
    classes: int | None = None,
) -> Floats:
    """log a, shape `(n,)`, for a kernel matrix K `(n, n)` and Lam = `log_inverse_decay` (any real).

    Of several classes rows are the margins of each sample, K - 1 of them, one after the other, so
    that n is a multiple of K - 1.
    Newton's method in log a, continued in Lam from where K a is negligible and the solution is
    log a = Lam.

    Raises:
        InvalidInput: the squared loss; a kernel matrix that is not square, empty, zero, not finite,
            or, of several classes, not of whole samples; a Lam that is not finite.
        OracleFailed: the residual did not fall to rounding, or rounding is as large as margins
            that nearly cancel.
    """
    if classes is not None:
        check_whole("classes", classes, 2)
    function = loss_named(loss, classes)
    if not function.classifies:
        raise InvalidInput(f"loss is {loss!r}; quasi-static duals exist for classification")
    check_number("log_inverse_decay", log_inverse_decay)
    target, rest = float(log_inverse_decay), (code_of(function), coupled(function))
    kernel = _square(kernel, 1 if classes is None else classes - 1)
    level = min(target, -float(np.log(np.abs(kernel).sum(axis=1).max())) - 2.0)
    log_dual = _solved(kernel, np.full(len(kernel), level), level, *rest)
    if log_dual is None:
        raise OracleFailed("quasi-static kernel machine: Newton failed at its starting level")
    stride = 1.0
    while level < target:
        next_level = min(level + stride, target)
        tangent = np.linalg.solve(_slope(kernel, log_dual, *rest), np.ones(len(kernel)))
        guess = log_dual + (next_level - level) * tangent
        solved = _solved(kernel, guess, next_level, *rest)
        if solved is None:
            stride *= 0.25
            if stride < 1e-6:
                raise OracleFailed(f"quasi-static kernel machine: stuck at Lam = {level:.6g}")
            continue
        log_dual, level, stride = solved, next_level, 4.0 * stride
    return log_dual


def _square(kernel: ArrayLike, margins: int) -> Floats:
    """The kernel matrix as compiled code takes it, of so many margins of each sample; checked."""
    given = number_array("kernel", kernel)
    if given.ndim != 2 or given.shape[0] != given.shape[1] or given.size == 0:
        raise InvalidInput(f"kernel has shape {given.shape}; it must be square and not empty")
    if len(given) % margins:
        raise InvalidInput(
            f"kernel has {len(given)} rows; of {margins + 1} classes there must be {margins} of "
            "each sample"
        )
    matrix = np.ascontiguousarray(all_finite("kernel", given))
    if not matrix.any():
        raise InvalidInput("kernel is zero; some gradient must not vanish")
    return matrix


def _checked_machine(kernel: Floats, log_dual: Floats, degree: float) -> tuple[Floats, Floats]:
    """Kernel and log a; `InvalidInput` as `lag_correction` says."""
    check_positive("degree", degree)
    matrix = _square(kernel, 1)
    return matrix, finite_numbers("log_dual", log_dual, (len(matrix),))


def _solved(kernel: Floats, guess: Floats, level: float, loss: int, others: int) -> Floats | None:
    """The root from a guess, or None; `OracleFailed` where rounding is as large as margins."""
    settled, rounding, log_dual = _newton(kernel, guess, level, loss, others)
    if not settled:
        return None
    if rounding > RESOLUTION * (1.0 + abs(level)):
        scale = rounding / _ROUNDING
        raise OracleFailed(
            "quasi-static kernel machine: margins below what the kernel matrix resolves: "
            f"its products cancel to {(1.0 + abs(level)) / scale:.1e} of themselves"
        )
    return log_dual


@compiled
def _pushed(margins: Floats, loss: int, others: int) -> Floats:
    """-log(-dl/dq) of each margin."""
    pushed = margins.copy()
    if loss == LOGISTIC:
        for i in range(margins.size):
            pushed[i] = softplus(margins[i])
    elif loss == CROSS_ENTROPY:
        for first in range(0, margins.size, others):
            pushed[first : first + others] += loss_of_sample(margins, first, others)
    return pushed


@compiled
def _slope(kernel: Floats, log_dual: Floats, loss: int, others: int) -> Floats:
    dual = np.exp(log_dual)
    slope = kernel * dual
    if loss == LOGISTIC:
        margins = kernel @ dual
        for i in range(dual.size):
            slope[i] /= 1.0 + exp(-margins[i])
    elif loss == CROSS_ENTROPY:
        margins = kernel @ dual
        mean = np.empty(dual.size)
        for first in range(0, dual.size, others):
            fallen = loss_of_sample(margins, first, others)
            mean[:] = 0.0
            for j in range(first, first + others):
                mean += exp(-margins[j] - fallen) * slope[j]
            for j in range(first, first + others):
                slope[j] -= mean
    for i in range(dual.size):
        slope[i, i] += 1.0
    return slope


@compiled
def _newton(
    kernel: Floats, log_dual: Floats, level: float, loss: int, others: int
) -> tuple[bool, float, Floats]:
    """The root, whether the residual fell to its rounding floor, and how high that floor is."""
    absolute = np.abs(kernel)
    residual, rounding = np.empty(log_dual.size), np.empty(log_dual.size)
    for _ in range(_NEWTON_STEPS):
        if log_dual.max() > 600.0:
            return False, 0.0, log_dual
        dual = np.exp(log_dual)
        margins, sizes = kernel @ dual, absolute @ dual
        settled, pushed = True, _pushed(margins, loss, others)
        for i in range(log_dual.size):
            residual[i] = pushed[i] + log_dual[i] - level
            rounding[i] = _ROUNDING * (1.0 + abs(level) + sizes[i])  # sample by sample
            settled = settled and abs(residual[i]) <= rounding[i]
        if settled:
            return True, rounding.max(), log_dual
        step = -np.linalg.solve(_slope(kernel, log_dual, loss, others), residual)
        log_dual = log_dual + step * min(1.0, 20.0 / max(np.abs(step).max(), 1e-300))
    return False, 0.0, log_dual


def entropies(log_dual: Floats) -> tuple[float, float]:
    """Shannon entropy H and min-entropy -log max p of the normalised dual p = a / sum a."""
    weights = softmax(log_dual)
    positive = weights[weights > 0]
    return float(-(positive * np.log(positive)).sum()), float(-np.log(weights.max()))


def lag_correction(kernel: Floats, log_dual: Floats, degree: int) -> Floats:
    """delta, shape `(n,)`: how far the lazy flow's dual lags behind the quasi-static one.

    The decay lam_eff drifts at rate 2 (L-1); to first order in it
    delta = (2 (L-1) / L) (K + D)^-1 D (K + D)^-1 1 with D = diag(1 / a), for the exponential loss.

    Raises:
        InvalidInput: a kernel as for `quasi_static_dual`; `log_dual` of another shape or not
            finite; a degree that is not positive.
    """
    kernel, log_dual = _checked_machine(kernel, log_dual, degree)
    dual = np.exp(log_dual)
    # (K + D)^-1 = A (K A + 1)^-1 with A = diag(a), which stays finite where a_i underflows
    shifted = kernel * dual + np.eye(len(kernel))
    inner = np.linalg.solve(shifted, np.ones(len(kernel)))
    outer = np.linalg.solve(shifted, inner)
    return np.asarray(2.0 * (degree - 1) / degree * dual * outer)


def next_lag(kernel: Floats, log_dual: Floats, degree: int) -> Floats:
    """What the lazy flow's dual is off the quasi-static one and its lag, to leading order, `(n,)`.

    With u = log a and rho = 2 (L-1) / L the flow obeys K e^u + u = Lam - log(1 - rho du/dLam); the
    terms of second order in rho follow from du/dLam of the machine with its lag, B = (1 + K A)^-1.

    Raises:
        InvalidInput: as `lag_correction`.
    """
    kernel, log_dual = _checked_machine(kernel, log_dual, degree)
    dual, rate = np.exp(log_dual), 2.0 * (degree - 1) / degree
    shifted = kernel * dual + np.eye(len(kernel))

    def eased(values: Floats) -> Floats:
        return np.asarray(np.linalg.solve(shifted, values))

    def turned(values: Floats) -> Floats:
        """-(dB/dLam) (1 + K A) of B `values`: K A (du/dLam) B `values`."""
        return np.asarray(kernel @ (dual * slope * values))

    slope = eased(np.ones(len(kernel)))
    lag = rate * eased(slope)
    lag_slope = -eased(turned(lag)) - rate * eased(eased(turned(slope)))
    further = rate * lag_slope + 0.5 * (rate * slope) ** 2 - 0.5 * kernel @ (dual * lag**2)
    return np.asarray(dual * (eased(further) + 0.5 * lag**2))
