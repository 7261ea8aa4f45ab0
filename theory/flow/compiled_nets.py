"""Outputs, gradients and curvature of the package's own families, for compiled code.

All families answer two questions: how outputs grow from a base to base + step, without
cancellation, together with the gradients there; and the Hessian of a weighted sum of outputs. They
are those of `theory.nets`, number by number, without the cost of small arrays.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from theory.backend import Floats
from theory.compiled import compiled, filling, inlined
from theory.flow.compiled_rectifiers import bend_rectifiers, grow_rectifiers
from theory.nets import (
    Deep,
    Diagonal,
    Factorization,
    HomogeneousNet,
    TwoLayer,
    TwoLayerReLU,
)
from theory.nets.activations import activation_named

DIAGONAL, LAYERED, FACTORIZATION, RECTIFIERS = range(4)


class Layout(NamedTuple):
    """Where a net keeps its parameters.

    Attributes:
        family: one of `DIAGONAL`, `LAYERED`, `FACTORIZATION`, `RECTIFIERS`.
        exponent: the degree of a diagonal net, or that of an activation.
        rectified: whether the activation is.
        sizes: the input dimension; the widths of all layers, inputs first; or size and rank.
        offsets: where theta holds the weights of each layer, row by row.
        off: the slope of a rectifier that is off.
        smoothing: the width of its bend.
    """

    family: int
    exponent: int
    rectified: bool
    sizes: NDArray[np.int64]
    offsets: NDArray[np.int64]
    off: float
    smoothing: float


def layout_of(net: HomogeneousNet) -> Layout | None:
    """How compiled code sees a net of one output; None for nets of the user's own."""
    kind = type(net)  # a subclass may answer otherwise
    if kind is Diagonal:
        return _layout(DIAGONAL, net.degree, False, [net.input_dim], [0])  # type: ignore[attr-defined]
    if kind is Factorization:
        return _layout(FACTORIZATION, 2, False, [net.size, net.rank], [0])  # type: ignore[attr-defined]
    if isinstance(net, TwoLayer) and kind is TwoLayer:
        act = activation_named(net.activation)
        widths = [net.input_dim, net.width, 1]
        return _layout(LAYERED, act.exponent, act.rectified, widths, [net.width, 0])
    if isinstance(net, TwoLayerReLU) and kind is TwoLayerReLU:
        widths = [net.input_dim, net.width, 1]
        found = _layout(RECTIFIERS, 1, True, widths, [net.width, 0])
        return found._replace(off=float(net.slope), smoothing=float(net.smoothing))
    if isinstance(net, Deep) and kind is Deep:
        act = activation_named(net.activation)
        sizes = [after * before for after, before in net.layer_shapes]
        starts = [0, *np.cumsum(sizes)[:-1].tolist()]
        return _layout(LAYERED, act.exponent, act.rectified, list(net.widths), starts)
    return None


def _layout(
    family: int, exponent: int, rectified: bool, sizes: list[int], offsets: list[int]
) -> Layout:
    as_integers = np.asarray(sizes, dtype=np.int64), np.asarray(offsets, dtype=np.int64)
    return Layout(family, exponent, rectified, *as_integers, 0.0, 0.0)


NO_NET: Final = _layout(-1, 0, False, [], [])


@inlined
def grow(
    net: Layout, base: Floats, step: Floats, inputs: Floats, grown: Floats, gradients: Floats
) -> None:
    """Fill `grown` `(n,)` with f(base + step) - f(base), `gradients` `(n, P)` with those there."""
    if net.family == DIAGONAL:
        _grow_diagonal(net, base, step, inputs, grown, gradients)
    elif net.family == FACTORIZATION:
        _grow_factorization(net, base, step, inputs, grown, gradients)
    elif net.family == RECTIFIERS:
        width, off, smoothing = net.sizes[1], net.off, net.smoothing
        grow_rectifiers(width, off, smoothing, base, step, inputs, grown, gradients)
    elif net.sizes.size == 3:
        _grow_two_layers(net, base, step, inputs, grown, gradients)
    else:
        _grow_layers(net, base, step, inputs, grown, gradients)


