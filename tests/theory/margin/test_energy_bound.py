"""The energy bound of minimum norm: its formula, and how near to it the exact flow comes."""

from dataclasses import replace
from math import exp, sqrt
from typing import Any

import numpy as np
import pytest

from theory.flow import FlowState
from theory.margin.min_norm import energy_bound, interpolation_energy, min_norm_residual
from theory.nets import HomogeneousNet
from theory.problem import Problem, Regime


class Linear(HomogeneousNet):
    """f = <theta, x>: gradients are the inputs."""

    degree = 1

    def forward(self, theta: Any, inputs: Any) -> Any:
        return inputs @ theta


def states_of(regime: Regime, times: list[float], y: float, z: float) -> list[FlowState]:
    """theta = (y, z e^-s): the flow theta' = -(I - P) theta on {theta_1 = y}."""
    problem = Problem(Linear(), [1.0, 1.0], [[1.0, 0.0]], [y], "squared")
    points = [(s, np.array([y, z * exp(-s)])) for s in times]
    at_rest = (FlowState.of_theta(problem, regime, s, theta) for s, theta in points)
    return [replace(state, slow=True) for state in at_rest]


def test_off_the_slow_manifold_the_misfit_is_that_of_the_flow() -> None:
    """E = |theta|^2 / 2 + (y - f)^2 / (2 n lambda), lambda = 1/10, whatever m is."""
    problem = Problem(Linear(), [1.0, 1.0], [[1.0, 0.0]], [2.0], "squared")
    regime = Regime(log10_alpha=1, log10_lambda=-1)
    state = FlowState.of_theta(problem, regime, 1.0, np.array([1.5, 3.0]))
    expected = 0.5 * (1.5**2 + 3.0**2) + 0.5 * 0.5**2 / 0.1
    assert interpolation_energy(state) == pytest.approx(expected, rel=1e-12)


def test_the_energy_and_its_bound_by_hand() -> None:
    """E = |theta|^2 / 2 + n lambda m^2 / 2, m = y; lambda = 1/10."""
    regime = Regime(log10_alpha=1, log10_lambda=-1)
    states = states_of(regime, [1.0, 2.0, 3.0], 2.0, 5.0)
    for state in states:
        across = 5.0 * exp(-state.decay_time)
        expected = 0.5 * (4.0 + across**2) + 0.5 * 0.1 * 4.0
        assert interpolation_energy(state) == pytest.approx(expected, rel=1e-12)
    drop = 12.5 * (exp(-2.0) - exp(-6.0))
    smallest = 4.0 + 25.0 * exp(-6.0)
    assert energy_bound(states) == pytest.approx(sqrt(drop / (2.0 * smallest)), rel=1e-12)


@pytest.mark.parametrize("size", [1e-3, 1.0, 1e3])
def test_a_short_window_uses_all_of_the_bound(size: float) -> None:
    """As the window shrinks the bound becomes the stationarity itself: none smaller is true."""
    regime = Regime(log10_alpha=4, decay_power=2)
    states = states_of(regime, [2.0, 2.01], 0.5 * size, 3.0 * size)
    problem = states[0].problem
    least = min(min_norm_residual(problem, s.theta).stationarity for s in states)
    across = 3.0 * exp(-2.01)
    assert least == pytest.approx(across / sqrt(0.25 + across**2), rel=1e-9)
    # window 0.01: to first order the bound is above by less than that
    assert least <= energy_bound(states) <= 1.02 * least
