"""Gradient descent on f^2 / 2, f = u.v / sqrt(m), as a map of two numbers.

With k = eta (|u|^2 + |v|^2) / m, eta times the curvature, and z = eta^2 f^2 / m, a step is exactly

    z+ = z (1 - k + z)^2,      k+ = k + z (k - 4),

at every width m (Lewkowycz et al. 2020 have it to leading order). While k < 4 it falls, and the sum
of z (4 - k) is finite, so z tends to 0; above 4 it grows, and z cannot vanish where |1 - k| > 3,
but for starts that a step takes to z = 0.
"""

from math import log

from theory.errors import InvalidInput, NumericalFailure
from theory.requests import check_number, check_whole


def catapult_step(k: float, z: float) -> tuple[float, float]:
    """k and z after a step."""
    return k + z * (k - 4.0), z * (1.0 - k + z) ** 2


def check_start(k: float, z: float) -> None:
    """`InvalidInput` unless k >= 2 sqrt(z) and z >= 0 are finite, as those of all u and v are."""
    check_number("k", k)
    check_number("z", z)
    if not z >= 0.0 or not 2.0 * z**0.5 <= k:
        raise InvalidInput(f"k is {k!r} and z {z!r}; k must be at least 2 sqrt(z), z at least 0")


def settled(k: float, z: float, steps: int = 10**6) -> tuple[float, float, float, int]:
    """Final k and z, the sum of z (4 - k), which is what k has lost, and the step of the largest z.

    Ends where z is 0, or below 1e-30 of [k (2 - k)]^2 and falling, or above 1e6. Where it falls,
    the steps that are left out count by `lazy_loss`.

    Raises:
        InvalidInput: k < 2 sqrt(z) or z < 0, which no u and v have; no steps.
        NumericalFailure: so many steps do not get there.
    """
    check_start(k, z)
    check_whole("steps", steps)
    lost, peak, largest = 0.0, 0, z
    for step in range(steps + 1):
        if z > largest:
            peak, largest = step, z
        if z == 0.0 or z > 1e6:
            return k, z, lost, peak
        if k < 2.0 and z < 1e-30 * (k * (2.0 - k)) ** 2:
            rest = z * lazy_loss(k)
            return k - rest, z, lost + rest, peak
        lost += z * (4.0 - k)
        k, z = catapult_step(k, z)
    raise NumericalFailure(f"after {steps} steps k is {k!r} and z {z!r}, which is not settled")


def lazy_loss(k: float) -> float:
    """(k - k at the end) / z for small z and k < 2: (4 - k) / (k (2 - k)).

    Raises:
        InvalidInput: k is not between 0 and 2.
    """
    check_number("k", k)
    if not 0.0 < k < 2.0:
        raise InvalidInput(f"k is {k!r}; the lazy phase is 0 < k < 2")
    return (4.0 - k) / (k * (2.0 - k))


def catapult_time(k: float, z: float) -> float:
    """Steps to the largest loss for small z and 2 < k < 4: log(1/z) / (2 log(k - 1)), but for O(1).

    Raises:
        InvalidInput: k is not between 2 and 4, or z not between 0 and 1.
    """
    check_number("k", k)
    check_number("z", z)
    if not 2.0 < k < 4.0:
        raise InvalidInput(f"k is {k!r}; the catapult is 2 < k < 4")
    if not 0.0 < z < 1.0:
        raise InvalidInput(f"z is {z!r}; it must be small, 0 < z < 1")
    return -log(z) / (2.0 * log(k - 1.0))
