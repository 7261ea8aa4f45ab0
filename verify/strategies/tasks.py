"""Hypothesis strategies for classification tasks that are separable by construction.

Labels come from a teacher Phi^T u in the span of the gradient features; samples that the teacher
leaves near its boundary, or whose gradient is tiny, are dropped rather than the instance.
"""

from dataclasses import replace

import numpy as np
from hypothesis import assume, reject
from hypothesis import strategies as st
from numpy.typing import NDArray

from theory.backend import Floats
from theory.nets import Factorization, HomogeneousNet
from theory.problem import Problem
from verify.instances.kinds import Kind
from verify.instances.twins import input_degree
from verify.strategies.nets import FAMILIES, AnchoredNet, anchored_nets, grid_arrays
from verify.strategies.sizes import Sizes
from verify.strategies.special_inputs import (
    anchor_units,
    collinear_inputs,
    column_units,
    copies,
    input_dimension,
    input_units,
    kinds_for,
    linear_features,
)

MIN_TEACHER_COSINE = 0.05
MIN_RELATIVE_GRADIENT = 0.1
ROUNDING = 1e-6
"""A gradient shorter than this share of the longest is none, but for rounding."""
LOSSES = ("exponential", "logistic")


@st.composite
def inputs_for(draw: st.DrawFn, net: HomogeneousNet, max_samples: int = 5) -> Floats:
    """Distinct inputs `(n, d)`; for a factorization distinct unordered pairs of indices."""
    samples = draw(st.integers(1, max_samples))
    if isinstance(net, Factorization):
        pairs = st.sampled_from(index_pairs(net))
        chosen = draw(st.lists(pairs, min_size=1, max_size=samples, unique=True))
        return np.array(chosen, dtype=np.float64)
    return draw(grid_arrays((samples, input_dimension(net))))


@st.composite
def some_inputs(draw: st.DrawFn, net: HomogeneousNet, samples: int) -> Floats:
    """That many inputs `(n, d)`; of a factorization no more than it has entries."""
    if isinstance(net, Factorization):
        pairs = index_pairs(net)
        count = min(samples, len(pairs))
        chosen = st.lists(st.sampled_from(pairs), min_size=count, max_size=count, unique=True)
        return np.array(draw(chosen), dtype=np.float64)
    return draw(grid_arrays((samples, input_dimension(net))))


def index_pairs(net: Factorization) -> list[tuple[int, int]]:
    """The entries of a factorization on and above the diagonal."""
    return [(i, j) for i in range(net.size) for j in range(i, net.size)]


@st.composite
def separable_tasks(
    draw: st.DrawFn,
    anchored: AnchoredNet,
    max_samples: int = 5,
    losses: tuple[str, ...] = LOSSES,
) -> Problem:
    """A classification problem on the net, separable in its NTK features with a fair margin."""
    return draw(_taught(anchored, draw(inputs_for(anchored.net, max_samples)), losses))


@st.composite
def _taught(
    draw: st.DrawFn, anchored: AnchoredNet, inputs: Floats, losses: tuple[str, ...]
) -> Problem:
    """The problem on those inputs that a drawn teacher classifies clearly."""
    gradients = anchored.net.jacobian(anchored.anchor, inputs)
    lengths = np.linalg.norm(gradients, axis=1)
    if lengths.max() == 0:
        inputs, gradients, lengths = _first_live_inputs(anchored, inputs)
    teacher_weights = draw(
        st.lists(st.sampled_from((1, -1, 2, -2, 3, -3)), min_size=len(inputs), max_size=len(inputs))
    )
    units = gradients / np.maximum(lengths, 1e-300)[:, None]
    teacher = np.array(teacher_weights) @ units
    if np.linalg.norm(teacher) < 1e-9:
        teacher = units[int(np.argmax(lengths))]
    cosines = units @ teacher / np.linalg.norm(teacher)
    clear = (np.abs(cosines) >= MIN_TEACHER_COSINE) & (
        lengths >= MIN_RELATIVE_GRADIENT * lengths.max()
    )
    assume(clear.any())
    labels = np.where(cosines[clear] > 0, 1.0, -1.0)
    return Problem(
        anchored.net, anchored.anchor, inputs[clear], labels, draw(st.sampled_from(losses))
    )


ADDING = (Kind.OFF_MARGIN, Kind.DUPLICATES, Kind.NEAR_DUPLICATES, Kind.SEVERAL_SUPPORTS)
"""Kinds made by adding samples to a plain task; half of the samples are left to them."""


