"""Early alignment and escape: operator, odds, one neuron, and the two regimes."""

from math import log

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from theory.errors import InvalidInput
from theory.lazy_rich import Setting
from theory.lazy_rich.escape import (
    SingleNeuron,
    aligned_escape_time,
    alignment_clock,
    coherence,
    early_operator,
    early_rate,
    escape_time,
    first_rate,
    target_odds,
    threshold_error,
)
from theory.lazy_rich.online import Online, OrderParameters


def gaussian(seed: int, width: int = 3, centred: bool = False) -> Online:
    return Online.of(
        Setting(8, width, 1, output_scale=0.3, curvature=0.7, centred=centred, seed=seed)
    )


def one(overlap: float, output_scale: float, curvature: float = 0.5, signal: float = 1.0) -> Online:
    return Online(np.eye(1), np.array([overlap]), output_scale, curvature, signal)


def test_early_operator_is_the_derivative_at_zero_overlap() -> None:
    online = gaussian(2)
    tiny = 1e-6
    for k in range(3):
        pushed = OrderParameters(online.gram, tiny * np.eye(3)[k], online.gram)
        column = online.velocity(pushed).alignment / tiny
        np.testing.assert_allclose(column, early_operator(online)[:, k], atol=1e-10)


@given(st.integers(0, 999), st.booleans())
def test_first_rate_is_that_of_the_closed_equations(seed: int, centred: bool) -> None:
    online = gaussian(seed, centred=centred)
    velocity = online.velocity(online.start()).alignment
    expected = 2.0 * online.alignment @ velocity / (online.alignment @ online.alignment)
    assert first_rate(online) == pytest.approx(float(expected), rel=1e-10, abs=1e-10)


@given(st.integers(0, 999))
def test_threshold_errs_by_no_more_than_stated(seed: int) -> None:
    online = gaussian(seed)
    # first_rate = 2 (threshold - coherence), the threshold exact
    exact = 0.5 * first_rate(online) + coherence(online.alignment)
    assert early_rate(online) - threshold_error(online) <= exact + 1e-12
    assert exact <= early_rate(online)


@pytest.mark.parametrize("width", [1, 2, 4])
def test_odds_of_the_target_grow_exponentially_at_all_times(width: int) -> None:
    online = gaussian(5, width)
    course = online.flow([0.2, 0.5, 1.0])
    start = target_odds(online.gram, online.alignment, online.signal)
    for time, state in zip(course.times, course.states, strict=True):
        growth = log(target_odds(state.gram, state.alignment, online.signal) / start)
        assert growth == pytest.approx(2.0 * alignment_clock(online, float(time)), abs=1e-7)


def test_odds_are_those_of_the_regression_on_the_weights() -> None:
    generator = np.random.default_rng(1)
    weights, beta = generator.standard_normal((2, 5)), generator.standard_normal(5)
    fitted = weights.T @ np.linalg.lstsq(weights.T, beta, rcond=None)[0]
    explained = float(fitted @ fitted)
    expected = explained / (beta @ beta - explained)
    found = target_odds(weights @ weights.T / 5, weights @ beta / 5, float(beta @ beta) / 5)
    assert found == pytest.approx(float(expected), rel=1e-12)


@pytest.mark.parametrize(
    ("overlap", "output_scale", "curvature", "signal"),
    [(0.1, 0.01, 0.5, 1.0), (0.1, 0.3, 0.5, 1.0), (0.01, 0.1, 0.2, 2.0), (-0.4, 0.25, 0.5, 1.0)],
)
def test_one_neuron_is_solved_exactly(
    overlap: float, output_scale: float, curvature: float, signal: float
) -> None:
    online = one(overlap, output_scale, curvature, signal)
    exact = SingleNeuron.of(online)
    per_clock = output_scale / (curvature * signal)
    clocks = [0.5, 2.0, 4.0, 6.0]
    course = online.flow([clock * per_clock for clock in clocks])
    for clock, state in zip(clocks, course.states, strict=True):
        bend = output_scale * curvature / signal
        assert bend * state.gram[0, 0] == pytest.approx(exact.size(clock), rel=1e-8)
        assert online.loss(state).total == pytest.approx(exact.loss(clock).total, rel=1e-8)
    time, error = escape_time(online, 60.0 * per_clock)
    assert error < 1e-6 * time
    assert time == pytest.approx(exact.escape_clock() * per_clock, rel=1e-6)


