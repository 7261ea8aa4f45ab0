"""Pairs of flows that differ in one assumption of the theorems: violated in the one, met beside it.

Each breaks one thing by a drawn amount, so that what is violated, and by how much, is known. Those
that no chart holds are integrated in plain coordinates, the valid one beside them as well.
"""

from dataclasses import replace
from math import ceil

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from theory.anchors import rescaled_difference_anchor, zero_readout_anchor
from theory.asymptotics.kernel_phase import scale_of_displacement
from theory.backend import Floats
from theory.errors import AssumptionError
from theory.kernel.svm import kernel_svm
from theory.nets import TwoLayer
from theory.problem import LOG_10, Problem, Regime
from verify.instances import FlowInstance, WithBias
from verify.strategies.nets import diagonal_nets
from verify.strategies.tasks import problems, separable_tasks

AMOUNTS = (1.0, 0.5, 0.1, 0.01)
"""How far the assumption is broken; the plainest violation first."""

FAMILIES = ("diagonal", "two_layer")
"""Nets of which small ones, which flow fast, show all that the theorems say."""

FAR_LOG10_ALPHA = 30.0
"""Where a constant lambda differs from any power of alpha."""

PLAIN_C = 0.7
PLAIN_DISPLACEMENT = 0.05
"""In plain coordinates alpha ends at 1000: both phases are reached by a wide margin of time."""

KINKED_DISPLACEMENT = 1e-2
"""As where nets are smooth, so that gaps are resolved beside the kink's."""

Pair = tuple[FlowInstance, FlowInstance]
"""Violating, then valid."""

Drawn = st.SearchStrategy[FlowInstance]


@st.composite
def inhomogeneous(draw: st.DrawFn, _: Drawn) -> Pair:
    """A net with an output bias, zero at the anchor, and gradients of order one."""
    problem = draw(problems(families=FAMILIES))
    anchor = np.append(problem.anchor, 0.0)

    def biased() -> Problem:
        return replace(problem, net=WithBias(problem.net), anchor=anchor)

    while biased().units.gradient_exponent > 0:
        problem = replace(problem, inputs=0.5 * problem.inputs)
    return draw(_plain_pairs(biased(), problem))


def _small_weights(shape: tuple[int, ...]) -> st.SearchStrategy[Floats]:
    """Entries 1, 0, -1, 2: few enough that preactivations are often exactly zero."""
    entries = npst.arrays(np.int64, shape, elements=st.integers(-2, 1), fill=st.nothing())
    return entries.map(lambda drawn: np.array([1.0, 2.0, -1.0, 0.0])[-drawn + 1])


@st.composite
def kinked(draw: st.DrawFn, _: Drawn) -> Pair:
    """A two-layer relu net, some of its neurons on their kinks; beside it the relu squared.

    The first sample lies on the kink of the first neuron. The labels are separable in the gradient
    features of both.
    """
    samples, width, difference = (
        draw(st.integers(2, 3)),
        draw(st.integers(2, 3)),
        draw(st.booleans()),
    )
    half = draw(_small_weights((3 * width,)))
    assume(half[width:].any() and (not difference or half[:width].any()))
    inputs = draw(_small_weights((samples, 2)))
    inputs[0] = -half[width + 1], half[width]
    dead = (inputs @ half[width:].reshape(width, 2).T <= 0).all(axis=1)
    inputs[dead] *= -1.0
    signs = st.sampled_from((1.0, -1.0))
    labels = np.array(draw(st.lists(signs, min_size=samples, max_size=samples)))
    nets = [
        TwoLayer((2 if difference else 1) * width, 2, activation)
        for activation in ("relu", "relu_squared")
    ]
    anchors = [
        rescaled_difference_anchor(net, half, 1.0) if difference else zero_readout_anchor(net, half)
        for net in nets
    ]
    live = np.all(
        [
            net.jacobian(anchor, inputs).any(axis=1)
            for net, anchor in zip(nets, anchors, strict=True)
        ],
        axis=0,
    )
    assume(live.any())
    kinked, smooth = (
        Problem(net, anchor, inputs[live], labels[live])
        for net, anchor in zip(nets, anchors, strict=True)
    )
    assume(_separable(kinked) and _separable(smooth))
    scales = [_reached(problem, 2.0, 0.3, KINKED_DISPLACEMENT) for problem in (kinked, smooth)]
    own = Regime(log10_alpha=ceil(max(scales)), decay_power=2.0)
    valid = FlowInstance.at_own(smooth, own, 0.3)
    return replace(valid, problem=kinked), valid


def _separable(problem: Problem) -> bool:
    try:
        kernel_svm(problem)
    except AssumptionError:
        return False
    return True


