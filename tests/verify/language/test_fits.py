"""Least-squares slopes: by hand, and what numbers that are unknown make of them."""

from math import inf, isnan, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from theory.errors import InvalidInput
from verify.language import Quantity, linear_slope, log_slope


@given(st.floats(-5.0, 5.0), st.floats(-5.0, 5.0), st.integers(2, 6))
def test_a_straight_line_has_its_slope(slope: float, start: float, rungs: int) -> None:
    x = np.arange(rungs, dtype=np.float64)
    found = linear_slope(x, Quantity.of(start + slope * x, np.zeros(rungs)))
    assert found.value == pytest.approx(slope, abs=1e-9)
    assert found.error == 0.0
    assert found.wandering == pytest.approx(0.0, abs=1e-9)
    assert not found.reason


def test_errors_count_by_their_weights() -> None:
    """Weights of (0, 1, 2) are (-1/2, 0, 1/2)."""
    found = linear_slope([0.0, 1.0, 2.0], Quantity.of([0.0, 7.0, 2.0], [0.2, 9.0, 0.4]))
    assert found.value == pytest.approx(1.0)
    assert found.error == pytest.approx(0.3)
    assert found.wandering == pytest.approx(12.0)


@pytest.mark.filterwarnings("error")
def test_what_is_unknown_in_the_middle_does_not_matter() -> None:
    found = linear_slope([0.0, 1.0, 2.0], Quantity.of([0.0, 1.0, 2.0], [0.2, inf, 0.4]))
    assert found.error == pytest.approx(0.3)
    found = linear_slope([0.0, 1.0, 2.0], Quantity.of([0.0, 1.0, 2.0], [inf, 0.1, 0.4]))
    assert found.error == inf


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("bad", [nan, inf, -inf])
def test_no_slope_without_numbers(bad: float) -> None:
    found = linear_slope([0.0, 1.0, 3.0], Quantity.of([0.0, bad, 2.0], [0.1, 0.1, 0.1]))
    assert isnan(found.value)
    assert found.error == inf
    assert found.reason == "a value is not finite"


@pytest.mark.parametrize(("x", "values"), [([0.0], [1.0]), ([0.0, 1.0], [1.0, 2.0, 3.0])])
def test_two_rungs_are_needed(x: list[float], values: list[float]) -> None:
    with pytest.raises(InvalidInput, match="as many are needed, and two at least"):
        linear_slope(x, Quantity.of(values, np.zeros(len(values))))


@pytest.mark.parametrize("x", [[1.0, 2.0], [[1.0, 2.0, 3.0]]])
def test_a_slope_needs_as_many_places_as_values(x: list[float]) -> None:
    for slope in (linear_slope, log_slope):
        with pytest.raises(InvalidInput, match="entries for 3 values; as many are needed"):
            slope(x, Quantity.of([1.0, 2.0, 3.0], 0.0))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("x", "reason"),
    [([0.1, 0.1, 0.1], "all rungs lie at one place"), ([0.0, nan, 1.0], "at no finite place")],
)
def test_places_that_carry_no_slope_are_told(x: list[float], reason: str) -> None:
    for slope in (linear_slope, log_slope):
        found = slope(x, Quantity.of([1.0, 2.0, 3.0], 0.0))
        assert isnan(found.value)
        assert found.error == inf
        assert reason in found.reason