def test_one_neuron_where_the_linear_part_stops_the_growth_of_the_norm() -> None:
    """alpha = eps B / 2: the exponential integral has rate zero."""
    online = one(0.1, 0.25)
    exact = SingleNeuron.of(online)
    state = online.flow([1.0]).states[0]
    assert 0.125 * state.gram[0, 0] == pytest.approx(exact.size(2.0), rel=1e-9)


@pytest.mark.parametrize("pattern", [(1.0,), (1.0, -1.0), (2.0, 1.0, -1.0)])
def test_aligned_escape_time(pattern: tuple[float, ...]) -> None:
    online = Online(np.eye(len(pattern)), 0.1 * np.array(pattern), 1e-6, 0.1, 2.0)
    predicted = aligned_escape_time(online)
    time, error = escape_time(online, 3.0 * predicted)
    assert error < 1e-6 * time
    assert time == pytest.approx(predicted, rel=3e-4)


@pytest.mark.parametrize(
    ("output_scale", "sizes", "slope"),
    [(1e-6, (0.1, 0.01), 2.0 / 3.0), (0.1, (1e-6, 1e-7), 1.0)],
    ids=["aligned", "saturated"],
)
def test_slopes_of_the_two_regimes(
    output_scale: float, sizes: tuple[float, float], slope: float
) -> None:
    """d tau / d log(1/A): 2/3 above alpha eps, 1 below."""
    clocks = []
    for size in sizes:
        online = Online(np.eye(2), size * np.array([1.0, -1.0]), output_scale, 1.0)
        clocks.append(alignment_clock(online, escape_time(online, 60.0 * output_scale)[0]))
    assert (clocks[1] - clocks[0]) / log(10.0) == pytest.approx(slope, abs=2e-3)


def test_bad_input_is_named() -> None:
    with pytest.raises(InvalidInput, match="overlap"):
        SingleNeuron(1.0, 2.0, 1.0, 1.0, 1.0)
    with pytest.raises(InvalidInput, match="overlap"):
        SingleNeuron(1.0, 0.0, 1.0, 1.0, 1.0)
    with pytest.raises(InvalidInput, match="width"):
        SingleNeuron.of(gaussian(0))
    with pytest.raises(InvalidInput, match="gram"):
        target_odds(np.ones((2, 2)), np.array([0.1, 0.1]), 1.0)
    with pytest.raises(InvalidInput, match="latest"):
        escape_time(one(0.1, 0.01), 1e-3)
    with pytest.raises(InvalidInput, match="latest"):
        SingleNeuron.of(one(0.1, 0.01)).escape_clock(latest=0.1)


@pytest.mark.parametrize("scale", [0.02, 0.25, 2.0, 100.0])
def test_one_neuron_follows_its_bernoulli_equation(scale: float) -> None:
    """1 / x by a sum of exponentials in 60 digits; lazy neurons shrink by e^(399 clock)."""
    neuron, clock = SingleNeuron(1.0, 0.1, scale, 0.5, 1.0), mpmath.mpf("1.5")
    with mpmath.workdps(60):
        growth = 1 - 2 * mpmath.mpf(scale) / mpmath.mpf("0.5")
        odds = mpmath.mpf(0.1) ** 2 / (1 - mpmath.mpf(0.1) ** 2)
        sources = mpmath.quad(
            lambda s: mpmath.exp(growth * s) * (1 + odds * mpmath.exp(2 * s)), [0, clock]
        )
        inverse = (1 + odds) / (mpmath.mpf(scale) * mpmath.mpf("0.5")) + 3 * sources
        exact = (1 + odds * mpmath.exp(2 * clock)) * mpmath.exp(growth * clock) / inverse
    assert neuron.size(1.5) == pytest.approx(float(exact), rel=1e-11)


@pytest.mark.parametrize("scale", [5.0, 100.0])
def test_a_lazy_neuron_does_not_escape(scale: float) -> None:
    """Aligned it grows at 3 - 2 alpha / (eps B), and not at all from alpha = 0.75 on."""
    neuron = SingleNeuron(1.0, 0.1, scale, 0.5, 1.0)
    for latest in (100.0, 1000.0):
        with pytest.raises(InvalidInput, match="latest"):
            neuron.escape_clock(latest=latest)


def test_neurons_without_overlaps_have_no_coherence() -> None:
    with pytest.raises(InvalidInput, match="alignment is zero"):
        coherence(np.zeros(3))
