"""How kernels of finite width fluctuate about those of infinite width, and how their means differ.

One hidden layer: E K is that of infinite width at every m. Two: E K = E G(K_1) with G the map of
kernels, so that E K - K = tr(G'' Cov K_1) / 2 + O(m^-2), Cov K_1 being the covariance of one
neuron's products over m. On the diagonal of the rectifier G is linear and nothing is left.
"""

import numpy as np
from numpy.typing import ArrayLike

from theory.backend import Floats
from theory.errors import InvalidInput
from theory.infinite_width.derivatives import second_derivatives
from theory.infinite_width.kernels import Activation, expected_kernels, first_kernel

NODES = 40
"""Of Gauss-Hermite rules for erf; products of rectifiers are polynomials on rays."""


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

    In polar coordinates: angles by the midpoint rule, radii by Gauss and Laguerre.
    """
    angles = 2.0 * np.pi * (np.arange(40 * NODES) + 0.5) / (40 * NODES)
    radii, weights = np.polynomial.laguerre.laggauss(NODES)
    normal = np.sqrt(2.0 * radii)[:, None, None] * np.stack([np.cos(angles), np.sin(angles)])
    first, cross, second = both
    root = np.sqrt(first)
    # an input of zero has no direction to lean on
    slanted = cross / root if root > 0.0 else 0.0
    rest = np.sqrt(max(0.0, second - slanted**2))
    one = root * normal[:, 0]
    other = slanted * normal[:, 0] + rest * normal[:, 1]
    a, b = activation.function(one), activation.function(other)
    products = activation.variance * np.stack([a * a, a * b, b * b])
    over = (weights / weights.sum())[:, None] / len(angles)
    means = (over * products).sum(axis=(1, 2))
    off = products - means[:, None, None]
    return np.asarray(np.einsum("ikl,jkl,kl->ij", off, off, np.broadcast_to(over, off.shape[1:])))
