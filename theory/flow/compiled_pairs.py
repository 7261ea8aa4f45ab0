"""Hessians of margins of several classes in compiled code.

Each class is a scalar net on its own entries of theta; `theory.flow.compiled_nets` answers for it.
"""

import numpy as np

from theory.backend import Floats
from theory.compiled import compiled, inlined
from theory.flow.compiled_nets import bend
from theory.flow.net_layout import Layout


@inlined
def _row(sample: int, truth: int, other: int, classes: int) -> int:
    """Where the margin of a sample over another class is."""
    return sample * (classes - 1) + other - (1 if other > truth else 0)


@compiled
def bend_rows(net: Layout, point: Floats, inputs: Floats, weights: Floats, hessian: Floats) -> None:
    """As `bend`, with a weight for each row: of outputs `(n,)`, or of margins `(n (K - 1),)`."""
    if len(net.heads) == 0:
        bend(net, point, inputs, weights, hessian)
    else:
        _bend_classes(net, point, inputs, weights, hessian)


@compiled
def _bend_classes(
    net: Layout, point: Floats, inputs: Floats, weights: Floats, hessian: Floats
) -> None:
    heads, truth = net.heads, net.truth
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
