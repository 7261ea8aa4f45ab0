"""A page for each family of claims, written from the registry and the claims themselves.

`python -m verify.registry_tables` writes them to docs/families; a test checks that they are so.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from verify.language.claim import AnyClaim
from verify.registry import Entry, Registry

FOLDER: Final = Path("docs") / "families"

_NOTE: Final = "<!-- written by python -m verify.registry_tables -->\n"


def family_pages(within: Registry, claims: Mapping[str, AnyClaim]) -> dict[Path, str]:
    """The text of every page by its path in the repository, with an index.

    Args:
        within: the registry.
        claims: those of the suite, by id.
    """
    pages = {FOLDER / f"{key}.md": _page(key, within, claims) for key in within.families}
    return pages | {FOLDER / "README.md": _index(within)}


def _index(within: Registry) -> str:
    rows = []
    for key, family in within.families.items():
        verdicts = [entry.expected for entry in within.claims.values() if entry.family == key]
        false = verdicts.count("falsified")
        rows.append(f"| [{family.title}]({key}.md) | {len(verdicts) - false} | {false} |")
    head = "| family | hold | are false |\n| --- | --- | --- |"
    return "\n".join([_NOTE, "# Families of claims", "", head, *rows, ""])


def _page(key: str, within: Registry, claims: Mapping[str, AnyClaim]) -> str:
    family = within.families[key]
    entries = [entry for entry in within.claims.values() if entry.family == key]
    words = f" Subjects: {', '.join(family.tags)}." if family.tags else ""
    parts = [
        _NOTE,
        f"# {family.title}\n",
        f"{family.about}{words}\n",
        f"```sh\npython -m verify run --family {key}\n```\n",
    ]
    parts += [_section(entry, claims[entry.id], within) for entry in entries]
    return "\n".join(parts)


def _section(entry: Entry, claim: AnyClaim, within: Registry) -> str:
    false = entry.expected == "falsified"
    listed = [
        f"- Source: {within.source_of(entry.id)}.",
        f"- Assumed: {_joined(claim.assumptions)}.",
        f"- {'True instead' if false else 'Rests on'}: {entry.instead or entry.rests_on}.",
        *(f"- {_beside(entry)} `{other}`." for other in entry.counterparts),
        f"- Tolerances: {_joined(claim.tolerances)}.",
        f"- Rivals, all of which a run rejects: {_joined(r.description for r in claim.rivals)}.",
    ]
    verdict = "**False**, as it is read" if false else "**Holds**"
    return "\n".join(
        [
            f"## {claim.title}\n",
            f"`{entry.id}`. {verdict}: {entry.says}.\n",
            f"```math\n{claim.statement}\n```\n",
            *listed,
            "",
        ]
    )


def _beside(entry: Entry) -> str:
    return "The true statement beside it:" if entry.expected == "falsified" else "Misread as"


def _joined(words: Iterable[str]) -> str:
    """As one line; rivals' words are no Markdown."""
    return plain("; ".join(words))


def plain(text: str) -> str:
    """Text that is no Markdown."""
    return text.replace("*", r"\*").replace("_", r"\_")
