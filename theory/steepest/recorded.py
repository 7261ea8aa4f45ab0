"""The states of a path after some of its steps."""

from collections.abc import Iterable
from itertools import islice

import numpy as np
from numpy.typing import ArrayLike

from theory.backend import Floats, Integers
from theory.errors import InvalidInput


def recorded(path: Iterable[Floats], steps: int, at: ArrayLike) -> Floats:
    """Those after each of the increasing numbers of steps `at`, `(T, ...)`.

    Args:
        path: the state after each step.
        steps: how many there are.

    Raises:
        InvalidInput: `at` asks for more steps than there are.
    """
    counts = checked_counts(at, steps)
    wanted = set(counts.tolist())
    taken = enumerate(islice(path, int(counts[-1])), start=1)
    return np.array([state for done, state in taken if done in wanted])


def checked_counts(at: ArrayLike, steps: int) -> Integers:
    """`at` as whole numbers, `(T,)`; `InvalidInput` where it asks for more than so many steps."""
    counts = np.asarray(at, dtype=np.int64)
    if counts[-1] > steps:
        raise InvalidInput(f"at ends at {counts[-1]}; there are {steps} steps")
    return counts
