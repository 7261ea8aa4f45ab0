"""Radau IIA of five stages and order nine, and its embedded formula of order five.

The stages Z_i of a step h obey Z = h A F(Y) (Hairer and Wanner, Solving Ordinary Differential
Equations II, sections IV.5 and IV.8).
"""

from typing import Final

import numpy as np
from numpy.polynomial import Legendre

from theory.backend import Floats

STAGES: Final = 5


def _radau_points() -> Floats:
    """The zeros of P_s(2 c - 1) - P_{s-1}(2 c - 1), ascending; the last is 1."""
    polynomial = Legendre.basis(STAGES) - Legendre.basis(STAGES - 1)
    zeros = np.sort(polynomial.roots().real)
    for _ in range(3):
        zeros = zeros - polynomial(zeros) / polynomial.deriv()(zeros)
    points = np.asarray((zeros + 1.0) / 2.0)
    points[-1] = 1.0
    return points


POINTS: Final = _radau_points()
_POWERS: Final = np.vander(POINTS, STAGES, increasing=True)
WEIGHTS: Final = np.ascontiguousarray(
    (_POWERS * POINTS[:, None] / np.arange(1, STAGES + 1)) @ np.linalg.inv(_POWERS)
)
"""A: integrals of polynomials of degree 4 from 0 to each point, from their values at the points."""

_EIGENVALUES: Final = np.linalg.eigvals(WEIGHTS)
START_WEIGHT: Final = float(_EIGENVALUES[np.abs(_EIGENVALUES.imag) < 1e-9].real[0])
"""Of the slope where a step begins, in the embedded formula of order five; the real eigenvalue of A
makes it as stable as the step."""

ERROR_WEIGHTS: Final = np.linalg.solve(
    WEIGHTS.T, np.linalg.solve(_POWERS.T, -START_WEIGHT * np.eye(STAGES)[0])
)
"""What is added to `START_WEIGHT` h F(y), in stages Z, for the difference of the two formulas."""

ERROR_POWER: Final = (STAGES + 1) / (2 * STAGES)
"""Of the embedded formula's error in that of the step."""
