"""The tables of README.md and of pages of docs, written from the registry.

`python -m verify.registry_tables` writes them between their markers, and a page for each family; a
test checks that they are current.
"""

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from theory.errors import InvalidInput
from verify.atomic import write_text
from verify.claims import suite_claims
from verify.family_pages import family_pages, plain
from verify.registry import Entry, Paper, Registry, registry
from verify.report import words

ROOT: Final = Path(__file__).parents[1]
PAGES: Final = (
    Path("README.md"),
    Path("docs") / "what-is-verified.md",
    Path("docs") / "glossary.md",
)

_BLOCK = re.compile(r"(<!-- registry: (?P<name>[\w-]+) -->\n).*?(<!-- end of registry -->)", re.S)


def table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table in Markdown; a bar within a cell is escaped."""
    cells = [list(header), *(list(row) for row in rows)]
    lines = ["| " + " | ".join(cell.replace("|", r"\|") for cell in row) + " |" for row in cells]
    return "\n".join([lines[0], "| " + " | ".join("---" for _ in cells[0]) + " |", *lines[1:]])


def overview(within: Registry) -> str:
    """Every claim that holds, by family: id, what it says, where from."""
    return _by_family(within, ("claim", "says", "source"), _says_and_source)


def evidence(within: Registry) -> str:
    """Every claim that holds, by family, with what is this project's and what it rests on."""
    header = ("claim", "source", "says", "rests on")
    return _by_family(within, header, _source_and_evidence)


def failing(within: Registry) -> str:
    """Every statement that is expected to be falsified, with what is true instead."""
    entries = [entry for entry in within.claims.values() if entry.expected == "falsified"]
    rows = [
        (f"`{e.id}`", within.cited(e.id), e.says, f"{e.instead}: {_named(e.counterparts)}")
        for e in entries
    ]
    return table(("claim", "source", "as read", "true is"), rows)


def failing_names(within: Registry) -> str:
    """The ids of the statements that are expected to be falsified."""
    return _named(e.id for e in within.claims.values() if e.expected == "falsified")


def papers(within: Registry) -> str:
    """Every paper with its version, how its numbers were checked and what is not covered."""
    return "\n\n".join(_paper(paper) for paper in within.papers.values())


def symbols(within: Registry) -> str:
    """Every symbol of every family, those that several share once."""
    parts = [
        _symbols(
            f"Shared by {', '.join(f.title for f in within.families.values() if name in f.shares)}",
            within.shared_notation(name),
        )
        for name in within.symbols
    ]
    parts += [_symbols(f.title, f.own_notation) for f in within.families.values() if f.symbols]
    return "\n\n".join(parts)


def _symbols(title: str, listed: Iterable[tuple[str, str]]) -> str:
    rows = [
        (f"`{words.symbols(symbol)}`", plain(words.symbols(meaning))) for symbol, meaning in listed
    ]
    return f"**{title}.**\n\n{table(('symbol', 'meaning'), rows)}"


BLOCKS: Final[dict[str, Callable[[Registry], str]]] = {
    "overview": overview,
    "evidence": evidence,
    "failing": failing,
    "failing-names": failing_names,
    "papers": papers,
    "symbols": symbols,
}


def written(page: str, within: Registry) -> str:
    """The text of a page with its blocks written anew.

    Raises:
        InvalidInput: a block that has no such name.
    """

    def block(match: re.Match[str]) -> str:
        name = match["name"]
        if name not in BLOCKS:
            raise InvalidInput(f"block is {name!r}; known are {', '.join(BLOCKS)}")
        return f"{match[1]}\n{BLOCKS[name](within)}\n\n{match[3]}"

    return _BLOCK.sub(block, page)


def _says_and_source(entry: Entry, within: Registry) -> tuple[str, ...]:
    return f"`{entry.id}`", entry.says, within.cited(entry.id)


def _source_and_evidence(entry: Entry, within: Registry) -> tuple[str, ...]:
    return f"`{entry.id}`", within.source_of(entry.id), entry.says, entry.rests_on


def _by_family(
    within: Registry,
    header: tuple[str, ...],
    row: Callable[[Entry, Registry], tuple[str, ...]],
) -> str:
    parts = []
    for key, family in within.families.items():
        entries = [e for e in within.claims.values() if (e.family, e.expected) == (key, "holds")]
        rows = table(header, (row(entry, within) for entry in entries))
        parts.append(f"**{family.title}.** {family.about}\n\n{rows}")
    return "\n\n".join(parts)


def _paper(paper: Paper) -> str:
    arxiv = f", arXiv {paper.arxiv} {paper.version}" if paper.arxiv else ""
    head = f"{', '.join(paper.authors)}, *{paper.title}*, {paper.venue}{arxiv}."
    return "\n".join(
        [
            f"**{paper.cite}.** {head} Numbers: {paper.numbers}. Not covered:",
            "",
            *(f"- {item}" for item in paper.not_covered),
        ]
    )


def _named(ids: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in ids)


def main() -> None:
    """Write the pages of this repository anew."""
    for page in PAGES:
        path = ROOT / page
        write_text(path, written(path.read_text(encoding="utf-8"), registry()))
    for page, text in family_pages(registry(), suite_claims()).items():
        write_text(ROOT / page, text)


if __name__ == "__main__":
    main()
