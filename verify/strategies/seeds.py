"""Instances made from a seed, of which not every one serves."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar, Final, Protocol, TypeVar

from hypothesis import assume


class Seeded(Protocol):
    """A dataclass with a seed among its fields."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def seed(self) -> int: ...


T = TypeVar("T", bound=Seeded)

SEEDS: Final = 64
"""That are looked through for one that serves."""


def first_that_serves(serves: Callable[[T], bool], drawn: T) -> T:
    """`drawn`, or the same with the next seed that serves; discarded where `SEEDS` of them do not.

    Without an end the search hangs on what no seed can serve.
    """
    seeds = range(drawn.seed, drawn.seed + SEEDS)
    found = next(filter(serves, (replace(drawn, seed=seed) for seed in seeds)), None)
    assume(found is not None)
    assert found is not None
    return found
