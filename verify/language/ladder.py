"""A ladder: one quantity along a small parameter, said once for its laws and its plot."""

from dataclasses import dataclass, replace
from enum import StrEnum
from math import inf

import numpy as np
from numpy.typing import ArrayLike

from theory.backend import Floats
from theory.errors import InvalidInput
from verify.language.fits import Slope, log_slope
from verify.language.law import Basis, Check, Kind, Law, below, not_applicable, rate, unresolved
from verify.language.quantity import Quantity

JUDGED = 3.0
"""A rung is judged where its bound exceeds its numerical error by this factor."""

EXACT = 0.01
"""Errors, relative to a quantity of order one, up to which a ladder within them is exact."""


class Role(StrEnum):
    """What the predicted values of a ladder are."""

    COURSE = "predicted course"
    UPPER_BOUND = "upper bound"


@dataclass(frozen=True, eq=False)
class Ladder:
    """A measured quantity with what is predicted for it, rung by rung.

    Attributes:
        name: of the quantity, with its symbol.
        x: where the rungs lie on the axis of the plot, `(k,)`.
        measured: of `k` values.
        predicted: `(k,)`; NaN where there is no prediction.
        small: the parameter in whose powers the theorem's limit is approached, `(k,)`.
    """

    name: str
    x_label: str
    x: Floats
    measured: Quantity
    predicted: Floats
    small: Floats
    role: Role = Role.COURSE

    @classmethod
    def of(
        cls,
        name: str,
        x_label: str,
        x: ArrayLike,
        measured: Quantity,
        predicted: ArrayLike = np.nan,
        small: ArrayLike | None = None,
        role: Role = Role.COURSE,
    ) -> "Ladder":
        """From arrays of one length; without `small`, the axis itself is the small parameter.

        Raises:
            InvalidInput: lengths differ.
        """
        axis = np.atleast_1d(np.asarray(x, dtype=np.float64))
        course = np.asarray(predicted, dtype=np.float64)
        parameter = axis if small is None else np.asarray(small, dtype=np.float64)
        lengths = {len(axis), len(measured), len(parameter)}
        if len(lengths) > 1 or course.shape not in ((), (len(axis),)):
            raise InvalidInput(
                f"ladder {name!r} has {len(axis)} rungs, {len(measured)} values, predictions of "
                f"shape {course.shape} and {len(parameter)} small parameters; one each is needed"
            )
        return cls(
            name, x_label, axis, measured, np.broadcast_to(course, axis.shape), parameter, role
        )

    @property
    def deviation(self) -> Quantity:
        """|measured / predicted - 1|."""
        with np.errstate(all="ignore"):
            return abs(self.measured / self.predicted - 1.0)

    def part(self, rungs: slice) -> "Ladder":
        """The ladder of some of its rungs."""
        x, predicted, small = self.x[rungs], self.predicted[rungs], self.small[rungs]
        return replace(self, x=x, measured=self.measured[rungs], predicted=predicted, small=small)

    def stays_below(self, law: str, basis: Basis) -> Law:
        """Every rung is at most what is predicted, which is drawn as a bound.

        Rungs whose bound is below `JUDGED` times their error say nothing; where none is left, the
        law is unresolved.
        """
        drawn = replace(self, role=Role.UPPER_BOUND)
        certain = self.measured.values - self.measured.errors
        judged = ~(self.predicted < JUDGED * self.measured.errors) | (certain > self.predicted)
        if not judged.any():
            found = unresolved(law, Kind.BELOW, "the error exceeds the bound on every rung")
            return replace(found, ladder=drawn)
        rungs, bounds = self.measured[judged], self.predicted[judged]
        return replace(below(law, rungs, bounds, basis, at=self.x[judged]), ladder=drawn)

    def starts_within(self, law: str, share: float, basis: Basis = Basis.MEASURED) -> Law:
        """The first rung is off its prediction by at most a share of it."""
        found = below(law, self.deviation[:1], share, basis, at=self.x[:1])
        return replace(found, ladder=self)

    def approaches(
        self,
        law: str,
        order: float,
        *,
        factor: float = 2.0,
        at_least: float | None = None,
        calibrated_on: int = 2,
    ) -> Law:
        """|measured / predicted - 1| falls at least like small^order; see `falling`.

        Raises:
            InvalidInput: as `falling` does.
        """
        given = law, self.x, self.deviation, self.small, order, factor, at_least, calibrated_on
        found = falling(*given, exact=EXACT)
        return replace(found, ladder=self)

    def falls(
        self,
        law: str,
        order: float,
        *,
        factor: float = 2.0,
        at_least: float | None = None,
        calibrated_on: int = 2,
    ) -> Law:
        """The measured quantity itself falls at least like small^order; see `falling`.

        Without `at_least` it is told in a unit that makes it of order one.

        Raises:
            InvalidInput: as `falling` does.
        """
        given = law, self.x, abs(self.measured), self.small, order, factor, at_least, calibrated_on
        found = falling(*given, exact=EXACT if at_least is None else at_least / JUDGED)
        return replace(found, ladder=self)

    def slope(self, along: ArrayLike, per: ArrayLike = 1.0, agreement: float = inf) -> Slope:
        """Slope of log10(measured / per) against `along`, over the resolved rungs."""
        return log_slope(along, self.measured / np.asarray(per, dtype=np.float64), agreement)

    def rate(
        self,
        law: str,
        exponent: float,
        tolerance: float,
        *,
        along: ArrayLike,
        unit: float = 1.0,
        per: ArrayLike = 1.0,
        agreement: float = inf,
        stratum: str = "",
    ) -> Law:
        """The exponent of measured / per along `along`, over `unit`, is as stated.

        Args:
            agreement: how far slopes between neighbours may differ, as fitted.
        """
        fitted = self.slope(along, per, agreement)
        if fitted.reason:
            return unresolved(law, Kind.RATE, fitted.reason, stratum)
        found = rate(
            law,
            fitted.value / unit,
            exponent,
            tolerance,
            fitted.method,
            error=fitted.error / abs(unit),
            stratum=stratum,
        )
        return replace(found, ladder=self)

    @property
    def asymptotic_range(self) -> float:
        """How far local slopes still move from rung to rung, over their mean; small in the range
        where the order shows. NaN where fewer than three rungs are resolved."""
        with np.errstate(all="ignore"):
            fitted = log_slope(np.log10(self.small), abs(self.measured))
        return fitted.wandering / abs(fitted.value) if not fitted.reason else float("nan")


