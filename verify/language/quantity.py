"""Numbers with their uncertainty: what a measurement tells, and never without its error."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar, Union

import numpy as np
from numpy.typing import ArrayLike

from theory.backend import Floats
from theory.errors import InvalidInput

R = TypeVar("R")

EPSILON = float(np.finfo(np.float64).eps)

Operand = Union["Quantity", float, Floats]


@dataclass(frozen=True, eq=False)
class Quantity:
    """Values `(k,)` with the absolute uncertainty of each, `(k,)`.

    Arithmetic is first order, and adds uncertainties up as if all of them were at their worst:
    numerical errors have one cause more often than not.
    """

    values: Floats
    errors: Floats

    __array_ufunc__ = None
    """Arrays leave arithmetic with a quantity to it, from either side."""

    @classmethod
    def of(cls, values: ArrayLike, errors: ArrayLike) -> "Quantity":
        """Both as float64, errors spread over the values.

        Raises:
            InvalidInput: values or errors are complex, masked or no numbers; errors are negative,
                or of a shape that does not fit.
        """
        numbers, given = np.atleast_1d(_reals("values", values)), _reals("errors", errors)
        if np.any(given < 0.0):
            raise InvalidInput(f"errors are {errors!r}; an uncertainty is never negative")
        try:
            spread = np.broadcast_to(given, numbers.shape).astype(np.float64)
        except ValueError:
            raise InvalidInput(
                f"errors have shape {given.shape}; it must fit that of the values, {numbers.shape}"
            ) from None
        return cls(numbers, spread)

    @classmethod
    def paired(
        cls, reading: Callable[[R], ArrayLike], tight: R, loose: R, floor: ArrayLike
    ) -> "Quantity":
        """One reading of the tight and of the loose integration; their difference is the error.

        `floor` is what the tight tolerance can resolve at all, relative to the largest value: two
        runs that happen to take the same steps agree for nothing. It is 0 only of what is told
        another error as well (`no_finer`).

        Raises:
            InvalidInput: the readings are no real numbers, or differ in shape; the floor does not
                fit them.
        """
        values = np.atleast_1d(_reals("values", reading(tight)))
        other = np.atleast_1d(_reals("values", reading(loose)))
        if values.shape != other.shape:
            told = f"readings have shapes {values.shape} and {other.shape}"
            raise InvalidInput(f"{told}; both runs must be read alike")
        resolved = np.asarray(floor) * np.abs(values).max(initial=0.0)
        if resolved.shape not in ((), (1,), values.shape):
            told = f"floor has shape {resolved.shape}"
            raise InvalidInput(f"{told}; it must fit that of the readings, {values.shape}")
        return _spread(values, np.maximum(np.abs(values - other), resolved))

    @classmethod
    def joined(cls, parts: Iterable["Quantity"]) -> "Quantity":
        """Several quantities one after the other.

        Raises:
            InvalidInput: there is none.
        """
        listed = list(parts)
        if not listed:
            raise InvalidInput("parts are (); one quantity at least can be joined")
        values = np.concatenate([part.values for part in listed])
        return cls(values, np.concatenate([part.errors for part in listed]))

    @classmethod
    def rounded(cls, values: ArrayLike, scale: ArrayLike, operations: float = 8.0) -> "Quantity":
        """Numbers from so many roundings of terms as large as `scale`: no other error."""
        return cls.of(values, operations * EPSILON * np.abs(np.asarray(scale, dtype=np.float64)))

    @classmethod
    def sampled(cls, samples: ArrayLike, deviations: float = 4.0) -> "Quantity":
        """Means over the first axis of `(m, k)`, uncertain by so many standard errors.

        Raises:
            InvalidInput: samples are no real numbers, or fewer than two.
        """
        drawn = _reals("samples", samples)
        if drawn.ndim == 0:
            raise InvalidInput(f"samples are {samples!r}; a standard error needs two at least")
        if len(drawn) < 2:
            raise InvalidInput(f"samples are {len(drawn)}; a standard error needs two at least")
        error = drawn.std(axis=0, ddof=1) / np.sqrt(len(drawn))
        return cls.of(drawn.mean(axis=0), deviations * error)

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, index: Any) -> "Quantity":
        values, errors = self.values[index], self.errors[index]
        return Quantity(np.atleast_1d(values), np.atleast_1d(errors))

    def __neg__(self) -> "Quantity":
        return Quantity(-self.values, self.errors)

    def __abs__(self) -> "Quantity":
        return Quantity(np.abs(self.values), self.errors)

    def __add__(self, other: Operand) -> "Quantity":
        added = _quantity(other)
        try:
            return _spread(self.values + added.values, self.errors + added.errors)
        except ValueError:
            raise _unlike(self, added) from None

    __radd__ = __add__

    def __sub__(self, other: Operand) -> "Quantity":
        return self + (-_quantity(other))

    def __rsub__(self, other: Operand) -> "Quantity":
        return _quantity(other) + (-self)

    def __mul__(self, other: Operand) -> "Quantity":
        factor = _quantity(other)
        try:
            errors = self.errors * np.abs(factor.values) + factor.errors * np.abs(self.values)
            return _spread(self.values * factor.values, errors)
        except ValueError:
            raise _unlike(self, factor) from None

    __rmul__ = __mul__

    def __truediv__(self, other: Operand) -> "Quantity":
        return self * _inverse(_quantity(other))

    def __rtruediv__(self, other: Operand) -> "Quantity":
        return _quantity(other) * _inverse(self)

    def no_finer(self, least: ArrayLike) -> "Quantity":
        """The same values, each known to `least` at best."""
        return Quantity.of(self.values, np.maximum(self.errors, least))

    def norm(self) -> "Quantity":
        """The Euclidean length of the values, as one number."""
        return Quantity.of(np.linalg.norm(self.values), np.linalg.norm(self.errors))

    def largest(self) -> "Quantity":
        """The largest value, as one number; any of them may be it."""
        return Quantity.of(self.values.max(), self.errors.max())

    def log(self) -> "Quantity":
        """Natural logarithm; NaN, hence undecided, where the error reaches zero."""
        certain = self.values > self.errors
        with np.errstate(all="ignore"):
            logs = np.where(certain, np.log(np.where(certain, self.values, 1.0)), np.nan)
            errors = np.where(certain, self.errors / np.where(certain, self.values, 1.0), np.inf)
        return Quantity.of(logs, errors)

    def resolved(self, factor: float) -> "np.ndarray[tuple[int, ...], np.dtype[np.bool_]]":
        """Which values exceed their error by a factor."""
        certain: np.ndarray[tuple[int, ...], np.dtype[np.bool_]] = np.abs(self.values) > (
            factor * self.errors
        )
        return certain


def _quantity(operand: Operand) -> Quantity:
    if isinstance(operand, Quantity):
        return operand
    numbers = np.atleast_1d(_reals("values", operand))
    return Quantity(numbers, np.zeros(numbers.shape))


def _reals(name: str, given: ArrayLike) -> Floats:
    """As float64; `InvalidInput` for what is complex, masked or no number."""
    if isinstance(given, float) or (type(given) is np.ndarray and given.dtype == np.float64):
        return np.asarray(given, dtype=np.float64)
    if np.iscomplexobj(given):
        raise InvalidInput(f"{name} are complex; give their real part, or their modulus")
    if isinstance(given, np.ma.MaskedArray):
        raise InvalidInput(f"{name} are a masked array; give those that are known, without a mask")
    try:
        return np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        raise InvalidInput(f"{name} are {given!r}; they must be numbers") from None


def _unlike(one: Quantity, other: Quantity) -> InvalidInput:
    told = f"quantities have shapes {one.values.shape} and {other.values.shape}"
    return InvalidInput(f"{told}; arithmetic takes as many values, or one")


def _spread(values: Floats, errors: Floats) -> Quantity:
    """A quantity of errors that are not negative by how they were made, spread over its values."""
    return Quantity(values, np.broadcast_to(errors, values.shape))


def _inverse(quantity: Quantity) -> Quantity:
    with np.errstate(all="ignore"):
        values = 1.0 / quantity.values
        errors = quantity.errors * values**2
    return Quantity(values, np.where(np.isnan(errors), np.inf, errors))
