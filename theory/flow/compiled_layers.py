"""Growth and gradients of layered nets in compiled code: of one output, and of margins of classes.

The margin of a class over another is the output of a net whose readout is the difference of their
rows; what passes the hidden layers is the same for all margins of a sample. A net without
heads has one output.
"""

from theory.backend import Floats
from theory.compiled import filling, inlined
from theory.flow.compiled_activations import activate
from theory.flow.net_layout import Layout, ends, start_of


@inlined
def _unit(theta: Floats, first: int, size: int, row: int) -> Floats:
    """The weights of one unit, as a view: sums of indices would be taken for negative ones."""
    start = first + row * size
    return theta[start : start + size]


@filling
def grow_layers(
    net: Layout,
    base: Floats,
    space: Floats,
    inputs: Floats,
    grown: Floats,
    gradients: Floats,
) -> None:
    """As `theory.flow.compiled_nets.grow`: `space` holds the step, and what passes the layers."""
    step, signals, growths, slopes = space[0], space[1], space[2], space[3]
    margins, hidden = max(len(net.heads) - 1, 1), net.sizes[1:-1].sum()
    for i in range(len(inputs)):
        _pass_forwards(net, base, step, inputs[i], signals, growths, slopes)
        for j in range(margins):
            ahead, behind = ends(net, i, j)
            row, gradient = i * margins + j, gradients[i * margins + j]
            grown[row] = _read_out(net, ahead, behind, hidden, base, space, gradient)
            _pull_back(net, hidden, base, space, inputs[i], gradient)


@inlined
def _pass_forwards(
    net: Layout,
    base: Floats,
    step: Floats,
    sample: Floats,
    signals: Floats,
    growths: Floats,
    slopes: Floats,
) -> None:
    """Fill what hidden units say at the base, how it grows, and their slopes after the step."""
    exponent, rectified, widths = net.exponent, net.rectified, net.sizes
    first, size = start_of(net, 0), widths[0]
    for row in range(widths[1]):
        weights, moves = _unit(base, first, size, row), _unit(step, first, size, row)
        z, change = 0.0, 0.0
        for k in range(size):
            z += weights[k] * sample[k]
            change += moves[k] * sample[k]
        signals[row], growths[row], slopes[row] = activate(exponent, rectified, z, change)
    below = 0
    for layer in range(1, widths.size - 2):
        first, size = start_of(net, layer), widths[layer]
        above = below + size
        said, grew = signals[below:above], growths[below:above]
        for row in range(widths[layer + 1]):
            weights, moves = _unit(base, first, size, row), _unit(step, first, size, row)
            z, change = 0.0, 0.0
            for k in range(size):
                z += weights[k] * said[k]
                change += weights[k] * grew[k] + moves[k] * (said[k] + grew[k])
            at = above + row
            signals[at], growths[at], slopes[at] = activate(exponent, rectified, z, change)
        below = above


@inlined
def _read_out(
    net: Layout,
    ahead: int,
    behind: int,
    hidden: int,
    base: Floats,
    space: Floats,
    gradient: Floats,
) -> float:
    """The growth of an output or a margin; fills its gradient by readouts, and by signals."""
    width = net.sizes[net.sizes.size - 2]
    signals, growths = space[1, hidden - width : hidden], space[2, hidden - width : hidden]
    step, back = space[0], space[4]
    weights, moves = base[ahead : ahead + width], step[ahead : ahead + width]
    pulls, total = gradient[ahead : ahead + width], 0.0
    if behind < 0:
        for k in range(width):
            pulls[k] = signals[k] + growths[k]
            total += weights[k] * growths[k] + moves[k] * pulls[k]
            back[k] = weights[k] + moves[k]
        return total
    last = net.offsets[net.offsets.size - 1]
    for c in range(len(net.heads)):
        first = net.heads[c, last]
        if first != ahead and first != behind:
            gradient[first : first + width] = 0.0
    less, less_moved = base[behind : behind + width], step[behind : behind + width]
    against = gradient[behind : behind + width]
    for k in range(width):
        signal = signals[k] + growths[k]
        weight, move = weights[k] - less[k], moves[k] - less_moved[k]
        pulls[k], against[k] = signal, -signal
        total += weight * growths[k] + move * signal
        back[k] = weight + move
    return total


@inlined
def _pull_back(
    net: Layout,
    hidden: int,
    base: Floats,
    space: Floats,
    sample: Floats,
    gradient: Floats,
) -> None:
    """Fill the gradient by the weights of hidden layers, from that by the last signals."""
    widths, step = net.sizes, space[0]
    back, further, above = space[4], space[5], hidden
    for layer in range(widths.size - 3, 0, -1):
        first, size = start_of(net, layer), widths[layer]
        above -= widths[layer + 1]
        signals, growths = space[1, above - size : above], space[2, above - size : above]
        slopes = space[3, above : above + widths[layer + 1]]
        for k in range(size):
            further[k] = 0.0
        for row in range(widths[layer + 1]):
            weights, moves = _unit(base, first, size, row), _unit(step, first, size, row)
            pulls, pull = _unit(gradient, first, size, row), back[row] * slopes[row]
            for k in range(size):
                pulls[k] = pull * (signals[k] + growths[k])
                further[k] += pull * (weights[k] + moves[k])
        for k in range(size):
            back[k] = further[k]
    first, size, slopes = start_of(net, 0), widths[0], space[3]
    for row in range(widths[1]):
        pulls, pull = _unit(gradient, first, size, row), back[row] * slopes[row]
        for k in range(size):
            pulls[k] = pull * sample[k]
