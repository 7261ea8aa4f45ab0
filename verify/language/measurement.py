"""A measurement: what one instance is measured for, once, by all claims that speak about it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

from hypothesis import strategies as st

from theory.errors import InvalidInput
from verify.language.assumption import Assumption
from verify.language.names import check_id
from verify.strategies.sizes import Sizes

I = TypeVar("I")  # noqa: E741
M = TypeVar("M")

RESERVED = "examples"
"""What the instances that are always tried are filed under, in the place of a family."""


@dataclass(frozen=True)
class Measurement(Generic[I, M]):
    """Instances and what is measured on one.

    Raises:
        InvalidInput: the id is no plain name; there are no families, or one twice, or one of a
            reserved name; the independent route is the measured one; the thrift is no whole number
            from 1 on.

    Attributes:
        id: what the seeds of its instances derive from.
        kind: the type of its instances.
        families: kinds of nets over which instances are spread.
        instances: strategy over the families that it is given, in the sizes of the profile.
        measure: one instance to a frozen record of numbers; raises `NumericalFailure` or
            `AssumptionError`.
        assumptions: what instances must meet.
        sabotaged: the same record as observed in a wrong world, by name: a flow at another decay, a
            shifted time. Its claims must notice each.
        independent: the same record by another route; two tolerances of one route share errors.
        examples: instances that are always tried.
        thrift: an instance costs as much as so many of another measurement, and it gets so many
            fewer.
    """

    id: str
    kind: type
    families: tuple[str, ...]
    instances: Callable[[tuple[str, ...], Sizes], st.SearchStrategy[Any]]
    measure: Callable[[I], M]
    assumptions: tuple[Assumption, ...] = ()
    sabotaged: Mapping[str, Callable[[I], M]] = field(default_factory=dict)
    independent: Callable[[I], M] | None = None
    examples: tuple[Any, ...] = ()
    thrift: int = 1

    def __post_init__(self) -> None:
        check_id("measurement", self.id)
        if not self.families:
            raise InvalidInput(f"families of measurement {self.id!r} are (); one is needed")
        if len(set(self.families)) < len(self.families) or RESERVED in self.families:
            told = f"families of measurement {self.id!r} are {self.families!r}"
            raise InvalidInput(f"{told}; each stands there once, and none is named {RESERVED!r}")
        if self.independent is not None and self.independent == self.measure:
            told = f"independent route of measurement {self.id!r} is {self.independent!r}"
            raise InvalidInput(f"{told}, by which it is measured; another one is needed")
        if not (isinstance(self.thrift, int) and self.thrift >= 1):
            told = f"thrift of measurement {self.id!r} is {self.thrift!r}"
            raise InvalidInput(f"{told}; it must be a whole number from 1 on")


def observed_elsewhere(
    measure: Callable[[I], Any], elsewhere: Callable[[I], I], *observed: str
) -> Callable[[I], Any]:
    """A sabotaged measurement: the fields that nature decides come from another instance.

    All other fields, which predictions are made from, stay those of the instance itself.
    """

    def sabotaged(instance: I) -> Any:
        wrong = measure(elsewhere(instance))
        return replace(measure(instance), **{name: getattr(wrong, name) for name in observed})

    return sabotaged
