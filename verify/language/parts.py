"""Laws in parts, each computed anew only where a constant that it reads has changed.

A claim is asked some sixty times what it asserts of one measured record: by its rivals, and with
each constant put off. Most laws read one constant or two.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from verify.language.ladder import Ladder
from verify.language.law import Law

Stated = Law | Ladder
Part = Callable[[Any, Any], Stated | Iterable[Stated]]
"""What a theory asserts of a measured record: one law, or several."""


@dataclass(frozen=True)
class Separately:
    """The laws of several parts, none of which knows of the others."""

    parts: tuple[Part, ...]

    def __call__(self, measured: Any, theory: Any) -> Iterator[Stated]:
        for part in self.parts:
            yield from several(part(measured, theory))


def several(stated: Stated | Iterable[Stated]) -> Iterable[Stated]:
    """What a part states, as if it were always more than one law."""
    return (stated,) if isinstance(stated, (Law, Ladder)) else stated


def separately(*parts: Part) -> Separately:
    """Laws of a claim from functions of (measured, theory) that share no work."""
    return Separately(parts)


def parts_of(laws: Part) -> tuple[Part, ...]:
    """The parts of a claim's laws; where they are in one, that."""
    return laws.parts if isinstance(laws, Separately) else (laws,)


class Assertions:
    """What theories assert of one measured record.

    Args:
        laws: of the claim.
        truth: its own theory; where another theory has the same constants in all that a part
            reads of this one, it asserts the same.
    """

    def __init__(self, laws: Part, measured: Any, truth: Any) -> None:
        self._parts = parts_of(laws)
        self._measured, self._truth = measured, truth
        self._true: dict[int, tuple[tuple[Stated, ...], set[str]]] = {}

    def of(self, theory: Any) -> Iterator[Stated]:
        """The laws of a theory, in their order; whatever a part raises is raised."""
        for index, part in enumerate(self._parts):
            if theory is self._truth or self._reads_alike(index, theory):
                yield from self._known(index)[0]
            else:
                yield from several(part(self._measured, theory))

    def _known(self, index: int) -> tuple[tuple[Stated, ...], set[str]]:
        if index not in self._true:
            watched, reads = recorded(self._truth)
            self._true[index] = tuple(several(self._parts[index](self._measured, watched))), reads
        return self._true[index]

    def _reads_alike(self, index: int, theory: Any) -> bool:
        if type(theory) is not type(self._truth) or not is_dataclass(theory):
            return False
        reads = self._known(index)[1]
        return all(alike(getattr(theory, name), getattr(self._truth, name)) for name in reads)


def alike(one: Any, other: Any) -> bool:
    """Whether two constants are the same; of what cannot be compared only one and the same is."""
    try:
        return one is other or bool(one == other)
    except Exception:
        return False


def recorded(theory: Any) -> tuple[Any, set[str]]:
    """A copy of a theory, and the names of its constants that are read from then on."""
    reads: set[str] = set()
    if not is_dataclass(theory) or isinstance(theory, type):
        return theory, reads
    names = {entry.name for entry in fields(theory)}

    class Recorded(type(theory)):  # type: ignore[misc]
        def __getattribute__(self, name: str) -> Any:
            if name in names:
                reads.add(name)
            return super().__getattribute__(name)

        def __eq__(self, other: object) -> bool:
            reads.update(names)
            return bool(theory == other)

        def __hash__(self) -> int:
            reads.update(names)
            return hash(theory)

    copy = object.__new__(Recorded)
    for name in names:
        object.__setattr__(copy, name, getattr(theory, name))
    return copy, reads
