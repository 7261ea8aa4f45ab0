"""Hypothesis strategies for nets to which biases are added: see `theory.biases.with_biases`.

What is drawn are problems without them; an instance file is that of its weights.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

from hypothesis import reject
from hypothesis import strategies as st

from theory.anchors import difference_anchor
from theory.kernel.svm import kernel_svm
from theory.nets import Deep
from theory.problem import Problem
from verify.instances import FlowInstance
from verify.instances.kinds import Kind
from verify.strategies.classes import class_problems
from verify.strategies.nets import AnchoredNet, nonzero_arrays
from verify.strategies.rectifiers import strict
from verify.strategies.regimes import kernel_phase_instances, late_phase_instances
from verify.strategies.sizes import Sizes
from verify.strategies.tasks import problems, separable_tasks

FAMILIES = ("diagonal", "two_layer", "deep", "classes")
OF_CLASSES = ("diagonal", "two_layer")

MOST_PARAMETERS, MOST_SAMPLES = 24, 4


@st.composite
def _problems(draw: st.DrawFn, families: tuple[str, ...], sizes: Sizes) -> Problem:
    """Without special units, in which biases would be of another order than weights; with strict
    complementarity, without which the dual moves by more than Lam b.
    """
    small = replace(
        sizes,
        max_parameters=min(MOST_PARAMETERS, sizes.max_parameters),
        max_samples=min(MOST_SAMPLES, sizes.max_samples),
        kinds=(Kind.PLAIN,),
    )
    family = draw(st.sampled_from(families))
    several = family == "classes"
    if family == "deep":
        source = linear_nets().flatmap(lambda net: separable_tasks(net, small.max_samples))
    else:
        more = replace(small, max_samples=2 * small.max_samples)  # half of them are not clear
        source = class_problems(OF_CLASSES, more) if several else problems((family,), sizes=small)
    problem = draw(source)
    return next((part for part in _parts(problem) if strict(kernel_svm(part))), None) or reject()


def _parts(problem: Problem) -> Iterator[Problem]:
    """What is left with fewer samples, from `MOST_SAMPLES` down to two: strict more often."""
    every = range(problem.samples)
    for count in range(min(problem.samples, MOST_SAMPLES), 1, -1):
        for kept in map(list, combinations(every, count)):
            yield replace(problem, inputs=problem.inputs[kept], labels=problem.labels[kept])


@st.composite
def linear_nets(draw: st.DrawFn) -> AnchoredNet:
    """Of three or four layers, by difference, so that hidden biases have gradients at first."""
    halves = draw(st.lists(st.integers(1, 2), min_size=2, max_size=3))
    dimension = draw(st.integers(2, 3))
    net = Deep((dimension, *(2 * width for width in halves), 1))
    half = draw(nonzero_arrays((Deep((dimension, *halves, 1)).parameters,)))
    return AnchoredNet(net, difference_anchor(net, half))


def before_t_g(families: tuple[str, ...], sizes: Sizes) -> st.SearchStrategy[FlowInstance]:
    """As `kernel_phase_instances`."""
    return kernel_phase_instances(_problems(families, sizes))


def after_t_g(families: tuple[str, ...], sizes: Sizes) -> st.SearchStrategy[FlowInstance]:
    """As `late_phase_instances`."""
    return late_phase_instances(_problems(families, sizes))
