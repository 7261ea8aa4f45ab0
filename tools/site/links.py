"""Files of the repository that are pages of the site, and links that lead to them."""

import re
from functools import cache
from os.path import normpath, relpath
from pathlib import Path, PurePosixPath
from typing import Final

ROOT: Final = Path(__file__).parents[2]

_BESIDE: Final = {
    "overview.md": "README.md",
    "contributing.md": "CONTRIBUTING.md",
    "changes.md": "CHANGELOG.md",
}
_LINK: Final = re.compile(r"(?<=\]\()(?![a-z]+:)([^)#\s]+)")


@cache
def elsewhere() -> dict[str, str]:
    """Path in the site of each page that is no file of docs/, and path in the repository."""
    examples = sorted((ROOT / "examples").rglob("*"))
    shown = {
        f"{path.relative_to(ROOT)}.md": str(path.relative_to(ROOT))
        for path in examples
        if path.suffix in (".py", ".json", ".ipynb")
    }
    return _BESIDE | shown


def within_site(markdown: str, origin: str, page: str) -> str:
    """Markdown whose links, right in the repository, are right in the site.

    Args:
        origin: path of the file in the repository.
        page: path of the page in the site, before conversion.
    """
    pages = {source: target for target, source in elsewhere().items()}

    def moved(match: re.Match[str]) -> str:
        path = normpath(PurePosixPath(origin).parent / match.group())
        inside = path.removeprefix("docs/") if path.startswith("docs/") else pages.get(path)
        return match.group() if inside is None else relpath(inside, PurePosixPath(page).parent)

    return _LINK.sub(moved, markdown)
