"""Angles and norms of states whose theta is written down: exact at every angle, for any anchor."""

import numpy as np
import pytest

from theory.flow import FlowState
from theory.nets import Diagonal
from theory.problem import Problem, Regime

ALONG, ACROSS = np.array([0.6, 0.8, 0.0, 0.0]), np.array([0.0, 0.0, 0.8, -0.6])
REGIME = Regime(log10_alpha=3, decay_power=2)


@pytest.mark.parametrize("size", [1e-4, 1.0, 1e4])
@pytest.mark.parametrize("angle", [1e-6, 1e-2, 0.5, 1.0, 1.2, 1.5, 2.0, 3.0])
def test_direction_change_is_one_minus_the_cosine(angle: float, size: float) -> None:
    problem = Problem(Diagonal(2), size * ALONG, [[1.0, 0.5]], [1.0])
    theta = 7.0 * (np.cos(angle) * ALONG + np.sin(angle) * ACROSS)
    state = FlowState.of_theta(problem, REGIME, REGIME.log_alpha, theta)
    exact = 2.0 * np.sin(angle / 2.0) ** 2
    # the sine of 1e-6 is a difference of numbers of order one: 1e-16 / 1e-6, twice
    assert state.direction_change == pytest.approx(exact, rel=1e-9)
    assert state.anchor_cosine == pytest.approx(np.cos(angle), rel=1e-12, abs=1e-15)
    assert state.anchor_sine == pytest.approx(np.sin(angle), rel=1e-9)
    # rho = 1 at s = log alpha
    assert state.log_norm_excess == pytest.approx(np.log(7.0 / size), rel=1e-12)


@pytest.mark.parametrize("size", [1e-4, 1.0, 1e4])
@pytest.mark.parametrize("angle", [1e-12, 1e-4, 0.1, 1.0, 1.2])
def test_the_same_in_comoving_coordinates(angle: float, size: float) -> None:
    problem = Problem(Diagonal(2), size * ALONG, [[1.0, 0.5]], [1.0])
    s = 0.5 * REGIME.log_alpha
    eta = size * np.tan(angle) * np.exp(2.0 * s) * ACROSS  # rho = e^s
    state = FlowState.of_displacement(problem, REGIME, s, eta)
    assert state.direction_change == pytest.approx(2.0 * np.sin(angle / 2.0) ** 2, rel=1e-12)
    excess = -0.5 * np.log1p(-(np.sin(angle) ** 2))
    assert state.log_norm_excess == pytest.approx(excess, rel=1e-12)