@filling
def bend(net: Layout, point: Floats, inputs: Floats, weights: Floats, hessian: Floats) -> None:
    """Add sum_i weights_i times the Hessian of f_i at `point` to `hessian` `(P, P)`."""
    if net.family == DIAGONAL:
        _bend_diagonal(net, point, inputs, weights, hessian)
    elif net.family == FACTORIZATION:
        _bend_factorization(net, inputs, weights, hessian)
    elif net.family == RECTIFIERS:
        width, off, smoothing = net.sizes[1], net.off, net.smoothing
        bend_rectifiers(width, off, smoothing, point, inputs, weights, hessian)
    elif net.sizes.size == 3:
        _bend_two_layers(net, point, inputs, weights, hessian)
    else:
        _bend_layers(net, point, inputs, weights, hessian)


@inlined
def _widest(widths: NDArray[np.int64]) -> int:
    most = 0
    for width in widths:
        most = max(most, width)
    return most


@inlined
def _power(z: float, exponent: int) -> float:
    value = 1.0
    for _ in range(exponent):
        value *= z
    return value


@inlined
def _power_increment(z: float, step: float, exponent: int) -> float:
    """(z + step)^k - z^k, as `theory.nets.activations.power_increment`."""
    if exponent == 1:
        return step
    moved = z + step
    total, power = moved + z, z
    for _ in range(exponent - 2):
        power *= z
        total = total * moved + power
    return step * total


@inlined
def _increment(exponent: int, rectified: bool, z: float, step: float) -> float:
    if not rectified:
        return _power_increment(z, step, exponent)
    active = max(step, -z) if z > 0.0 else max(z + step, 0.0)
    return _power_increment(max(z, 0.0), active, exponent)


@inlined
def _derivative(exponent: int, rectified: bool, z: float, order: int) -> float:
    """Of the activation, of order 0, 1 or 2."""
    if (rectified and z <= 0.0) or exponent < order:
        return 0.0
    factor = 1.0
    for k in range(order):
        factor *= exponent - k
    return factor * _power(z, exponent - order)


@inlined
def _activate(exponent: int, rectified: bool, z: float, step: float) -> tuple[float, float, float]:
    """The activation at z, its growth to z + step, and its slope there."""
    if exponent == 2 and not rectified:  # as below, without its loops
        return z * z, step * (z + step + z), 2.0 * (z + step)
    return (
        _derivative(exponent, rectified, z, 0),
        _increment(exponent, rectified, z, step),
        _derivative(exponent, rectified, z + step, 1),
    )


@filling
def _grow_diagonal(
    net: Layout, base: Floats, step: Floats, inputs: Floats, grown: Floats, gradients: Floats
) -> None:
    d, degree = net.sizes[0], net.exponent
    grown[:] = 0.0
    for p in range(2 * d):
        sign, k = (1.0, p) if p < d else (-1.0, p - d)
        moved = sign * _power_increment(base[p], step[p], degree)
        slope = sign * degree * _power(base[p] + step[p], degree - 1)
        for i in range(len(inputs)):
            grown[i] += moved * inputs[i, k]
            gradients[i, p] = slope * inputs[i, k]


@filling
def _bend_diagonal(
    net: Layout, point: Floats, inputs: Floats, weights: Floats, hessian: Floats
) -> None:
    d, degree = net.sizes[0], net.exponent
    for k in range(d):
        pull = 0.0
        for i in range(len(inputs)):
            pull += weights[i] * inputs[i, k]
        pull *= degree * (degree - 1)
        hessian[k, k] += pull * _power(point[k], degree - 2)
        hessian[d + k, d + k] -= pull * _power(point[d + k], degree - 2)


@filling
def _grow_factorization(
    net: Layout, base: Floats, step: Floats, inputs: Floats, grown: Floats, gradients: Floats
) -> None:
    size, rank = net.sizes
    gradients[:] = 0.0
    for i in range(len(inputs)):
        grown[i] = 0.0
        for half in range(2):
            sign = 1.0 - 2.0 * half
            row = (half * size + int(inputs[i, 0])) * rank
            column = (half * size + int(inputs[i, 1])) * rank
            for r in range(rank):
                left, right = row + r, column + r
                moved_left, moved_right = base[left] + step[left], base[right] + step[right]
                grown[i] += sign * (step[left] * moved_right + base[left] * step[right])
                gradients[i, left] += sign * moved_right
                gradients[i, right] += sign * moved_left