@st.composite
def sized_tasks(
    draw: st.DrawFn, anchored: AnchoredNet, sizes: Sizes, losses: tuple[str, ...] = LOSSES
) -> Problem:
    """As `separable_tasks`, with two samples at least but in the kind of one, and of every kind."""
    kind, most = draw(kinds_for(anchored.net, sizes)), sizes.max_samples
    if kind is Kind.SEVERAL_SUPPORTS and linear_features(anchored.net):
        return draw(_tasks_of_several_supports(anchored, most, losses))
    if kind is Kind.ANCHOR_UNITS:
        anchored = replace(anchored, anchor=draw(anchor_units()) * anchored.anchor)
    adding = kind in ADDING
    largest = max(2, most // 2) if adding else most
    samples = 1 if kind is Kind.ONE_SAMPLE else draw(st.integers(2, largest))
    inputs = draw(some_inputs(anchored.net, samples))
    if kind is Kind.COLUMN_UNITS:
        inputs = inputs * draw(column_units(anchored.net))
    inputs = livened(anchored, inputs)
    problem = draw(_taught(anchored, inputs, losses))
    assume(kind is Kind.ONE_SAMPLE or adding or problem.samples > 1)
    if adding or kind is Kind.INPUT_UNITS:
        return draw(made_special(problem, kind, max(most - largest, 1)))
    return problem


@st.composite
def made_special(draw: st.DrawFn, problem: Problem, kind: Kind, most: int = 2) -> Problem:
    """A plain problem made one of the kind: by units, or by at most `most` further samples.

    Separable tasks stay separable: further samples have features along those that there are.
    """
    if kind is Kind.INPUT_UNITS:
        return replace(problem, inputs=draw(input_units()) * problem.inputs)
    if kind is Kind.ANCHOR_UNITS:
        return replace(problem, anchor=draw(anchor_units()) * problem.anchor)
    if kind is Kind.SEVERAL_SUPPORTS:
        # every sample on the margin twice
        return _with_rows(problem, problem.inputs, np.arange(problem.samples))
    return _with_rows(problem, *draw(copies(problem.inputs, kind, most)))


def livened(anchored: AnchoredNet, inputs: Floats) -> Floats:
    """Inputs turned round where they have no gradient, and doubled where it is a short one, so that
    few of them have to be dropped.
    """
    degree = input_degree(anchored.net)
    if degree is None:
        return inputs
    dead = ~anchored.net.jacobian(anchored.anchor, inputs).any(axis=1)
    turned = np.where(dead[:, None], -inputs, inputs)
    lengths = np.linalg.norm(anchored.net.jacobian(anchored.anchor, turned), axis=1)
    if not lengths.any():
        return turned
    alive = lengths > ROUNDING * lengths.max()
    lacking = np.log2(MIN_RELATIVE_GRADIENT * lengths.max() / np.where(alive, lengths, 1.0))
    doublings = np.where(alive, np.ceil(np.maximum(lacking, 0.0) / degree), 0.0)
    return np.asarray(turned * 2.0 ** doublings[:, None])


def _with_rows(problem: Problem, inputs: Floats, like: NDArray[np.int64]) -> Problem:
    """The problem with further samples, each labelled as one of those that there are."""
    return replace(
        problem,
        inputs=np.vstack([problem.inputs, inputs]),
        labels=np.append(problem.labels, problem.labels[like]),
    )


@st.composite
def _tasks_of_several_supports(
    draw: st.DrawFn, anchored: AnchoredNet, most: int, losses: tuple[str, ...]
) -> Problem:
    """Collinear features; a sample of label -1 lies opposite."""
    inputs = draw(collinear_inputs(anchored, max(most, 3)))
    signs = st.sampled_from((1.0, -1.0))
    labels = np.array(draw(st.lists(signs, min_size=len(inputs), max_size=len(inputs))))
    signed = labels[:, None] * inputs
    return Problem(anchored.net, anchored.anchor, signed, labels, draw(st.sampled_from(losses)))


def _first_live_inputs(anchored: AnchoredNet, inputs: Floats) -> tuple[Floats, Floats, Floats]:
    """A signed unit input with a gradient, for when all the drawn ones have none."""
    dimension = inputs.shape[1]
    for candidate in (*np.eye(dimension), *-np.eye(dimension)):
        gradients = anchored.net.jacobian(anchored.anchor, candidate[None, :])
        if np.any(gradients):
            lengths = np.linalg.norm(gradients, axis=1)
            return candidate[None, :].copy(), gradients, lengths
    return reject()  # hidden layers of even activations may cancel for all inputs


def problems(
    families: tuple[str, ...] = FAMILIES,
    losses: tuple[str, ...] = LOSSES,
    sizes: Sizes | None = None,
) -> st.SearchStrategy[Problem]:
    """Separable classification problems over random nets of the given families.

    Args:
        sizes: how large, and of which kinds; None for at most 5 plain samples on small nets.
    """
    if sizes is None:
        return anchored_nets(families).flatmap(lambda net: separable_tasks(net, losses=losses))
    return anchored_nets(families, sizes).flatmap(lambda net: sized_tasks(net, sizes, losses))
