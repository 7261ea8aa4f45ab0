"""Where claims come from: which file, in whose repository, at which revision."""

import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from theory.errors import InvalidInput
from verify.environment import revision_of

SUITE: Final = "theory-verify"
"""The source of the claims that come with it."""

NAME: Final = "history.sqlite"

REPORTS: Final = "reports"


def repository_of(place: Path) -> Path | None:
    """The innermost Git repository that a file or folder lies in."""
    place = place.resolve()
    return next((p for p in (place, *place.parents) if (p / ".git").exists()), None)


def file_of(module: str) -> Path:
    """The file of "path/to/file.py" or of "dotted.module", as from here."""
    if module.endswith(".py") or "/" in module or "\\" in module:
        return Path(module).resolve()
    loaded = getattr(sys.modules.get(module), "__file__", None)
    return Path(loaded or f"{module.replace('.', '/')}.py").resolve()


def source_of(module: str | None, history: Path) -> str:
    """The name of a claim's file in a history: within its repository the path from there.

    So it stays the same in every copy of the repository.
    """
    if module is None:
        return SUITE
    file, root = file_of(module), repository_of(history.parent)
    if root is not None and file.is_relative_to(root):
        return file.relative_to(root).as_posix()
    return str(file)


def revision_of_claims(claims: Iterable[Mapping[str, Any]], own: str | None) -> str | None:
    """The revision of the repository that the first claim of one's own lies in, else `own`."""
    for claim in claims:
        if (module := claim.get("module")) is not None:
            return revision_of(file_of(module).parent)
    return own


def find_history(modules: Iterable[str], here: Path) -> Path:
    """The history nearest to the modules, or else to the folder `here`, within its repository.

    Looked for as history.sqlite and reports/history.sqlite, from there up to the repository's root.

    Raises:
        InvalidInput: there is none.
    """
    starts = [*(file_of(module).parent for module in modules), here.resolve()]
    for start in starts:
        for folder in _upwards(start):
            for path in (folder / REPORTS / NAME, folder / NAME):
                if path.is_file():
                    return path
    places = ", ".join(dict.fromkeys(str(repository_of(start) or start) for start in starts))
    raise InvalidInput(
        f"{places}: there is no history in {REPORTS}; every run appends to {NAME} beside its "
        "report folder, which --file names"
    )


def _upwards(start: Path) -> Iterator[Path]:
    """A folder and those above it in its repository; without one, it alone."""
    root = repository_of(start)
    yield start
    if root is None or start == root:
        return
    for folder in start.parents:
        yield folder
        if folder == root:
            return
