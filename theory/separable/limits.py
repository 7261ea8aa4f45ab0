"""What logistic regression on separable data tends to, in terms of its support vectors.

w_hat = sum_i alpha_i x_i is the shortest vector with all margins at least 1, gamma = 1 / |w_hat|,
and p = gamma^2 alpha. Soudry et al. (JMLR 2018) for the direction and the residual vector.
"""

import numpy as np

from theory.backend import Floats
from theory.errors import InvalidInput


def entropy_gap(probabilities: Floats) -> float:
    """C = H(p) - H_inf(p) = sum_i p_i log(max p / p_i): the margin gap is C / log t.

    Shares that are 0 count for nothing.

    Raises:
        InvalidInput: a share is negative or not finite, or none is positive.
    """
    if not np.all((probabilities >= 0.0) & (probabilities < np.inf)) or not probabilities.any():
        raise InvalidInput(
            f"probabilities are {probabilities.tolist()}; they must be at least 0, not all 0"
        )
    shares = probabilities[probabilities > 0.0]
    return float((shares * np.log(shares.max() / shares)).sum())


def residual_in_span(support: Floats, multipliers: Floats) -> Floats:
    """The part of lim w - w_hat log t in the span of the support vectors `(s, d)`, `(d,)`.

    It solves x_i.rho = -log alpha_i.

    Raises:
        InvalidInput: a multiplier is not positive and finite, or a support vector not finite.
    """
    _check_multipliers(multipliers)
    if support.shape[:1] != multipliers.shape or not np.all(np.isfinite(support)):
        raise InvalidInput(
            f"support has shape {support.shape}; it must hold {len(multipliers)} finite vectors"
        )
    return np.asarray(np.linalg.lstsq(support, -np.log(multipliers), rcond=None)[0])


def orthogonal_growth(
    log_times: Floats, coefficients: Floats, multipliers: Floats, size: float, second: float = 1.0
) -> Floats:
    """The component of w along v for a sample sum_i c_i x_i + v of margin 1 without multiplier.

    [log(|v|^2 log t) - b] / |v| with b = -sum_i c_i log alpha_i, `(T,)`; v is orthogonal to the
    support vectors, of length `size`. The sample pulls with 1 / (|v|^2 log t), which shifts b by
    sum_i c_i^2 / alpha_i times as much; what is left is O(1 / log t). `second` multiplies that
    shift.

    Raises:
        InvalidInput: a multiplier, a log time or the size is not positive and finite.
    """
    _check_multipliers(multipliers)
    for name, values in (("log_times", log_times), ("size", np.asarray(size))):
        if not np.all((values > 0.0) & (values < np.inf)):
            raise InvalidInput(f"{name} is {values.tolist()}; it must be positive and finite")
    offset = -float(coefficients @ np.log(multipliers))
    shift = second * float((coefficients**2 / multipliers).sum()) * np.log(log_times) / log_times
    return np.asarray((np.log(size**2 * log_times) - offset - shift / size**2) / size)


def _check_multipliers(multipliers: Floats) -> None:
    valid = multipliers.size > 0 and bool(np.all((multipliers > 0.0) & (multipliers < np.inf)))
    if not valid:
        raise InvalidInput(
            f"multipliers are {multipliers.tolist()}; each must be positive and finite"
        )
