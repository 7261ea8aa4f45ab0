"""`theory.nets.TwoLayerReLU` in compiled code, number by number, with the bend and without."""

from math import exp, expm1, log1p, sqrt

import numpy as np

from theory.backend import Floats
from theory.compiled import compiled, filling, inlined


@inlined
def _excess(t: float) -> float:
    """log(1 + e^-|t|)."""
    return log1p(exp(-abs(t)))


@inlined
def _on(t: float) -> float:
    """sig(t)."""
    small = exp(-abs(t))
    return 1.0 / (1.0 + small) if t > 0.0 else small / (1.0 + small)


@inlined
def _spread(t: float) -> float:
    """log(1 + e^t) - t sig(t)."""
    small = exp(-abs(t))
    return log1p(small) + abs(t) * small / (1.0 + small)


@inlined
def _some(length: float) -> float:
    return length if length > 0.0 else 1.0


@inlined
def _raised(z: float, change: float, before: float, after: float, widened: float) -> float:
    """w log(1 + e^(z / w)) at z + change and w = `after`, less that at z and w = `before`."""
    old, new = z / _some(before), (z + change) / _some(after)
    turned = (change - old * widened) / _some(after)
    softplus = max(new, 0.0) + _excess(new)
    if abs(turned) < 1.0:
        risen = log1p(_on(old) * expm1(turned))
    else:
        risen = softplus - max(old, 0.0) - _excess(old)
    return widened * softplus + before * risen


@inlined
def _sharp(z: float, change: float) -> float:
    """max(z + change, 0) - max(z, 0)."""
    return max(change, -z) if z > 0.0 else max(z + change, 0.0)


@inlined
def _lengths(inputs: Floats) -> Floats:
    """|x_i|, shape `(n,)`."""
    lengths = np.zeros(len(inputs))
    for i in range(len(inputs)):
        for x in inputs[i]:
            lengths[i] += x * x
        lengths[i] = sqrt(lengths[i])
    return lengths


@compiled
def grow_rectifiers(
    width: int,
    off: float,
    smoothing: float,
    base: Floats,
    step: Floats,
    inputs: Floats,
    grown: Floats,
    gradients: Floats,
) -> None:
    """As `theory.flow.compiled_nets.grow`; `off` is the slope of a rectifier that is off."""
    lengths = _lengths(inputs)
    _grow_units(width, off, smoothing, base, step, inputs, lengths, grown, gradients)


@filling
def _grow_units(
    width: int,
    off: float,
    smoothing: float,
    base: Floats,
    step: Floats,
    inputs: Floats,
    lengths: Floats,
    grown: Floats,
    gradients: Floats,
) -> None:
    """The same, with the lengths `(n,)` of the inputs."""
    samples, d = inputs.shape
    grown[:] = 0.0
    for m in range(width):
        start = width + m * d
        old, new, longer = 0.0, 0.0, 0.0
        for k in range(start, start + d):
            old += base[k] * base[k]
            new += (base[k] + step[k]) * (base[k] + step[k])
            longer += (2.0 * base[k] + step[k]) * step[k]
        old, new = sqrt(old), sqrt(new)
        longer /= _some(old + new)
        readout, readout_step = base[m], step[m]
        for i in range(samples):
            z, change = 0.0, 0.0
            for k in range(d):
                z += base[start + k] * inputs[i, k]
                change += step[start + k] * inputs[i, k]
            reach = smoothing * lengths[i]
            before, after = reach * old, reach * new
            moved, value, above = z + change, max(z, 0.0), _sharp(z, change)
            on = 1.0 if moved > 0.0 else 0.0
            along = 0.0
            if smoothing > 0.0:
                value += before * _excess(z / _some(before))
                above = _raised(z, change, before, after, reach * longer)
                t = moved / _some(after)
                on = _on(t)
                along = (1.0 - off) * reach * _spread(t) / _some(new)
            risen = off * change + (1.0 - off) * above
            value = off * z + (1.0 - off) * value
            grown[i] += (readout + readout_step) * risen + readout_step * value
            gradients[i, m] = value + risen
            for k in range(d):
                turned = (off + (1.0 - off) * on) * inputs[i, k]
                turned += along * (base[start + k] + step[start + k])
                gradients[i, start + k] = (readout + readout_step) * turned


@compiled
def bend_rectifiers(
    width: int,
    off: float,
    smoothing: float,
    point: Floats,
    inputs: Floats,
    weights: Floats,
    hessian: Floats,
) -> None:
    """As `theory.flow.compiled_nets.bend`."""
    samples, d = inputs.shape
    lengths = _lengths(inputs)
    slopes, across = np.empty(d), np.empty(d)
    for m in range(width):
        start = width + m * d
        size = 0.0
        for k in range(start, start + d):
            size += point[k] * point[k]
        size = sqrt(size)
        for i in range(samples):
            z = 0.0
            for k in range(d):
                z += point[start + k] * inputs[i, k]
            reach = smoothing * lengths[i]
            on, along, curved, turning, t = 1.0 if z > 0.0 else 0.0, 0.0, 0.0, 0.0, 0.0
            if smoothing > 0.0:
                w = _some(reach * size)
                t = z / w
                on = _on(t)
                along = (1.0 - off) * reach * _spread(t) / _some(size)
                curved = (1.0 - off) * on * _on(-t) / w * weights[i] * point[m]
                turning = along * weights[i] * point[m]
            for k in range(d):
                direction = point[start + k] / _some(size)
                slopes[k] = (off + (1.0 - off) * on) * inputs[i, k] + along * point[start + k]
                across[k] = inputs[i, k] - t * reach * direction
            for k in range(d):
                hessian[m, start + k] += weights[i] * slopes[k]
                hessian[start + k, m] += weights[i] * slopes[k]
                if smoothing > 0.0:
                    hessian[start + k, start + k] += turning
                    aligned = turning * point[start + k] / _some(size * size)
                    for j in range(d):
                        bent = curved * across[k] * across[j] - aligned * point[start + j]
                        hessian[start + k, start + j] += bent
