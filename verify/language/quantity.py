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
            InvalidInput: errors are negative, or of a shape that does not fit.
        """
        if np.iscomplexobj(values) or np.iscomplexobj(errors):
            raise InvalidInput("values are complex; give their real part, or their modulus")
        numbers = np.atleast_1d(np.asarray(values, dtype=np.float64))
        given = np.asarray(errors, dtype=np.float64)
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
        """
        values = np.atleast_1d(np.asarray(reading(tight), dtype=np.float64))
        other = np.atleast_1d(np.asarray(reading(loose), dtype=np.float64))
        resolved = np.asarray(floor) * np.abs(values).max(initial=0.0)
        return _spread(values, np.maximum(np.abs(values - other), resolved))

    @classmethod
    def joined(cls, parts: Iterable["Quantity"]) -> "Quantity":
        """Several quantities one after the other."""
        listed = list(parts)
        values = np.concatenate([part.values for part in listed])
        return cls(values, np.concatenate([part.errors for part in listed]))

    @classmethod
    def rounded(cls, values: ArrayLike, scale: ArrayLike, operations: float = 8.0) -> "Quantity":
        """Numbers from so many roundings of terms as large as `scale`: no other error."""
        return cls.of(values, operations * EPSILON * np.abs(np.asarray(scale, dtype=np.float64)))

    @classmethod
    def sampled(cls, samples: ArrayLike, deviations: float = 4.0) -> "Quantity":
        """Means over the first axis of `(m, k)`, uncertain by so many standard errors."""
        drawn = np.asarray(samples, dtype=np.float64)
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
        return _spread(self.values + added.values, self.errors + added.errors)

    __radd__ = __add__

    def __sub__(self, other: Operand) -> "Quantity":
        return self + (-_quantity(other))

    def __rsub__(self, other: Operand) -> "Quantity":
        return _quantity(other) + (-self)

    def __mul__(self, other: Operand) -> "Quantity":
        factor = _quantity(other)
        errors = self.errors * np.abs(factor.values) + factor.errors * np.abs(self.values)
        return _spread(self.values * factor.values, errors)

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
    numbers = np.atleast_1d(np.asarray(operand, dtype=np.float64))
    return Quantity(numbers, np.zeros(numbers.shape))


def _spread(values: Floats, errors: Floats) -> Quantity:
    """A quantity of errors that are not negative by how they were made, spread over its values."""
    return Quantity(values, np.broadcast_to(errors, values.shape))


def _inverse(quantity: Quantity) -> Quantity:
    with np.errstate(all="ignore"):
        values = 1.0 / quantity.values
        errors = quantity.errors * values**2
    return Quantity(values, np.where(np.isnan(errors), np.inf, errors))
