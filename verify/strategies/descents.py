"""Hypothesis strategies for instances that gradient descent can follow in a few hundred steps."""

from math import exp, log

from hypothesis import assume
from hypothesis import strategies as st
from scipy.optimize import brentq

from theory.descent.modified import sharpness_at_start
from theory.own_scale import OwnScale
from theory.problem import LOG_10, Problem, Regime
from verify.instances import FlowInstance
from verify.strategies.regimes import time_margins
from verify.strategies.tasks import problems

DECAY_POWERS = (0.5, 0.25, 1.0)
"""p in lambda = alpha^-p; small powers keep t_g, and so the number of steps, affordable."""

STEP_TIMES_SHARPNESS = (0.2, 0.1, 0.4)
"""h times the sharpness at the start, for the coarsest step; explicit Euler is stable up to 2."""

STABLE = 0.5
"""The same at most, also where the smallest alpha has it larger than was drawn."""

STEPS_PER_UNIT = 200
"""Coarsest step: t_g / 200, of which every time (1 +- c) t_g with a c of two decimals is a
multiple."""

LARGEST_LOG10_ALPHA = 2.0
SMALLEST_LOG10_ALPHA = 0.05

FOREIGN = 0.5
"""Powers of ten of the anchor's own from which on the smallest alpha has to be resolved as drawn:
plain problems have fewer, and are as nonlinear there as they are."""


def step_size(instance: FlowInstance, per_unit: int = STEPS_PER_UNIT) -> float:
    """h = t_g / per_unit, in units of time."""
    return instance.own.log_alpha / exp(instance.regime.log_lambda) / per_unit


@st.composite
def descent_instances(
    draw: st.DrawFn, source: st.SearchStrategy[Problem] | None = None
) -> FlowInstance:
    """Instances at the largest alpha in [1.1, 100] that a step of t_g / 200 resolves as drawn.

    alpha and t_g as the problem counts them; none whose anchor is so large that alpha as told would
    not exceed 1.
    """
    problem = draw(problems() if source is None else source)
    c, power = draw(time_margins()), draw(st.sampled_from(DECAY_POWERS))
    target = draw(st.sampled_from(STEP_TIMES_SHARPNESS))

    def at(log10_alpha: float) -> FlowInstance:
        own = Regime(log10_alpha=log10_alpha, decay_power=power)
        return FlowInstance.at_own(problem, own, c)

    def excess(log10_alpha: float) -> float:
        instance = at(log10_alpha)
        return log(step_size(instance) * sharpness_at_start(problem, instance.regime) / target)

    # told alpha exceeds 1 as well
    foreign = max(OwnScale.of(problem).log_alpha / LOG_10, 0.0)
    low, high = SMALLEST_LOG10_ALPHA + foreign, LARGEST_LOG10_ALPHA
    assume(low < high)
    beyond = excess(low)
    assume(beyond < (log(STABLE / target) if foreign < FOREIGN else 0.0))
    if excess(high) <= 0:
        scale = high
    elif beyond >= 0:
        scale = low
    else:
        scale = float(brentq(excess, low, high, xtol=1e-3))
    # rounding alpha by 1 % moves the target by a few percent
    return at(max(round(scale, 2), low))
