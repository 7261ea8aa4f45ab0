"""Bad times, tolerances and sequences are refused: the argument, what it was, what is allowed."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from theory.errors import InvalidInput
from theory.requests import (
    check_budget,
    check_increasing,
    check_not_negative,
    check_number,
    check_positive,
    check_rtol,
    check_whole,
    requested_times,
)


def test_times_become_an_array() -> None:
    np.testing.assert_array_equal(requested_times([0, 0.5, 2]), [0.0, 0.5, 2.0])


@pytest.mark.parametrize("at", [[], [[0.5]], [float("nan")], [float("inf")]])
def test_what_is_no_list_of_times_is_refused(at: list[float]) -> None:
    with pytest.raises(InvalidInput, match="must be a list of finite times"):
        requested_times(at)


@pytest.mark.parametrize("at", [["a"], ["1"], [True], None])
def test_times_that_are_no_numbers_are_refused(at: Any) -> None:
    with pytest.raises(InvalidInput, match="at is not a rectangular array of numbers: "):
        requested_times(at)


@pytest.mark.parametrize("value", [3, np.int64(3), np.int32(3)])
def test_whole_numbers_pass(value: int) -> None:
    check_whole("size", value, 3)


@pytest.mark.parametrize("value", [2, 3.0, np.float64(3.5), "3", None, True])
def test_what_is_no_whole_number_of_that_size_is_refused(value: object) -> None:
    with pytest.raises(InvalidInput, match=r"size is .*; it must be a whole number, at least 3"):
        check_whole("size", value, 3)


@pytest.mark.parametrize("value", [float("inf"), float("nan"), 10**400, "1", None, False])
def test_what_is_no_finite_number_is_refused(value: object) -> None:
    with pytest.raises(InvalidInput, match=r"level is .*; it must be a finite number"):
        check_number("level", value)


@pytest.mark.parametrize("value", [0, -1, float("nan"), "5", None])
def test_budgets_below_one_are_refused(value: object) -> None:
    with pytest.raises(InvalidInput, match=r"max_steps is .*; it must be at least 1"):
        check_budget("max_steps", value)


def test_negative_times_are_refused() -> None:
    with pytest.raises(InvalidInput, match=r"at holds -0.5; times must be >= 0"):
        requested_times([0.5, -0.5])


@pytest.mark.parametrize("rtol", [0.0, 1e-14, 0.1, float("nan"), None, "1", True])
def test_tolerances_out_of_range_are_refused(rtol: Any) -> None:
    with pytest.raises(InvalidInput, match="rtol is"):
        check_rtol(rtol)


def test_tolerances_in_range_pass() -> None:
    check_rtol(1e-13)
    check_rtol(1e-2)


@pytest.mark.parametrize("at", [[0], [3], [0.0, 0.5, 2.0], range(4), np.array([0.5, 1.0])])
def test_values_that_increase_pass(at: Sequence[float]) -> None:
    check_increasing("at", at)


@pytest.mark.parametrize(
    "at", [[], [-1, 2], [2, 1], [1, 1], [float("nan")], [0.0, float("nan")], np.array([1.0, 0.5])]
)
def test_values_that_do_not_increase_are_refused(at: Sequence[float]) -> None:
    with pytest.raises(InvalidInput, match=r"at is .*; it must increase from 0 or more"):
        check_increasing("at", at)


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf"), 10**400, "1", True, None, [1]])
def test_sizes_are_finite_numbers(value: Any) -> None:
    with pytest.raises(InvalidInput, match=r"scale is .*; it must be positive and finite"):
        check_positive("scale", value)
    with pytest.raises(InvalidInput, match=r"decay is .*; it must be finite and at least 0"):
        check_not_negative("decay", value)


def test_zero_is_not_negative_and_not_positive() -> None:
    check_not_negative("decay", 0)
    check_positive("scale", np.float64(5e-324))
    with pytest.raises(InvalidInput, match="scale is 0; it must be positive"):
        check_positive("scale", 0)
