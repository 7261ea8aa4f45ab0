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


NO_ERROR = 0.0


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

    Raises:
        InvalidInput: its id is no string, its kind no `Kind` or its basis no `Basis`.

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

    def __post_init__(self) -> None:
        if not isinstance(self.id, str):
            raise InvalidInput(f"law is {self.id!r}; its id must be words, in a string")
        if not isinstance(self.kind, Kind):
            raise InvalidInput(f"kind of {self.id!r} is {self.kind!r}; it must be a Kind")
        if not isinstance(self.basis, Basis):
            raise InvalidInput(f"basis of {self.id!r} is {self.basis!r}; it must be a Basis")

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
        if not all(isfinite(c.value) and isfinite(c.bound) for c in self.checks):
            return "not a finite number"
        known = all(isfinite(c.error) for c in self.checks)
        return "the error covers the bound" if known else "the error is not known"

    def within(self, stratum: str) -> "Law":
        """The same law, told to belong to a stratum."""
        return replace(self, stratum=stratum)


def below(
    law: str,
    value: Quantity | float,
    bound: ArrayLike,
    basis: Basis,
    *,
    error: ArrayLike = NO_ERROR,
    at: ArrayLike | None = None,
) -> Law:
    """value <= bound, for each of several values where they are arrays.

    Raises:
        InvalidInput: an error is given beside a quantity that carries its own; bounds or places do
            not fit the values; the basis is no `Basis`.
    """
    checks = _checks(law, _quantity(law, value, error), "bound", bound, at)
    return Law(law, Kind.BELOW, basis, checks=checks)


def equals(
    law: str,
    value: Quantity | float,
    predicted: ArrayLike,
    tolerance: ArrayLike,
    basis: Basis = Basis.IDENTITY,
    *,
    error: ArrayLike = NO_ERROR,
    at: ArrayLike | None = None,
) -> Law:
    """|value - predicted| <= tolerance, absolute.

    Raises:
        InvalidInput: an error is given beside a quantity that carries its own; predictions,
            tolerances or places do not fit the values; a tolerance is negative or NaN; the basis is
            no `Basis`.
    """
    quantity = _quantity(law, value, error)
    told = _fitting(law, "predicted", predicted, quantity)
    if not np.all(np.greater_equal(tolerance, 0.0)):
        raise InvalidInput(f"tolerance of {law!r} is {tolerance!r}; it must not be negative")
    checks = _checks(law, abs(quantity - told), "tolerance", tolerance, at)
    pairs = quantity, told
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

    Unresolved where it is not a number, or where its error is not known or exceeds its tolerance.

    Raises:
        InvalidInput: a tolerance that is not positive; a quantity of several numbers, or with an
            error beside its own; a number without one; a negative error.
    """
    if not 0.0 < tolerance < inf:
        raise InvalidInput(f"tolerance of {law!r} is {tolerance!r}; it must be positive and finite")
    if isinstance(fitted, Quantity):
        if error is not None:
            raise _told_twice(law, error)
        if len(fitted) != 1:
            raise InvalidInput(f"fitted of {law!r} is {len(fitted)} numbers; a rate is one")
        number, known = float(fitted.values[0]), float(fitted.errors[0])
    elif error is None:
        raise InvalidInput(f"error of {law!r} is missing; a number does not carry one")
    else:
        number, known = float(fitted), float(error)
    if known < 0.0:
        raise InvalidInput(f"error of {law!r} is {known!r}; it must not be negative")
    reason = ""
    if not (isfinite(number) and isfinite(predicted)):
        reason = "not a finite number"
    elif not isfinite(known):
        reason = "the error is not known"
    elif known > tolerance:
        reason = "its numerical error exceeds its tolerance"
    estimate = None
    if not reason:
        estimate = Estimate(number, float(predicted), float(tolerance), known, method)
    return Law(law, Kind.RATE, basis, stratum, estimate=estimate, unresolved=reason)


def ordered(
    law: str, values: Quantity | ArrayLike, *, error: ArrayLike = NO_ERROR, strictly_by: float = 0.0
) -> Law:
    """values[0] <= values[1] <= ..., each neighbour larger by at least `strictly_by`.

    Raises:
        InvalidInput: fewer than two values; an error is given beside a quantity that carries its
            own; `strictly_by` is negative or not finite.
    """
    quantity = _quantity(law, values, error)
    if not 0.0 <= strictly_by < inf:
        told = f"strictly_by of {law!r} is {strictly_by!r}"
        raise InvalidInput(f"{told}; it must be finite and not negative")
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
    """A law that applies, but that nothing could be said about here.

    Raises:
        InvalidInput: the reason is no words; the kind is no `Kind`.
    """
    return Law(law, kind, Basis.DERIVED, stratum, unresolved=_told(law, reason))


def not_applicable(law: str, kind: Kind, reason: str, stratum: str = "") -> Law:
    """A law that does not speak about this instance.

    Raises:
        InvalidInput: the reason is no words; the kind is no `Kind`.
    """
    return Law(law, kind, Basis.DERIVED, stratum, not_applicable=_told(law, reason))


def _told(law: str, reason: str) -> str:
    if not (isinstance(reason, str) and reason.strip()):
        raise InvalidInput(f"reason of {law!r} is {reason!r}; it must say why nothing is decided")
    return reason


def _told_twice(law: str, error: ArrayLike) -> InvalidInput:
    return InvalidInput(f"error of {law!r} is {error!r}; the quantity carries its own")


def _quantity(law: str, value: Quantity | ArrayLike, error: ArrayLike) -> Quantity:
    """The values of a law with their error, which is told once."""
    quantity = value if isinstance(value, Quantity) else Quantity.of(value, error)
    if quantity is value and error is not NO_ERROR and np.any(np.asarray(error) != 0.0):
        raise _told_twice(law, error)
    if quantity.values.ndim != 1:
        told = f"values of {law!r} have shape {quantity.values.shape}"
        raise InvalidInput(f"{told}; give them in one row")
    return quantity


def _fitting(law: str, name: str, given: ArrayLike, quantity: Quantity) -> Floats:
    """One number for each value; `InvalidInput` where there are others."""
    numbers, shape = np.asarray(given, dtype=np.float64), quantity.values.shape
    try:
        return np.broadcast_to(numbers, shape)
    except ValueError:
        told = f"{name} of {law!r} has shape {numbers.shape}"
        raise InvalidInput(f"{told}; it must fit that of the values, {shape}") from None


def _checks(
    law: str, quantity: Quantity, name: str, bound: ArrayLike, at: ArrayLike | None
) -> tuple[Check, ...]:
    bounds = _fitting(law, name, bound, quantity)
    axis = [None] * len(quantity) if at is None else np.atleast_1d(np.asarray(at)).tolist()
    if len(axis) != len(quantity):
        told = f"at of {law!r} has {len(axis)} places for {len(quantity)} values"
        raise InvalidInput(f"{told}; as many are needed")
    columns = (quantity.values.tolist(), bounds.tolist(), quantity.errors.tolist(), axis)
    return tuple(Check(*row) for row in zip(*columns, strict=True))
