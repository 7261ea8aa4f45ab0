"""The constants of a theorem, with its rivals beside them, and what they are put off by.

A theory is a frozen dataclass. Its fields are made by `stated`, for numbers, and `choice`, for
enumerated alternatives; each names the wrong values that a careless reader might put there.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields, is_dataclass, replace
from enum import Enum
from typing import Any

from theory.errors import InvalidInput

RIVALS = "rivals"
DETUNED = "detuned"

DETUNINGS = (0.5, 0.2, 0.1, 0.05, 0.02)
"""Relative errors that a real constant is put off by, each up and down."""

Path = tuple[str | int, ...]
"""Fields and indices that lead to a constant: records and tuples may lie within records."""


@dataclass(frozen=True)
class Rival:
    """A plausible wrong statement, as the theory that it puts in place of the true one."""

    id: str
    description: str
    theory: Any


@dataclass(frozen=True)
class Detuning:
    """A theory of which one constant is put off.

    `size` is relative for reals, 1 for whole numbers, which go up and down by one.
    """

    constant: str
    size: float
    up: bool
    theory: Any

    @property
    def key(self) -> str:
        """How its assertions are filed."""
        return f"{self.constant} {'+' if self.up else '-'} {self.size:g}"


def stated(value: Any, **rivals: tuple[Any, str]) -> Any:
    """A number of the theorem: its wrong values are rivals, and it is put off to measure power.

    Each rival is (wrong value, words); its id is its name with hyphens. Reals are put off by
    percentages, whole numbers by one.

    Raises:
        InvalidInput: a rival is not such a pair, has the value of the theorem or one that cannot be
            compared with it, or is not described.
    """
    return field(default=value, metadata={RIVALS: _checked(value, rivals), DETUNED: True})


def choice(value: Any, **rivals: tuple[Any, str]) -> Any:
    """An enumerated alternative (a kernel, a machine, a time) with its wrong ones.

    Raises:
        InvalidInput: as `stated` does.
    """
    return field(default=value, metadata={RIVALS: _checked(value, rivals), DETUNED: False})


def factor(value: float, words: str) -> tuple[float, str]:
    """The rival that has another factor."""
    return (float(value), words)


def power(value: float, words: str) -> tuple[float, str]:
    """The rival that has another power."""
    return (float(value), words)


def _checked(value: Any, rivals: dict[str, tuple[Any, str]]) -> dict[str, tuple[Any, str]]:
    for name, rival in rivals.items():
        if not (isinstance(rival, tuple) and len(rival) == 2 and isinstance(rival[1], str)):
            raise InvalidInput(f"rival {name!r} is {rival!r}; give (value, words)")
        wrong, words = rival
        if _same(name, wrong, value):
            raise InvalidInput(f"rival {name!r} has the value {wrong!r} of the theorem itself")
        if not words.strip():
            raise InvalidInput(f"rival {name!r} is not described; say in words what it states")
    return rivals


def _same(name: str, wrong: Any, value: Any) -> bool:
    try:
        return bool(wrong == value)
    except Exception:
        told = f"rival {name!r} cannot be compared with the value {value!r} of the theorem"
        raise InvalidInput(f"{told}; give numbers, tuples or enumerated alternatives") from None


def rivals_of(theory: Any) -> tuple[Rival, ...]:
    """The rivals that are written beside the constants, in their order."""
    if not is_dataclass(theory) or isinstance(theory, type):
        return ()
    return tuple(
        Rival(name.replace("_", "-"), words, replace(theory, **{entry.name: wrong}))
        for entry in fields(theory)
        for name, (wrong, words) in entry.metadata.get(RIVALS, {}).items()
    )


def constants_of(theory: Any) -> dict[str, float]:
    """Every number that is put off, by name ("order", "terms.noise", "trained[1]")."""
    return {_name(path): value for path, value in _numbers(theory)}


def detunings_of(theory: Any) -> Iterator[Detuning]:
    """Every theory with one constant put off."""
    for path, value in _numbers(theory):
        name = _name(path)
        if isinstance(value, int):
            yield Detuning(name, 1.0, True, _put(theory, path, value + 1))
            yield Detuning(name, 1.0, False, _put(theory, path, value - 1))
            continue
        for size in DETUNINGS:
            yield Detuning(name, size, True, _put(theory, path, value * (1.0 + size)))
            yield Detuning(name, size, False, _put(theory, path, value * (1.0 - size)))


def _numbers(value: Any, path: Path = ()) -> Iterator[tuple[Path, float]]:
    """Constants that can be put off: no truth values, and no real zero, of which 2 % are 0."""
    if isinstance(value, (bool, Enum)):
        return
    if isinstance(value, int) or (isinstance(value, float) and value != 0.0):
        if path:
            yield path, value
    elif is_dataclass(value) and not isinstance(value, type):
        for entry in fields(value):
            if entry.metadata.get(DETUNED, True):
                yield from _numbers(getattr(value, entry.name), (*path, entry.name))
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from _numbers(item, (*path, index))


def _name(path: Path) -> str:
    return "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in path).removeprefix(".")


def _put(value: Any, path: Path, number: float) -> Any:
    """`value` with another number at the end of the path."""
    if not path:
        return number
    first, rest = path[0], path[1:]
    if isinstance(first, int):
        return (*value[:first], _put(value[first], rest, number), *value[first + 1 :])
    return replace(value, **{first: _put(getattr(value, first), rest, number)})
