"""Windows of late claims in quarters, and the energy bound on each of them."""

from itertools import pairwise
from math import sqrt

import numpy as np
import pytest

from theory.anchors import balanced_anchor
from theory.asymptotics.late_phase import energy, stationarity_bound
from theory.flow import gradient_flow
from theory.nets import Diagonal
from theory.problem import Problem, Regime
from verify.claims.windows import GRID, Window, part_bound, part_bounds, quarters
from verify.judge import judge_bound

INPUTS = np.array([[1.0, 2.0, -1.0], [2.0, -1.0, 1.0]])


def window() -> Window:
    net = Diagonal(3, 3)
    problem = Problem(net, balanced_anchor(net, np.ones(3)), INPUTS, np.array([1.0, -1.0]))
    times = np.linspace(1.0, 1.4, 33).tolist()
    flow = gradient_flow(problem, Regime(log10_alpha=9, decay_power=2), times, rtol=1e-10)
    return Window(tuple(flow.states), float(flow.error_estimate.max()))


@pytest.mark.parametrize(("count", "size"), [(17, 5), (33, 9)])
def test_quarters_share_their_ends(count: int, size: int) -> None:
    parts = quarters(range(count))
    assert [len(part) for part in parts] == [size] * 4
    assert [part[0] for part in parts[1:]] == [part[-1] for part in parts[:-1]]
    assert (parts[0][0], parts[-1][-1]) == (0, count - 1)


def test_energy_that_is_lost_is_the_square_of_the_speed() -> None:
    """dE/ds = -|dtheta/ds|^2, by quadrature over each quarter."""
    for states in window().parts[:2]:
        times = [state.decay_time for state in states]
        speeds = [(s.stationarity * float(np.linalg.norm(s.theta))) ** 2 for s in states]
        lost = energy(states[0]) - energy(states[-1])
        fine = np.trapezoid(speeds, times) - np.trapezoid(speeds[::2], times[::2])
        # Richardson: a third of the difference to the coarser rule is what the finer one is off
        assert lost == pytest.approx(np.trapezoid(speeds, times) + fine / 3.0, rel=0.02)


def test_energy_bounds_hold_on_each_quarter_and_get_sharper() -> None:
    given = window()
    bounds = part_bounds(given, stationarity_bound, "here", 1e-9)
    assert [judge_bound(bound) for bound in bounds] == ["kept"] * 4
    assert all(b.bound < 0.7 * a.bound for a, b in pairwise(bounds))
    whole = stationarity_bound(given.states)
    assert bounds[-1].bound < 0.1 * whole


def test_energies_count_as_known_to_their_error() -> None:
    part = window().parts[-1]
    still = part_bound(part, lambda states: 0.0, 1e-8)
    span = part[-1].decay_time - part[0].decay_time
    assert still == pytest.approx(GRID * sqrt(1e-8 / span), rel=0.01)
