"""Hypothesis strategies for matrix completion: random masks, ranks and signatures."""

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from theory.anchors import balanced_anchor
from theory.nets import Factorization
from theory.problem import LOG_10, Problem, Regime
from verify.instances import FlowInstance
from verify.strategies.nets import grid_arrays
from verify.strategies.regimes import rounded_up
from verify.strategies.regression import DECAY_POWERS


@st.composite
def completion_tasks(draw: st.DrawFn, max_size: int = 7, max_rank: int = 3) -> Problem:
    """Entries of A D A^T, D a signature, observed at random pairs i <= j; U = V = I / norm."""
    size = draw(st.integers(2, max_size))
    factors = draw(grid_arrays((size, draw(st.integers(1, max_rank)))))
    signs = [draw(st.sampled_from((1.0, -1.0))) for _ in range(factors.shape[1])]
    table = (factors * signs) @ factors.T
    pairs = [(i, j) for i in range(size) for j in range(i, size)]
    fewest = max(1, len(pairs) // 5)
    chosen = draw(
        st.lists(st.sampled_from(pairs), min_size=fewest, max_size=len(pairs) - 1, unique=True)
    )
    observed = np.array(sorted(chosen))
    values = table[observed[:, 0], observed[:, 1]]
    assume(bool(values.any()))
    net = Factorization(size, size)
    anchor = balanced_anchor(net, np.eye(size))
    return Problem(net, anchor, observed, values / np.abs(values).max(), "squared")


@st.composite
def completion_instances(draw: st.DrawFn, families: tuple[str, ...] = ()) -> FlowInstance:
    """Instances whose window after t_g spans 8 to 40 e-folds."""
    del families  # only factorizations complete matrices
    problem = draw(completion_tasks())
    c, power = draw(st.integers(5, 9)) / 10.0, draw(st.sampled_from(DECAY_POWERS))
    scale = draw(st.integers(8, 40)) / (c * LOG_10)
    return FlowInstance(problem, Regime(log10_alpha=rounded_up(scale), decay_power=power), c)
