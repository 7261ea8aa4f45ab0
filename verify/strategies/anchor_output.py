"""Hypothesis strategies for problems whose anchor is given an output."""

from dataclasses import replace

import numpy as np
from hypothesis import assume, reject
from hypothesis import strategies as st

from theory.asymptotics.kernel_phase import scale_of_displacement
from theory.kernel import gram, kernel_svm
from theory.kernel.ntk import signed_features
from theory.problem import Problem
from verify.instances import FlowInstance
from verify.instances.kinds import Kind
from verify.strategies.rectifiers import strict
from verify.strategies.regimes import DECAY_POWERS, instance_at
from verify.strategies.sizes import Sizes
from verify.strategies.tasks import problems

FAMILIES = ("diagonal", "two_layer", "deep")

MOST_PARAMETERS, MOST_SAMPLES = 24, 6

DISPLACEMENT = 1e-6
"""Relative, at (1-c) t_g: what is nonlinear moves outputs by as much."""

MARGINS = (0.6, 0.7)
"""c: rho^L is then large at (1-c) t_g, and alpha^L not beyond what float64 resolves."""

CONDITION = 30.0


@st.composite
def all_supporting(draw: st.DrawFn, families: tuple[str, ...], sizes: Sizes) -> FlowInstance:
    """At least two samples, all of which support the machine: others are dropped, as they would
    remember when the anchor's output last let them pull.
    """
    small = replace(
        sizes,
        max_parameters=min(MOST_PARAMETERS, sizes.max_parameters),
        max_samples=min(MOST_SAMPLES, sizes.max_samples),
        kinds=(Kind.PLAIN,),
    )
    whole = draw(problems(families, sizes=small))
    assume(whole.samples >= 2)
    problem = next(filter(_serves, (_supporting(whole), _opposed(whole))), None)
    if problem is None:
        return reject()
    svm = kernel_svm(problem)
    power, c = draw(st.sampled_from(DECAY_POWERS)), draw(st.sampled_from(MARGINS))
    scale = scale_of_displacement(svm, problem, power, 1.0 - c, DISPLACEMENT)
    return instance_at(problem, scale, power, c)


def _supporting(whole: Problem) -> Problem:
    kept = np.flatnonzero(kernel_svm(whole).support)
    return replace(whole, inputs=whole.inputs[kept], labels=whole.labels[kept])


def _opposed(whole: Problem) -> Problem:
    """The first two samples, with labels by which they do not help each other: both support."""
    first, second = whole.net.jacobian(whole.anchor, whole.inputs[:2])
    labels = np.array([1.0, -1.0 if first @ second > 0.0 else 1.0])
    return replace(whole, inputs=whole.inputs[:2], labels=labels)


def _serves(problem: Problem) -> bool:
    if problem.samples < 2 or not np.linalg.cond(gram(signed_features(problem))) <= CONDITION:
        return False
    svm = kernel_svm(problem)
    return bool(svm.support.all()) and strict(svm)
