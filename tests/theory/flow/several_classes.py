"""Problems of several classes, drawn from seeds, for the tests of this folder and beyond."""

import numpy as np

from theory.anchors import balanced_anchor, difference_anchor, zero_readout_anchor
from theory.nets import ConstantFeature, Deep, Diagonal, TwoLayer
from theory.problem import Problem

CLASSES = 3

NETS = {
    "diagonal, L = 2": Diagonal(4, 2, CLASSES),
    "diagonal, L = 3": Diagonal(4, 3, CLASSES),
    "two-layer square": TwoLayer(4, 4, "square", CLASSES),
    "two-layer cube": TwoLayer(4, 4, "cube", CLASSES),
    "two-layer with biases": ConstantFeature(TwoLayer(4, 5, "square", CLASSES)),
    "deep linear": Deep((4, 4, 4, CLASSES)),
    "deep square": Deep((4, 2, 2, CLASSES), "square"),
}


def several_classes(name: str, seed: int, loss: str = "cross_entropy", samples: int = 4) -> Problem:
    """A problem on the net of that name; all classes occur."""
    rng, net = np.random.default_rng(seed), NETS[name]
    inputs = rng.standard_normal((samples, 4))
    labels = rng.permutation(np.arange(samples) % CLASSES)
    if isinstance(net, Diagonal):
        anchor = balanced_anchor(net, 0.5 + rng.random(net.parameters // 2))
    elif isinstance(net, ConstantFeature):
        assert isinstance(net.net, TwoLayer)
        anchor = zero_readout_anchor(net.net, rng.standard_normal(net.parameters))
    elif isinstance(net, TwoLayer):
        half = TwoLayer(2, 4, net.activation, CLASSES)
        anchor = difference_anchor(net, rng.standard_normal(half.parameters))
    else:
        anchor = zero_readout_anchor(net, rng.standard_normal(net.parameters))
    return Problem(net, anchor, inputs, labels, loss, CLASSES)
