"""Outputs, gradients and curvature of the package's own families, for compiled code.

All families answer two questions: how outputs grow from a base to base + step, without
cancellation, together with the gradients there; and the Hessian of a weighted sum of outputs. They
are those of `theory.nets`, number by number, without the cost of small arrays. Nets of several
classes answer the first with their margins, as `theory.nets.pairs` has them.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from theory.backend import Floats
from theory.compiled import compiled, filling, inlined
from theory.flow.compiled_activations import derivative, power, power_increment
from theory.flow.compiled_layers import grow_layers
from theory.flow.compiled_rectifiers import bend_rectifiers, grow_rectifiers
from theory.flow.net_layout import DIAGONAL, FACTORIZATION, RECTIFIERS, Layout, ends

SPACE: Final = 6
"""Rows of P numbers that `grow` needs, the step among them."""


@inlined
def grow(
    net: Layout,
    base: Floats,
    space: Floats,
    inputs: Floats,
    grown: Floats,
    gradients: Floats,
) -> None:
    """Fill `grown` `(n,)` with f(base + step) - f(base), `gradients` `(n, P)` with those there.

    Of several classes, n counts margins. The first row of `space` `(SPACE, P)` holds the step.
    """
    if net.family == DIAGONAL:
        _grow_diagonal(net, base, space, inputs, grown, gradients)
    elif net.family == FACTORIZATION:
        _grow_factorization(net, base, space[0], inputs, grown, gradients)
    elif net.family == RECTIFIERS:
        width, off, smoothing = net.sizes[1], net.off, net.smoothing
        grow_rectifiers(width, off, smoothing, base, space[0], inputs, grown, gradients)
    else:
        grow_layers(net, base, space, inputs, grown, gradients)


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


@filling
def _grow_diagonal(
    net: Layout,
    base: Floats,
    space: Floats,
    inputs: Floats,
    grown: Floats,
    gradients: Floats,
) -> None:
    step, moved, slopes = space[0], space[1], space[2]
    degree, half, margins = net.exponent, base.size // 2, max(len(net.heads) - 1, 1)
    for p in range(base.size):
        sign = 1.0 if p < half else -1.0
        moved[p] = sign * power_increment(base[p], step[p], degree)
        slopes[p] = sign * degree * power(base[p] + step[p], degree - 1)
    for i in range(len(inputs)):
        for j in range(margins):
            ahead, behind = ends(net, i, j)
            row, total = gradients[i * margins + j], 0.0
            if behind >= 0:
                row[:] = 0.0
            for first in range(0, base.size, half):
                for k in range(net.sizes[0]):
                    x, p = inputs[i, k], first + ahead + k
                    total += moved[p] * x
                    row[p] = slopes[p] * x
                    if behind >= 0:
                        p = first + behind + k
                        total -= moved[p] * x
                        row[p] = -slopes[p] * x
            grown[i * margins + j] = total


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
        hessian[k, k] += pull * power(point[k], degree - 2)
        hessian[d + k, d + k] -= pull * power(point[d + k], degree - 2)


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
            mixed = weights[i] * derivative(exponent, rectified, z, 1)
            curved = weights[i] * point[readout + m] * derivative(exponent, rectified, z, 2)
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
                signals[layer + 1, row] = derivative(exponent, rectified, z, 0)
                slopes[layer, row] = derivative(exponent, rectified, z, 1)
                curves[layer, row] = derivative(exponent, rectified, z, 2)
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
