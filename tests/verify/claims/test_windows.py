"""Windows of late claims in quarters, and the energy bound on each of them."""

from functools import partial
from itertools import pairwise

import numpy as np
import pytest

from theory.anchors import balanced_anchor
from theory.asymptotics.late_phase import energy, stationarity_bound
from theory.flow import FlowState
from theory.nets import Diagonal
from theory.problem import Problem, Regime
from verify.claims.early_late.late_phase import (
    LatePhase,
    best_residual,
    entropy_share,
    flow_complementarity,
    mean_margin,
    measure,
    second_transition_example,
    softness,
)
from verify.claims.early_late.windows import (
    GRID,
    RESTING,
    Span,
    Window,
    energy_balance,
    quarters,
    saddles_being_left,
    shares_of_energy,
    smallest_stationarity,
    windows,
)
from verify.instances import FlowInstance

INPUTS = np.array([[1.0, 2.0, -1.0], [2.0, -1.0, 1.0]])


def instance(degree: int = 3, loss: str = "exponential") -> FlowInstance:
    net = Diagonal(3, degree)
    anchor = balanced_anchor(net, np.ones(3))
    problem = Problem(net, anchor, INPUTS, np.array([1.0, -1.0]), loss)
    return FlowInstance(problem, Regime(log10_alpha=9, decay_power=2), c=0.4)


@pytest.fixture(scope="module")
def window() -> Window:
    grids = {Span.AFTER: np.linspace(1.0, 1.4, 33)}
    return windows(instance(), grids, rtol=1e-10)[Span.AFTER]


@pytest.mark.parametrize(("count", "size"), [(17, 5), (33, 9)])
def test_quarters_share_their_ends(count: int, size: int) -> None:
    parts = quarters(range(count))
    assert [len(part) for part in parts] == [size] * 4
    assert [part[0] for part in parts[1:]] == [part[-1] for part in parts[:-1]]
    assert (parts[0][0], parts[-1][-1]) == (0, count - 1)


def test_rivals_judge_other_windows_only_where_they_are_earlier() -> None:
    assert Span.AFTER.times(0.4, 2.0) == Span.INVERSE_DECAY.times(0.4, 2.0) == (1.0, 1.4)
    assert Span.INVERSE_DECAY.times(0.4, 0.5) == Span.HALF.times(0.4, 2.0) == (0.5, 0.7)
    assert Span.BEFORE.times(0.4, 2.0) == (0.3, 0.6)


def test_energy_that_is_lost_is_the_square_of_the_speed(window: Window) -> None:
    """dE/ds = -|dtheta/ds|^2, over the first quarters, where much is lost."""
    for states in quarters(window.states)[:2]:
        fine, coarse = energy_balance(states, energy)
        assert fine == pytest.approx(1.0, abs=max(2.0 * abs(fine - coarse), 1e-6))
        assert fine == pytest.approx(1.0, rel=0.02)


def test_simpsons_rule_is_exact_on_cubics() -> None:
    grids = {Span.AFTER: np.linspace(1.0, 1.1, 5)}
    states = windows(instance(), grids, rtol=1e-8)[Span.AFTER].states
    speeds = {s.decay_time: np.exp(2.0 * s.log_norm) * s.stationarity**2 for s in states}
    times = np.array(sorted(speeds))
    cubic = np.polynomial.Polynomial.fit(times, [speeds[t] for t in times], 4).integ()
    boole = cubic(times[-1]) - cubic(times[0])

    def primitive(state: FlowState) -> float:
        return -float(cubic(state.decay_time))

    # a primitive of the interpolant through five points: Simpson differs from Boole's rule by
    # (coarse - fine) / 15
    fine, coarse = energy_balance(states, primitive)
    assert boole > 0.0
    assert 1.0 / fine == pytest.approx(1.0 + (1.0 / coarse - 1.0 / fine) / 15.0, rel=1e-9)


def test_energy_bounds_hold_on_each_quarter_and_get_sharper(window: Window) -> None:
    shares = window.read(partial(shares_of_energy, energy_bound=stationarity_bound))
    assert np.all(shares.values + shares.errors < GRID)
    bounds = [stationarity_bound(part) for part in quarters(window.states)]
    assert all(b < 0.7 * a for a, b in pairwise(bounds))
    assert bounds[-1] < 0.1 * stationarity_bound(window.states)


def test_residuals_at_rest_count_as_none(window: Window) -> None:
    (share, *_) = shares_of_energy(window.states, lambda states: 0.0)
    smallest = min(state.stationarity for state in window.states)
    assert share == pytest.approx(smallest / RESTING)


@pytest.fixture(scope="module", params=["exponential", "logistic"])
def phase(request: pytest.FixtureRequest) -> LatePhase:
    return measure(instance(2, request.param))


def test_one_measurement_holds_the_windows_of_all_theories(phase: LatePhase) -> None:
    own = phase.instance.own.log10_alpha
    scales = [rung.window.log10_alpha for rung in phase.rungs]
    assert scales == pytest.approx([own, 1.5 * own, 2.25 * own])
    before = phase.over(Span.BEFORE)
    assert before[1:] == phase.rungs[1:]
    early, late = (smallest_stationarity(r[0].window.states) for r in (before, phase.rungs))
    assert early > 0.5 > 10.0 * late
    np.testing.assert_allclose(phase.energy_balance.values, 1.0, rtol=1e-4)


def test_complementarity_is_the_difference_of_entropies(phase: LatePhase) -> None:
    for rung in phase.rungs:
        state = rung.window.last
        found = flow_complementarity(state)
        assert (
            -1e-14 <= found - entropy_share(state) <= softness(state) / mean_margin(state) + 1e-14
        )
        weights = np.exp(state.log_multipliers)
        written_out = 1.0 - state.margins.min() / (weights @ state.margins / weights.sum())
        assert found == pytest.approx(written_out, abs=1e-12)


def test_the_best_multipliers_are_no_worse_and_not_negative(phase: LatePhase) -> None:
    for rung in phase.rungs:
        found = best_residual(rung.window.last)
        assert found.multipliers.min() >= 0.0
        assert rung.excess <= 1e-12


def test_a_flow_at_another_lambda_is_read_as_one_at_its_own() -> None:
    wrong = measure(instance(2), decay=1.05)
    assert wrong.rungs[0].window.last.chart.regime == instance(2).regime
    # multipliers 5 % too small leave 5 % of theta unexplained
    assert wrong.rungs[0].window.last.stationarity == pytest.approx(0.05, rel=0.1)


def test_a_saddle_that_is_being_left_is_found() -> None:
    found = measure(second_transition_example())
    told = saddles_being_left([rung.window for rung in found.rungs], "title", "residual")
    assert told
    assert told[0].severity > 0.1
    assert "degree 3" in told[0].detail
