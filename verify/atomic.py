"""Files appear whole or not at all, in folders that can be written."""

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from theory.errors import InvalidInput


def make_folder(folder: Path, name: str = "report") -> None:
    """Make the folder that a report, or another option of this name, asks for.

    Raises:
        InvalidInput: it cannot be.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInput(
            f"{name} is {folder}; it must be a folder that can be written ({error})"
        ) from None


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 file; see `write_bytes`."""
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file by way of a temporary one beside it and a rename."""
    make_folder(path.parent, f"folder of {path.name}")
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_json(path: Path, data: Any) -> None:
    """Write strict JSON (no NaN, no Infinity)."""
    write_text(path, json.dumps(data, indent=1, allow_nan=False) + "\n")
