"""The energy of minimum-norm interpolation against the speed of the flow."""

from collections.abc import Callable
from math import exp

import numpy as np
import pytest
from scipy.integrate import simpson

from theory.flow import FlowState, gradient_flow
from theory.margin.min_norm import interpolation_energy
from theory.problem import Problem, Regime


@pytest.fixture(scope="module", params=["two-layer square", "diagonal, L = 3"])
def states(request: pytest.FixtureRequest, instance: Callable[..., Problem]) -> list[FlowState]:
    problem = instance(request.param, "squared")
    regime = Regime(log10_alpha=8.0, decay_power=1.0)
    return list(gradient_flow(problem, regime, np.linspace(1.0, 1.1, 101).tolist()).states)


def test_energy_falls_by_the_square_of_the_speed(states: list[FlowState]) -> None:
    speeds = [state.stationarity * exp(state.log_norm) for state in states]
    spent = float(simpson(np.square(speeds), x=[state.decay_time for state in states]))
    drop = interpolation_energy(states[0]) - interpolation_energy(states[-1])
    assert drop == pytest.approx(spent, rel=1e-5)
