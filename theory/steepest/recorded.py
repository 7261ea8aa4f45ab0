"""The states of a path after some of its steps."""

from collections.abc import Iterable
from itertools import islice

import numpy as np
from numpy.typing import ArrayLike

from theory.backend import Floats
from theory.errors import InvalidInput


def recorded(path: Iterable[Floats], steps: int, at: ArrayLike) -> Floats:
    """Those after each of the increasing numbers of steps `at`, `(T, ...)`.

    Args:
        path: the state after each step.
        steps: how many there are.

    Raises:
        InvalidInput: `at` asks for more steps than there are.
    """
    counts = np.asarray(at, dtype=np.int64)
    last, wanted = int(counts[-1]), set(counts.tolist())
    if last > steps:
        raise InvalidInput(f"at ends at {last}; there are {steps} steps")
    taken = enumerate(islice(path, last), start=1)
    return np.array([state for done, state in taken if done in wanted])
