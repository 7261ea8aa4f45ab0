"""What callers ask of an integration, checked: times and tolerance."""

from collections.abc import Sequence

import numpy as np

from theory.backend import Floats
from theory.errors import InvalidInput


def requested_times(at: Sequence[float] | Floats) -> Floats:
    """The times `at` in units of t_g as an array `(T,)`; `InvalidInput` unless finite and >= 0."""
    requested = np.asarray(at, dtype=np.float64)
    if requested.ndim != 1 or requested.size == 0 or not np.all(np.isfinite(requested)):
        raise InvalidInput(f"at is {at!r}; it must be a list of finite times in units of t_g")
    if requested.min() < 0:
        raise InvalidInput(f"at holds {requested.min()}; times must be >= 0 (units of t_g)")
    return requested


def check_rtol(rtol: float) -> None:
    """`InvalidInput` for a relative tolerance that float64 or the error estimates cannot bear."""
    if not 1e-13 <= rtol <= 1e-2:
        raise InvalidInput(f"rtol is {rtol}; it must lie in [1e-13, 1e-2]")
