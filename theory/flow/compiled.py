"""Compiled functions: numba, with the types of the Python functions kept."""

from collections.abc import Callable
from typing import Final, ParamSpec, TypeVar

from numba import njit

P = ParamSpec("P")
R = TypeVar("R")


_OPTIONS: Final = {"nogil": True, "error_model": "numpy", "fastmath": {"contract"}}
"""Release the interpreter's lock; division by zero is infinite; fuse products and sums."""


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile at the first call, and keep the machine code on disk."""
    jitted: Callable[P, R] = njit(cache=True, **_OPTIONS)(function)
    return jitted


def inlined(function: Callable[P, R]) -> Callable[P, R]:
    """The same for what inner loops call: its body replaces each call."""
    jitted: Callable[P, R] = njit(forceinline=True, **_OPTIONS)(function)
    return jitted
