"""Hypothesis strategies for problems whose anchor is given an output."""

from dataclasses import replace

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from theory.asymptotics.kernel_phase import scale_of_displacement
from theory.kernel import gram, kernel_svm
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
    kept = np.flatnonzero(kernel_svm(whole).support)
    assume(len(kept) >= 2)
    problem = replace(whole, inputs=whole.inputs[kept], labels=whole.labels[kept])
    svm = kernel_svm(problem)
    assume(strict(svm))
    assume(np.linalg.cond(gram(svm.features)) <= CONDITION)
    power, c = draw(st.sampled_from(DECAY_POWERS)), draw(st.sampled_from(MARGINS))
    scale = scale_of_displacement(svm, problem, power, 1.0 - c, DISPLACEMENT)
    return instance_at(problem, scale, power, c)
