"""Hypothesis strategies for instances that gradient descent can follow in a few hundred steps."""

from math import exp, log

from hypothesis import strategies as st
from scipy.optimize import brentq

from theory.descent.modified import sharpness_at_start
from theory.problem import Problem, Regime
from verify.instances import FlowInstance
from verify.strategies.regimes import time_margins
from verify.strategies.tasks import problems

DECAY_POWERS = (0.5, 0.25, 1.0)
"""p in lambda = alpha^-p; small powers keep t_g, and so the number of steps, affordable."""

STEP_TIMES_SHARPNESS = (0.2, 0.1, 0.4)
"""h times the sharpness at the start, for the coarsest step; explicit Euler is stable up to 2."""

STEPS_PER_UNIT = 200
"""Coarsest step: t_g / 200, of which every time (1 +- c) t_g with a c of two decimals is a
multiple."""

LARGEST_LOG10_ALPHA = 2.0
SMALLEST_LOG10_ALPHA = 0.05


def step_size(regime: Regime, per_unit: int = STEPS_PER_UNIT) -> float:
    """h = t_g / per_unit, in units of time."""
    return regime.log_alpha / exp(regime.log_lambda) / per_unit


@st.composite
def descent_instances(
    draw: st.DrawFn, source: st.SearchStrategy[Problem] | None = None
) -> FlowInstance:
    """Instances at the largest alpha in [1.1, 100] that a step of t_g / 200 resolves as drawn."""
    problem = draw(problems() if source is None else source)
    c, power = draw(time_margins()), draw(st.sampled_from(DECAY_POWERS))
    target = draw(st.sampled_from(STEP_TIMES_SHARPNESS))

    def excess(log10_alpha: float) -> float:
        regime = Regime(log10_alpha=log10_alpha, decay_power=power)
        return log(step_size(regime) * sharpness_at_start(problem, regime) / target)

    low, high = SMALLEST_LOG10_ALPHA, LARGEST_LOG10_ALPHA
    if excess(high) <= 0:
        scale = high
    elif excess(low) >= 0:
        scale = low
    else:
        scale = float(brentq(excess, low, high, xtol=1e-3))
    # two decimals for readers; rounding alpha by 1 % moves the target by a few percent
    return FlowInstance(
        problem, Regime(log10_alpha=max(round(scale, 2), low), decay_power=power), c
    )