def _reached(problem: Problem, power: float, c: float, displacement: float) -> float:
    return scale_of_displacement(kernel_svm(problem), problem, power, 1.0 - c, displacement)


@st.composite
def with_initial_output(draw: st.DrawFn, _: Drawn) -> Pair:
    """A diagonal net with u = (1 + amount) v, whose output at the anchor is not zero.

    The logistic loss: the exponential one pulls by e^(alpha^L) where the output has a wrong sign.
    """
    problem = draw(diagonal_nets().flatmap(lambda net: separable_tasks(net, losses=("logistic",))))
    amount = draw(st.sampled_from(AMOUNTS))
    anchor = np.array(problem.anchor)
    anchor[: anchor.size // 2] *= 1.0 + amount
    shifted = replace(problem, anchor=anchor / np.linalg.norm(anchor))
    return draw(_plain_pairs(shifted, problem))


@st.composite
def inseparable(draw: st.DrawFn, _: Drawn) -> Pair:
    """A valid task with one of its samples repeated under the opposite label.

    A diagonal net: the two samples pull with all their force, and what is left of their difference
    is soon below rounding in nets of higher degree.
    """
    problem = draw(problems(families=("diagonal",)))
    return draw(_plain_pairs(draw(_contradicted(problem)), problem))


@st.composite
def _contradicted(draw: st.DrawFn, problem: Problem) -> Problem:
    """One of its samples is there again with the opposite target."""
    sample = draw(st.integers(0, problem.samples - 1))
    inputs = np.vstack([problem.inputs, problem.inputs[sample]])
    return replace(
        problem, inputs=inputs, labels=np.append(problem.labels, -problem.labels[sample])
    )


def contradictory(valid: FlowInstance) -> Drawn:
    """No function fits all samples, wherever the flow is read."""
    return _contradicted(valid.problem).map(lambda problem: replace(valid, problem=problem))


@st.composite
def _plain_pairs(draw: st.DrawFn, violating: Problem, valid: Problem) -> Pair:
    """At the least alpha at which both phases are reached, so that some ladder is left above it."""
    power = draw(st.sampled_from((2.0, 1.5)))
    scale = ceil(10.0 * _reached(valid, power, PLAIN_C, PLAIN_DISPLACEMENT)) / 10.0
    own = Regime(log10_alpha=scale, decay_power=power)
    instance = replace(FlowInstance.at_own(valid, own, PLAIN_C), plain=True)
    assume(instance.reaches(scale))
    return replace(instance, problem=violating), instance


@st.composite
def constant_decay(draw: st.DrawFn, valid: Drawn) -> Pair:
    """lambda = 1/10 at an alpha where no power of it is that, or as small as exp(-alpha^q).

    q is near c L, from which on the kernel machine is as large as the anchor.
    """
    met = draw(valid)
    if draw(st.booleans()):
        met = met.at_own_alpha(max(FAR_LOG10_ALPHA, met.own.log10_alpha))
        log10_lambda = -1.0
    else:
        exponent = met.c * met.problem.degree * met.own.log10_alpha
        assume(exponent <= 4.0)  # some thousands of nats, which a flow bears
        nats = draw(st.sampled_from((3.0, 1.0))) * 10.0**exponent
        log10_lambda = min(-float(round(nats / LOG_10)), 2.0 * met.regime.log10_lambda)
    regime = Regime(log10_alpha=met.regime.log10_alpha, log10_lambda=log10_lambda)
    return replace(met, regime=regime), met


def small_scale(valid: FlowInstance) -> Drawn:
    """alpha near 1 as the problem counts it; from a smaller anchor where alpha as told would not
    exceed 1 otherwise.
    """
    foreign = ceil(max(valid.scale.log_alpha / LOG_10, 0.0))
    problem = replace(valid.problem, anchor=valid.problem.anchor / 10.0**foreign)
    scales = st.sampled_from((0.1, 0.5, 0.05, 0.01))
    return scales.map(lambda scale: replace(valid, problem=problem).at_own_alpha(scale))


def near_the_transition(valid: FlowInstance) -> Drawn:
    """c so small that c log alpha is."""
    return st.sampled_from((1e-3, 1e-2)).map(lambda c: replace(valid, c=c))


@st.composite
def unbalanced(draw: st.DrawFn, valid: FlowInstance) -> FlowInstance:
    """A diagonal net with u = v at the anchor, the first coordinate larger than the others."""
    problem = valid.problem
    size = problem.anchor.size // 2
    factors = np.ones(size)
    factors[draw(st.integers(0, size - 1))] += 4.0 * draw(st.sampled_from(AMOUNTS))
    anchor = problem.anchor * np.tile(factors, 2)
    return replace(valid, problem=replace(problem, anchor=anchor))
