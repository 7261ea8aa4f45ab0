"""How many threads linear algebra takes: one, where matrices are too small for two.

Two that wait for each other at every small matrix take up to 40 times as long beside one busy
process: a two-layer net of 200 parameters 9.3 s a flow, and 0.25 s on one thread.
"""

from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Final

from threadpoolctl import ThreadpoolController

SMALL: Final = 1000
"""Matrices of so many rows are worked on by one thread."""


@cache
def _linear_algebra() -> ThreadpoolController:
    return ThreadpoolController().select(user_api="blas")


def threads_for(rows: int) -> AbstractContextManager[object]:
    """One thread for matrices of so many rows, or what the user has set; restored at the end."""
    return _linear_algebra().limit(limits=1) if rows <= SMALL else nullcontext()
