"""Zero-output initializations: directions theta-bar with f(theta-bar; x) = 0 for every x.

All but the `rescaled_difference_anchor` of a nonlinear net are fixed by an orthogonal involution S
for which f(S theta) = -f(theta). There the Hessian of f vanishes on the directions in which the
lazy flow moves, so the lazy prediction is one order better (`lazy_order` = 2 instead of 1).
"""

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from theory.backend import Floats
from theory.errors import InvalidInput
from theory.nets import Deep, Diagonal, Factorization, HomogeneousNet, TwoLayer, TwoLayerReLU
from theory.requests import check_positive, number_array, shortened
from theory.units import power_of_two, scaled

TWO_LAYERS = (TwoLayer, TwoLayerReLU)


def _normalized(anchor: Floats, normalize: bool) -> Floats:
    if not anchor.any() or not np.all(np.isfinite(anchor)):
        raise InvalidInput("anchor would be zero or infinite; give finite numbers, not all zero")
    if not normalize:
        return anchor
    unit = scaled(anchor, -power_of_two(anchor))
    return np.asarray(unit / np.linalg.norm(unit))


def _vector(name: str, values: ArrayLike) -> Floats:
    """The numbers `(k,)` of an array of any shape."""
    return np.asarray(number_array(name, values).astype(np.float64).ravel())


def _check_layered(net: object, what: str) -> None:
    if not isinstance(net, (*TWO_LAYERS, Deep)):
        raise InvalidInput(
            f"net is {shortened(net)}; {what} is for TwoLayer, TwoLayerReLU and Deep nets"
        )


def balanced_anchor(
    net: Diagonal | Factorization, half: ArrayLike, *, normalize: bool = True
) -> Floats:
    """u = v = half of a diagonal net, or U = V = half of a factorization (flattened).

    Raises:
        InvalidInput: another net, numbers that are too few, too many, not finite or all zero.
    """
    if not isinstance(net, (Diagonal, Factorization)):
        raise InvalidInput(
            f"net is {shortened(net)}; a balanced anchor is for Diagonal and Factorization nets"
        )
    half = _vector("half", half)
    if 2 * half.size != net.parameters:
        raise InvalidInput(f"half has {half.size} numbers; {net} needs {net.parameters // 2}")
    return _normalized(np.concatenate([half, half]), normalize)


def difference_anchor(
    net: TwoLayer | TwoLayerReLU | Deep, half: ArrayLike, *, normalize: bool = True
) -> Floats:
    """The difference trick: two copies of a net of half the hidden widths, readouts opposite.

    `half` holds the parameters of the half-width net. A deep net gets the copies as diagonal
    blocks, with zeros between them.

    Raises:
        InvalidInput: as `rescaled_difference_anchor`.
    """
    return rescaled_difference_anchor(net, half, 1.0, normalize=normalize)


def rescaled_difference_anchor(
    net: TwoLayer | TwoLayerReLU | Deep, half: ArrayLike, scale: float, *, normalize: bool = True
) -> Floats:
    """The difference trick with the second copy's first layer times `scale` and its readout
    divided by the same factor as it reaches the output. Zero output; no involution for scale != 1,
    unless the net is linear (there a reflection between the copies is one).

    Raises:
        InvalidInput: another net, an odd hidden width, a scale that is not finite and positive,
            numbers that are too few, too many, not finite or all zero.
    """
    _check_layered(net, "the difference trick")
    check_positive("scale", scale)
    half = _vector("half", half)
    half_net = _half_width(net)
    if half.size != half_net.parameters:
        raise InvalidInput(f"half has {half.size} numbers; {half_net} has {half_net.parameters}")
    if isinstance(net, TWO_LAYERS):
        assert isinstance(half_net, TWO_LAYERS)
        readout, hidden = half_net.split(half)
        readouts = np.concatenate([readout, -readout / scale ** (net.degree - 1)], axis=-1)
        anchor = np.concatenate([readouts.ravel(), hidden.ravel(), scale * hidden.ravel()])
        return _normalized(anchor, normalize)
    assert isinstance(half_net, Deep)
    first, *middle, last = half_net.layers(half)
    exponent = half_net._act.exponent ** (len(half_net.widths) - 2)
    blocks = [np.concatenate([first, scale * first])]
    blocks += [np.block([[m, 0 * m], [0 * m, m]]) for m in middle]
    blocks += [np.concatenate([last, -last / scale**exponent], axis=1)]
    return _normalized(np.concatenate([b.ravel() for b in blocks]), normalize)


def zero_readout_anchor(
    net: TwoLayer | TwoLayerReLU | Deep, theta: ArrayLike, *, normalize: bool = True
) -> Floats:
    """`theta` with the last layer set to zero.

    Raises:
        InvalidInput: another net, numbers that are too few, too many, not finite or all zero.
    """
    _check_layered(net, "a readout of zero")
    theta = _vector("theta", theta)
    if theta.size != net.parameters:
        raise InvalidInput(f"theta has {theta.size} numbers; {net} has {net.parameters}")
    two_layers = isinstance(net, TWO_LAYERS)
    size = net.output_dim * (net.width if isinstance(net, TWO_LAYERS) else net.widths[-2])
    theta[slice(0, size) if two_layers else slice(-size, None)] = 0.0
    return _normalized(theta, normalize)


def _half_width(net: TwoLayer | TwoLayerReLU | Deep) -> TwoLayer | TwoLayerReLU | Deep:
    hidden = (net.width,) if isinstance(net, TWO_LAYERS) else net.widths[1:-1]
    if any(width % 2 for width in hidden):
        raise InvalidInput(f"{net} has an odd hidden width; the difference trick needs even ones")
    if isinstance(net, TWO_LAYERS):
        return replace(net, width=net.width // 2)
    halved = tuple(width // 2 for width in hidden)
    return replace(net, widths=(net.widths[0], *halved, net.output_dim))


def has_odd_involution(net: HomogeneousNet, anchor: Floats, inputs: Floats) -> bool:
    """Whether second-order terms vanish at the anchor: g_j^T H_i g_k = 0 for all gradients g.

    This is what the involution gives and all that the order of the lazy prediction needs.
    """
    jacobian = net.jacobian(anchor, inputs)
    hessians = [net.weighted_hessian(anchor, inputs, row) for row in np.eye(len(jacobian))]
    forms = np.array([jacobian @ hessian @ jacobian.T for hessian in hessians])
    scale = max(float(np.linalg.norm(h)) for h in hessians) * float(np.linalg.norm(jacobian)) ** 2
    return bool(np.abs(forms).max() <= 1e-12 * scale)
