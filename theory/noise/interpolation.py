"""Where the flow of w = u^2 - v^2 from u = a, v = b ends: the interpolation of least Q.

Woodworth et al. (COLT 2020). Along the flow w = a^2 e^(4z) - b^2 e^(-4z) with z in the row space of
the inputs, whatever the loss; the end is the one such w that interpolates. It minimises Q with
grad Q = [arcsinh(w / 2ab) - log(a/b)] / 4 subject to X w = y, of which this is the dual.
"""

from typing import Final

import numpy as np

from theory.backend import Floats
from theory.errors import InvalidInput, OracleFailed
from theory.requests import all_finite, finite_numbers, number_array
from theory.units import power_of_two

ACCURACY: Final = 1e-13
"""Of X w = y, relative to the numbers that X w is summed from, |X| (u^2 + v^2)."""

ITERATIONS: Final = 200

_HALVINGS: Final = 60
"""Of a step along which the dual rises by more than a quarter of how it first fell."""

_NEAR: Final = 0.5
"""Exponents below which w is a^2 - b^2 and by how much the two moved, without their difference."""


def interpolation(inputs: Floats, labels: Floats, plus: Floats, minus: Floats) -> Floats:
    """The w `(d,)` of least Q with X w = y.

    Args:
        inputs: X, `(n, d)`, whose rows are linearly independent.
        labels: y, `(n,)`.
        plus: a > 0, `(d,)`.
        minus: b > 0, `(d,)`.

    Raises:
        InvalidInput: shapes do not fit, numbers are not finite, or a start is not positive.
        OracleFailed: the rows are not independent, or Newton's method on the convex dual does not
            reach X w = y to 1e-13 of y and of the numbers that w is made of.
    """
    inputs, labels, plus, minus = checked(inputs, labels, plus, minus)
    # powers of two leave all digits as they are
    unit = power_of_two(inputs)
    inputs, labels = np.ldexp(inputs, -unit), np.ldexp(labels, -unit)
    dual = np.zeros(len(labels))
    for _ in range(ITERATIONS):
        weights, made_of, powers = _parts(inputs.T @ dual, plus, minus)
        gap = inputs @ weights - labels
        if np.all(np.abs(gap) <= ACCURACY * (np.abs(inputs) @ made_of + np.abs(labels))):
            return weights
        try:
            step = np.asarray(np.linalg.solve((inputs * (4.0 * powers)) @ inputs.T, -gap), float)
        except np.linalg.LinAlgError:
            raise OracleFailed("no interpolation of least Q: inputs have dependent rows") from None
        # exponents that move by one at most keep the quadratic model meaningful
        step /= max(1.0, 4.0 * float(np.abs(inputs.T @ step).max()))
        slope = float(gap @ step)
        for _ in range(_HALVINGS):
            moved = _parts(inputs.T @ (dual + step), plus, minus)[0]
            if float((inputs @ moved - labels) @ step) <= 0.25 * abs(slope):
                break
            step /= 2.0
        dual += step
    raise OracleFailed(f"no interpolation of least Q after {ITERATIONS} steps of Newton's method")


def checked(
    inputs: Floats, labels: Floats, plus: Floats, minus: Floats, *, called: str = "labels"
) -> tuple[Floats, Floats, Floats, Floats]:
    """All of them in float64; labels are `called` so in messages.

    Raises:
        InvalidInput: shapes do not fit, numbers are not finite, or a start is not positive.
    """
    rows = all_finite("inputs", number_array("inputs", inputs))
    if rows.ndim != 2 or rows.size == 0:
        raise InvalidInput(f"inputs has shape {rows.shape}; it must be (n, d), n and d at least 1")
    wanted = finite_numbers(called, labels, rows.shape[:1])
    first = finite_numbers("plus", plus, rows.shape[1:])
    second = finite_numbers("minus", minus, rows.shape[1:])
    for name, start in (("plus", first), ("minus", second)):
        if not np.all(start > 0.0):
            raise InvalidInput(f"{name} has {start.min()}; all of it must be positive")
    return rows, wanted, first, second


def _parts(z: Floats, plus: Floats, minus: Floats) -> tuple[Floats, Floats, Floats]:
    """w, the size of what it is a sum of, and a^2 e^(4z) + b^2 e^(-4z), `(d,)` each."""
    up, down = plus**2 * np.exp(4.0 * z), minus**2 * np.exp(-4.0 * z)
    first, more, less = (
        plus**2 - minus**2,
        plus**2 * np.expm1(4.0 * z),
        minus**2 * np.expm1(-4.0 * z),
    )
    near = np.abs(4.0 * z) < _NEAR
    made_of = np.where(near, np.abs(first) + np.abs(more) + np.abs(less), up + down)
    return np.where(near, first + more - less, up - down), made_of, up + down
