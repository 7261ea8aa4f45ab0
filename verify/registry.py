"""Where each claim comes from: papers, numbers, expected verdicts, counterparts, what is left out.

One file, `registry.toml`, is read and checked here. Sources of claims and the tables of the
documentation are made from it, so that nothing is said twice.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, get_args

from theory.errors import InvalidInput
from verify.language.claim import Expected

FILE = Path(__file__).with_name("registry.toml")

_NUMBER = r"[A-Z0-9]+(\.\d+)*"
_WHERE = re.compile(
    rf"(Theorem|Corollary|Lemma|Section|Figure|Equation) {_NUMBER}"
    rf"|(Theorems|Equations|Sections) {_NUMBER} (and|to) {_NUMBER}"
)

Record = TypeVar("Record")


@dataclass(frozen=True)
class Paper:
    """A paper, in the version whose numbers are cited.

    Attributes:
        cite: how sources name it, as in "Lyu et al. (ICLR 2024)".
        numbers: against which text the cited numbers were checked, or that they were not.
        not_covered: what of the paper the suite does not test.
        arxiv: its id there, or empty; then so is `version`.
    """

    cite: str
    authors: tuple[str, ...]
    title: str
    venue: str
    numbers: str
    not_covered: tuple[str, ...]
    arxiv: str = ""
    version: str = ""


@dataclass(frozen=True)
class Family:
    """Claims on one theory, in one folder and one table.

    Attributes:
        symbols: its own, as "theta: all weights".
        shares: names of lists of symbols that it shares with other families.
    """

    title: str
    about: str
    tags: tuple[str, ...] = ()
    symbols: tuple[str, ...] = ()
    shares: tuple[str, ...] = ()

    @property
    def own_notation(self) -> list[tuple[str, str]]:
        """Its own symbols with their meanings."""
        return [_told_apart(symbol) for symbol in self.symbols]


@dataclass(frozen=True)
class Source:
    """A paper by its key, and the numbers in it, as in ("Theorem 3.4", "Equations 1 and 2")."""

    paper: str
    where: tuple[str, ...]


@dataclass(frozen=True)
class Entry:
    """What the registry says of one claim.

    Attributes:
        tags: subject words, beside those of its family.
        sources: none for a statement of this project.
        own: a clause on what of the statement is this project's, or how it is read; may be empty.
        says: one line; of a falsified statement, as it is read.
        rests_on: the sharpest evidence, for a claim that holds.
        instead: what is true in the place of a falsified statement.
        counterparts: ids of the true statements beside a false one, or of false ones beside a true.
    """

    id: str
    family: str
    expected: Expected
    says: str
    tags: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()
    own: str = ""
    rests_on: str = ""
    instead: str = ""
    counterparts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Registry:
    """All papers, symbols of several families, families and claims, by key, in the file's order."""

    papers: Mapping[str, Paper]
    symbols: Mapping[str, tuple[str, ...]]
    families: Mapping[str, Family]
    claims: Mapping[str, Entry]

    def __getitem__(self, claim: str) -> Entry:
        """The entry of a claim; `InvalidInput` says what to do about one that has none."""
        if claim not in self.claims:
            raise InvalidInput(
                f"claim is {claim!r}; verify/registry.toml has no entry of that id: write one, as "
                "`new claim` printed it, or take the module of the claim away"
            )
        return self.claims[claim]

    def tags_of(self, claim: str) -> tuple[str, ...]:
        """The subject words of a claim, those of its family first."""
        entry = self[claim]
        return tuple(dict.fromkeys((*self.families[entry.family].tags, *entry.tags)))

    def notation_of(self, family: str) -> list[tuple[str, str]]:
        """The symbols of a family with their meanings, those that it shares first."""
        known = self.families[family]
        shared = [pair for name in known.shares for pair in self.shared_notation(name)]
        return [*shared, *known.own_notation]

    def shared_notation(self, name: str) -> list[tuple[str, str]]:
        """The symbols of a list that several families share, with their meanings."""
        return [_told_apart(symbol) for symbol in self.symbols[name]]

    def cited(self, claim: str) -> str:
        """Papers of a claim and numbers in them: "Lyu et al. (ICLR 2024), Theorem 3.4"."""
        return "; ".join(
            ", ".join([self.papers[source.paper].cite, *source.where])
            for source in self[claim].sources
        )

    def source_of(self, claim: str) -> str:
        """The source of a claim in words: what is cited, and what is this project's."""
        return "; ".join(filter(None, [self.cited(claim) or "this project", self[claim].own]))


def _told_apart(symbol: str) -> tuple[str, str]:
    name, _, meaning = symbol.partition(": ")
    return name, meaning


@cache
def registry() -> Registry:
    """The registry of the suite, read once.

    Raises:
        InvalidInput: as `parse`.
    """
    return parse(FILE.read_text(encoding="utf-8"))


