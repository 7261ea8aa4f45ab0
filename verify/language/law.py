"""A law: what is asserted of one instance; decided, unresolved or not applicable, never absent."""

from dataclasses import dataclass, field, replace
from enum import StrEnum
from math import inf, isfinite
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from theory.backend import Floats
from theory.errors import InvalidInput
from verify.language.quantity import Quantity

if TYPE_CHECKING:
    from verify.language.ladder import Ladder


class Kind(StrEnum):
    """What sort of law it is."""

    EQUALS = "equals"
    BELOW = "below"
    APPROACHES = "approaches"
    RATE = "rate"
    ORDERED = "ordered"


class Basis(StrEnum):
    """Where the bound of a law comes from."""

    DERIVED = "derived"
    """A bound that is proved, with its constant."""

    CALIBRATED = "calibrated"
    """An order that is proved, with a constant from the instance's own first rungs."""

    IDENTITY = "identity"
    """Exact; the bound is what rounding and integration leave."""

    MEASURED = "measured"
    """A constant seen on other instances, with its room told among the claim's tolerances."""


class Status(StrEnum):
    """What a law has come to on one instance."""

    KEPT = "kept"
    REFUTED = "refuted"
    UNRESOLVED = "unresolved"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True)
class Check:
    """One inequality: value <= bound, with `error` the uncertainty of the value.

    `at` is the rung of a ladder that it belongs to, on its axis.
    """

    value: float
    bound: float
    error: float = 0.0
    at: float | None = None

    @property
    def use(self) -> float:
        """(value - error) / bound, the share of its bound that a value takes; above 1 refutes."""
        certain = self.value - self.error
        if self.bound <= 0.0:
            return inf if certain > self.bound else 0.0
        return certain / self.bound

    @property
    def status(self) -> Status:
        """Refuted beyond the error, unresolved where the error covers the bound or is not known."""
        if not all(map(isfinite, (self.value, self.bound, self.error))):
            return Status.UNRESOLVED
        if self.use > 1.0:
            return Status.REFUTED
        return Status.KEPT if self.value + self.error <= self.bound else Status.UNRESOLVED


@dataclass(frozen=True)
class Estimate:
    """A slope or constant of one instance, with what is predicted for it.

    Attributes:
        tolerance: absolute; how far the median over instances may lie from what is predicted.
        error: numerical uncertainty of `fitted`.
        method: how it was found on the instance, in words.
    """

    fitted: float
    predicted: float
    tolerance: float
    error: float
    method: str

    @property
    def off(self) -> float:
        """Tolerances by which it is off, with its sign."""
        deviation = self.fitted - self.predicted
        if self.tolerance <= 0.0:
            return 0.0 if deviation == 0.0 else inf
        return deviation / self.tolerance


@dataclass(frozen=True)
class Law:
    """One law on one instance, under one theory.

    Attributes:
        id: the law's words, the same on every instance.
        stratum: the kind of instance within which rates are compared, such as a degree.
        reason: why it is unresolved or not applicable.
        ladder: what it was read from, for the plot.
        compared: values and what is predicted of each, of a law of equality; for figures.
    """

    id: str
    kind: Kind
    basis: Basis
    stratum: str = ""
    checks: tuple[Check, ...] = ()
    estimate: Estimate | None = None
    unresolved: str = ""
    not_applicable: str = ""
    ladder: "Ladder | None" = field(default=None, compare=False)
    compared: "tuple[Quantity, Floats] | None" = field(default=None, compare=False, repr=False)

    @property
    def status(self) -> Status:
        """A refuted check refutes; a rate alone refutes nothing, its median over instances does."""
        if self.not_applicable:
            return Status.NOT_APPLICABLE
        found = {check.status for check in self.checks}
        if Status.REFUTED in found:
            return Status.REFUTED
        if self.unresolved or Status.UNRESOLVED in found:
            return Status.UNRESOLVED
        return Status.KEPT if self.checks or self.estimate is not None else Status.UNRESOLVED

    @property
    def reason(self) -> str:
        """Why nothing was decided, in words."""
        if self.not_applicable or self.unresolved:
            return self.not_applicable or self.unresolved
        if self.status is not Status.UNRESOLVED:
            return ""
        if not self.checks:
            return "nothing was asserted"
        finite = all(isfinite(c.value) and isfinite(c.bound) for c in self.checks)
        return "the error covers the bound" if finite else "not a finite number"

    def within(self, stratum: str) -> "Law":
        """The same law, told to belong to a stratum."""
        return replace(self, stratum=stratum)


def below(
    law: str,
    value: Quantity | float,
    bound: ArrayLike,
    basis: Basis,
    *,
    error: ArrayLike = 0.0,
    at: ArrayLike | None = None,
) -> Law:
    """value <= bound, for each of several values where they are arrays.

    Raises:
        InvalidInput: an error is given beside a quantity that carries its own.
    """
    checks = _checks(value, bound, error, at)
    return Law(law, Kind.BELOW, basis, checks=checks)


