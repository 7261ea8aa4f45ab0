"""Where the flow of w = u^D - v^D from u = a, v = b ends: the interpolation of least Q.

Woodworth et al. (COLT 2020) for D = 2 and a = b. Along the flow without decay, with z in the row
space of the inputs and k = D (D - 2), e = D / (D - 2), for D > 2

    w = (a^(2-D) - k z)^-e - (b^(2-D) + k z)^-e,

and the end is the one such w that interpolates: the minimum over nu of the convex
sum [(a^(2-D) - k z)^(1-e) + (b^(2-D) + k z)^(1-e)] / (k (e - 1)) - y.nu at z = X' nu.
"""

from typing import Final

import numpy as np

from theory.backend import Floats
from theory.errors import InvalidInput, OracleFailed
from theory.noise import interpolation

ACCURACY: Final = 1e-13
ITERATIONS: Final = 200


def least_potential(
    inputs: Floats, targets: Floats, plus: Floats, minus: Floats, degree: int
) -> Floats:
    """The w `(d,)` of least Q with X w = y.

    Args:
        inputs: X, `(n, d)`, of full row rank.
        targets: y, `(n,)`.
        plus: a > 0, `(d,)`.
        minus: b > 0, `(d,)`.
        degree: D, at least 2.

    Raises:
        InvalidInput: a degree below 2.
        OracleFailed: X w = y is not reached to 1e-13 of the numbers that w is made of.
    """
    if degree < 2:
        raise InvalidInput(f"degree is {degree}; it must be at least 2")
    if degree == 2:
        return interpolation(inputs, targets, plus, minus)
    rate, power = degree * (degree - 2.0), degree / (degree - 2.0)
    left, right = plus ** (2.0 - degree), minus ** (2.0 - degree)

    def sides(dual: Floats) -> tuple[Floats, Floats]:
        z = rate * (inputs.T @ dual)
        return left - z, right + z

    def potential(dual: Floats) -> float:
        up, down = sides(dual)
        if up.min() <= 0.0 or down.min() <= 0.0:
            return float(np.inf)
        total = float((up ** (1.0 - power) + down ** (1.0 - power)).sum())
        return total / (rate * (power - 1.0)) - float(targets @ dual)

    dual = np.zeros(len(targets))
    # w is a difference of numbers as large as a^D, and a power of one of a^(2-D)
    largest = [np.abs(targets), plus**degree, minus**degree, 10.0 * left, 10.0 * right]
    scale = max(1.0, *(float(each.max()) for each in largest))
    for _ in range(ITERATIONS):
        up, down = sides(dual)
        weights = up**-power - down**-power
        gap = inputs @ weights - targets
        if np.abs(gap).max() < ACCURACY * scale:
            return np.asarray(weights)
        bend = rate * power * (up ** (-power - 1.0) + down ** (-power - 1.0))
        step = np.asarray(np.linalg.solve((inputs * bend) @ inputs.T, -gap))
        slope, here = float(gap @ step), potential(dual)
        # rounding hides the last falls of the potential
        while potential(dual + step) > here + 1e-4 * slope + 1e-15 * abs(here):
            step, slope = step / 2.0, slope / 2.0
        dual = dual + step
    raise OracleFailed(f"no interpolation of least Q after {ITERATIONS} steps of Newton's method")
