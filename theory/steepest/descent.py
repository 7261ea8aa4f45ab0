"""Steepest descent on the exponential loss of a linear predictor.

w += eta v with v of norm 1 along -grad loss. With F = log sum_i e^(-q_i), whose slope has at least
the maximum margin gamma for its dual norm and whose curvature is at most B^2, B = max |x_i|_*,

    min q >= -F >= gamma sum eta - log n - B^2 sum eta^2 / 2,      |w| <= sum eta.

Directions do not depend on the size of the loss, so nothing underflows.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike

from theory.backend import Floats
from theory.errors import InvalidInput
from theory.steepest.norms import check_order, largest_direction
from theory.steepest.recorded import checked_steps, recorded


def steepest_path(rows: Floats, order: float, steps: ArrayLike, at: ArrayLike) -> Floats:
    """Weights `(T, *shape)` from 0 after each of the increasing numbers of steps `at`, `(T,)`.

    Args:
        rows: y_i x_i, `(n, d)` or `(n, a, b)`.
        order: of the norm of the step: 1, 2 or inf; of singular values where rows are matrices.
        steps: eta, one a step.

    Raises:
        InvalidInput: `at` is not whole numbers that increase from 1 to at most the number of
            steps; another order; rows or steps are not finite; the slope vanishes or overflows.
    """
    check_order(order)
    etas = checked_steps(steps)
    if rows.ndim not in (2, 3) or rows.size == 0 or not np.all(np.isfinite(rows)):
        raise InvalidInput(
            f"rows have shape {rows.shape}; they must be (n, d) or (n, a, b) finite numbers"
        )
    return recorded(_steps(rows, order, etas), len(etas), at)


def _steps(rows: Floats, order: float, etas: Floats) -> Iterator[Floats]:
    flat = rows.reshape(len(rows), -1)
    weights = np.zeros(rows.shape[1:])
    for eta in etas.tolist():
        outputs = flat @ weights.ravel()
        slope = (np.exp(outputs.min() - outputs) @ flat).reshape(weights.shape)
        weights = weights + eta * largest_direction(slope, order)
        yield weights
