"""Instances made from a seed, of which not every one serves."""

from collections.abc import Callable
from typing import Final, TypeVar

from hypothesis import assume

T = TypeVar("T")

SEEDS: Final = 64
"""That are looked through for one that serves."""


def first_that_serves(serves: Callable[[T], bool], made: Callable[[int], T], seed: int) -> T:
    """Of the instances `made` from `seed` on; the draw is discarded where `SEEDS` of them do not.

    Without an end the search hangs on what no seed can serve.
    """
    found = next(filter(serves, map(made, range(seed, seed + SEEDS))), None)
    assume(found is not None)
    assert found is not None
    return found
