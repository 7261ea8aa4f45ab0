"""Two runs side by side, as one page that needs nothing outside itself."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from verify.atomic import write_text
from verify.compare import read_results, told
from verify.report.digest import digest
from verify.report.pages import environment
from verify.report.words import ratio, slug
from verify.results_shape import CLAIM, fault

MOVED = 1e-9
"""Relative change of a number below which both runs count as having found the same."""


@dataclass(frozen=True)
class Number:
    """One number in both runs."""

    name: str
    old: float | None
    new: float | None

    @property
    def moved(self) -> bool:
        if self.old is None or self.new is None:
            return self.old is not self.new
        return abs(self.new - self.old) > MOVED * max(abs(self.old), abs(self.new))


@dataclass(frozen=True)
class Pair:
    """A claim in both runs, either of which may lack it.

    Attributes:
        told: (whether it is worse, what changed beyond its uncertainty).
        numbers: rates, largest ratios to bounds and times that are not the same.
    """

    id: str
    title: str
    old: Mapping[str, Any] | None
    new: Mapping[str, Any] | None
    told: tuple[tuple[bool, str], ...]
    numbers: tuple[Number, ...]

    @property
    def state(self) -> str:
        if any(worse for worse, _ in self.told):
            return "worse"
        return "moved" if self.told else "same"

    @property
    def anchor(self) -> str:
        return f"claim-{slug(self.id)}"


def write_diff(old: Path, new: Path, page: Path) -> None:
    """The page of two results files.

    Raises:
        InvalidInput: one is missing or no results file of this schema.
    """
    write_text(page, render_diff(read_results(old), read_results(new), str(old), str(new)))


def render_diff(
    old: Mapping[str, Any], new: Mapping[str, Any], old_name: str = "old", new_name: str = "new"
) -> str:
    """The page: what got worse first, then what moved, then what is the same."""
    pairs = pairs_of(old, new)
    order = {"worse": 0, "moved": 1, "same": 2}
    pairs.sort(key=lambda pair: order[pair.state])
    counts = {state: sum(pair.state == state for pair in pairs) for state in order}
    return (
        environment()
        .get_template("diff.html.j2")
        .render(
            old=old,
            new=new,
            names=(old_name, new_name),
            pairs=pairs,
            counts=counts,
        )
    )


def pairs_of(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Pair]:
    """Every claim of either run, by id."""
    before, after = ({entry["id"]: entry for entry in run["claims"]} for run in (old, new))
    selected = bool(new.get("selected", False))
    return [
        _pair(name, before.get(name), after.get(name), selected)
        for name in sorted(before.keys() | after.keys())
    ]


def _pair(
    name: str, old: dict[str, Any] | None, new: dict[str, Any] | None, selected: bool
) -> Pair:
    either: Mapping[str, Any] = new or old or {}
    numbers = tuple(number for number in _numbers(old, new) if number.moved) if old and new else ()
    title = either.get("title", name)
    return Pair(name, title, old, new, tuple(told(old, new, selected)), numbers)


def _numbers(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Number]:
    yield Number("largest ratio to a bound", ratio(old["worst"]), ratio(new["worst"]))
    yield Number("instances", old.get("examples"), new.get("examples"))
    yield Number("undecided instances", old.get("inconclusive"), new.get("inconclusive"))
    rates = {rate["quantity"]: rate for rate in old["rates"]}
    for rate in new["rates"]:
        if rate["quantity"] in rates:
            yield Number(rate["quantity"], rates[rate["quantity"]]["fitted"], rate["fitted"])
    bounds = {bound["name"]: bound for bound in old.get("bounds", ())}
    for bound in new.get("bounds", ()):
        if bound["name"] in bounds:
            ratios = bounds[bound["name"]]["largest_ratio"], bound["largest_ratio"]
            yield Number(f"share of the bound: {bound['name']}", *ratios)
    if all(fault(run, CLAIM, "report") is None for run in (old, new)):
        yield Number("coverage", digest(old).coverage, digest(new).coverage)
