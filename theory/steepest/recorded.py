"""The states of a path after some of its steps."""

from collections.abc import Iterable
from itertools import islice

import numpy as np
from numpy.typing import ArrayLike

from theory.backend import Floats, Integers
from theory.errors import InvalidInput
from theory.requests import number_array


def recorded(path: Iterable[Floats], steps: int, at: ArrayLike) -> Floats:
    """Those after each of the increasing numbers of steps `at`, `(T, ...)`.

    Args:
        path: the state after each step.
        steps: how many there are.

    Raises:
        InvalidInput: see `checked_counts`.
    """
    counts = checked_counts(at, steps)
    wanted = set(counts.tolist())
    taken = enumerate(islice(path, int(counts[-1])), start=1)
    return np.array([state for done, state in taken if done in wanted])


def checked_counts(at: ArrayLike, steps: int) -> Integers:
    """`at` as whole numbers, `(T,)`.

    Raises:
        InvalidInput: `at` is empty, not whole, below 1, does not increase, or asks for more than
            so many steps.
    """
    given = number_array("at", at)
    if given.ndim != 1 or given.size == 0 or not np.all(np.diff(given, prepend=0) >= 1):
        raise InvalidInput(
            f"at is {at!r}; it must be numbers of steps that increase from 1 or more"
        )
    if given[-1] > steps:
        raise InvalidInput(f"at ends at {given[-1]}; there are {steps} steps")
    counts = given.astype(np.int64)
    if not np.array_equal(counts, given):
        raise InvalidInput(f"at is {at!r}; it must be whole numbers of steps")
    return counts


def checked_steps(steps: ArrayLike) -> Floats:
    """`steps` as numbers, `(S,)`; `InvalidInput` unless they are one or more and finite."""
    etas = number_array("steps", steps).astype(np.float64)
    if etas.ndim != 1 or etas.size == 0 or not np.all(np.isfinite(etas)):
        raise InvalidInput(f"steps are {steps!r}; they must be a list of finite numbers")
    return etas
