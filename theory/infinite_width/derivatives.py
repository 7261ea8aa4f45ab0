"""Derivatives of the map from the kernel of a layer to that of the next, in closed form.

Of a = K(x,x), c = K(x,x') and b = K(x',x'), in that order, so that they hold for inputs of lengths
however different. Where the rectifier has none, for parallel inputs or one of zero, they are 0:
there the kernels of random nets keep to the parallel or the zero, along which the map is linear.
"""

from collections.abc import Callable
from typing import Final

import numpy as np

from theory.backend import Floats
from theory.infinite_width.kernels import Activation, determinant

Derivatives = tuple[Floats, Floats]

PARALLEL: Final = 16.0 * float(np.finfo(np.float64).eps)
"""Inputs whose angle has a smaller square are parallel: K, rounded, cannot tell."""


def jacobian(activation: Activation, both: Floats) -> Floats:
    """Of K of a layer, `(3,)`, in K of the one before, `(3, 3)`."""
    return _DERIVATIVES[activation](both)[0]


def second_derivatives(activation: Activation, both: Floats) -> Floats:
    """Of K of a layer in K of the one before, `(3, 3, 3)`: entry, and twice the direction."""
    return _DERIVATIVES[activation](both)[1]


def _rectifier(both: Floats) -> Derivatives:
    """Only the middle entry is not linear: (D + (pi - angle) c) / pi with D^2 = a b - c^2."""
    a, c, b = (float(number) for number in both)
    root = float(np.sqrt(max(0.0, float(determinant(both)))))
    first, second = np.diag([1.0, 0.0, 1.0]), np.zeros((3, 3, 3))
    first[1, 1] = 1.0 - np.arctan2(root, c) / np.pi
    if root**2 <= PARALLEL * a * b:
        return first, second
    first[1, [0, 2]] = root / (2.0 * np.pi * a), root / (2.0 * np.pi * b)
    along, across = b / (4.0 * a * root), a / (4.0 * b * root)
    second[1] = _symmetric(
        (along - root / (2.0 * a**2), -c / (2.0 * a * root), 0.25 / root),
        (1.0 / root, -c / (2.0 * b * root), across - root / (2.0 * b**2)),
    )
    return first, second / np.pi


def _erf(both: Floats) -> Derivatives:
    """(2 / pi) arctan(2 c / R), R^2 = (1 + 2a)(1 + 2b) - 4 c^2, and a = c = b on the diagonal."""
    a, c, b = (float(number) for number in both)
    p, q = 1.0 + 2.0 * a, 1.0 + 2.0 * b
    square = 1.0 + 2.0 * a + 2.0 * b + 4.0 * float(determinant(both))
    root = np.sqrt(square)
    first, second = np.zeros((3, 3)), np.zeros((3, 3, 3))
    for entry, one in ((0, a), (2, b)):
        slope = 1.0 / ((1.0 + 2.0 * one) * np.sqrt(1.0 + 4.0 * one))
        first[entry, entry] = slope
        second[entry, entry, entry] = (
            -2.0 * slope * (1.0 / (1.0 + 2.0 * one) + 1.0 / (1.0 + 4.0 * one))
        )
    first[1] = -c / (p * root), 1.0 / root, -c / (q * root)
    second[1] = _symmetric(
        (c * (2.0 / p + q / square) / p, -q / square, c / square),
        (4.0 * c / square, -p / square, c * (2.0 / q + p / square) / q),
    )
    second[1] /= root
    return 4.0 / np.pi * first, 4.0 / np.pi * second


def _symmetric(upper: tuple[float, float, float], lower: tuple[float, float, float]) -> Floats:
    """The matrix whose first row is `upper`; `lower` holds its entries 11, 12 and 22."""
    return np.array([upper, (upper[1], lower[0], lower[1]), (upper[2], lower[1], lower[2])])


_DERIVATIVES: dict[Activation, Callable[[Floats], Derivatives]] = {
    Activation.RELU: _rectifier,
    Activation.ERF: _erf,
}
