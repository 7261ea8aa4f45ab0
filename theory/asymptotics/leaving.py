"""How fast a net of bent rectifiers comes to the sharp one: like d, or like d log(1/d).

A unit that slides along a kink has the slope u that keeps it there, and its preactivation z, over
the size at which it bends, is d logit(u). It leaves where u comes to an end of [a, 1], at speed k.
There z' = k t + e^(-z / d), with t from when the sharp unit leaves, so that

    e^(z / d) = e^(k t^2 / 2d) int e^(-k t^2 / 2d) dt / d,
    z = k t^2 / 2 + (d/2) log(2 pi / (k d))

once t is many sqrt(d / k): what stays is of order d log(1/d). A unit that crosses a kink, or is on
it at the end, errs by O(d). Source: this project.
"""

from math import log, log2, pi

from theory.errors import InvalidInput
from theory.requests import check_positive


def lead_of_leaving(smoothing: float, speed: float) -> float:
    """By how much z is ahead of the sharp unit's that has left its kink, (d/2) log(2 pi / (k d)).

    Args:
        smoothing: d > 0.
        speed: k > 0, that of the slope at which it leaves.

    Raises:
        InvalidInput: one that is not positive.
    """
    check_positive("smoothing", smoothing)
    check_positive("speed", speed)
    return 0.5 * smoothing * log(2.0 * pi / (speed * smoothing))


def order_of_leaving(smoothing: float) -> float:
    """log2 of |e(d) - e(d/2)| over |e(d/2) - e(d/4)| where e(d) is proportional to d log(1/d).

    Raises:
        InvalidInput: a smoothing that is not between 0 and 1/4.
    """
    if not 0.0 < smoothing < 0.25:
        raise InvalidInput(f"smoothing is {smoothing}; it must be between 0 and 1/4")
    return 1.0 + log2(1.0 - log(2.0) / -log(smoothing))
