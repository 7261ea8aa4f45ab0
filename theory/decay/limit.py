"""Where the flow of w = u^D - v^D from u = a, v = b ends: the interpolation of least Q.

Woodworth et al. (COLT 2020) for D = 2 and a = b. Along the flow without decay, with z in the row
space of the inputs and k = D (D - 2), e = D / (D - 2), for D > 2

    w = (a^(2-D) - k z)^-e - (b^(2-D) + k z)^-e,

and the end is the one such w that interpolates: the minimum over nu of the convex
sum [(a^(2-D) - k z)^(1-e) + (b^(2-D) + k z)^(1-e)] / (k (e - 1)) - y.nu at z = X' nu.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from scipy.linalg import qr, solve_triangular

from theory.backend import Flags, Floats
from theory.errors import InvalidInput, OracleFailed
from theory.noise.interpolation import checked, interpolation
from theory.requests import LARGEST, check_number

ACCURACY: Final = 1e-13
ITERATIONS: Final = 200

_HALVINGS: Final = 60
"""Of a step that leads past the least potential."""

_TO_THE_EDGE: Final = 0.95
"""Share of the way to where a power is infinite that a step may take."""


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
        InvalidInput: a degree below 2; a start that is not positive; shapes that do not fit, or
            numbers that are not finite.
        OracleFailed: some target is not reached to 1e-13 of itself and of the numbers that w is
            made of: u^D and v^D, or a^D - b^D and by how much the two powers moved where that is
            less.
    """
    check_number("degree", degree)
    if degree < 2:
        raise InvalidInput(f"degree is {degree}; it must be at least 2")
    inputs, targets, plus, minus = checked(inputs, targets, plus, minus, called="targets")
    if degree == 2:
        return interpolation(inputs, targets, plus, minus)
    sizes = np.abs(inputs).max(axis=1)
    sizes[sizes == 0.0] = 1.0
    rows = inputs / sizes[:, None]
    wanted = targets / sizes
    reached = float(np.abs(wanted).max()) ** (1.0 / degree)
    unit = max(float(plus.max()), float(minus.max()), reached)
    if unit > LARGEST ** (1.0 / degree):
        raise OracleFailed("no interpolation of least Q: the start is beyond float64")
    with np.errstate(over="ignore", invalid="ignore"):
        pair = _Pair(_Power.begun(plus / unit, degree), _Power.begun(minus / unit, degree))
        return np.asarray(unit**degree * _interpolating(rows, wanted / unit**degree, pair))


@dataclass(frozen=True, eq=False)
class _Power:
    """One of the two powers, (start^(2-D) - moved)^-e; all `(d,)`.

    Attributes:
        start: a or b.
        moved: k z or -k z, itself: small where the start is large.
        rest: start^(2-D) - moved, itself: small where the start is small.
        degree: D.
    """

    start: Floats
    moved: Floats
    rest: Floats
    degree: int

    @classmethod
    def begun(cls, start: Floats, degree: int) -> "_Power":
        return cls(start, np.zeros_like(start), start ** (2.0 - degree), degree)

    def shifted(self, by: Floats) -> "_Power":
        return replace(self, moved=self.moved + by, rest=self.rest - by)

    @property
    def exponent(self) -> float:
        """e."""
        return self.degree / (self.degree - 2.0)

    @property
    def near(self) -> Flags:
        """Whether it is still about what it began as, `(d,)`."""
        return np.asarray(np.abs(self.moved) < 0.5 * self.start ** (2.0 - self.degree))

    @property
    def value(self) -> Floats:
        return np.asarray(self.rest**-self.exponent)

    @property
    def growth(self) -> Floats:
        """By how much it is above start^D, where it is near."""
        share = np.where(self.near, self.moved * self.start ** (self.degree - 2.0), 0.0)
        return np.asarray(self.start**self.degree * np.expm1(-self.exponent * np.log1p(-share)))

    @property
    def slope(self) -> Floats:
        """Its derivative in z or -z."""
        return np.asarray(self.degree**2 * self.rest ** (-self.exponent - 1.0))


@dataclass(frozen=True, eq=False)
class _Pair:
    """w = plus - minus."""

    plus: _Power
    minus: _Power

    def shifted(self, by: Floats) -> "_Pair":
        """At z + by / k."""
        return _Pair(self.plus.shifted(by), self.minus.shifted(-by))

    @property
    def weights(self) -> tuple[Floats, Floats]:
        """w and the size of what it is a sum of, `(d,)` each."""
        plus, minus = self.plus, self.minus
        first = plus.start**plus.degree - minus.start**minus.degree
        up, down = plus.growth, minus.growth
        near = plus.near & minus.near
        return (
            np.where(near, first + up - down, plus.value - minus.value),
            np.where(near, np.abs(first) + np.abs(up) + np.abs(down), plus.value + minus.value),
        )

    def room(self, by: Floats) -> float:
        """How much of a step may be taken before a power is infinite, at most 1."""
        shares = np.concatenate([by / self.plus.rest, -by / self.minus.rest])
        return min(1.0, _TO_THE_EDGE / max(float(shares.max()), 1e-300))


def _interpolating(rows: Floats, wanted: Floats, pair: _Pair) -> Floats:
    """By Newton's method on the dual; steps move the powers and not nu, which cannot tell where a
    power is that has grown by far."""
    rate = pair.plus.degree * (pair.plus.degree - 2.0)
    for _ in range(ITERATIONS):
        weights, made_of = pair.weights
        gap = rows @ weights - wanted
        if np.all(np.abs(gap) <= ACCURACY * (np.abs(rows) @ made_of + np.abs(wanted))):
            return weights
        bend = pair.plus.slope + pair.minus.slope
        if not np.all((bend > 0.0) & np.isfinite(bend)):
            raise OracleFailed("no interpolation of least Q: the start is beyond float64")
        order = np.argsort(-bend)  # so that QR keeps the small rows
        turned, triangle, pivots = qr(
            (np.sqrt(bend)[:, None] * rows.T)[order], mode="economic", pivoting=True
        )
        if len(triangle) < len(gap) or np.any(np.diag(triangle) == 0.0):
            raise OracleFailed("no interpolation of least Q: inputs are dependent")
        step = solve_triangular(triangle, -gap[pivots], trans="T")
        by = np.empty_like(bend)
        by[order] = turned @ step
        by *= rate / np.sqrt(bend)
        pair = _advanced(rows, wanted, pair, by, (triangle, pivots, step))
    raise OracleFailed(f"no interpolation of least Q after {ITERATIONS} steps of Newton's method")


def _advanced(
    rows: Floats,
    wanted: Floats,
    pair: _Pair,
    by: Floats,
    factors: tuple[Floats, Floats, Floats],
) -> _Pair:
    """A step, halved until the potential rises along it by a quarter at most of how it first fell.

    Slopes tell that where rounding hides the falls themselves.
    """
    triangle, pivots, step = factors
    share = pair.room(by)
    for _ in range(_HALVINGS):
        moved = pair.shifted(share * by)
        gap = rows @ moved.weights[0] - wanted
        slope = float(solve_triangular(triangle, gap[pivots], trans="T") @ step)
        if slope <= 0.25 * float(step @ step):
            break
        share /= 2.0
    return moved
