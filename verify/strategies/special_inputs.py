"""Inputs of the kinds that are drawn on purpose: what each adds to a task, or makes of its inputs.

Powers of ten and small whole numbers throughout, so that a person can read what was done.
"""

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st
from numpy.typing import NDArray

from theory.backend import Floats
from theory.nets import Deep, Diagonal, Factorization, HomogeneousNet
from verify.instances.kinds import Kind
from verify.instances.twins import input_degree
from verify.strategies.nets import AnchoredNet, grid_arrays
from verify.strategies.sizes import Sizes

INPUT_POWERS = (1, -1, 2, -2, 3, -3, 4, -4)
ANCHOR_POWERS = (1, -1, 2, -2, 3, -3)
NEAR_POWERS = (3, 4, 5, 6)
"""Nearly equal inputs are 10^-3 to 10^-6 apart, relative to their norm."""

MULTIPLES = (2.0, 1.5, 3.0)
"""Of a sample: where the features are homogeneous in the inputs, such a copy is off the margin."""

MIN_DISTANCE = 0.1
"""Of collinear features from the origin, relative to the longest: a fair margin."""


def input_dimension(net: HomogeneousNet) -> int:
    """The number of columns of the inputs of a net of this package."""
    if isinstance(net, Factorization):
        return 2
    dimension = getattr(net, "input_dim", None) or getattr(net, "widths", (None,))[0]
    assert dimension is not None, f"{net} does not say its input dimension"
    return int(dimension)


def kinds_for(net: HomogeneousNet, sizes: Sizes) -> st.SearchStrategy[Kind]:
    """Kinds that a classification task on this net can be of; the inputs of a factorization are
    indices, which have no units and no neighbours.
    """
    kinds = [Kind.ONE_SAMPLE, Kind.SEVERAL_SUPPORTS, Kind.DUPLICATES, Kind.ANCHOR_UNITS]
    if not isinstance(net, Factorization):
        kinds += [Kind.OFF_MARGIN, Kind.NEAR_DUPLICATES, Kind.INPUT_UNITS]
        kinds += [Kind.COLUMN_UNITS] if input_dimension(net) > 1 else []
    return st.sampled_from(sizes.among(*kinds))


@st.composite
def anchor_units(draw: st.DrawFn) -> float:
    """A factor of the anchor, 10^-3 to 10^3."""
    return float(10.0 ** draw(st.sampled_from(ANCHOR_POWERS)))


@st.composite
def column_units(draw: st.DrawFn, net: HomogeneousNet) -> Floats:
    """Factors of the columns `(d,)`, two of them at least 10^4 apart for features linear in the
    inputs, and 10^2 where features are powers of them.
    """
    dimension, most = input_dimension(net), 2 if input_degree(net) == 1 else 1
    powers = st.integers(-most, most)
    drawn = np.array(draw(st.lists(powers, min_size=dimension, max_size=dimension)))
    large = draw(st.integers(0, dimension - 1))
    drawn[large], drawn[large - 1] = most, -most
    return np.asarray(10.0**drawn)


@st.composite
def input_units(draw: st.DrawFn) -> float:
    """A factor of all inputs, 10^-4 to 10^4."""
    return float(10.0 ** draw(st.sampled_from(INPUT_POWERS)))


@st.composite
def copies(
    draw: st.DrawFn, rows: Floats, kind: Kind, most: int
) -> tuple[Floats, NDArray[np.int64]]:
    """Inputs to be added to a task, `(k, d)` with 1 <= k <= `most`, and which row each is like."""
    like = np.array(draw(st.lists(st.integers(0, len(rows) - 1), min_size=1, max_size=most)))
    added = rows[like].copy()
    if kind is Kind.OFF_MARGIN:
        added *= np.array([draw(st.sampled_from(MULTIPLES)) for _ in like])[:, None]
    elif kind is Kind.NEAR_DUPLICATES:
        for row in added:
            length = row.size
            signs = draw(st.lists(st.sampled_from((1.0, -1.0)), min_size=length, max_size=length))
            distance = 10.0 ** -draw(st.sampled_from(NEAR_POWERS)) * float(np.linalg.norm(row))
            row += distance * np.array(signs) / np.sqrt(row.size)
    return added, like


def linear_features(net: HomogeneousNet) -> bool:
    """Whether the gradients are linear in the inputs, at every parameter."""
    return isinstance(net, Diagonal) or (isinstance(net, Deep) and net.activation == "linear")


@st.composite
def collinear_inputs(draw: st.DrawFn, anchored: AnchoredNet, most: int) -> Floats:
    """At least three inputs `(k, d)` whose features are all on the margin, for labels 1.

    With features F x linear in x they are F (base + a step), F base orthogonal to F step and a of
    either sign: all lie on a line whose nearest point to the origin is between them. Any two on
    either side of it support, so the multipliers are not unique.
    """
    dimension = input_dimension(anchored.net)
    base, step = draw(grid_arrays((1, dimension))), draw(grid_arrays((1, dimension)))
    features = anchored.net.jacobian(anchored.anchor, np.vstack([base, step]))
    assume(bool(features[1].any()))
    base = base - (features[0] @ features[1]) / (features[1] @ features[1]) * step
    more = st.lists(st.integers(-4, 4), min_size=1, max_size=most - 2, unique=True)
    offsets = np.array([-2, 2, *(k for k in draw(more) if abs(k) != 2)])
    inputs: Floats = base + offsets[:, None] / 2.0 * step
    lengths = np.linalg.norm(anchored.net.jacobian(anchored.anchor, inputs), axis=1)
    nearest = np.linalg.norm(anchored.net.jacobian(anchored.anchor, base))
    assume(bool(nearest >= MIN_DISTANCE * lengths.max()))
    return inputs
