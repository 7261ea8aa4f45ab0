"""Hypothesis strategies for regression: targets realizable and well conditioned by construction.

Samples whose gradient is nearly a combination of those before are dropped, so that the kernel at
the anchor is far from singular and any targets can be interpolated.
"""

from math import log

import numpy as np
from hypothesis import assume, reject
from hypothesis import strategies as st

from theory.anchors import zero_readout_anchor
from theory.backend import Floats
from theory.kernel.ntk import unit_features
from theory.kernel.regression import kernel_drift, kernel_regression
from theory.nets import Deep, Factorization, TwoLayer
from theory.own_scale import OwnScale
from theory.problem import LOG_10, Problem
from verify.instances import FlowInstance
from verify.instances.kinds import Kind
from verify.strategies.nets import FAMILIES, AnchoredNet, anchored_nets
from verify.strategies.regimes import instance_at, late_scale, rounded_up, time_margins
from verify.strategies.sizes import Sizes
from verify.strategies.special_inputs import column_units, kinds_for
from verify.strategies.tasks import (
    MIN_RELATIVE_GRADIENT,
    inputs_for,
    livened,
    made_special,
    some_inputs,
)

MIN_INDEPENDENCE = 0.2
"""Sine of the angle between a gradient and the span of those kept before it."""

DECAY_POWERS = (0.5, 2.0, 0.75, 1.5)
"""p in lambda = alpha^-p, never 1; below 1 the ridge part is large enough to be measured."""


@st.composite
def regression_tasks(draw: st.DrawFn, anchored: AnchoredNet, max_samples: int = 8) -> Problem:
    """Targets are multiples of 1/4 in [-3, 3], none zero; inputs have independent gradients."""
    return draw(_interpolating(anchored, draw(inputs_for(anchored.net, max_samples))))


@st.composite
def _interpolating(draw: st.DrawFn, anchored: AnchoredNet, inputs: Floats) -> Problem:
    """A problem on those of the inputs that have independent gradients."""
    gradients = anchored.net.jacobian(anchored.anchor, inputs)
    assume(bool(gradients.any()))
    kept = independent_rows(gradients)
    quarters = st.lists(st.integers(-12, 12), min_size=len(kept), max_size=len(kept))
    targets = np.array([quarter or 4 for quarter in draw(quarters)]) / 4.0
    problem = Problem(anchored.net, anchored.anchor, inputs[kept], targets, "squared")
    # in other units what cancels leaves other roundings
    assume(bool(unit_features(problem).any()))
    return problem


def _uneven(net: TwoLayer | Deep, anchor: Floats) -> AnchoredNet:
    """The anchor with a zero readout, and each neuron four times as fond of an input of its own."""
    layers = [net.split(anchor)[1]] if isinstance(net, TwoLayer) else net.layers(anchor)[:-1]
    hidden = []
    for layer in layers:
        neurons, inputs = layer.shape
        own = np.arange(neurons)[:, None] % inputs == np.arange(inputs)
        hidden.append(np.where(own, 1.0, 0.25).ravel() * layer.ravel())
    readout = np.ones(anchor.size - sum(layer.size for layer in hidden))
    parts = [readout, *hidden] if isinstance(net, TwoLayer) else [*hidden, readout]
    return AnchoredNet(net, zero_readout_anchor(net, np.concatenate(parts)))


def _of_rank_two(anchored: AnchoredNet, inputs: Floats) -> tuple[AnchoredNet, Floats]:
    """The same where two of the gradients are independent; else with the first unit input, and if
    that does not help with hidden neurons that differ from each other.
    """
    net, anchor = anchored.net, anchored.anchor
    more = np.vstack([inputs, float(np.abs(inputs).max()) * np.eye(1, inputs.shape[1])])
    candidates = [(anchored, inputs), (anchored, more)]
    if isinstance(net, (TwoLayer, Deep)):
        candidates.append((_uneven(net, anchor), more))
    for candidate, rows in candidates:
        if len(independent_rows(net.jacobian(candidate.anchor, rows))) > 1:
            return candidate, rows
    return reject()


UNFIT = (Kind.NEAR_DUPLICATES, Kind.OFF_MARGIN, Kind.SEVERAL_SUPPORTS)
"""Nearly equal inputs with targets of their own need an interpolator as large as these differ over
a small distance; the others speak of a margin."""


