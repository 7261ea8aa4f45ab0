"""What callers ask of an integration or a training run, checked: times and tolerance."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np

from theory.backend import Floats
from theory.errors import InvalidInput

TIGHTEST: Final = 1e-13
"""Of the relative tolerances that float64 can bear."""


def requested_times(at: Sequence[float] | Floats) -> Floats:
    """The times `at` in units of t_g as an array `(T,)`; `InvalidInput` unless finite and >= 0."""
    requested = np.asarray(at, dtype=np.float64)
    if requested.ndim != 1 or requested.size == 0 or not np.all(np.isfinite(requested)):
        raise InvalidInput(f"at is {at!r}; it must be a list of finite times in units of t_g")
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
    if not TIGHTEST <= rtol <= 1e-2:
        raise InvalidInput(f"rtol is {rtol}; it must lie in [{TIGHTEST:g}, 1e-2]")
