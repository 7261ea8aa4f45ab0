"""The list of faults, and how one is put into a source file."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any, Final

from theory.errors import InvalidInput

ROOT: Final = Path(__file__).parents[2]
FILE: Final = Path(__file__).with_name("mutants.toml")


@dataclass(frozen=True)
class Mutant:
    """One fault.

    Attributes:
        file: of `theory/`, relative to the repository.
        find: a fragment that stands in it exactly once.
        replace: what is put in its place.
        fault: what is wrong then, in words.
        claims: ids of the claims of which one must be falsified; none where no claim speaks of it.
        tests: what pytest is given; by default what mirrors the file.
        equivalent: why nothing that is told changes, for a fault that is none.
    """

    id: str
    file: str
    find: str
    replace: str
    fault: str
    claims: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    equivalent: str = ""


def catalogue(path: Path = FILE) -> tuple[Mutant, ...]:
    """All mutants of a file, in its order.

    Raises:
        InvalidInput: a key that is unknown or missing, or an id that stands twice.
    """
    read = tomllib.loads(path.read_text(encoding="utf-8"))
    if unknown := sorted(read.keys() - {"mutants"}):
        raise InvalidInput(f"{path.name} has {', '.join(unknown)}; only [[mutants]] are read")
    tables = read["mutants"]
    found = tuple(_mutant(table) for table in tables)
    ids = [mutant.id for mutant in found]
    if twice := sorted({name for name in ids if ids.count(name) > 1}):
        raise InvalidInput(f"mutants {', '.join(twice)} stand twice in {path.name}")
    return found


def chosen(mutants: Sequence[Mutant], only: Sequence[str]) -> tuple[Mutant, ...]:
    """The mutants of those ids, all without; `InvalidInput` for an id that is none."""
    known = {mutant.id for mutant in mutants}
    if unknown := [name for name in only if name not in known]:
        raise InvalidInput(f"only is {', '.join(unknown)}; known are {', '.join(sorted(known))}")
    return tuple(mutant for mutant in mutants if not only or mutant.id in only)


def mutated(mutant: Mutant, source: str) -> str:
    """The text of its file with the fault in it.

    Raises:
        InvalidInput: the fragment does not stand in it exactly once.
    """
    count = source.count(mutant.find)
    if count != 1:
        raise InvalidInput(
            f"mutant {mutant.id!r} looks for {mutant.find!r} in {mutant.file}, where it stands "
            f"{count} times; it must once"
        )
    return source.replace(mutant.find, mutant.replace)


def mirrored_tests(mutant: Mutant) -> tuple[str, ...]:
    """The tests that mirror the file: its own, or those of its folder."""
    if mutant.tests:
        return mutant.tests
    source = Path("tests") / mutant.file
    own = source.with_name(f"test_{source.name}")
    folders = (own, *(parent for parent in source.parents if (ROOT / parent).is_dir()))
    return (str(next(path for path in folders if (ROOT / path).exists())),)


def _mutant(table: Mapping[str, Any]) -> Mutant:
    name = f"mutant {table.get('id', '?')!r}"
    known = {entry.name for entry in fields(Mutant)}
    needed = {entry.name for entry in fields(Mutant) if entry.default is MISSING}
    if unknown := sorted(set(table) - known):
        raise InvalidInput(f"{name} has {unknown}; known are {', '.join(sorted(known))}")
    if missing := sorted(needed - set(table)):
        raise InvalidInput(f"{name} lacks {', '.join(missing)}")
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in table.items()}
    return Mutant(**values)
