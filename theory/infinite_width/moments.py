"""How kernels of finite width fluctuate about those of infinite width, and how their means differ.

One hidden layer: E K is that of infinite width at every m. Two: E K = E G(K_1) with G the map of
kernels, so that E K - K = tr(G'' Cov K_1) / 2 + O(m^-2), Cov K_1 being the covariance of one
neuron's products over m. On the diagonal of the rectifier G is linear and nothing is left.
"""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit

from theory.backend import Floats
from theory.errors import InvalidInput
from theory.infinite_width.derivatives import second_derivatives
from theory.infinite_width.kernels import Activation, determinant, expected_kernels, first_kernel

STEP: Final = 0.1
"""Of trapezoidal rules in the logarithm of the radius and in that of each angle from the lines on
which a pre-activation is zero: they see there what bends at a kink, or over any small distance."""
REACH: Final = 38.0
"""How far in such logarithms, beyond which weights are rounding."""


def kernel_spread(width: ArrayLike, layers: ArrayLike, each: float = 5.0) -> Floats:
    """E K(x,x)^2 / (E K(x,x))^2 of the rectifier: (1 + 5/m)^l, arrays or not.

    Each layer multiplies K by the mean of m squares 2 relu(z)^2, of variance `each` = 5.

    Raises:
        InvalidInput: no neurons.
    """
    neurons = np.asarray(width, dtype=np.float64)
    if np.any(neurons < 1.0):
        raise InvalidInput(f"width is {width!r}; it must be at least 1")
    return np.asarray((1.0 + each / neurons) ** np.asarray(layers))


def mean_shift(activation: Activation, inputs: Floats) -> Floats:
    """m (E K - K) after two hidden layers, m -> infinity, `(3,)`."""
    zero = first_kernel(activation, inputs)
    one, _ = expected_kernels(activation, zero)
    bends = second_derivatives(activation, one)
    return np.asarray(0.5 * np.einsum("kij,ij->k", bends, neuron_covariance(activation, zero)))


def neuron_covariance(activation: Activation, both: Floats) -> Floats:
    """Of the three products s^2 phi phi of one neuron, `(3, 3)`; its inputs have covariance K.

    In polar coordinates, to rounding for inputs of any lengths.
    """
    first, cross, second = both
    root = np.sqrt(max(0.0, float(determinant(both))))
    logs = STEP * np.arange(-REACH / (2.0 * STEP), np.log(9.0) / STEP)
    radii = np.exp(logs)
    radial = STEP * radii**2 * np.exp(-(radii**2) / 2.0)
    products, weights = [], []
    # between the lines signs differ in one sector and its opposite, and agree in the other two
    for width, sign in ((np.arctan2(root, cross), -1.0), (np.arctan2(root, -cross), 1.0)):
        from_one, from_other, angular = _sector(width)
        one = np.sqrt(first) * np.outer(radii, np.sin(from_one))
        other = sign * np.sqrt(second) * np.outer(radii, np.sin(from_other))
        for way in (1.0, -1.0):
            a, b = activation.function(way * one), activation.function(way * other)
            products.append(activation.variance * np.stack([a * a, a * b, b * b]))
            weights.append(np.outer(radial, angular) / (2.0 * np.pi))
    flat, over = np.stack(products, axis=1).reshape(3, -1), np.stack(weights).ravel()
    off = flat - (flat @ over)[:, None]
    return np.asarray((over * off) @ off.T)


def _sector(width: float) -> tuple[Floats, Floats, Floats]:
    """Angles from both sides of a sector, each with its digits, and weights of an integral."""
    x = STEP * np.arange(-REACH / STEP, REACH / STEP + 1.0)
    near, far = expit(x), expit(-x)
    return width * near, width * far, STEP * width * near * far
