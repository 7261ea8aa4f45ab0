"""Problems and instances that violate exactly one assumption of the theorems, on request.

Each takes a valid instance and breaks one thing by a drawn amount, so that what is violated, and by
how much, is known; the valid one is kept beside it.
"""

from collections.abc import Callable
from dataclasses import replace
from math import ceil

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from theory.anchors import rescaled_difference_anchor, zero_readout_anchor
from theory.asymptotics.kernel_phase import scale_of_displacement
from theory.backend import Floats
from theory.errors import AssumptionError, InvalidInput
from theory.flow.reference import LARGEST_LOG10_ALPHA
from theory.kernel.svm import kernel_svm
from theory.nets import TwoLayer
from theory.problem import LOG_10, Problem, Regime
from verify.instances import FlowInstance, Violation, WithBias
from verify.strategies.nets import diagonal_nets
from verify.strategies.regimes import DECAY_POWERS
from verify.strategies.tasks import problems, separable_tasks

AMOUNTS = (1.0, 0.5, 0.1, 0.01)
"""How far the assumption is broken; the plainest violation first."""

FAMILIES = ("diagonal", "two_layer")
"""Nets of which small ones, which flow fast, show all that the theorems say."""

MIN_LOG10_ALPHA = 4.0

FAR_LOG10_ALPHA = 30.0
"""Where a constant lambda differs from any power of alpha."""

PLAIN_C = 0.6
"""In plain coordinates alpha ends at 1000: both phases are reached by a wide margin of time."""

PLAIN_DISPLACEMENT = 0.03

ProblemPair = tuple[Problem, Problem]
"""Violating, then restored."""


@st.composite
def inhomogeneous(draw: st.DrawFn) -> ProblemPair:
    """A valid problem whose net has an output bias, zero at the anchor."""
    problem = draw(problems(families=FAMILIES))
    anchor = np.append(problem.anchor, 0.0)
    return replace(problem, net=WithBias(problem.net), anchor=anchor), problem


def _small_weights(shape: tuple[int, ...]) -> st.SearchStrategy[Floats]:
    """Entries 1, 0, -1, 2: few enough that preactivations are often exactly zero."""
    entries = npst.arrays(np.int64, shape, elements=st.integers(-2, 1), fill=st.nothing())
    return entries.map(lambda drawn: np.array([1.0, 2.0, -1.0, 0.0])[-drawn + 1])


