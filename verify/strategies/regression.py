"""Hypothesis strategies for regression: targets realizable and well conditioned by construction.

Samples whose gradient is nearly a combination of those before are dropped, so that the kernel at
the anchor is far from singular and any targets can be interpolated.
"""

from math import log

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from theory.backend import Floats
from theory.kernel.regression import kernel_drift, kernel_regression
from theory.problem import LOG_10, Problem, Regime
from verify.instances import FlowInstance
from verify.strategies.nets import FAMILIES, AnchoredNet, anchored_nets
from verify.strategies.regimes import rounded_up, time_margins
from verify.strategies.tasks import MIN_RELATIVE_GRADIENT, inputs_for

MIN_INDEPENDENCE = 0.2
"""Sine of the angle between a gradient and the span of those kept before it."""

DECAY_POWERS = (0.5, 2.0, 0.75, 1.5)
"""p in lambda = alpha^-p, never 1; below 1 the ridge part is large enough to be measured."""


@st.composite
def regression_tasks(draw: st.DrawFn, anchored: AnchoredNet, max_samples: int = 8) -> Problem:
    """Targets are multiples of 1/4 in [-3, 3], none zero; inputs have independent gradients."""
    inputs = draw(inputs_for(anchored.net, max_samples))
    gradients = anchored.net.jacobian(anchored.anchor, inputs)
    assume(bool(gradients.any()))
    kept = independent_rows(gradients)
    quarters = st.lists(st.integers(-12, 12), min_size=len(kept), max_size=len(kept))
    targets = np.array([quarter or 4 for quarter in draw(quarters)]) / 4.0
    return Problem(anchored.net, anchored.anchor, inputs[kept], targets, "squared")


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


def regression_problems(families: tuple[str, ...] = FAMILIES) -> st.SearchStrategy[Problem]:
    """Realizable regression problems over random nets of the given families."""
    return anchored_nets(families).flatmap(regression_tasks)


@st.composite
def kernel_regression_instances(
    draw: st.DrawFn, families: tuple[str, ...] = FAMILIES
) -> FlowInstance:
    """Instances with relative displacement and kernel drift at (1-c) t_g at most 10^-2.5..-1.5."""
    problem = draw(regression_problems(families))
    c, power = draw(time_margins()), draw(st.sampled_from(DECAY_POWERS))
    size = 10.0 ** (-2.0 + draw(st.integers(-5, 5)) / 10.0)
    regression = kernel_regression(problem)
    per_epsilon = max(regression.norm / problem.anchor_norm, kernel_drift(regression))
    scale = log(per_epsilon / size) / (problem.degree * c * LOG_10)
    scale = max(rounded_up(scale), 1.0)
    return FlowInstance(problem, Regime(log10_alpha=scale, decay_power=power), c)


@st.composite
def min_norm_instances(draw: st.DrawFn, families: tuple[str, ...] = FAMILIES) -> FlowInstance:
    """Instances whose window [t_g, (1+c) t_g] spans 4 to 20 e-folds, at alpha >= 10^8."""
    problem = draw(regression_problems(families))
    c, power = draw(time_margins()), draw(st.sampled_from(DECAY_POWERS))
    efolds = draw(st.integers(4, 20))
    scale = max(efolds / (c * LOG_10), 8.0)
    return FlowInstance(problem, Regime(log10_alpha=rounded_up(scale), decay_power=power), c)
