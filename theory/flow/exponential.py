"""An exponential that a compiler can evaluate for several numbers at once.

That of the C library is a call for each number, which keeps loops around it from being vectorised.
"""

from math import factorial
from typing import Final

import numpy as np

from theory.compiled import inlined

_LOG2_E: Final = 1.4426950408889634
_LOG_2_HIGH: Final = 6.93147180369123816490e-01
_LOG_2_LOW: Final = 1.90821492927058770002e-10
"""log 2 in two parts; the first has so few digits that its multiples are exact."""

_ROUNDER: Final = 1.5 * 2.0**52
"""A sum with it has no digits behind the point, and the integer in its last bits."""

_ONE: Final = 1023 << 52
"""The bits of 1.0."""

_LARGEST: Final = 700.0

_C = tuple(1.0 / factorial(k) for k in range(14))


@inlined
def _parts(x: float) -> tuple[float, float]:
    """A power of two, and e with e^x = power (1 + e)."""
    x = min(max(x, -_LARGEST), _LARGEST)
    rounded = x * _LOG2_E + _ROUNDER
    doublings = rounded - _ROUNDER
    r = (x - doublings * _LOG_2_HIGH) - doublings * _LOG_2_LOW
    r2 = r * r
    r4 = r2 * r2
    low = (_C[2] + _C[3] * r) + r2 * (_C[4] + _C[5] * r)
    middle = (_C[6] + _C[7] * r) + r2 * (_C[8] + _C[9] * r)
    high = (_C[10] + _C[11] * r) + r2 * (_C[12] + _C[13] * r)
    bits = np.int64((np.float64(rounded).view(np.int64) << 52) + _ONE)
    return bits.view(np.float64), r + r2 * (low + r4 * (middle + r4 * high))


@inlined
def exp(x: float) -> float:
    """e^x, constant beyond |x| = 700."""
    power, excess = _parts(x)
    return power + power * excess


@inlined
def expm1(x: float) -> float:
    """e^x - 1, constant beyond |x| = 700."""
    power, excess = _parts(x)
    return power * excess + (power - 1.0)
