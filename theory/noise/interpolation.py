"""Where the flow of w = u^2 - v^2 from u = a, v = b ends: the interpolation of least Q.

Woodworth et al. (COLT 2020). Along the flow w = a^2 e^(4z) - b^2 e^(-4z) with z in the row space of
the inputs, whatever the loss; the end is the one such w that interpolates. It minimises Q with
grad Q = [arcsinh(w / 2ab) - log(a/b)] / 4 subject to X w = y, of which this is the dual.
"""

from typing import Final

import numpy as np

from theory.backend import Floats
from theory.errors import OracleFailed

ACCURACY: Final = 1e-13
ITERATIONS: Final = 200


def interpolation(inputs: Floats, labels: Floats, plus: Floats, minus: Floats) -> Floats:
    """The w `(d,)` of least Q with X w = y.

    Args:
        inputs: X, `(n, d)`, of full row rank.
        labels: y, `(n,)`.
        plus: a > 0, `(d,)`.
        minus: b > 0, `(d,)`.

    Raises:
        OracleFailed: Newton's method on the convex dual does not reach X w = y.
    """
    dual = np.zeros(len(labels))
    scale = max(1.0, float(np.abs(labels).max()))
    for _ in range(ITERATIONS):
        up, down = _powers(inputs.T @ dual, plus, minus)
        gap = inputs @ (up - down) - labels
        if np.abs(gap).max() < ACCURACY * scale:
            return np.asarray(up - down)
        step = np.asarray(np.linalg.solve((inputs * (4.0 * (up + down))) @ inputs.T, -gap), float)
        # exponents that move by one at most keep the quadratic model meaningful
        step /= max(1.0, 4.0 * float(np.abs(inputs.T @ step).max()))
        dual += _shortened(inputs, labels, plus, minus, dual, step, float(gap @ step))
    raise OracleFailed(f"no interpolation of least Q after {ITERATIONS} steps of Newton's method")


def _powers(z: Floats, plus: Floats, minus: Floats) -> tuple[Floats, Floats]:
    return plus**2 * np.exp(4.0 * z), minus**2 * np.exp(-4.0 * z)


def _shortened(
    inputs: Floats,
    labels: Floats,
    plus: Floats,
    minus: Floats,
    dual: Floats,
    step: Floats,
    slope: float,
) -> Floats:
    """The step, halved until the dual falls, or for as long as rounding lets one see it fall."""

    def potential(at: Floats) -> float:
        up, down = _powers(inputs.T @ at, plus, minus)
        return float((up + down).sum() / 4.0 - labels @ at)

    here = potential(dual)
    share = 1.0
    while share > 1e-3 and potential(dual + share * step) > here + 1e-4 * share * slope:
        if abs(share * slope) < 1e-12 * max(1.0, abs(here)):
            break
        share /= 2.0
    return share * step
