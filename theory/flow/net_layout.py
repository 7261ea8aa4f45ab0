"""Where the package's own nets keep their parameters, as compiled code sees it."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from theory.compiled import inlined
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

NO_HEADS: Final = np.empty((0, 0), dtype=np.int64)
NO_TRUTH: Final = np.empty(0, dtype=np.int64)


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
        heads: which entries of theta each class depends on, `(K, P of one)`; sizes and offsets are
            those of one class. `(0, 0)` for one output.
        truth: the class of each sample, `(n,)`; `(0,)` for one output.
    """

    family: int
    exponent: int
    rectified: bool
    sizes: NDArray[np.int64]
    offsets: NDArray[np.int64]
    off: float
    smoothing: float
    heads: NDArray[np.int64]
    truth: NDArray[np.int64]


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
    return Layout(family, exponent, rectified, *as_integers, 0.0, 0.0, NO_HEADS, NO_TRUTH)


NO_NET: Final = _layout(-1, 0, False, [], [])


@inlined
def start_of(net: Layout, layer: int) -> int:
    """Where theta holds the weights of a layer that all outputs share."""
    first: int = net.offsets[layer]
    return first if len(net.heads) == 0 else int(net.heads[0, first])


@inlined
def ends(net: Layout, sample: int, margin: int) -> tuple[int, int]:
    """Where theta holds what a margin is the difference of, entry by entry; -1 for nothing."""
    last = net.offsets[net.offsets.size - 1]
    if len(net.heads) == 0:
        return last, -1
    true = net.truth[sample]
    return net.heads[true, last], net.heads[margin + (1 if margin >= true else 0), last]
