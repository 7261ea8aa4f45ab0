"""Hypothesis strategies for matrix completion: random masks, ranks and signatures."""

from math import isqrt

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from theory.anchors import balanced_anchor
from theory.nets import Factorization
from theory.problem import LOG_10, Problem
from verify.instances import FlowInstance
from verify.instances.kinds import Kind
from verify.strategies.nets import grid_arrays
from verify.strategies.regimes import instance_at, rounded_up
from verify.strategies.regression import DECAY_POWERS
from verify.strategies.sizes import Sizes
from verify.strategies.special_inputs import anchor_units


@st.composite
def completion_tasks(
    draw: st.DrawFn, max_size: int = 7, max_rank: int = 3, sizes: Sizes | None = None
) -> Problem:
    """Entries of A D A^T, D a signature, observed at random pairs i <= j; U = V = I / norm.

    Args:
        sizes: how large, instead of `max_size`, and of which kinds; at least two entries are
            observed, but in the kind of one.
    """
    kind = Kind.PLAIN
    if sizes is not None:
        kind = draw(st.sampled_from(sizes.among(Kind.ONE_SAMPLE, Kind.ANCHOR_UNITS)))
        max_size = min(sizes.max_input_dim, isqrt(sizes.max_parameters // 2))
    size = draw(st.integers(2, 2 if kind is Kind.ONE_SAMPLE else max_size))
    factors = draw(grid_arrays((size, draw(st.integers(1, max_rank)))))
    signs = [draw(st.sampled_from((1.0, -1.0))) for _ in range(factors.shape[1])]
    table = (factors * signs) @ factors.T
    pairs = [(i, j) for i in range(size) for j in range(i, size)]
    fewest = max(1 if sizes is None or kind is Kind.ONE_SAMPLE else 2, len(pairs) // 5)
    most = 1 if kind is Kind.ONE_SAMPLE else len(pairs) - 1
    chosen = draw(st.lists(st.sampled_from(pairs), min_size=fewest, max_size=most, unique=True))
    observed = np.array(sorted(chosen))
    values = table[observed[:, 0], observed[:, 1]]
    assume(bool(values.any()))
    net = Factorization(size, size)
    anchor = balanced_anchor(net, np.eye(size))
    if kind is Kind.ANCHOR_UNITS:
        anchor = draw(anchor_units()) * anchor
    return Problem(net, anchor, observed, values / np.abs(values).max(), "squared")


@st.composite
def completion_instances(
    draw: st.DrawFn, families: tuple[str, ...] = (), sizes: Sizes | None = None
) -> FlowInstance:
    """Instances whose window after t_g spans 8 to 40 e-folds."""
    del families  # only factorizations complete matrices
    problem = draw(completion_tasks(sizes=sizes))
    c, power = draw(st.integers(5, 9)) / 10.0, draw(st.sampled_from(DECAY_POWERS))
    scale = rounded_up(draw(st.integers(8, 40)) / (c * LOG_10))
    return instance_at(problem, scale, power, c)