@filling
def _bend_factorization(net: Layout, inputs: Floats, weights: Floats, hessian: Floats) -> None:
    size, rank = net.sizes
    for i in range(len(inputs)):
        for half in range(2):
            pull = weights[i] * (1.0 - 2.0 * half)
            row = (half * size + int(inputs[i, 0])) * rank
            column = (half * size + int(inputs[i, 1])) * rank
            for r in range(rank):
                hessian[row + r, column + r] += pull
                hessian[column + r, row + r] += pull


@filling
def _grow_two_layers(
    net: Layout, base: Floats, step: Floats, inputs: Floats, grown: Floats, gradients: Floats
) -> None:
    exponent, rectified = net.exponent, net.rectified
    d, width = net.sizes[0], net.sizes[1]
    hidden, readout = slice(net.offsets[0], net.offsets[0] + width * d), net.offsets[1]
    weights, moves = base[hidden].reshape((width, d)), step[hidden].reshape((width, d))
    outer, moved_outer = base[readout : readout + width], step[readout : readout + width]
    for i in range(len(inputs)):
        signals = gradients[i, readout : readout + width]
        slopes, total = gradients[i, hidden].reshape((width, d)), 0.0
        for m in range(width):
            z, change = 0.0, 0.0
            for k in range(d):
                z += weights[m, k] * inputs[i, k]
                change += moves[m, k] * inputs[i, k]
            before, growth, slope = _activate(exponent, rectified, z, change)
            signals[m] = before + growth
            total += outer[m] * growth + moved_outer[m] * signals[m]
            pull = (outer[m] + moved_outer[m]) * slope
            for k in range(d):
                slopes[m, k] = pull * inputs[i, k]
        grown[i] = total


@inlined
def _row(theta: Floats, net: Layout, layer: int, row: int) -> Floats:
    """The weights of one unit, as a view: sums of indices would be taken for negative ones."""
    start = net.offsets[layer] + row * net.sizes[layer]
    return theta[start : start + net.sizes[layer]]


@compiled
def _grow_layers(
    net: Layout, base: Floats, step: Floats, inputs: Floats, grown: Floats, gradients: Floats
) -> None:
    depth, widest = net.sizes.size - 1, _widest(net.sizes)
    passed, pulled = np.empty((3, depth, widest)), np.empty((2, widest))
    _grow_through(net, base, step, inputs, passed, pulled, grown, gradients)


@filling
def _grow_through(
    net: Layout,
    base: Floats,
    step: Floats,
    inputs: Floats,
    passed: Floats,
    pulled: Floats,
    grown: Floats,
    gradients: Floats,
) -> None:
    """The same, with room for what passes the layers forwards and backwards."""
    exponent, rectified = net.exponent, net.rectified
    widths, depth = net.sizes, net.sizes.size - 1
    signals, growths, slopes = passed[0], passed[1], passed[2]
    back, further = pulled[0], pulled[1]
    for i in range(len(inputs)):
        for k in range(widths[0]):
            signals[0, k], growths[0, k] = inputs[i, k], 0.0
        for layer in range(depth - 1):
            for row in range(widths[layer + 1]):
                weights = _row(base, net, layer, row)
                moves = _row(step, net, layer, row)
                z, change = 0.0, 0.0
                for k in range(widths[layer]):
                    signal, growth = signals[layer, k], growths[layer, k]
                    z += weights[k] * signal
                    change += weights[k] * growth + moves[k] * (signal + growth)
                signal, growth, slope = _activate(exponent, rectified, z, change)
                signals[layer + 1, row], growths[layer + 1, row] = signal, growth
                slopes[layer, row] = slope
        grown[i] = 0.0
        weights, moves = _row(base, net, depth - 1, 0), _row(step, net, depth - 1, 0)
        pulls = _row(gradients[i], net, depth - 1, 0)
        for k in range(widths[depth - 1]):
            signal, growth = signals[depth - 1, k], growths[depth - 1, k]
            grown[i] += weights[k] * growth + moves[k] * (signal + growth)
            pulls[k] = signal + growth
            back[k] = weights[k] + moves[k]
        for layer in range(depth - 2, -1, -1):
            for k in range(widths[layer]):
                further[k] = 0.0
            for row in range(widths[layer + 1]):
                weights = _row(base, net, layer, row)
                moves = _row(step, net, layer, row)
                pulls = _row(gradients[i], net, layer, row)
                sensitivity = back[row] * slopes[layer, row]
                for k in range(widths[layer]):
                    pulls[k] = sensitivity * (signals[layer, k] + growths[layer, k])
                    further[k] += sensitivity * (weights[k] + moves[k])
            for k in range(widths[layer]):
                back[k] = further[k]


