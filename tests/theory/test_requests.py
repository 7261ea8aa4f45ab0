"""Times and tolerances are refused with the argument, what it was and what is allowed."""

import numpy as np
import pytest

from theory.errors import InvalidInput
from theory.requests import check_rtol, requested_times


def test_times_become_an_array() -> None:
    np.testing.assert_array_equal(requested_times([0, 0.5, 2]), [0.0, 0.5, 2.0])


@pytest.mark.parametrize("at", [[], [[0.5]], [float("nan")], [float("inf")]])
def test_what_is_no_list_of_times_is_refused(at: list[float]) -> None:
    with pytest.raises(InvalidInput, match="must be a list of finite times"):
        requested_times(at)


def test_negative_times_are_refused() -> None:
    with pytest.raises(InvalidInput, match=r"at holds -0.5; times must be >= 0"):
        requested_times([0.5, -0.5])


@pytest.mark.parametrize("rtol", [0.0, 1e-14, 0.1, float("nan")])
def test_tolerances_out_of_range_are_refused(rtol: float) -> None:
    with pytest.raises(InvalidInput, match="rtol is"):
        check_rtol(rtol)


def test_tolerances_in_range_pass() -> None:
    check_rtol(1e-13)
    check_rtol(1e-2)