@st.composite
def kinked(draw: st.DrawFn) -> ProblemPair:
    """A two-layer relu net, some of its neurons on their kinks; restored: the relu squared.

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
    return kinked, smooth


def _separable(problem: Problem) -> bool:
    try:
        kernel_svm(problem)
    except AssumptionError:
        return False
    return True


@st.composite
def with_initial_output(draw: st.DrawFn) -> ProblemPair:
    """A diagonal net with u = (1 + amount) v, whose output at the anchor is not zero.

    The logistic loss: the exponential one pulls by e^(alpha^L) where the output has a wrong sign.
    """
    problem = draw(diagonal_nets().flatmap(lambda net: separable_tasks(net, losses=("logistic",))))
    amount = draw(st.sampled_from(AMOUNTS))
    anchor = np.array(problem.anchor)
    anchor[: anchor.size // 2] *= 1.0 + amount
    return replace(problem, anchor=anchor / np.linalg.norm(anchor)), problem


@st.composite
def inseparable(draw: st.DrawFn) -> ProblemPair:
    """A valid task with one of its samples repeated under the opposite label.

    A diagonal net: the two samples pull with all their force, and what is left of their difference
    is soon below rounding in nets of higher degree.
    """
    problem = draw(problems(families=("diagonal",)))
    sample = draw(st.integers(0, problem.samples - 1))
    inputs = np.vstack([problem.inputs, problem.inputs[sample]])
    labels = np.append(problem.labels, -problem.labels[sample])
    return replace(problem, inputs=inputs, labels=labels), problem


_PROBLEMS: dict[str, Callable[[], st.SearchStrategy[ProblemPair]]] = {
    "homogeneity": inhomogeneous,
    "smoothness": kinked,
    "zero output": with_initial_output,
    "separability": inseparable,
}

VIOLATIONS = tuple(_PROBLEMS)
"""Assumptions on the problem; the others are on the regime."""


def violating(assumption: str) -> st.SearchStrategy[Problem]:
    """Problems that meet every assumption but the named one.

    Raises:
        InvalidInput: an assumption for which there is no such strategy.
    """
    if assumption not in _PROBLEMS:
        raise InvalidInput(f"assumption is {assumption!r}; known are {', '.join(_PROBLEMS)}")
    return _PROBLEMS[assumption]().map(lambda pair: pair[0])


@st.composite
def _valid_instances(
    draw: st.DrawFn, *problems: Problem, efolds: float = 6.0, displacement: float = 0.01
) -> FlowInstance:
    """Both phases reached, on the last of the problems; at that alpha on the others as well.

    Args:
        efolds: of the late window; with fewer than about four a valid instance may not have come
            near its KKT point yet.
        displacement: at (1-c) t_g, relatively; what is nonlinear is a few times that.
    """
    c = draw(st.sampled_from((0.3, 0.2, 0.4, 0.5)))
    power = draw(st.sampled_from(DECAY_POWERS))
    reached = [
        scale_of_displacement(kernel_svm(problem), problem, power, 1.0 - c, displacement)
        for problem in problems
    ]
    scale = float(ceil(max(*reached, efolds / (c * LOG_10), MIN_LOG10_ALPHA)))
    return FlowInstance(problems[-1], Regime(log10_alpha=scale, decay_power=power), c)


@st.composite
def _plain_instances(draw: st.DrawFn, problem: Problem) -> FlowInstance:
    """At the largest alpha of plain coordinates, where both phases are reached as well."""
    power = draw(st.sampled_from((2.0, 1.5)))
    regime = Regime(log10_alpha=LARGEST_LOG10_ALPHA, decay_power=power)
    reached = scale_of_displacement(
        kernel_svm(problem), problem, power, 1.0 - PLAIN_C, PLAIN_DISPLACEMENT
    )
    assume(reached <= LARGEST_LOG10_ALPHA)
    return FlowInstance(problem, regime, PLAIN_C)


@st.composite
def _on_the_problem(draw: st.DrawFn, assumption: str) -> Violation:
    problem, valid = draw(_PROBLEMS[assumption]())
    plain = assumption in ("homogeneity", "zero output", "separability")
    strict = _valid_instances(problem, valid, displacement=1e-6)
    restored = draw(_plain_instances(valid) if plain else strict)
    return Violation(assumption, replace(restored, problem=problem), restored)


@st.composite
def _other_decay(draw: st.DrawFn) -> Violation:
    """lambda constant, or as small as exp(-alpha^q) with q near c L.

    Diagonal nets of degree 2, and no more of either phase than needed: log(1/lambda) is then some
    thousands, which a flow bears.
    """
    problem = draw(diagonal_nets(max_degree=2).flatmap(separable_tasks))
    restored = draw(_valid_instances(problem, efolds=4.0, displacement=0.03))
    if draw(st.booleans()):
        restored = restored.at_alpha(FAR_LOG10_ALPHA)
        log10_lambda = -1.0
    else:
        nats = 10.0 ** (restored.c * problem.degree * restored.regime.log10_alpha)
        log10_lambda = -float(round(draw(st.sampled_from((1.0, 3.0))) * nats / LOG_10))
    regime = Regime(log10_alpha=restored.regime.log10_alpha, log10_lambda=log10_lambda)
    return Violation("lambda a power of alpha", replace(restored, regime=regime), restored)


@st.composite
def _small_scale(draw: st.DrawFn) -> Violation:
    restored = draw(_valid_instances(draw(problems(families=FAMILIES))))
    scale = draw(st.sampled_from((0.1, 0.5, 0.05, 0.01)))
    return Violation("alpha large", restored.at_alpha(scale), restored)


@st.composite
def _at_the_transition(draw: st.DrawFn) -> Violation:
    restored = draw(_valid_instances(draw(problems(families=FAMILIES))))
    c = draw(st.sampled_from((1e-6, 1e-3)))
    return Violation("c > 0", replace(restored, c=c), restored)


_REGIMES: dict[str, Callable[[], st.SearchStrategy[Violation]]] = {
    "lambda a power of alpha": _other_decay,
    "alpha large": _small_scale,
    "c > 0": _at_the_transition,
}


def violations(assumption: str) -> st.SearchStrategy[Violation]:
    """Pairs of instances, one of which violates only the named assumption.

    Raises:
        InvalidInput: no such assumption.
    """
    if assumption in _PROBLEMS:
        return _on_the_problem(assumption)
    if assumption not in _REGIMES:
        known = ", ".join((*_PROBLEMS, *_REGIMES))
        raise InvalidInput(f"assumption is {assumption!r}; known are {known}")
    return _REGIMES[assumption]()
