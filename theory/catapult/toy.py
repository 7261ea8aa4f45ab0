"""A toy of the edge of stability, after Damian, Nichani, Lee (2023).

Descent on L = x^2 (2/eta + y) / 2 - a y: x+ = -(1 + eta y) x, y+ = y + eta (a - x^2 / 2). Up to the
sign of x, which alternates, it follows a flow that keeps

    H = y^2 / 2 + x^2 / 4 - a log|x|.

Steps do not: H grows by eta^2 [x^2 y^2 / 4 + a y^2 / 2 + (a - x^2 / 2)^2 / 2] each, which is never
negative, but for a eta^3 y^3 / 3 and less. Orbits spiral outwards.
"""

import numpy as np

from theory.backend import Floats
from theory.errors import NumericalFailure
from theory.requests import check_number, check_positive, check_whole


def toy_path(x: float, y: float, a: float, eta: float, steps: int) -> Floats:
    """x and y before every step and after the last, `(steps + 1, 2)`.

    Raises:
        InvalidInput: a number that is not finite, eta that is not positive, steps below 0.
        NumericalFailure: the path leaves float64.
    """
    for name, value in (("x", x), ("y", y), ("a", a)):
        check_number(name, value)
    check_positive("eta", eta)
    check_whole("steps", steps, 0)
    states = np.empty((steps + 1, 2))
    states[0] = x, y
    for step in range(steps):
        x, y = -(1.0 + eta * y) * x, y + eta * (a - x * x / 2.0)
        states[step + 1] = x, y
    if not np.all(np.isfinite(states)):
        raise NumericalFailure(f"the path leaves float64 within {steps} steps")
    return states


def toy_energy(states: Floats, a: float) -> Floats:
    """H of each state, `(T,)`."""
    x, y = states.T
    return np.asarray(y**2 / 2.0 + x**2 / 4.0 - a * np.log(np.abs(x)))


def toy_gain(states: Floats, a: float) -> Floats:
    """What a step from each state adds to H, over eta^2, to leading order, `(T, 3)` by term."""
    x, y = states.T
    terms = [x**2 * y**2 / 4.0, a * y**2 / 2.0, (a - x**2 / 2.0) ** 2 / 2.0]
    return np.stack(terms, axis=1)


def toy_lowest(a: float) -> float:
    """The least H, at x^2 = 2a and y = 0.

    Raises:
        InvalidInput: a is not positive and finite, and H has no least value.
    """
    check_positive("a", a)
    return float(a / 2.0 - a * np.log(2.0 * a) / 2.0)
