"""A claim in plain words, from the claim itself and from what the registry says of it."""

import shlex
import textwrap
from collections.abc import Iterator

from verify.instances import FlowInstance
from verify.language.claim import AnyClaim
from verify.language.constants import constants_of
from verify.plain_formula import plain_formula
from verify.registry import Entry, registry
from verify.report.words import symbols

REFUTED_BY = (
    "one instance that meets every assumption and on which a bound is exceeded by more than the "
    "numerical error of what is measured",
    "a rate whose median over instances lies outside its tolerance, or which is far off on more of "
    "them than chance makes, and again so on fresh instances",
)

FLOWS = "large_start"
"""The symbols of `FlowInstance`, by their name in the registry."""

REPLAYED = (
    "a refuting instance is saved as a file, made as simple as it gets, with the command that "
    "replays it"
)


def explained(claim: AnyClaim, width: int) -> Iterator[str]:
    """Lines of at most `width` columns on one claim; commands, which are copied, stay whole."""
    entry = registry().claims.get(claim.id) if claim.module is None else None
    yield from _wrapped(f"{claim.id}: {claim.title}", width)
    for title, paragraphs in _sections(claim, entry):
        if not paragraphs:
            continue
        yield ""
        yield from _wrapped(f"{title}:", width)
        for paragraph in paragraphs:
            yield from _wrapped(paragraph, width, "  ")
    yield ""
    yield "How to run it:"
    for command in commands_of(claim):
        yield f"  {command}"


def _wrapped(text: str, width: int, indent: str = "") -> list[str]:
    return textwrap.wrap(
        text, width, initial_indent=indent, subsequent_indent=2 * indent, break_on_hyphens=False
    )


def _sections(claim: AnyClaim, entry: Entry | None) -> Iterator[tuple[str, list[str]]]:
    measurement = claim.measurement
    if entry is not None:
        family = registry().families[entry.family]
        yield "In words", [entry.says]
        yield "True instead", [entry.instead] if entry.instead else []
        yield "Theory", [f"{family.title}: {family.about}"]
    yield "Statement", [plain_formula(claim.statement), f"LaTeX: {claim.statement}"]
    yield (
        "Symbols",
        [symbols(f"{symbol}: {meaning}") for symbol, meaning in _notation(claim, entry)],
    )
    yield "Source", [claim.source, *_papers(entry)]
    yield "Expected", [_expected(claim, entry)]
    yield (
        "Assumptions",
        [
            a.id if a.statement in ("", a.id) else f"{a.id}: {a.statement}"
            for a in measurement.assumptions
        ],
    )
    yield "Tried on", [f"random instances of {', '.join(claim.families)}"]
    yield "What would refute it", [*REFUTED_BY, REPLAYED]
    yield "Where its bounds and tolerances come from", list(claim.tolerances)
    yield (
        "Constants that are put off, to see how small an error would be noticed",
        [", ".join(f"{name} = {value:g}" for name, value in constants_of(claim.theory).items())]
        if constants_of(claim.theory)
        else [],
    )
    yield (
        "Rivals, wrong statements that the same numbers must reject",
        [f"{rival.id}: {rival.description}" for rival in claim.rivals],
    )
    yield "Wrong worlds that its laws must notice", list(measurement.sabotaged)
    if measurement.independent is not None:
        yield "Checked by", ["the same numbers by an independent route, on some instances"]
    if entry is not None and entry.rests_on:
        yield "Sharpest evidence", [entry.rests_on]


def _notation(claim: AnyClaim, entry: Entry | None) -> list[tuple[str, str]]:
    """Symbols of a claim's family; of a claim of one's own those of flows, where it is on them."""
    if entry is not None:
        return registry().notation_of(entry.family)
    return registry().shared_notation(FLOWS) if issubclass(claim.kind, FlowInstance) else []


def _papers(entry: Entry | None) -> list[str]:
    """The papers that are cited, in full, with the text that numbers were checked against."""
    told = []
    for source in () if entry is None else entry.sources:
        paper = registry().papers[source.paper]
        arxiv = f", arXiv {paper.arxiv} {paper.version}".rstrip() if paper.arxiv else ""
        told.append(f"{paper.title} ({paper.venue}{arxiv}); numbers: {paper.numbers}")
    return told


def _expected(claim: AnyClaim, entry: Entry | None) -> str:
    if claim.expected == "holds":
        beside = "; a false reading of it is" if entry and entry.counterparts else ""
        return f"holds{beside} {', '.join(entry.counterparts)}" if beside and entry else "holds"
    true = f"; true is {', '.join(entry.counterparts)}" if entry and entry.counterparts else ""
    return f"falsified: as it is printed or read it does not survive{true}"


def commands_of(claim: AnyClaim) -> list[str]:
    """What to type to judge it, to climb to its worst case, and to drop its assumptions."""
    module = ["--module", claim.module] if claim.module else []
    named = [*module, "--claim", claim.id]
    runs = [["run", *named]]
    if claim.expected == "holds":
        runs.append(["search", *named, "--budget", "2m"])
        if any(a.violated is not None for a in claim.measurement.assumptions):
            runs.append(["necessity", *named])
    return [shlex.join(["python", "-m", "verify", *run]) for run in runs]