def equals(
    law: str,
    value: Quantity | float,
    predicted: ArrayLike,
    tolerance: ArrayLike,
    basis: Basis = Basis.IDENTITY,
    *,
    error: ArrayLike = 0.0,
    at: ArrayLike | None = None,
) -> Law:
    """|value - predicted| <= tolerance, absolute."""
    quantity = value if isinstance(value, Quantity) else Quantity.of(value, error)
    told = np.asarray(predicted, dtype=np.float64)
    checks = _checks(abs(quantity - told), tolerance, 0.0, at)
    pairs = quantity, np.broadcast_to(told, quantity.values.shape)
    return Law(law, Kind.EQUALS, basis, checks=checks, compared=pairs)


def rate(
    law: str,
    fitted: Quantity | float,
    predicted: float,
    tolerance: float,
    method: str,
    *,
    error: float | None = None,
    stratum: str = "",
    basis: Basis = Basis.DERIVED,
) -> Law:
    """A slope or constant; its median over instances must lie within tolerance of `predicted`.

    Unresolved where it is not a number or its error exceeds its tolerance.

    Raises:
        InvalidInput: a tolerance that is not positive; a quantity of several numbers, or with an
            error beside its own; a number without one.
    """
    if not 0.0 < tolerance < inf:
        raise InvalidInput(f"tolerance of {law!r} is {tolerance!r}; it must be positive and finite")
    if isinstance(fitted, Quantity):
        if error is not None:
            raise InvalidInput(f"error is {error!r}; the quantity carries its own")
        if len(fitted) != 1:
            raise InvalidInput(f"fitted of {law!r} is {len(fitted)} numbers; a rate is one")
        number, known = float(fitted.values[0]), float(fitted.errors[0])
    elif error is None:
        raise InvalidInput(f"error of {law!r} is missing; a number does not carry one")
    else:
        number, known = float(fitted), float(error)
    reason = ""
    if not all(map(isfinite, (number, predicted, known))):
        reason = "not a finite number"
    elif known > tolerance:
        reason = "its numerical error exceeds its tolerance"
    estimate = None
    if not reason:
        estimate = Estimate(number, float(predicted), float(tolerance), known, method)
    return Law(law, Kind.RATE, basis, stratum, estimate=estimate, unresolved=reason)


def ordered(
    law: str, values: Quantity | ArrayLike, *, error: ArrayLike = 0.0, strictly_by: float = 0.0
) -> Law:
    """values[0] <= values[1] <= ..., each neighbour larger by at least `strictly_by`."""
    quantity = values if isinstance(values, Quantity) else Quantity.of(values, error)
    if len(quantity) < 2:
        raise InvalidInput(f"values of {law!r} are {len(quantity)}; an order needs two at least")
    drops = quantity[:-1] - quantity[1:] + strictly_by
    size = np.maximum(np.abs(quantity.values[:-1]), np.abs(quantity.values[1:]))
    unit = np.where(size > 0.0, size, 1.0)
    checks = tuple(
        Check(float(d / u), 0.0, float(e / u))
        for d, e, u in zip(drops.values, drops.errors, unit, strict=True)
    )
    return Law(law, Kind.ORDERED, Basis.DERIVED, checks=checks)


def unresolved(law: str, kind: Kind, reason: str, stratum: str = "") -> Law:
    """A law that applies, but that nothing could be said about here."""
    return Law(law, kind, Basis.DERIVED, stratum, unresolved=_told(reason))


def not_applicable(law: str, kind: Kind, reason: str, stratum: str = "") -> Law:
    """A law that does not speak about this instance."""
    return Law(law, kind, Basis.DERIVED, stratum, not_applicable=_told(reason))


def _told(reason: str) -> str:
    if not reason.strip():
        raise InvalidInput(f"reason is {reason!r}; it must say why nothing is decided")
    return reason


def _checks(
    value: Quantity | float, bound: ArrayLike, error: ArrayLike, at: ArrayLike | None
) -> tuple[Check, ...]:
    if isinstance(value, Quantity):
        if np.any(np.asarray(error) != 0.0):
            raise InvalidInput(f"error is {error!r}; the quantity carries its own")
        quantity = value
    else:
        quantity = Quantity.of(value, error)
    bounds = np.broadcast_to(np.asarray(bound, dtype=np.float64), quantity.values.shape)
    axis = [None] * len(quantity) if at is None else np.atleast_1d(np.asarray(at)).tolist()
    columns = (quantity.values.tolist(), bounds.tolist(), quantity.errors.tolist(), axis)
    return tuple(Check(*row) for row in zip(*columns, strict=True))
