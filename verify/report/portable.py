"""A report folder that can be moved: commands and links relative to it."""

import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def within(path: Path, folder: Path) -> Path:
    """A file as it is named from the report's folder; one outside of it, as it was."""
    whole, base = Path(os.path.abspath(path)), Path(os.path.abspath(folder))
    return whole.relative_to(base) if whole.is_relative_to(base) else path


def counterexample_path(entry: Mapping[str, Any], folder: Path) -> Path:
    """Where the counterexample lies, as named from the folder, also of one that was moved."""
    told = within(Path(entry["instance"]), folder)
    beside = Path("counterexamples") / told.name
    moved = not (folder / told).is_file() and (folder / beside).is_file()
    return beside if moved else told


def replay_command(path: Path, module: str | None = None, folder: Path | None = None) -> str:
    """How a file is judged again, under a claim of the suite or of a module.

    Typed in `folder`, where one is given, to which a module that is a file here is then relative.
    """
    if module and folder is not None and Path(module).is_file():
        module = os.path.relpath(module, folder)
    options = ["--module", module] if module else []
    return shlex.join(["python", "-m", "verify", "replay", *options, str(path)])
