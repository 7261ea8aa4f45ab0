"""Kernels of infinitely wide nets without biases, for two inputs, layer by layer.

h^{l+1} = s W phi(h^l) / sqrt(m) with entries of W normal and s^2 = 2 for the rectifier, 1 for erf.
Cho and Saul (2009), Williams (1997), Jacot et al. (NeurIPS 2018). Every function takes K as the
three numbers (K(x,x), K(x,x'), K(x',x')) in its last axis.
"""

from collections.abc import Callable
from enum import Enum
from typing import Any

import numpy as np
from scipy.special import erf

from theory.backend import Floats
from theory.errors import InvalidInput
from theory.requests import all_finite, check_whole


def _rectifier_kernels(both: Floats) -> tuple[Floats, Floats]:
    first, cross, second = np.moveaxis(both, -1, 0)
    # powers of four leave the angle as it is, and its digits too
    one, other = (np.frexp(own)[1] // 2 for own in (first, second))
    unit = np.stack(
        [
            np.ldexp(first, -2 * one),
            np.ldexp(cross, -one - other),
            np.ldexp(second, -2 * other),
        ],
        axis=-1,
    )
    size = np.ldexp(np.sqrt(unit[..., 0] * unit[..., 2]), one + other)
    # the cosine of a small angle is 1 to rounding; its sine is not
    sine = np.sqrt(np.maximum(determinant(unit), 0.0))
    # a layer whose neurons are all dead has no angle, and no kernel
    angle = np.where(size > 0.0, np.arctan2(sine, unit[..., 1]), np.pi / 2.0)
    mixed = size * (np.sin(angle) + (np.pi - angle) * np.cos(angle)) / np.pi
    slopes = [np.ones_like(first), (np.pi - angle) / np.pi, np.ones_like(first)]
    return np.stack([first, mixed, second], axis=-1), np.stack(slopes, axis=-1)


def _erf_kernels(both: Floats) -> tuple[Floats, Floats]:
    first, cross, second = np.moveaxis(both, -1, 0)
    kernels, slopes = [], []
    for one, between, other in ((first, first, first), (first, cross, second), (second,) * 3):
        # of (1 + 2a)(1 + 2b) - 4c^2, of which 1 + 2a + 2b is left where a = b = c
        rest = determinant(np.stack([one, between, other], axis=-1))
        root = np.sqrt(1.0 + 2.0 * one + 2.0 * other + 4.0 * rest)
        kernels.append(2.0 / np.pi * np.arctan2(2.0 * between, root))
        slopes.append(4.0 / np.pi / root)
    return np.stack(kernels, axis=-1), np.stack(slopes, axis=-1)


def determinant(both: Floats) -> Floats:
    """K(x,x) K(x',x') - K(x,x')^2 of K `(..., 3)`, rounded once after both products are exact.

    Products are split as by Dekker (1971); entries up to 1e150.
    """
    first, cross, second = np.moveaxis(both, -1, 0)
    high, low = _exact_product(first, second)
    high_square, low_square = _exact_product(cross, cross)
    return np.asarray((high - high_square) + (low - low_square))


def _exact_product(one: Floats, other: Floats) -> tuple[Floats, Floats]:
    """The product as it is rounded, and what the rounding left."""
    (top, rest), (top_other, rest_other) = _halves(one), _halves(other)
    product = one * other
    error = ((top * top_other - product) + top * rest_other + rest * top_other) + rest * rest_other
    return product, error


def _halves(number: Floats) -> tuple[Floats, Floats]:
    """Two numbers of 26 bits whose sum it is."""
    scaled = 134217729.0 * number
    top = scaled - (scaled - number)
    return top, number - top


def _rectified(h: Floats) -> Floats:
    return np.maximum(h, 0.0)


def _steps(h: Floats) -> Floats:
    return np.asarray(h > 0.0, dtype=np.float64)


def _erf(h: Floats) -> Floats:
    return np.asarray(erf(h))


def _erf_slope(h: Floats) -> Floats:
    return np.asarray(2.0 / np.sqrt(np.pi) * np.exp(-(h**2)))


class Activation(Enum):
    """(s^2, phi, phi', expectations of s^2 phi phi and s^2 phi' phi')."""

    RELU = (2.0, _rectified, _steps, _rectifier_kernels)
    ERF = (1.0, _erf, _erf_slope, _erf_kernels)

    @property
    def variance(self) -> float:
        """s^2, of a weight times the width of its layer."""
        return float(self.value[0])

    @property
    def function(self) -> Callable[[Floats], Floats]:
        function: Any = self.value[1]
        return function  # type: ignore[no-any-return]

    @property
    def slope(self) -> Callable[[Floats], Floats]:
        slope: Any = self.value[2]
        return slope  # type: ignore[no-any-return]


def expected_kernels(activation: Activation, both: Floats) -> tuple[Floats, Floats]:
    """s^2 E phi phi and s^2 E phi' phi', normal pre-activations of covariance K `(..., 3)`."""
    found: tuple[Floats, Floats] = activation.value[3](both)
    return found


def kernels(activation: Activation, inputs: Floats, layers: int) -> tuple[Floats, Floats]:
    """K and the tangent kernel Theta after so many hidden layers, `(3,)` each.

    Args:
        activation: phi with its s^2.
        inputs: two of them, `(2, d)`.
        layers: how many, 1 at least.

    Raises:
        InvalidInput: no hidden layer, or other than two inputs.
    """
    check_whole("layers", layers)
    kernel = first_kernel(activation, inputs)
    tangent = kernel
    for _ in range(layers):
        kernel, slopes = expected_kernels(activation, kernel)
        tangent = kernel + tangent * slopes
    return kernel, tangent


def first_kernel(activation: Activation, inputs: Floats) -> Floats:
    """s^2 x x' / d, `(3,)`: the covariance of the first pre-activations.

    Raises:
        InvalidInput: other than two inputs, or numbers that are not finite.
    """
    if inputs.ndim != 2 or len(inputs) != 2 or inputs.size == 0:
        raise InvalidInput(f"inputs have shape {inputs.shape}; two rows are needed")
    inputs = all_finite("inputs", inputs)
    gram = activation.variance * inputs @ inputs.T / inputs.shape[1]
    return np.array([gram[0, 0], gram[0, 1], gram[1, 1]])
