"""Hypothesis strategies for tasks of several classes that are separable by construction.

Classes come from a teacher in the span of the gradient features of the net's outputs; samples at
whose margins it leaves little are dropped rather than the instance.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from theory.anchors import balanced_anchor, rescaled_difference_anchor, zero_readout_anchor
from theory.backend import Floats, Integers
from theory.nets import Deep, Diagonal, PairNet, TwoLayer
from theory.problem import Problem
from verify.instances.kinds import Kind
from verify.strategies.nets import SMOOTH_ACTIVATIONS, AnchoredNet, grid_arrays, nonzero_arrays
from verify.strategies.sizes import Sizes
from verify.strategies.tasks import MIN_RELATIVE_GRADIENT, MIN_TEACHER_COSINE, made_special

FAMILIES = ("diagonal", "two_layer", "deep")
RESCALED = "rescaled"
"""Two layers by a difference of unequal scales: nets without an odd involution."""

SCALES = (0.0, 1.0, 0.5, 1.5)
"""Of the second copy's hidden layer; 0 for a zero readout, 1 for an odd involution."""

LOSSES = ("cross_entropy", "exponential")
FEWEST, MOST = 3, 5
"""Classes: two are the binary case."""


@st.composite
def _diagonal_nets(draw: st.DrawFn, classes: int, sizes: Sizes) -> AnchoredNet:
    largest = min(sizes.max_input_dim, sizes.max_parameters // (2 * classes))
    net = Diagonal(draw(st.integers(2, largest)), draw(st.integers(2, 4)), classes)
    half = draw(grid_arrays((classes * net.input_dim,), low=0.5, high=2.0))
    return AnchoredNet(net, balanced_anchor(net, half))


@st.composite
def _two_layer_nets(
    draw: st.DrawFn, classes: int, sizes: Sizes, scales: tuple[float, ...] = SCALES
) -> AnchoredNet:
    """With a zero readout, or by difference."""
    activation = draw(st.sampled_from(SMOOTH_ACTIVATIONS))
    dimension = draw(st.integers(2, min(sizes.max_input_dim, sizes.max_parameters // 2 - classes)))
    widest = min(sizes.max_width, sizes.max_parameters // (dimension + classes))
    scale = draw(st.sampled_from(scales))
    if scale == 0.0:
        net = TwoLayer(draw(st.integers(1, widest)), dimension, activation, classes)
        theta = draw(nonzero_arrays((net.parameters,)))
        assume(_distinct(net.split(theta)[1]))
        return AnchoredNet(net, zero_readout_anchor(net, theta))
    net = TwoLayer(2 * draw(st.integers(1, widest // 2)), dimension, activation, classes)
    half = draw(nonzero_arrays((net.parameters // 2,)))
    assume(_distinct(half[net.width // 2 * classes :].reshape(-1, dimension)))
    return AnchoredNet(net, rescaled_difference_anchor(net, half, scale))


@st.composite
def _deep_nets(draw: st.DrawFn, classes: int, sizes: Sizes) -> AnchoredNet:
    """Three layers with a zero readout."""
    activation = draw(st.sampled_from(("linear", "square")))
    dimension = draw(st.integers(2, min(4, sizes.max_input_dim)))
    net = Deep((dimension, draw(st.integers(2, 4)), draw(st.integers(2, 4)), classes), activation)
    assume(net.parameters <= sizes.max_parameters)
    theta = draw(nonzero_arrays((net.parameters,)))
    assume(all(_distinct(rows) for rows in net.layers(theta)[:-1]))
    return AnchoredNet(net, zero_readout_anchor(net, theta))


def _distinct(rows: Floats) -> bool:
    """Whether no two neurons of a layer are equal, up to sign.

    Equal ones stay equal, but for rounding: where it is better that one of them takes all, they
    part when rounding has grown enough, which is no property of the flow.
    """
    return len(np.unique(np.vstack([rows, -rows]), axis=0)) == 2 * len(rows)


_BY_FAMILY: dict[str, Callable[[int, Sizes], st.SearchStrategy[AnchoredNet]]] = {
    "diagonal": _diagonal_nets,
    "two_layer": _two_layer_nets,
    "deep": _deep_nets,
    RESCALED: partial(_two_layer_nets, scales=SCALES[2:]),
}


@st.composite
def class_problems(draw: st.DrawFn, families: tuple[str, ...], sizes: Sizes) -> Problem:
    """Separable problems of 3 to 5 classes, of two samples at least and of at most twice as many
    margins as a problem of two classes may have; in plain units and others.
    """
    classes = draw(st.integers(FEWEST, MOST))
    family = draw(st.sampled_from(families))
    anchored = draw(_BY_FAMILY[family](classes, sizes))
    samples = draw(st.integers(2, max(2 * sizes.max_samples // (classes - 1), 2)))
    inputs = draw(grid_arrays((samples, _dimension(anchored))))
    teacher = draw(st.lists(_WEIGHTS, min_size=samples, max_size=samples))
    kept, labels = _taught(anchored, inputs, np.array(teacher), classes)
    assume(kept.size >= 2)
    loss = draw(st.sampled_from(LOSSES))
    own = labels[kept].astype(np.float64)
    problem = Problem(anchored.net, anchored.anchor, inputs[kept], own, loss, classes)
    kind = draw(st.sampled_from(sizes.among(Kind.INPUT_UNITS, Kind.ANCHOR_UNITS)))
    return problem if kind is Kind.PLAIN else draw(made_special(problem, kind))


_WEIGHTS = st.tuples(st.integers(0, MOST - 1), st.sampled_from((1, 2, 3)))
"""Of one sample: the class that it pulls for, and how much."""


def _dimension(anchored: AnchoredNet) -> int:
    net = anchored.net
    return net.widths[0] if isinstance(net, Deep) else net.input_dim  # type: ignore[attr-defined]


def _taught(
    anchored: AnchoredNet, inputs: Floats, pulls: Integers, classes: int
) -> tuple[Integers, Integers]:
    """Which samples a teacher classifies clearly, and the class of every sample."""
    gradients = np.asarray(anchored.net.jacobian(anchored.anchor, inputs))
    centred = gradients - gradients.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(centred, axis=(1, 2))
    if not lengths.any():
        return np.array([], dtype=np.int64), np.zeros(len(inputs), dtype=np.int64)
    chosen = centred[np.arange(len(inputs)), pulls[:, 0] % classes]
    teacher = (pulls[:, 1] / np.where(lengths > 0, lengths, np.inf)) @ chosen
    labels = np.argmax(gradients @ teacher, axis=1)
    pairs = PairNet(anchored.net, labels, classes).jacobian(anchored.anchor, inputs)
    sizes = np.linalg.norm(pairs, axis=1)
    reach = np.maximum(sizes * np.linalg.norm(teacher), np.finfo(float).tiny)
    clear = (pairs @ teacher >= MIN_TEACHER_COSINE * reach) & (
        sizes >= MIN_RELATIVE_GRADIENT * sizes.max()
    )
    every: Integers = np.flatnonzero(clear.reshape(len(inputs), -1).all(axis=1))
    return every, labels
