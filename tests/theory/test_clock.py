"""The clock: a bijection, continuously differentiable at its seam."""

from math import exp, inf, log

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from theory.clock import clock_of, decay_time_at, log_rate


@given(st.floats(1e-300, 1e6))
@example(1.0)
def test_clock_and_decay_time_are_inverse(decay_time: float) -> None:
    # an exponent of size 700 costs three digits of its exponential
    assert decay_time_at(clock_of(decay_time)) == pytest.approx(decay_time, rel=1e-13)


@given(st.floats(-700, 1e5))
@example(0.0)
def test_decay_time_and_clock_are_inverse(clock: float) -> None:
    assert clock_of(decay_time_at(clock)) == pytest.approx(clock, rel=1e-14, abs=1e-15)


@given(st.floats(-600, 1e5))
@example(0.0)
@example(-5e-7)
def test_log_rate_is_the_derivative(clock: float) -> None:
    h = 1e-6 * max(1.0, abs(clock) * 1e-3)
    slope = (decay_time_at(clock + h) - decay_time_at(clock - h)) / (2 * h)
    # the difference quotient errs by h (second derivative jumps at the seam) plus rounding / h
    assert slope == pytest.approx(exp(log_rate(clock)), rel=1e-5)


def test_clock_is_logarithmic_before_the_seam_and_linear_after() -> None:
    assert clock_of(1e-100) == log(1e-100)
    assert clock_of(1.0) == 0.0
    assert clock_of(23027.0) == 23026.0
    assert decay_time_at(-inf) == 0.0
