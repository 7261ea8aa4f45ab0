"""Hypothesis strategies for classification tasks that are separable by construction.

Labels come from a teacher Phi^T u in the span of the gradient features; samples that the teacher
leaves near its boundary, or whose gradient is tiny, are dropped rather than the instance.
"""

import numpy as np
from hypothesis import assume, reject
from hypothesis import strategies as st

from theory.backend import Floats
from theory.nets import Factorization, HomogeneousNet
from theory.problem import Problem
from verify.strategies.nets import FAMILIES, AnchoredNet, anchored_nets, grid_arrays

MIN_TEACHER_COSINE = 0.05
MIN_RELATIVE_GRADIENT = 0.1
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


def index_pairs(net: Factorization) -> list[tuple[int, int]]:
    """The entries of a factorization on and above the diagonal."""
    return [(i, j) for i in range(net.size) for j in range(i, net.size)]


def input_dimension(net: HomogeneousNet) -> int:
    """The number of columns of the inputs of a net of this package."""
    dimension = getattr(net, "input_dim", None) or getattr(net, "widths", (None,))[0]
    assert dimension is not None, f"{net} does not say its input dimension"
    return int(dimension)


@st.composite
def separable_tasks(
    draw: st.DrawFn,
    anchored: AnchoredNet,
    max_samples: int = 5,
    losses: tuple[str, ...] = LOSSES,
) -> Problem:
    """A classification problem on the net, separable in its NTK features with a fair margin."""
    inputs = draw(inputs_for(anchored.net, max_samples))
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
    families: tuple[str, ...] = FAMILIES, losses: tuple[str, ...] = LOSSES
) -> st.SearchStrategy[Problem]:
    """Separable classification problems over random nets of the given families."""
    return anchored_nets(families).flatmap(lambda net: separable_tasks(net, losses=losses))
