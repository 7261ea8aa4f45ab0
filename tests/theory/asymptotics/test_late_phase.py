"""The energy of the late phase against the speed of the flow, and bounds by their definitions."""

from collections.abc import Callable
from math import exp, log, sqrt

import numpy as np
import pytest
from scipy.integrate import simpson

from theory.asymptotics.late_phase import complementarity_bound, energy, stationarity_bound
from theory.flow import FlowState, gradient_flow
from theory.problem import Problem, Regime

REGIME = Regime(log10_alpha=8.0, decay_power=0.5)


@pytest.fixture(scope="module", params=["exponential", "logistic"])
def states(request: pytest.FixtureRequest, instance: Callable[..., Problem]) -> list[FlowState]:
    problem = instance("two-layer square", request.param)
    return list(gradient_flow(problem, REGIME, np.linspace(1.0, 1.1, 101).tolist()).states)


def test_energy_falls_by_the_square_of_the_speed(states: list[FlowState]) -> None:
    speeds = [state.stationarity * exp(state.log_norm) for state in states]
    passed = [state.decay_time for state in states]
    spent = float(simpson(np.square(speeds), x=passed))
    # intervals of 0.02 in decay time, on which the speed varies smoothly
    assert energy(states[0]) - energy(states[-1]) == pytest.approx(spent, rel=1e-5)


def test_bound_is_the_mean_square_of_the_speed_over_the_smallest_norm(
    states: list[FlowState],
) -> None:
    first, last = states[0], states[-1]
    smallest = min(exp(2.0 * state.log_norm) for state in states)
    mean = (energy(first) - energy(last)) / (last.decay_time - first.decay_time)
    bound = stationarity_bound(states)
    assert bound == pytest.approx(sqrt(mean / smallest), rel=1e-9)
    assert min(state.stationarity for state in states) <= bound


def test_complementarity_is_its_bound_for_the_exponential_loss(states: list[FlowState]) -> None:
    for state in states[::20]:
        weights = np.exp(state.log_multipliers - state.log_multipliers.max())
        mean = float(weights @ state.margins / weights.sum())
        reached = 1.0 - float(state.margins.min()) / mean
        bound = complementarity_bound(state)
        if state.problem.loss == "exponential":
            assert reached == pytest.approx(bound, abs=1e-12)
            assert bound <= log(state.problem.samples) / mean + 1e-12
        else:  # the slack is e^-q_min / q_mean, and less is used
            slack = exp(-float(state.margins.min())) / mean
            assert bound - slack - 1e-12 <= reached <= bound