NONE_JUDGED = "no rung after those that calibrate it is resolved"


def falling(
    law: str,
    x: Floats,
    values: Quantity,
    small: Floats,
    order: float,
    factor: float,
    at_least: float | None,
    calibrated_on: int,
    exact: float,
) -> Law:
    """value_j <= factor * C * small_j^order on every rung after those that C is taken from.

    C is the largest value / small^order on the first `calibrated_on` rungs, of those that exceed
    their error; never less than what makes `at_least` of the first rung, a size that it can be
    expected to have. One rung alone can be small by accident, so it calibrates only beside such a
    size. Where no value exceeds its error, and none of the first rungs has one above `exact`, the
    law does not apply: nothing deviates. Where larger errors cover all values it is unresolved.

    Raises:
        InvalidInput: one rung is to calibrate without `at_least`; the factor is not positive and
            finite; small parameters do not fall from rung to rung.
    """
    if not 0.0 < factor < inf:
        raise InvalidInput(f"factor of {law!r} is {factor!r}; it must be positive and finite")
    if calibrated_on < 2 and at_least is None:
        raise InvalidInput(
            f"law {law!r} is calibrated on {calibrated_on} rung; give at_least, or take two"
        )
    if not (np.all(small > 0.0) and np.all(np.diff(small) < 0.0)):
        told = f"law {law!r} has small parameters {small.tolist()}"
        raise InvalidInput(f"{told}; they must be positive and fall from rung to rung")
    certain = values.resolved(1.0)
    if not np.all(np.isfinite(values.values)):
        return unresolved(law, Kind.APPROACHES, "not a finite number")
    known = values.errors[:calibrated_on].max() <= exact and np.all(np.isfinite(values.errors))
    if not certain.any() and known:
        return not_applicable(law, Kind.APPROACHES, "every rung is exact to its numerical error")
    if not certain.any():
        return unresolved(law, Kind.APPROACHES, "the errors cover every rung")
    scaled = (values.values + values.errors) / small**order
    first = scaled[:calibrated_on][certain[:calibrated_on]]
    expected = 0.0 if at_least is None else (at_least + values.errors[0]) / small[0] ** order
    if at_least is None and not len(first):
        return unresolved(law, Kind.APPROACHES, "the rungs that calibrate it are not resolved")
    bounds = factor * max(first.max(initial=0.0), expected) * small**order
    certainly = values.values - values.errors
    judged = [
        j
        for j in range(calibrated_on, len(x))
        if bounds[j] >= JUDGED * values.errors[j] or certainly[j] > bounds[j]
    ]
    if not judged:
        return unresolved(law, Kind.APPROACHES, NONE_JUDGED)
    checks = tuple(
        Check(float(values.values[j]), float(bounds[j]), float(values.errors[j]), float(x[j]))
        for j in judged
    )
    return Law(law, Kind.APPROACHES, Basis.CALIBRATED, checks=checks)