@filling
def _bend_two_layers(
    net: Layout, point: Floats, inputs: Floats, weights: Floats, hessian: Floats
) -> None:
    exponent, rectified = net.exponent, net.rectified
    d, width = net.sizes[0], net.sizes[1]
    hidden, readout = net.offsets
    for i in range(len(inputs)):
        for m in range(width):
            start = hidden + m * d
            z = 0.0
            for k in range(d):
                z += point[start + k] * inputs[i, k]
            mixed = weights[i] * _derivative(exponent, rectified, z, 1)
            curved = weights[i] * point[readout + m] * _derivative(exponent, rectified, z, 2)
            for k in range(d):
                hessian[readout + m, start + k] += mixed * inputs[i, k]
                hessian[start + k, readout + m] += mixed * inputs[i, k]
                for j in range(d):
                    hessian[start + k, start + j] += curved * inputs[i, k] * inputs[i, j]


@compiled
def _bend_layers(
    net: Layout, point: Floats, inputs: Floats, weights: Floats, hessian: Floats
) -> None:
    """Row by row, as the derivative of the gradient along one weight."""
    exponent, rectified = net.exponent, net.rectified
    widths, depth = net.sizes, net.sizes.size - 1
    widest = _widest(widths)
    signals, tangents = np.empty((depth, widest)), np.empty((depth, widest))
    slopes, curves = np.empty((depth, widest)), np.empty((depth, widest))
    turns = np.empty((depth, widest))
    back, back_tangent = np.empty(widest), np.empty(widest)
    further, further_tangent = np.empty(widest), np.empty(widest)
    last = net.offsets[depth - 1]
    for i in range(len(inputs)):
        for k in range(widths[0]):
            signals[0, k] = inputs[i, k]
        for layer in range(depth - 1):
            for row in range(widths[layer + 1]):
                start = net.offsets[layer] + row * widths[layer]
                z = 0.0
                for k in range(widths[layer]):
                    z += point[start + k] * signals[layer, k]
                signals[layer + 1, row] = _derivative(exponent, rectified, z, 0)
                slopes[layer, row] = _derivative(exponent, rectified, z, 1)
                curves[layer, row] = _derivative(exponent, rectified, z, 2)
        for along in range(depth):
            for entry in range(widths[along] * widths[along + 1]):
                at = net.offsets[along] + entry
                at_row, at_column = entry // widths[along], entry % widths[along]
                for layer in range(along + 1):
                    for k in range(widest):
                        tangents[layer, k] = 0.0
                for layer in range(along, depth - 1):
                    for row in range(widths[layer + 1]):
                        start = net.offsets[layer] + row * widths[layer]
                        turn = 0.0
                        for k in range(widths[layer]):
                            turn += point[start + k] * tangents[layer, k]
                        if layer == along and row == at_row:
                            turn += signals[layer, at_column]
                        turns[layer, row] = turn
                        tangents[layer + 1, row] = slopes[layer, row] * turn
                for k in range(widths[depth - 1]):
                    hessian[at, last + k] += weights[i] * tangents[depth - 1, k]
                    back[k], back_tangent[k] = weights[i] * point[last + k], 0.0
                if along == depth - 1:
                    back_tangent[at_column] = weights[i]
                for layer in range(depth - 2, -1, -1):
                    for k in range(widths[layer]):
                        further[k], further_tangent[k] = 0.0, 0.0
                    for row in range(widths[layer + 1]):
                        start = net.offsets[layer] + row * widths[layer]
                        pull = back[row] * slopes[layer, row]
                        pull_tangent = back_tangent[row] * slopes[layer, row]
                        if layer >= along:
                            pull_tangent += back[row] * curves[layer, row] * turns[layer, row]
                        for k in range(widths[layer]):
                            turned = pull_tangent * signals[layer, k] + pull * tangents[layer, k]
                            hessian[at, start + k] += turned
                            further[k] += pull * point[start + k]
                            further_tangent[k] += pull_tangent * point[start + k]
                        if layer == along and row == at_row:
                            further_tangent[at_column] += pull
                    for k in range(widths[layer]):
                        back[k], back_tangent[k] = further[k], further_tangent[k]
