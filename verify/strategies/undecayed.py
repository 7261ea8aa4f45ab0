"""Hypothesis strategies for flows without weight decay that start where the data are separated."""

from itertools import count
from math import log10

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from theory.backend import Floats
from theory.flow.undecayed import log_total_loss
from theory.nets import Factorization, HomogeneousNet
from theory.problem import Problem, Regime
from verify.instances import FlowInstance
from verify.instances.kinds import Kind
from verify.instances.twins import input_degree
from verify.strategies.nets import FAMILIES, anchored_nets, grid_arrays, nonzero_arrays
from verify.strategies.sizes import Sizes
from verify.strategies.special_inputs import input_dimension, input_units
from verify.strategies.tasks import index_pairs

COPIES = (1, 1, 8)
"""How often a sample is repeated, one in three of them: many alike outweigh one of smaller margin,
which most statements on single margins do not survive."""

CLEAR = 0.05
"""Samples whose outputs are below this share of the largest are dropped: they would ask for a start
so large that all the others are fitted long since."""

STEPS_PER_UNIT = 8
"""Scales of the start, and the ramp that takes it off balance, are in eighths."""

LARGEST_RISE = 10.0
"""log(1/loss) at the start at most; late flows are read from 20 on."""

UNUSED = Regime(log10_alpha=1, decay_power=1)


@st.composite
def undecayed_instances(
    draw: st.DrawFn,
    families: tuple[str, ...] = FAMILIES,
    sizes: Sizes | None = None,
    max_inputs: int = 16,
) -> FlowInstance:
    """Instances whose flow starts at the anchor itself with a loss below 1, summed over samples.

    A direction is drawn; labels are the signs of its outputs, and the anchor is a small multiple of
    it at which the exponential losses sum to less than 1. The regime says nothing.

    Args:
        sizes: how large, and whether in other units; None for small nets and plain inputs.
        max_inputs: distinct ones; twice `sizes.max_samples` where sizes are given.
    """
    anchored = draw(anchored_nets(families, sizes))
    net, parameters = anchored.net, anchored.anchor.size
    # equal entries, as in u = v, would have no output
    ramp = np.arange(parameters) / STEPS_PER_UNIT
    direction = draw(nonzero_arrays((parameters,))) + ramp
    max_inputs = max_inputs if sizes is None else 2 * sizes.max_samples
    sample = st.tuples(st.sampled_from(COPIES), _single_inputs(net))
    drawn = draw(st.lists(sample, min_size=min(4, max_inputs), max_size=max_inputs))
    inputs = np.array([x for copies, x in drawn for _ in range(copies)])
    if sizes is not None:
        inputs, direction = draw(_in_units(net, inputs, direction, sizes))
    outputs = np.abs(net.outputs(direction, inputs))
    assume(outputs.any())
    return FlowInstance(separated(net, direction, inputs[outputs >= CLEAR * outputs.max()]), UNUSED)


@st.composite
def _in_units(
    draw: st.DrawFn, net: HomogeneousNet, inputs: Floats, direction: Floats, sizes: Sizes
) -> tuple[Floats, Floats]:
    """Inputs in other units, now and then, with a direction in the power of ten that answers."""
    degree = input_degree(net)
    kinds = () if degree is None else (Kind.INPUT_UNITS,)
    if draw(st.sampled_from(sizes.among(*kinds))) is Kind.PLAIN:
        return inputs, direction
    factor = draw(input_units())
    answer = 10.0 ** -round((degree or 0) * log10(factor) / net.degree)
    return factor * inputs, answer * direction


def separated(net: HomogeneousNet, direction: Floats, inputs: Floats) -> Problem:
    """The problem at the smallest multiple of `direction` by eighths with a summed loss below 1.

    By halves of eighths, and so on, where log(1/loss) is more than `LARGEST_RISE` there. Its labels
    are the signs of the outputs at `direction`, none of which may be zero.
    """
    labels = np.sign(net.outputs(direction, inputs))

    def first(unit: float) -> tuple[Problem, float]:
        problems = (Problem(net, k * unit * direction, inputs, labels) for k in count(1))
        rises = ((p, -log_total_loss(p, p.anchor)) for p in problems)
        return next((p, rise) for p, rise in rises if rise > 0.0)

    finer = (first(0.5**k / STEPS_PER_UNIT) for k in count())
    return next(problem for problem, rise in finer if rise <= LARGEST_RISE)


def _single_inputs(net: HomogeneousNet) -> st.SearchStrategy[Floats]:
    """One input `(d,)`; for a factorization a pair of indices."""
    if isinstance(net, Factorization):
        return st.sampled_from(index_pairs(net)).map(lambda pair: np.array(pair, dtype=np.float64))
    return grid_arrays((input_dimension(net),))
