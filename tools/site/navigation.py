"""The navigation: `folder/*` stands for all pages below a folder, its index first."""

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any


def expanded(nav: Any, pages: Sequence[str]) -> Any:
    """A navigation of MkDocs with each `folder/*` replaced by its pages.

    Args:
        nav: nested lists and dictionaries of paths, as in `mkdocs.yml`.
        pages: all pages, as paths in the site before conversion.
    """
    if isinstance(nav, dict):
        return {title: expanded(inner, pages) for title, inner in nav.items()}
    if isinstance(nav, str):
        return nav
    entries: list[Any] = []
    for entry in nav:
        if isinstance(entry, str) and entry.endswith("/*"):
            entries += _within(entry.removesuffix("/*"), pages)
        else:
            entries.append(expanded(entry, pages))
    return entries


def _within(folder: str, pages: Sequence[str]) -> list[str]:
    inside = [page for page in pages if page.startswith(f"{folder}/")]
    return sorted(inside, key=lambda page: (not _is_index(page), page))


def _is_index(page: str) -> bool:
    return PurePosixPath(page).name in ("README.md", "index.md")
