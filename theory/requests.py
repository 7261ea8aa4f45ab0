"""What callers ask for, checked: arrays of numbers, sizes, times, tolerances and budgets."""

from collections.abc import Sequence
from itertools import pairwise
from numbers import Integral, Real
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.backend import Floats
from theory.errors import InvalidInput

TIGHTEST: Final = 1e-13
"""Of the relative tolerances that float64 can bear."""

LARGEST: Final = float(np.finfo(np.float64).max)


def number_array(name: str, values: ArrayLike) -> NDArray[Any]:
    """A copy of `values` as an array of whole numbers or floats.

    Raises:
        InvalidInput: strings, truth values, None, ragged lists.
    """
    try:
        array = np.array(values)
        if not isinstance(values, np.ndarray):
            array = _numbers(np.array(values, dtype=object), array)
    except (ValueError, OverflowError):
        array = np.array(None)
    if array.dtype.kind not in "iuf":
        raise InvalidInput(f"{name} is not a rectangular array of numbers: {shortened(values)}")
    return array


def _numbers(entries: NDArray[np.object_], array: NDArray[Any]) -> NDArray[Any]:
    """`array` with whole numbers beyond 2^64 as well; of objects where one is a truth value.

    NumPy would take True among numbers for 1.
    """
    if any(isinstance(entry, (bool, np.bool_)) for entry in entries.flat):
        return entries
    if array.dtype == object and all(isinstance(entry, (int, float)) for entry in entries.flat):
        return entries.astype(np.float64)
    return array


def finite_numbers(name: str, values: ArrayLike, shape: tuple[int, ...]) -> Floats:
    """`values` as an array of that shape; `InvalidInput` unless it has it and all are finite."""
    array = number_array(name, values)
    if array.shape != shape:
        raise InvalidInput(f"{name} has shape {array.shape}; it must have shape {shape}")
    return all_finite(name, array)


def all_finite(name: str, array: NDArray[Any]) -> Floats:
    """Numbers in float64; `InvalidInput` where one is NaN or infinite."""
    array = array.astype(np.float64)
    if not np.all(np.isfinite(array)):
        raise InvalidInput(f"{name} holds NaN or infinite values; all numbers must be finite")
    return array


def check_number(name: str, value: Any) -> None:
    """`InvalidInput` unless `value` is a finite number."""
    if not is_number(value) or not abs(value) <= LARGEST:
        raise InvalidInput(f"{name} is {shortened(value)}; it must be a finite number")


def check_positive(name: str, value: Any) -> None:
    """`InvalidInput` unless `value` is a finite number above 0."""
    if not is_number(value) or not 0.0 < value <= LARGEST:
        raise InvalidInput(f"{name} is {shortened(value)}; it must be positive and finite")


def check_not_negative(name: str, value: Any) -> None:
    """`InvalidInput` unless `value` is a finite number, 0 or more."""
    if not is_number(value) or not 0.0 <= value <= LARGEST:
        raise InvalidInput(f"{name} is {shortened(value)}; it must be finite and at least 0")


def is_number(value: object) -> bool:
    """Whether it is a real number, of Python or of NumPy; a truth value is none."""
    return isinstance(value, Real) and not isinstance(value, bool)


def is_whole(value: object) -> bool:
    """Whether it is a whole number, of Python or of NumPy; a truth value is none."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def check_whole(name: str, value: Any, least: int = 1) -> None:
    """`InvalidInput` unless `value` is a whole number, `least` or more."""
    if not is_whole(value) or value < least:
        raise InvalidInput(
            f"{name} is {shortened(value)}; it must be a whole number, at least {least}"
        )


def check_budget(name: str, value: Any) -> None:
    """`InvalidInput` unless `value` is a number of steps or evaluations, at least 1."""
    if not is_number(value) or not value >= 1:
        raise InvalidInput(f"{name} is {shortened(value)}; it must be at least 1")


def shortened(value: object, length: int = 80) -> str:
    """Its `repr`, of at most so many characters."""
    text = repr(value)
    return text if len(text) <= length else text[: length - 3] + "..."


def requested_times(at: Sequence[float] | Floats) -> Floats:
    """The times `at` in units of t_g as an array `(T,)`; `InvalidInput` unless finite and >= 0."""
    requested = number_array("at", at).astype(np.float64)
    if requested.ndim != 1 or requested.size == 0 or not np.all(np.isfinite(requested)):
        raise InvalidInput(
            f"at is {shortened(at)}; it must be a list of finite times in units of t_g"
        )
    if requested.min() < 0:
        raise InvalidInput(f"at holds {requested.min()}; times must be >= 0 (units of t_g)")
    return requested


def check_increasing(name: str, values: Sequence[float] | Floats) -> None:
    """`InvalidInput` unless `values` are one or more numbers that increase from 0 or more."""
    given = list(values)
    if not given or not given[0] >= 0 or any(not a < b for a, b in pairwise(given)):
        raise InvalidInput(f"{name} is {given[:5]}...; it must increase from 0 or more")


def check_rtol(rtol: float) -> None:
    """`InvalidInput` for a relative tolerance that float64 or the error estimates cannot bear."""
    if not (is_number(rtol) and TIGHTEST <= rtol <= 1e-2):
        raise InvalidInput(f"rtol is {rtol!r}; it must lie in [{TIGHTEST:g}, 1e-2]")