@st.composite
def sized_regression_tasks(draw: st.DrawFn, anchored: AnchoredNet, sizes: Sizes) -> Problem:
    """As `regression_tasks`, of two samples at least but in the kind of one, and of every kind.

    Duplicated samples have the same target.
    """
    net = anchored.net
    kind = draw(kinds_for(net, sizes.without(*UNFIT)))
    most = sizes.max_samples - (kind is Kind.DUPLICATES)
    samples = 1 if kind is Kind.ONE_SAMPLE else draw(st.integers(2, max(most, 2)))
    inputs = draw(some_inputs(net, samples))
    if kind is Kind.COLUMN_UNITS:
        inputs = inputs * draw(column_units(net))
    inputs = livened(anchored, inputs)
    if samples > 1 and not isinstance(net, Factorization):
        anchored, inputs = _of_rank_two(anchored, inputs)
    problem = draw(_interpolating(anchored, inputs))
    if kind in (Kind.DUPLICATES, Kind.INPUT_UNITS, Kind.ANCHOR_UNITS):
        return draw(made_special(problem, kind, max(sizes.max_samples - problem.samples, 1)))
    return problem


def independent_rows(gradients: Floats) -> list[int]:
    """Rows, the longest first, that are long enough and stand out of the span of those kept."""
    lengths = np.linalg.norm(gradients, axis=1)
    order = np.argsort(-lengths, kind="stable")
    basis: list[Floats] = []
    kept: list[int] = []
    for row in order:
        rest = gradients[row].copy()
        for unit in basis:
            rest -= (rest @ unit) * unit
        left = float(np.linalg.norm(rest))
        long = lengths[row] >= MIN_RELATIVE_GRADIENT * lengths.max()
        if long and left >= MIN_INDEPENDENCE * lengths[row]:
            basis.append(rest / left)
            kept.append(int(row))
    return sorted(kept)


def regression_problems(
    families: tuple[str, ...] = FAMILIES, sizes: Sizes | None = None
) -> st.SearchStrategy[Problem]:
    """Realizable regression problems over random nets of the given families.

    Args:
        sizes: how large, and of which kinds; None for at most 8 plain samples on small nets.
    """
    if sizes is None:
        return anchored_nets(families).flatmap(regression_tasks)
    # one input dimension, as one neuron, has one independent gradient in most nets
    nets = anchored_nets(families, sizes, smallest=2)
    return nets.flatmap(lambda net: sized_regression_tasks(net, sizes))


@st.composite
def kernel_regression_instances(
    draw: st.DrawFn, families: tuple[str, ...] = FAMILIES, sizes: Sizes | None = None
) -> FlowInstance:
    """Instances with relative displacement and kernel drift at (1-c) t_g at most 10^-2.5..-1.5.

    None with duplicated samples: the drift is relative to the smallest eigenvalue of the kernel.
    """
    problem = draw(regression_problems(families, sizes and sizes.without(Kind.DUPLICATES)))
    c, power = draw(time_margins()), draw(st.sampled_from(DECAY_POWERS))
    size = 10.0 ** (-2.0 + draw(st.integers(-5, 5)) / 10.0)
    regression, own = kernel_regression(problem), OwnScale.of(problem)
    # rho^-L of a unit anchor, from the one that belongs to alpha as it is told
    own_epsilon = problem.degree * own.log_alpha
    per_epsilon = max(regression.norm / problem.anchor_norm, kernel_drift(regression))
    scale = (log(per_epsilon / size) + own_epsilon) / (problem.degree * c * LOG_10)
    return instance_at(problem, max(rounded_up(scale), 1.0), power, c)


@st.composite
def min_norm_instances(
    draw: st.DrawFn, families: tuple[str, ...] = FAMILIES, sizes: Sizes | None = None
) -> FlowInstance:
    """Instances whose window [t_g, (1+c) t_g] spans 4 to 20 e-folds, at alpha >= 10^8."""
    problem = draw(regression_problems(families, sizes))
    c, power = draw(time_margins()), draw(st.sampled_from(DECAY_POWERS))
    return instance_at(problem, late_scale(draw(st.integers(4, 20)), c), power, c)
