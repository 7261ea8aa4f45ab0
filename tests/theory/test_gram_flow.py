"""The closed form of Q Q' in float64 against the same in arithmetic of thousands of digits."""

import mpmath
import numpy as np
import pytest

from theory.backend import Floats
from theory.errors import InvalidInput
from theory.gram_flow import gram_root

DIGITS = 2000
"""More than e^(4 |F| t) has here."""


def exact(values: Floats, start: Floats, time: float, gain: float) -> "mpmath.matrix":
    q0, late = mpmath.matrix(start.tolist()), mpmath.mpf(time)
    rates = [mpmath.mpf(v) for v in values.tolist()]
    grown = [gain * (mpmath.expm1(2 * v * late) / (2 * v) if v else late) for v in rates]
    moved = mpmath.diag([mpmath.exp(v * late) for v in rates]) * q0
    inner = mpmath.eye(q0.cols) + q0.T * mpmath.diag(grown) * q0
    return moved * mpmath.inverse(inner) * moved.T


@pytest.mark.parametrize("hidden", [1, 2, 4])
@pytest.mark.parametrize("size", [1e-100, 1e-3, 1e3])
@pytest.mark.parametrize("time", [0.0, 1e-12, 5.0, 60.0, 800.0])
def test_every_entry_is_right_to_rounding_of_its_rows(
    hidden: int, size: float, time: float
) -> None:
    values = np.array([0.3, 1.0, -0.3, 0.0])
    start = size * np.random.default_rng(hidden).normal(size=(4, hidden))
    root = gram_root(values, start, time, 2.0)
    found = root @ root.T
    with mpmath.workdps(DIGITS):
        expected = exact(values, start, time, 2.0)
        lengths = [mpmath.sqrt(expected[i, i]) for i in range(4)]
        for i in range(4):
            for j in range(4):
                room = mpmath.mpf(1e-13) * lengths[i] * lengths[j] + mpmath.mpf(1e-300)
                assert abs(found[i, j] - expected[i, j]) < room


def test_a_mode_that_is_not_there_at_first_never_is() -> None:
    start = np.array([[0.0, 0.0], [1e-3, 2e-3], [3e-3, -1e-3]])
    root = gram_root(np.array([2.0, 1.0, 0.5]), start, 900.0, 2.0)
    assert root @ root.T == pytest.approx(np.diag([0.0, 1.0, 0.5]), abs=1e-15)


@pytest.mark.parametrize("time", [-1.0, np.inf, np.nan])
def test_times_before_the_start_are_refused(time: float) -> None:
    with pytest.raises(InvalidInput, match=rf"time is {time}; it must be finite and at least 0"):
        gram_root(np.ones(1), np.ones((1, 1)), time, 1.0)
