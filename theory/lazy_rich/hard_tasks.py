"""How far a lazy network has to move: y^T K^-1 y, the hardness of a task for a kernel.

Everything here is of the linearised model, for which it is exact at every number of steps. The
network itself moves as far up to a relative 1/alpha.

Source: Kumar et al. (ICLR 2024), eq. 8 and 9.
"""

from math import inf, isinf, sqrt

import numpy as np

from theory.backend import Floats
from theory.errors import InvalidInput
from theory.lazy_rich.linearised import RANK_TOLERANCE
from theory.lazy_rich.quadratic_form import QuadraticForm
from theory.requests import check_positive


def hardness(kernel: Floats, targets: Floats) -> float:
    """y^T K^+ y, the square norm of the least interpolant; y is to lie in the range of K."""
    return linearised_movement(kernel, targets, 1.0, inf)


def linearised_movement(kernel: Floats, targets: Floats, rate: float, steps: float) -> float:
    """|theta_k - theta_0|^2 = y^T K^-1 (1 - (1 - c K)^k)^2 y of gradient descent from zero output.

    Args:
        kernel: shape `(P, P)`, positive semi-definite.
        targets: of the centred predictor, shape `(P,)`.
        rate: c = 2 eta / P of the loss mean (f - y)^2; not used at infinitely many steps.
        steps: k, zero to infinity; infinity gives the least-norm interpolant.

    Raises:
        InvalidInput: a kernel that is not `(P, P)`, or a negative number of steps.
    """
    if kernel.shape != (len(targets), len(targets)):
        raise InvalidInput(f"kernel has shape {kernel.shape}; targets need {(len(targets),) * 2}")
    if not steps >= 0:
        raise InvalidInput(f"steps is {steps!r}; it must be at least 0")
    values, vectors = np.linalg.eigh(kernel)
    kept = values > RANK_TOLERANCE * values[-1]
    values, coordinates = values[kept], vectors[:, kept].T @ targets
    left = np.zeros_like(values) if isinf(steps) else (1.0 - rate * values) ** steps
    return float(np.sum(coordinates**2 * (1.0 - left) ** 2 / values))


def monomials(inputs: Floats, curvature: float) -> Floats:
    """Features of K0 up to the factor alpha / sqrt(N): x and eps x_k x_l, shape `(P, D(D+3)/2)`.

    Source: Kumar et al. (ICLR 2024), eq. 10: their products sum to x.x' + eps^2 (x.x')^2.
    """
    rows, columns = np.triu_indices(inputs.shape[1])
    twice = np.where(rows == columns, 1.0, sqrt(2.0))
    products: Floats = curvature * twice * inputs[:, rows] * inputs[:, columns]
    return np.concatenate([inputs, products], axis=1)


def samples_for_all(input_dim: int) -> int:
    """D (D + 3) / 2, the rank of K0: so many samples determine every form of degree 1 and 2."""
    return input_dim * (input_dim + 3) // 2


def least_norm_form(inputs: Floats, targets: Floats, curvature: float) -> QuadraticForm:
    """Kernel regression with K0, the infinitely wide NTK: the form of least norm through the data.

    Raises:
        InvalidInput: eps = 0, for which K0 is linear.
    """
    check_positive("curvature", curvature)
    dimension = inputs.shape[1]
    features = monomials(inputs, curvature)
    coefficients = np.linalg.lstsq(features, targets, rcond=RANK_TOLERANCE)[0]
    rows, columns = np.triu_indices(dimension)
    quadratic = np.zeros((dimension, dimension))
    # x^T Q x / 2 = sum_k Q_kk x_k^2 / 2 + sum_{k<l} Q_kl x_k x_l
    twice = np.where(rows == columns, 2.0, sqrt(2.0))
    quadratic[rows, columns] = quadratic[columns, rows] = (
        curvature * twice * coefficients[dimension:]
    )
    return QuadraticForm(coefficients[:dimension], quadratic)


def norm_of_form(
    form: QuadraticForm, curvature: float, output_scale: float = 1.0, width: int = 1
) -> float:
    """Square norm in the RKHS of K0: (N/alpha^2) (|l|^2 + |Q|^2 / (4 eps^2)).

    For y = (beta.x)^2 / 2 it is (N/alpha^2) |beta|^4 / (4 eps^2), and y^T K0^-1 y rises to it as
    samples are added, which it reaches at `samples_for_all`.

    Raises:
        InvalidInput: eps = 0, whose RKHS has no quadratic forms.
    """
    check_positive("curvature", curvature)
    squares = (form.linear**2).sum() + (form.quadratic**2).sum() / (4.0 * curvature**2)
    return float(width / output_scale**2 * squares)


def relative_movement(
    input_dim: int, output_scale: float, curvature: float, signal: float = 1.0
) -> float:
    """|theta - theta_0| / |theta_0| of a wide lazy network that learns all of (beta.x)^2 / 2.

    B sqrt(D) / (2 alpha eps): training stays lazy only where this is small.

    Raises:
        InvalidInput: eps = 0, with which it cannot be learned.
    """
    check_positive("curvature", curvature)
    return signal * sqrt(input_dim) / (2.0 * output_scale * curvature)
