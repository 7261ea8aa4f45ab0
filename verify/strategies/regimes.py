"""Hypothesis strategies for regimes and instances.

alpha means nothing without the problem's own scale: what decides is how far, relatively, theta has
left the anchor (kernel phase), and how many e-folds the late window has (late phase). So these are
drawn, and alpha follows.
"""

from math import ceil, log10

import numpy as np
from hypothesis import strategies as st

from theory.asymptotics.kernel_phase import scale_of_displacement
from theory.kernel.svm import kernel_svm
from theory.problem import LOG_10, Problem, Regime
from verify.instances import FlowInstance
from verify.strategies.tasks import problems

DECAY_POWERS = (2.0, 1.5, 3.0, 0.5)
"""p in lambda = alpha^-p; never 1, where log(1/lambda)/lambda and log(alpha)/lambda agree."""


def time_margins() -> st.SearchStrategy[float]:
    """c in [0.1, 0.6], shrinking to 0.3."""
    return st.integers(-20, 30).map(lambda k: (30 + k) / 100)


@st.composite
def kernel_phase_instances(
    draw: st.DrawFn, source: st.SearchStrategy[Problem] | None = None
) -> FlowInstance:
    """Instances whose relative displacement at (1-c) t_g lies in [10^-2.5, 10^-1.5]."""
    problem = draw(problems() if source is None else source)
    c, power = draw(time_margins()), draw(st.sampled_from(DECAY_POWERS))
    displacement = 10.0 ** (-2.0 + draw(st.integers(-5, 5)) / 10.0)
    scale = scale_of_displacement(kernel_svm(problem), problem, power, 1.0 - c, displacement)
    return FlowInstance(problem, Regime(log10_alpha=rounded_up(scale), decay_power=power), c)


@st.composite
def late_phase_instances(
    draw: st.DrawFn, source: st.SearchStrategy[Problem] | None = None
) -> FlowInstance:
    """Instances whose window [t_g, (1+c) t_g] spans 6 to 30 e-folds, at alpha >= 10^8, both as the
    problem sees it (`foreign_decades`).
    """
    problem = draw(problems() if source is None else source)
    c, power = draw(time_margins()), draw(st.sampled_from(DECAY_POWERS))
    efolds = draw(st.integers(6, 30))
    scale = late_scale(efolds, c, foreign_decades(problem))
    return FlowInstance(problem, Regime(log10_alpha=scale, decay_power=power), c)


MIN_LATE_LOG10_ALPHA = 8.0


def late_scale(efolds: float, c: float, foreign: float = 0.0) -> float:
    """log10 alpha at which [t_g, (1+c) t_g] spans these e-folds, after `foreign` decades of which
    alpha goes to the units of the problem.
    """
    return rounded_up(max((efolds / LOG_10 + foreign) / c, MIN_LATE_LOG10_ALPHA + foreign))


def foreign_decades(problem: Problem) -> float:
    """By how many powers of ten, beyond one, alpha means something else to this problem than to one
    with anchor and gradients of norm 1.

    theta' = (|anchor| |largest gradient|)^(1/L) theta has outputs of order 1 at |theta'| = 1. It
    starts at alpha times its norm at the anchor, so with norm 10^k it has k decades more to fall.
    """
    gradients = problem.net.jacobian(problem.anchor, problem.inputs)
    largest = float(np.linalg.norm(gradients, axis=1).max())
    # |anchor|^(1 - 1/L) drops out: the gradient holds the power L - 1 of it
    decades = (log10(problem.anchor_norm) + log10(largest)) / problem.degree
    return max(abs(decades) - 1.0, 0.0)


def rounded_up(log10_alpha: float) -> float:
    """To one decimal: instance files are read by people."""
    return ceil(10.0 * log10_alpha) / 10.0
