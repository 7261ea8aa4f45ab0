"""Nets of finite width at random: their kernels, drawn exactly and with few numbers.

Given a layer, pre-activations of the next are independent and normal with covariance K of that
layer, so that two numbers a neuron stand for m.
"""

import numpy as np

from theory.backend import Floats
from theory.infinite_width.derivatives import jacobian
from theory.infinite_width.kernels import Activation, expected_kernels, first_kernel
from theory.requests import check_whole


def drawn_layers(rng: np.random.Generator, both: Floats, width: int) -> Floats:
    """Pre-activations `(..., 2, m)` with covariances K, `(..., 3)`.

    Raises:
        InvalidInput: no neurons.
    """
    check_whole("width", width)
    first, cross, second = np.moveaxis(both, -1, 0)
    normal = rng.normal(size=(*both.shape[:-1], 2, width))
    root = np.sqrt(first)[..., None]
    # where all neurons below are dead there is nothing to divide
    zeros = np.zeros_like(root)
    slanted = np.divide(cross[..., None], root, out=zeros, where=root > 0.0)
    rest = np.sqrt(np.maximum(second[..., None] - slanted**2, 0.0))
    above = normal[..., 0, :]
    return np.stack([root * above, slanted * above + rest * normal[..., 1, :]], axis=-2)


def drawn_kernels(
    rng: np.random.Generator,
    activation: Activation,
    inputs: Floats,
    width: int,
    layers: int,
    draws: int,
    *,
    by_weights: bool = False,
) -> tuple[Floats, Floats]:
    """K of random nets after each hidden layer, and Theta after the first.

    Args:
        inputs: two of them, `(2, d)`.
        width: m of every hidden layer.
        by_weights: draw every weight, m^2 numbers a layer, in the place of pre-activations.

    Returns:
        `(draws, layers, 3)` and `(draws, 3)`.

    Raises:
        InvalidInput: width, layers or draws are not whole numbers, at least 1; other inputs.
    """
    for name, count in (("width", width), ("layers", layers), ("draws", draws)):
        check_whole(name, count)
    both = np.tile(first_kernel(activation, inputs), (draws, 1))
    first, tangent, found = both, both, []
    hidden = np.empty(0)
    for layer in range(layers):
        if by_weights:
            below = inputs.T if layer == 0 else activation.function(hidden).swapaxes(-1, -2)
            hidden = _through_weights(
                rng, activation, np.broadcast_to(below, (draws, *below.shape[-2:])), width
            )
        else:
            hidden = drawn_layers(rng, both, width)
        both = activation.variance * _products(activation.function(hidden))
        if layer == 0:
            readouts = rng.normal(size=(draws, 1, width))
            tangent = both + first * activation.variance * _products(
                readouts * activation.slope(hidden)
            )
        found.append(both)
    return np.stack(found, axis=1), tangent


def smoothed_kernels(
    rng: np.random.Generator, activation: Activation, inputs: Floats, width: int, draws: int
) -> Floats:
    """K after two hidden layers less what is linear in K after one, `(draws, 3)`; the mean is E K.

    The second layer is averaged over given the first, and K of the first has the mean of infinite
    width, so that its linear part only adds noise.
    """
    one, _ = expected_kernels(activation, first_kernel(activation, inputs))
    drawn, _ = drawn_kernels(rng, activation, inputs, width, 1, draws)
    moved = drawn[:, 0] - one
    two, _ = expected_kernels(activation, drawn[:, 0])
    return np.asarray(two - moved @ jacobian(activation, one).T)


def _through_weights(
    rng: np.random.Generator, activation: Activation, below: Floats, width: int
) -> Floats:
    """Pre-activations `(draws, 2, m)` of a layer above states `(draws, k, 2)`."""
    size = below.shape[-2]
    weights = rng.normal(size=(len(below), width, size))
    above = np.sqrt(activation.variance / size) * weights @ below
    return np.asarray(above.swapaxes(-1, -2))


def _products(states: Floats) -> Floats:
    """Means over neurons of (first first, first second, second second), `(..., 3)`."""
    first, second = np.moveaxis(states, -2, 0)
    means = [(a * b).mean(axis=-1) for a, b in ((first, first), (first, second), (second, second))]
    return np.stack(means, axis=-1)
