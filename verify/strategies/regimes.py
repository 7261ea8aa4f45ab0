"""Hypothesis strategies for regimes and instances.

alpha means nothing without the problem's own scale: what decides is how far, relatively, theta has
left the anchor (kernel phase), and how many e-folds the late window has (late phase). So these are
drawn, and alpha follows, as the problem counts it (`theory.own_scale`); powers of it too.
"""

from math import ceil

from hypothesis import strategies as st

from theory.asymptotics.kernel_phase import scale_of_displacement
from theory.kernel.svm import kernel_svm
from theory.own_scale import OwnScale
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
    return instance_at(problem, rounded_up(scale), power, c)


@st.composite
def late_phase_instances(
    draw: st.DrawFn, source: st.SearchStrategy[Problem] | None = None
) -> FlowInstance:
    """Instances whose window [t_g, (1+c) t_g] spans 6 to 30 e-folds, at alpha >= 10^8."""
    problem = draw(problems() if source is None else source)
    c, power = draw(time_margins()), draw(st.sampled_from(DECAY_POWERS))
    return instance_at(problem, late_scale(draw(st.integers(6, 30)), c), power, c)


MIN_LATE_LOG10_ALPHA = 8.0


LEAST_LOG10_ALPHA = 0.5
"""As it is told; alpha must exceed 1, and flows are asked in units of log(alpha) / lambda."""


def instance_at(problem: Problem, log10_alpha: float, power: float, c: float) -> FlowInstance:
    """At alpha and p as the problem counts them; at a larger alpha where the anchor is so large
    that it would start with `LEAST_LOG10_ALPHA` or less.
    """
    least = LEAST_LOG10_ALPHA + OwnScale.of(problem).log_alpha / LOG_10
    own = Regime(log10_alpha=max(log10_alpha, rounded_up(least)), decay_power=power)
    return FlowInstance.at_own(problem, own, c)


def late_scale(efolds: float, c: float) -> float:
    """log10 alpha at which [t_g, (1+c) t_g] spans these e-folds."""
    return rounded_up(max(efolds / (LOG_10 * c), MIN_LATE_LOG10_ALPHA))


def rounded_up(log10_alpha: float) -> float:
    """To one decimal: instance files are read by people."""
    return ceil(10.0 * log10_alpha) / 10.0
