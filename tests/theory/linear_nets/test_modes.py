"""Times of modes and of depth against integrations, and against what decouples."""

import numpy as np
import pytest

from theory.errors import IntegrationFailed, InvalidInput
from theory.linear_nets import (
    TwoLayers,
    escape_time,
    half_time,
    half_times,
    mode_starts,
    mode_times,
)

STRENGTHS = np.array([4.0, 2.0])


def layers(scale: float) -> TwoLayers:
    rng = np.random.default_rng(5)
    return TwoLayers(scale * rng.normal(size=(3, 2)), scale * rng.normal(size=(2, 3)))


def test_times_of_modes_from_small_random_weights() -> None:
    small = layers(1e-5)
    predicted = mode_times(STRENGTHS, mode_starts(small, 2))
    measured = half_times(small, STRENGTHS, 20.0, rtol=1e-9)
    assert measured == pytest.approx(predicted, abs=1e-3)
    without = mode_times(STRENGTHS, mode_starts(small, 2, orthogonal=False))
    assert abs(measured[1] - without[1]) > 0.01


def test_one_balanced_mode_is_saxes_sigmoid() -> None:
    one = TwoLayers(np.array([[0.1]]), np.array([[0.1]]))
    assert mode_starts(one, 1) == pytest.approx([0.01])
    measured = half_times(one, np.array([2.0]), 10.0, rtol=1e-10)
    assert measured == pytest.approx([np.log(2.0 / 0.01 - 1.0) / 4.0], rel=1e-8)


def test_a_mode_that_is_not_learned_in_time() -> None:
    with pytest.raises(IntegrationFailed, match="not every mode"):
        half_times(layers(1e-3), STRENGTHS, 0.1, rtol=1e-6)


@pytest.mark.parametrize("depth", [3, 4, 6])
def test_escape_of_depth_by_two_routes(depth: int) -> None:
    integrated, exact = half_time(depth, 0.1, 1.5), half_time(depth, 0.1, 1.5, rtol=None)
    assert integrated == pytest.approx(exact, rel=1e-8)
    assert exact == pytest.approx(escape_time(depth, 0.1, 1.5), rel=0.2)


def test_a_chain_of_one_or_two_layers_is_slow_as_a_logarithm_of_its_start() -> None:
    """u' = 2 u (s - u) of two, u' = s - u of one."""
    two = np.log((1.5 - 0.01) / 0.01) / 3.0
    assert half_time(2, 0.1, 1.5, rtol=None) == pytest.approx(two, rel=1e-10)
    assert half_time(2, 0.1, 1.5) == pytest.approx(two, rel=1e-8)
    tiny = np.log((1.5 - 1e-60) / 1e-60) / 3.0
    assert half_time(2, 1e-30, 1.5) == pytest.approx(tiny, rel=1e-8)
    one = np.log((1.5 - 0.1) / 0.75)
    assert half_time(1, 0.1, 1.5, rtol=None) == pytest.approx(one, rel=1e-10)
    assert half_time(1, 0.1, 1.5) == pytest.approx(one, rel=1e-8)


def test_bad_chains_are_refused() -> None:
    with pytest.raises(InvalidInput, match="depth is 0"):
        half_time(0, 0.1, 1.5)
    with pytest.raises(InvalidInput, match=r"unbalance is 1\.2"):
        half_time(3, 0.1, 1.5, rtol=None, unbalance=1.2)


def test_escape_needs_depth() -> None:
    with pytest.raises(InvalidInput, match="depth is 2"):
        escape_time(2, 0.1, 1.0)


@pytest.mark.parametrize(
    ("start", "strength"), [(0.0, 1.0), (-0.1, 1.0), (0.1, 0.0), (0.1, -1.0), (np.nan, 1.0)]
)
def test_chains_without_a_time_are_refused(start: float, strength: float) -> None:
    with pytest.raises(InvalidInput, match=r"start|strength"):
        escape_time(3, start, strength)
    with pytest.raises(InvalidInput, match=r"start|strength"):
        half_time(3, start, strength)


@pytest.mark.parametrize("rtol", [None, 1e-8])
def test_a_chain_that_begins_beyond_half_is_refused(rtol: float | None) -> None:
    with pytest.raises(InvalidInput, match="below half of strength"):
        half_time(2, 0.9, 1.0, rtol=rtol)


def test_modes_beyond_the_hidden_units_start_from_nothing() -> None:
    rng = np.random.default_rng(2)
    narrow = TwoLayers(rng.normal(size=(2, 3)), rng.normal(size=(4, 2)))
    starts = mode_starts(narrow, 3)
    z = (narrow.first.T + narrow.second[:3]) / 2.0
    area = z[0, 0] * z[1, 1] - z[0, 1] * z[1, 0]
    assert starts == pytest.approx([z[0] @ z[0], area**2 / (z[0] @ z[0]), 0.0])
    with pytest.raises(InvalidInput, match="modes are 4"):
        mode_starts(narrow, 4)
    with pytest.raises(InvalidInput, match="modes are 4"):
        half_times(narrow, np.ones(4), 1.0, rtol=1e-6)
