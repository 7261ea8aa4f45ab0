"""Rectifiers on their kinks, and optimality there in the sense of Clarke.

At a kink a gradient is one of many; residuals with the one that autograd picks are too large.
"""

from typing import Any, Final

import numpy as np

from theory.errors import InvalidInput, NumericalFailure
from theory.margin.clarke import clarke_residual
from theory.nets import TwoLayerReLU
from theory.observed.balance import linear_chain
from theory.observed.net import Observed
from theory.problem import Problem

TOLERANCE: Final = 1e-3
"""Cosine of input and weights up to which a unit is on the kink of a sample (Goldstein's version of
the subdifferential): descent in steps hovers about a kink at a distance of its step."""

MOST: Final = 200
"""Samples up to which the programme is solved."""


def share_on_kinks(observed: Observed) -> float | None:
    """Of what enters the `ReLU` and `LeakyReLU` modules, the share below `TOLERANCE` of its layer's
    root mean square; None where there are no such modules.

    A rectifier that forward calls as a function is not seen.
    """
    import torch

    kinds = (torch.nn.ReLU, torch.nn.LeakyReLU)
    seen: list[tuple[int, int]] = []

    def note(_: Any, inputs: Any) -> None:
        size = inputs[0].detach()
        near = size.abs() <= TOLERANCE * size.square().mean().sqrt()
        seen.append((int(near.sum()), size.numel()))

    handles = [
        module.register_forward_pre_hook(note)
        for module in observed.net.module.modules()
        if type(module) in kinds
    ]
    if not handles:
        return None
    try:
        observed.outputs()
    finally:
        for handle in handles:
            handle.remove()
    return sum(near for near, _ in seen) / max(1, sum(count for _, count in seen))


def clarke_stationarity(observed: Observed) -> float:
    """The smallest |theta - sum m_i y_i g_i| / |theta| over the subdifferentials of f_i.

    Raises:
        InvalidInput: the module is not two linear layers without biases with a rectifier between
            them and one output, or there are too many samples.
        NumericalFailure: no certified solution.
    """
    net, theta = _two_layers(observed)
    if len(observed.inputs) > MOST:
        raise InvalidInput(f"of {len(observed.inputs)} samples; it is solved of {MOST} at most")
    labels = observed.rows.labels.cpu().numpy()
    inputs = observed.inputs.reshape(len(labels), -1).cpu().numpy()
    problem = Problem(net, theta, inputs, labels)
    try:
        return clarke_residual(problem, theta, TOLERANCE).stationarity
    except (ValueError, RuntimeError) as error:
        raise NumericalFailure(f"no certified solution: {error}") from error


def _two_layers(observed: Observed) -> tuple[TwoLayerReLU, Any]:
    from torch import nn

    chain = linear_chain(observed.net.module)
    parts = observed.net.parts(observed.theta)
    slopes = [
        float(getattr(layer, "negative_slope", 0.0))
        for layer in observed.net.module.modules()
        if type(layer) in (nn.ReLU, nn.LeakyReLU)
    ]
    if (
        observed.rows.kind != "binary"
        or chain is None
        or len(chain) != 2
        or len(slopes) != 1
        or not chain[0][2]
        or set(parts) != {name for name, _, _ in chain}
        or any(bias for _, bias, _ in chain)
    ):
        raise InvalidInput(
            "it is computed of two linear layers without biases, all trained, with a rectifier "
            "between them and one output"
        )
    hidden, readout = (parts[name].detach().cpu().numpy() for name, _, _ in chain)
    net = TwoLayerReLU(hidden.shape[0], hidden.shape[1], slopes[0])
    return net, np.concatenate([readout.ravel(), hidden.ravel()])