def source_of(claim: str) -> str:
    """`Registry.source_of` of the suite: what a claim of the suite takes as its source."""
    return registry().source_of(claim)


def parse(text: str) -> Registry:
    """A registry from TOML, checked.

    Raises:
        InvalidInput: no TOML, a key that is unknown or missing, an id that stands twice, a
            reference that leads nowhere, a number that is none, counterparts that are not mutual
            or agree in their verdict.
    """
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(f"registry is not TOML: {error}") from error
    tables = {"papers", "symbols", "families", "claims"}
    _check_keys("registry", raw, tables, tables)
    papers = {key: _record(Paper, f"paper {key!r}", value) for key, value in raw["papers"].items()}
    families = {
        key: _record(Family, f"family {key!r}", value) for key, value in raw["families"].items()
    }
    symbols = {key: tuple(listed) for key, listed in raw["symbols"].items()}
    for key, family in families.items():
        for name in family.shares:
            _one_of(f"shares of family {key!r}", name, symbols)
    for symbol in (s for listed in (*symbols.values(), *_own(families)) for s in listed):
        if not all(_told_apart(symbol)):
            raise InvalidInput(f"symbol is {symbol!r}; it must read 'symbol: meaning'")
    claims: dict[str, Entry] = {}
    for table in raw["claims"]:
        entry = _entry(table)
        if entry.id in claims:
            raise InvalidInput(f"claim {entry.id!r} stands twice in the registry")
        claims[entry.id] = entry
    found = Registry(papers, symbols, families, claims)
    for check in (_check_references, _check_verdict, _check_counterparts):
        for entry in claims.values():
            check(entry, found)
    return found


def _own(families: Mapping[str, Family]) -> list[tuple[str, ...]]:
    return [family.symbols for family in families.values()]


def _entry(table: Mapping[str, Any]) -> Entry:
    name = f"claim {table.get('id', '?')!r}"
    sources = tuple(_record(Source, f"source of {name}", s) for s in table.get("sources", ()))
    return _record(Entry, name, {**table, "sources": sources})


def _record(kind: type[Record], name: str, table: Mapping[str, Any]) -> Record:
    known: dict[str, Any] = {entry.name: entry for entry in fields(kind)}  # type: ignore[arg-type]
    required = {key for key, entry in known.items() if entry.default is MISSING}
    _check_keys(name, table, set(known), required)
    values = {key: tuple(v) if isinstance(v, list) else v for key, v in table.items()}
    for key, value in values.items():
        wanted = tuple if str(known[key].type).startswith("tuple") else str
        if not isinstance(value, wanted):
            raise InvalidInput(f"{key} of {name} is {value!r}; it must be a {wanted.__name__}")
    return kind(**values)


def _check_keys(name: str, table: Mapping[str, Any], known: set[str], needed: set[str]) -> None:
    if unknown := set(table) - known:
        raise InvalidInput(f"{name} has {sorted(unknown)}; known are {', '.join(sorted(known))}")
    if missing := needed - set(table):
        raise InvalidInput(f"{name} lacks {', '.join(sorted(missing))}")


def _check_references(entry: Entry, within: Registry) -> None:
    name = f"claim {entry.id!r}"
    _one_of(f"expected of {name}", entry.expected, get_args(Expected))
    _one_of(f"family of {name}", entry.family, within.families)
    for source in entry.sources:
        _one_of(f"paper of {name}", source.paper, within.papers)
        for where in source.where:
            if _WHERE.fullmatch(where) is None:
                raise InvalidInput(f"{where!r} of {name} is no number such as 'Theorem 3.4'")
    for other in entry.counterparts:
        _one_of(f"counterpart of {name}", other, within.claims)


def _check_verdict(entry: Entry, _: Registry) -> None:
    name, false = f"claim {entry.id!r}", entry.expected == "falsified"
    if false and not entry.counterparts:
        raise InvalidInput(f"{name} is false; it must have the true statement as a counterpart")
    if bool(entry.instead) != false or bool(entry.rests_on) == false:
        raise InvalidInput(f"{name} must have instead if it is falsified, rests_on if it holds")


def _check_counterparts(entry: Entry, within: Registry) -> None:
    name = f"claim {entry.id!r}"
    for other in entry.counterparts:
        counterpart = within.claims[other]
        if entry.id not in counterpart.counterparts:
            raise InvalidInput(f"{name} has the counterpart {other!r}, which does not name it")
        if counterpart.expected == entry.expected:
            raise InvalidInput(f"{name} and its counterpart {other!r} are both {entry.expected}")


def _one_of(name: str, value: str, known: Iterable[str]) -> None:
    if value not in set(known):
        raise InvalidInput(f"{name} is {value!r}; known are {', '.join(known)}")
