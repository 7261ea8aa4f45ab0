"""Compiled functions: numba, with the types of the Python functions kept."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from numba import njit

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile at the first call, keep the machine code on disk, release the interpreter's lock."""
    jitted: Callable[P, R] = njit(cache=True, nogil=True, error_model="numpy")(function)
    return jitted
