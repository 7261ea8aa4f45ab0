"""What is provable after the transition: the energy decreases, so some time is nearly stationary.

In decay time, E = |theta|^2 / 2 + sum_i l_i / (n lambda) obeys dE/ds = -|dtheta/ds|^2. Hence
min over [s1, s2] of |dtheta/ds|/|theta| <= sqrt((E(s1) - E(s2)) / ((s2 - s1) min |theta|^2)).
"""

from collections.abc import Sequence
from math import exp, log, sqrt

import numpy as np

from theory.flow.state import FlowState
from theory.kernel.quasi_static import entropies


def energy(state: FlowState, log_unit: float = 0.0) -> float:
    """E = |theta|^2 / 2 + (1 / (n lambda)) sum_i l(y_i f_i), in units of e^log_unit."""
    problem, regime = state.problem, state.chart.regime
    losses = problem.loss_function.log_value(state.rows, problem.row_labels)
    resting = -regime.log_lambda - log(problem.samples) - log_unit
    return 0.5 * exp(2.0 * state.log_norm - log_unit) + float(np.exp(losses + resting).sum())


def stationarity_bound(states: Sequence[FlowState]) -> float:
    """Energy bound on the smallest flow stationarity over a window of states, in order of time.

    The minimum of |theta| is taken over the given states.
    """
    first, last = states[0], states[-1]
    smallest = 2.0 * min(state.log_norm for state in states)
    drop = max(energy(first, smallest) - energy(last, smallest), 0.0)
    return sqrt(drop / (last.decay_time - first.decay_time))


def complementarity_bound(state: FlowState) -> float:
    """Bound on 1 - q_min / q_mean for the flow's multipliers, exact at any time of any flow.

    Exponential loss: (H - H_min) / q_mean, at most log n / q_mean. Logistic: the multipliers are
    e^-q (1 + O(e^-q)), which adds log(1 + e^-q_min) <= e^-q_min to the numerator; cross-entropy of
    K classes (K - 1) e^-q_min.
    """
    shannon, smallest = entropies(state.log_multipliers)
    weights = np.exp(state.log_multipliers - state.log_multipliers.max())
    mean = float(weights @ state.margins / weights.sum())
    if mean <= 0:
        return float("inf")
    return (shannon - smallest + softness(state)) / mean


def softness(state: FlowState) -> float:
    """By how much log multipliers differ from -q, at most: 0 for the exponential loss, e^-q_min for
    the logistic one, (K - 1) e^-q_min for cross-entropy; for q_min < 0 no more than at 0.
    """
    problem = state.problem
    if problem.loss == "exponential":
        return 0.0
    others = 1 if problem.classes is None else problem.classes - 1
    return others * exp(-max(float(state.margins.min()), 0.0))
