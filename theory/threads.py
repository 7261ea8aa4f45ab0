"""How many threads linear algebra takes: one, where matrices are too small for two.

Two that wait for each other at every small matrix take up to 40 times as long beside one busy
process: a two-layer net of 200 parameters 9.3 s a flow, and 0.25 s on one thread.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Final, TypeVar

from threadpoolctl import ThreadpoolController

T = TypeVar("T")

SMALL: Final = 1000
"""Matrices of so many rows are worked on by one thread."""


@cache
def _linear_algebra() -> ThreadpoolController:
    return ThreadpoolController().select(user_api="blas")


def threads_for(rows: int) -> AbstractContextManager[object]:
    """One thread for matrices of so many rows, or what the user has set; restored at the end."""
    return _linear_algebra().limit(limits=1) if rows <= SMALL else nullcontext()


@cache
def cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def both(first: Callable[[], T], second: Callable[[], T]) -> tuple[T, T]:
    """What two compiled computations return, of which the second has a core of its own.

    Compiled code does not hold the interpreter's lock; Python would only wait for itself.
    """
    if cores() == 1:
        return first(), second()
    with ThreadPoolExecutor(1) as other:
        later = other.submit(second)
        return first(), later.result()
