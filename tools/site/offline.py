"""The site loads nothing from elsewhere: what the theme would fetch lies in docs/assets."""

import re
from os.path import relpath
from pathlib import Path, PurePosixPath
from typing import Final

_SHIM: Final = "https://unpkg.com/iframe-worker/shim"
_OWN_SHIM: Final = "assets/iframe-worker.js"
_LOADED: Final = re.compile(
    r"<(?:script|img|iframe|source)\b[^>]*\bsrc=[\"']?(?:https?:)?//"
    r"|<link\b(?![^>]*rel=[\"']?canonical)[^>]*\bhref=[\"']?(?:https?:)?//"
    r"|@import|url\([\"']?(?:https?:)?//"
)


def with_own_files(html: str, page: str) -> str:
    """A page whose shim of workers, which a search in a folder needs, is that of the site.

    Args:
        page: path of the page in the site.
    """
    return html.replace(_SHIM, relpath(_OWN_SHIM, PurePosixPath(page).parent))


def loading_from_elsewhere(site: Path) -> list[str]:
    """Pages and styles of a built site that ask another host, each with what it asks for."""
    found = []
    for path in sorted((*site.rglob("*.html"), *site.rglob("*.css"))):
        match = _LOADED.search(path.read_text("utf-8"))
        if match:
            found.append(f"{path.relative_to(site)}: {match.group()}")
    return found
