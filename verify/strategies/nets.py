"""Hypothesis strategies for nets with a zero-output anchor.

Simplest first in every choice, so that shrinking ends at few dimensions, small width, whole
numbers. Numbers are drawn one by one (at most about 100 an instance), never filled.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from theory.anchors import balanced_anchor, rescaled_difference_anchor, zero_readout_anchor
from theory.backend import Floats
from theory.nets import Deep, Diagonal, Factorization, HomogeneousNet, TwoLayer
from verify.strategies.sizes import Sizes

FAMILIES = ("diagonal", "two_layer", "deep", "factorization")
RESCALED = ("rescaled_two_layer", "rescaled_deep")
"""By the rescaled difference alone: nets without an odd involution."""

ANCHORS = ("zero readout", "difference", "rescaled difference")
SMOOTH_ACTIVATIONS = ("square", "cube", "relu_squared", "relu_cubed")
UNLIMITED = 10**6

DENOMINATORS = (1, 8, 64)
"""Numbers are multiples of 1, 1/8 or 1/64: whole ones give degenerate tasks, fine ones generic."""


@dataclass(frozen=True, eq=False)
class AnchoredNet:
    """A net with a direction of zero output."""

    net: HomogeneousNet
    anchor: Floats


def grid_arrays(
    shape: tuple[int, ...], *, low: float = -2.0, high: float = 2.0
) -> st.SearchStrategy[Floats]:
    """Arrays of multiples of 1, 1/8 or 1/64 in [low, high], each entry drawn on its own.

    Entries shrink to 1: inputs and weights of 0 leave nothing to shrink any further.
    """

    def of_denominator(denominator: int) -> st.SearchStrategy[Floats]:
        bounds = (int(np.ceil(low * denominator)), int(np.floor(high * denominator)))
        above_one = st.integers(*(bound - denominator for bound in bounds))
        whole = npst.arrays(np.int64, shape, elements=above_one, fill=st.nothing())
        return whole.map(lambda array: 1.0 + array / denominator)

    return st.sampled_from(DENOMINATORS).flatmap(of_denominator)


def nonzero_arrays(shape: tuple[int, ...]) -> st.SearchStrategy[Floats]:
    """As `grid_arrays`, but a zero entry becomes 1: weights that switch nothing off."""
    return grid_arrays(shape).map(lambda array: np.where(array == 0, 1.0, array))


@st.composite
def diagonal_nets(
    draw: st.DrawFn,
    max_input_dim: int = 6,
    max_degree: int = 4,
    *,
    smallest: int = 1,
    max_parameters: int = UNLIMITED,
) -> AnchoredNet:
    """Diagonal nets with the balanced anchor u = v, entries in [1/2, 2] before normalisation."""
    max_input_dim = min(max_input_dim, max_parameters // 2)
    net = Diagonal(draw(st.integers(smallest, max_input_dim)), draw(st.integers(2, max_degree)))
    half = draw(grid_arrays((net.input_dim,), low=0.5, high=2.0))
    return AnchoredNet(net, balanced_anchor(net, half))


@st.composite
def two_layer_nets(
    draw: st.DrawFn,
    max_width: int = 4,
    max_input_dim: int = 4,
    *,
    smallest: int = 1,
    max_parameters: int = UNLIMITED,
    anchors: tuple[str, ...] = ANCHORS,
) -> AnchoredNet:
    """Two-layer nets with a zero readout, the difference trick, or its rescaled variant.

    Args:
        smallest: of the input dimension, and of the width with a zero readout.
    """
    activation = draw(st.sampled_from(SMOOTH_ACTIVATIONS))
    input_dim = draw(st.integers(smallest, min(max_input_dim, max_parameters // 2 - 1)))
    max_width = min(max_width, max_parameters // (input_dim + 1))
    kind = draw(st.sampled_from(anchors))
    if kind == "zero readout":
        net = TwoLayer(draw(st.integers(smallest, max_width)), input_dim, activation)
        theta = draw(nonzero_arrays((net.parameters,)))
        return AnchoredNet(net, zero_readout_anchor(net, theta))
    net = TwoLayer(2 * draw(st.integers(1, max_width // 2)), input_dim, activation)
    half = draw(nonzero_arrays((net.parameters // 2,)))
    scale = 1.0 if kind == "difference" else draw(st.sampled_from((0.5, 1.5, 0.75)))
    return AnchoredNet(net, rescaled_difference_anchor(net, half, scale))


@st.composite
def deep_nets(
    draw: st.DrawFn,
    max_width: int = 3,
    max_input_dim: int = 3,
    *,
    smallest: int = 1,
    max_half_width: int = 2,
    max_parameters: int = UNLIMITED,
    anchors: tuple[str, ...] = ANCHORS,
) -> AnchoredNet:
    """Three-layer linear and squared nets with zero readout or by difference.

    The rescaled difference is drawn for squared nets only: linear copies of different scale are
    still exchanged by an odd involution, a reflection.

    Args:
        smallest: of the input dimension, and of the widths with a zero readout.
        max_half_width: of each of the two copies.
    """
    # both layers at least 2 wide have 2 d + 4 + 2 parameters
    input_dim = draw(st.integers(smallest, min(max_input_dim, (max_parameters - 6) // 2)))
    kind = draw(st.sampled_from(anchors))
    rescaled = kind == "rescaled difference"
    activation = "square" if rescaled else draw(st.sampled_from(("linear", "square")))
    if kind == "zero readout":
        # a second layer as wide as it has to be takes `smallest` parameters a neuron, and itself
        room = (max_parameters - smallest) // (input_dim + smallest)
        first = draw(st.integers(smallest, min(max_width, room)))
        room = (max_parameters - input_dim * first) // (first + 1)
        hidden = first, draw(st.integers(smallest, min(max_width, room)))
        net = Deep((input_dim, *hidden, 1), activation)
        theta = draw(nonzero_arrays((net.parameters,)))
        return AnchoredNet(net, zero_readout_anchor(net, theta))
    first = draw(st.integers(1, min(max_half_width, (max_parameters - 2) // (2 * input_dim + 4))))
    largest = (max_parameters - 2 * input_dim * first) // (4 * first + 2)
    halves = (first, draw(st.integers(1, min(max_half_width, largest))))
    net = Deep((input_dim, 2 * halves[0], 2 * halves[1], 1), activation)
    size = Deep((input_dim, *halves, 1), activation).parameters
    half = draw(nonzero_arrays((size,)))
    scale = draw(st.sampled_from((0.5, 1.5, 0.75))) if rescaled else 1.0
    return AnchoredNet(net, rescaled_difference_anchor(net, half, scale))


@st.composite
def factorization_nets(
    draw: st.DrawFn, max_size: int = 4, *, max_parameters: int = UNLIMITED
) -> AnchoredNet:
    """Factorizations U U^T - V V^T of full rank or less, with U = V."""
    size = draw(st.integers(2, min(max_size, max_parameters // 2)))
    net = Factorization(size, draw(st.integers(1, min(size, max_parameters // (2 * size)))))
    half = draw(nonzero_arrays((net.parameters // 2,)))
    return AnchoredNet(net, balanced_anchor(net, half))


_BY_FAMILY: dict[str, Callable[[], st.SearchStrategy[AnchoredNet]]] = {
    "diagonal": diagonal_nets,
    "two_layer": two_layer_nets,
    "deep": deep_nets,
    "factorization": factorization_nets,
}


def _of_sizes(family: str, sizes: Sizes, smallest: int) -> st.SearchStrategy[AnchoredNet]:
    dimension, widest = sizes.max_input_dim, sizes.max_width
    limits: dict[str, Any] = {"smallest": smallest, "max_parameters": sizes.max_parameters}
    if family in RESCALED:
        limits["anchors"] = ANCHORS[-1:]
    match family:
        case "diagonal":
            return diagonal_nets(dimension, **limits)
        case "two_layer" | "rescaled_two_layer":
            return two_layer_nets(widest, dimension, **limits)
        case "deep" | "rescaled_deep":
            return deep_nets(widest, dimension, max_half_width=widest // 2, **limits)
    return factorization_nets(dimension, max_parameters=sizes.max_parameters)


def anchored_nets(
    families: tuple[str, ...] = FAMILIES, sizes: Sizes | None = None, smallest: int = 1
) -> st.SearchStrategy[AnchoredNet]:
    """Nets of the given families, each with a zero-output anchor of unit norm.

    Args:
        sizes: their largest sizes; None for the small ones of each strategy's defaults.
        smallest: of the dimensions, and of the widths with a zero readout, where sizes are given.
    """
    if sizes is None:
        return st.sampled_from(families).flatmap(lambda family: _BY_FAMILY[family]())
    return st.sampled_from(families).flatmap(lambda family: _of_sizes(family, sizes, smallest))
