"""Margins of several classes, as `theory.nets.pairs` has them, for compiled code.

Each class is a scalar net on its own entries of theta; `theory.flow.compiled_nets` answers for it.
"""

import numpy as np
from numpy.typing import NDArray

from theory.backend import Floats
from theory.compiled import compiled, filling, inlined
from theory.flow.compiled_nets import Layout, bend, grow

Heads = NDArray[np.int64]
"""Which entries of theta each class depends on, `(K, P of one)`."""

Classes = NDArray[np.int64]


@inlined
def _row(sample: int, truth: int, other: int, classes: int) -> int:
    """Where the margin of a sample over another class is."""
    return sample * (classes - 1) + other - (1 if other > truth else 0)


@compiled
def grow_pairs(
    net: Layout,
    heads: Heads,
    truth: Classes,
    base: Floats,
    step: Floats,
    inputs: Floats,
    grown: Floats,
    gradients: Floats,
) -> None:
    """As `grow`, of the margins: `grown` `(n (K - 1),)` and `gradients` `(n (K - 1), P)`."""
    samples, size = len(inputs), heads.shape[1]
    own, outputs, slopes = np.empty((2, size)), np.empty(samples), np.empty((samples, size))
    _grow_classes(net, heads, truth, base, step, inputs, own, outputs, slopes, grown, gradients)


@filling
def _grow_classes(
    net: Layout,
    heads: Heads,
    truth: Classes,
    base: Floats,
    step: Floats,
    inputs: Floats,
    own: Floats,
    outputs: Floats,
    slopes: Floats,
    grown: Floats,
    gradients: Floats,
) -> None:
    """The same, with room for what one class makes of it."""
    classes, size = heads.shape
    samples, own_base, own_step = len(inputs), own[0], own[1]
    grown[:] = 0.0
    gradients[:] = 0.0
    for c in range(classes):
        for p in range(size):
            own_base[p], own_step[p] = base[heads[c, p]], step[heads[c, p]]
        grow(net, own_base, own_step, inputs, outputs, slopes)
        for i in range(samples):
            for other in range(classes):
                if other == truth[i] or (c != truth[i] and c != other):
                    continue
                sign = 1.0 if c == truth[i] else -1.0
                row = _row(i, truth[i], other, classes)
                grown[row] += sign * outputs[i]
                for p in range(size):
                    gradients[row, heads[c, p]] += sign * slopes[i, p]


@compiled
def bend_pairs(
    net: Layout,
    heads: Heads,
    truth: Classes,
    point: Floats,
    inputs: Floats,
    weights: Floats,
    hessian: Floats,
) -> None:
    """As `bend`, with `weights` `(n (K - 1),)` of the margins."""
    classes, size = heads.shape
    samples = len(inputs)
    own_point, own_weights = np.empty(size), np.empty(samples)
    for c in range(classes):
        for p in range(size):
            own_point[p] = point[heads[c, p]]
        for i in range(samples):
            own_weights[i] = 0.0
            for other in range(classes):
                if other != truth[i] and c == truth[i]:
                    own_weights[i] += weights[_row(i, truth[i], other, classes)]
            if c != truth[i]:
                own_weights[i] = -weights[_row(i, truth[i], c, classes)]
        bent = np.zeros((size, size))
        bend(net, own_point, inputs, own_weights, bent)
        for p in range(size):
            for q in range(size):
                hessian[heads[c, p], heads[c, q]] += bent[p, q]
