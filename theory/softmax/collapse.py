"""Softmax collapse (Prieto et al. 2025): cross entropy that rounds to zero.

With the logit of the true class ahead of K - 1 equal others by a gap g, the loss is
log(1 + (K-1) e^-g). In a format of P significant bits 1 + x is 1 for x <= 2^-P.
"""

from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

import numpy as np

from theory.errors import InvalidInput
from theory.requests import check_whole, shortened

FormatName = Literal["float16", "float32", "float64"]
Order = Literal["largest last", "largest first", "log1p"]

_BITS: Final = {"float16": 11, "float32": 24, "float64": 53}
_SMALLEST: Final = {"float16": -24, "float32": -149, "float64": -1074}


@dataclass(frozen=True)
class Format:
    """A binary format of IEEE 754.

    Attributes:
        name: of the NumPy type.

    Raises:
        InvalidInput: another name.
    """

    name: FormatName

    def __post_init__(self) -> None:
        if self.name not in get_args(FormatName):
            allowed = ", ".join(get_args(FormatName))
            raise InvalidInput(f"name is {self.name!r}; allowed are {allowed}")

    @property
    def bits(self) -> int:
        """P, the significant bits with the one that is not stored."""
        return _BITS[self.name]

    @property
    def smallest(self) -> int:
        """The exponent of the smallest positive number, 2 to this power."""
        return _SMALLEST[self.name]

    @property
    def dtype(self) -> type[Any]:
        kind: type[Any] = getattr(np, self.name)
        return kind


def cross_entropy(
    gap: Any,
    classes: int,
    order: Order,
) -> tuple[float, float, float]:
    """Loss, its derivative in the true logit, and the sum of those in the others.

    Every operation is one of the type of `gap`.

    Args:
        order: how 1 is added to the other terms: after their sum; before it, one after the other;
            or not at all, the loss being log1p of their sum.

    Raises:
        InvalidInput: classes are not a whole number from 2 on; another order; a gap that is NaN, or
            whose type is not of floats.
    """
    check_whole("classes", classes, 2)
    if order not in get_args(Order):
        raise InvalidInput(f"order is {order!r}; allowed are {', '.join(get_args(Order))}")
    if not isinstance(gap, (float, np.floating)) or np.isnan(gap):
        raise InvalidInput(f"gap is {shortened(gap)}; it must be a float of the format, not NaN")
    kind = type(gap)
    one, other = kind(1.0), np.exp(-gap)
    rest = np.full(classes - 1, other).sum(dtype=kind)
    if order == "largest first":
        total = np.cumsum(np.concatenate([[one], np.full(classes - 1, other)]), dtype=kind)[-1]
    else:
        total = one + rest
    loss = np.log1p(rest) if order == "log1p" else np.log(total)
    return float(loss), float(one / total - one), float(rest / total)


def largest_gap(form: Format, classes: int, order: Order, *, gradient: bool = False) -> float:
    """The largest gap of the format at which the loss is not exactly zero, by bisection.

    Args:
        gradient: the derivative in the true logit instead of the loss.

    Raises:
        InvalidInput: see `cross_entropy`.
    """
    kind = form.dtype
    low, high = kind(0.0), kind(2000.0)
    while True:
        middle = kind(low + (high - low) / kind(2.0))
        if middle in (low, high):
            return float(low)
        loss, slope, _ = cross_entropy(middle, classes, order)
        if (slope if gradient else loss) != 0.0:
            low = middle
        else:
            high = middle


def collapse_gap(bits: int, classes: int) -> float:
    """P log 2 + log(K - 1): beyond it the loss is exactly zero where 1 is added last.

    Raises:
        InvalidInput: bits are not a whole number from 1 on, or classes not one from 2 on.
    """
    check_whole("bits", bits)
    check_whole("classes", classes, 2)
    return float(bits * np.log(2.0) + np.log(classes - 1.0))
