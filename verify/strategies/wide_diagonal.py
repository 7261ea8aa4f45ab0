"""Hypothesis strategies for diagonal nets on few samples in many dimensions.

Three dimensions a sample, where the L1 and the L2 maximum margin tell each other apart; all
coordinates start equal, so that the kernel at the anchor is that of the inputs.
"""

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from theory.anchors import balanced_anchor
from theory.errors import AssumptionError
from theory.kernel.svm import max_margin
from theory.nets import Diagonal
from theory.problem import Problem
from verify.instances import FlowInstance
from verify.instances.kinds import Kind
from verify.strategies.nets import grid_arrays
from verify.strategies.regimes import (
    DECAY_POWERS,
    instance_at,
    kernel_phase_instances,
    late_scale,
)
from verify.strategies.sizes import Sizes
from verify.strategies.tasks import ADDING, LOSSES, MIN_TEACHER_COSINE, made_special

DIMENSIONS_PER_SAMPLE = 3
DEGREES = (2, 3, 2, 4)
"""Degree 2 twice: only there is the late programme convex and its margin compared."""

KINDS = (
    Kind.ONE_SAMPLE,
    Kind.OFF_MARGIN,
    Kind.DUPLICATES,
    Kind.NEAR_DUPLICATES,
    Kind.INPUT_UNITS,
    Kind.ANCHOR_UNITS,
)
"""Columns keep their units: the L1 and the L2 margin would differ by these alone."""


@st.composite
def wide_diagonal_problems(
    draw: st.DrawFn, max_samples: int = 4, sizes: Sizes | None = None
) -> Problem:
    """Separable tasks with random labels and u = v = 1 before normalisation.

    Args:
        sizes: how many samples, and of which kinds; instead of `max_samples` plain ones.

    With three dimensions a sample nearly all draws are separable; those with a relative margin
    below `MIN_TEACHER_COSINE`, as rows that vanish or repeat, are rejected.
    """
    kind = Kind.PLAIN if sizes is None else draw(st.sampled_from(sizes.among(*KINDS)))
    if sizes is not None:
        max_samples = min(sizes.max_samples, sizes.max_parameters // (2 * DIMENSIONS_PER_SAMPLE))
    most = max(max_samples - (kind in ADDING), 2)
    samples = 1 if kind is Kind.ONE_SAMPLE else draw(st.integers(2, most))
    net = Diagonal(DIMENSIONS_PER_SAMPLE * samples, draw(st.sampled_from(DEGREES)))
    inputs = draw(grid_arrays((samples, net.input_dim)))
    signs = draw(st.lists(st.sampled_from((1.0, -1.0)), min_size=samples, max_size=samples))
    labels, lengths = np.array(signs), np.linalg.norm(inputs, axis=1)
    assume(lengths.min() > 0.1 * lengths.max())
    try:
        margin = max_margin(labels[:, None] * inputs).margin
    except AssumptionError:
        margin = 0.0
    assume(margin >= MIN_TEACHER_COSINE * lengths.max())
    anchor = balanced_anchor(net, np.ones(net.input_dim))
    problem = Problem(net, anchor, inputs, labels, draw(st.sampled_from(LOSSES)))
    if kind in (Kind.PLAIN, Kind.ONE_SAMPLE):
        return problem
    return draw(made_special(problem, kind, max(max_samples - samples, 1)))


def early_instances(sizes: Sizes | None = None) -> st.SearchStrategy[FlowInstance]:
    """Instances whose relative displacement at (1-c) t_g is about 10^-2."""
    return kernel_phase_instances(wide_diagonal_problems(sizes=sizes))


@st.composite
def late_instances(draw: st.DrawFn, sizes: Sizes | None = None) -> FlowInstance:
    """Instances whose window [t_g, (1+c) t_g] spans 8 to 20 e-folds, with c in [0.3, 0.9]."""
    problem = draw(wide_diagonal_problems(sizes=sizes))
    c, power = draw(st.integers(6, 18)) / 20, draw(st.sampled_from(DECAY_POWERS))
    return instance_at(problem, late_scale(draw(st.integers(8, 20)), c), power, c)
