"""Entries that were measured before, each in a file under the digest of all that it depends on."""

import hashlib
import json
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from theory.errors import InvalidInput
from verify.atomic import write_json

SCHEMA: Final = 1
"""Of entries: another one is measured again."""


class Cache:
    """A folder of entries; None keeps nothing. What cannot be read or written is measured again.

    Args:
        warn: told, once, why nothing is kept.
    """

    def __init__(
        self, folder: Path | None, *parts: object, warn: Callable[[str], object] | None = None
    ) -> None:
        self.folder, self._warn = folder, warn
        self._common = digest(SCHEMA, version("theory-verify"), *parts)

    def get(self, *parts: object) -> dict[str, Any] | None:
        """The entry of these parts, if it is kept."""
        path = self._path(parts)
        if path is None:
            return None
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def put(self, entry: dict[str, Any], *parts: object) -> None:
        """Keep it, where the folder can be written."""
        path = self._path(parts)
        if path is None:
            return
        try:
            write_json(path, entry)
        except (OSError, InvalidInput) as error:
            why = error.strerror if isinstance(error, OSError) and error.strerror else error
            if self._warn is not None:
                self._warn(
                    f"{self.folder} cannot be written ({why}): what is measured is not kept, and "
                    "an interrupted run starts over"
                )
            self.folder = None

    def _path(self, parts: tuple[object, ...]) -> Path | None:
        if self.folder is None:
            return None
        return self.folder / f"{digest(self._common, *parts)[:24]}.json"


def digest(*parts: object) -> str:
    """Of bytes, or of anything by its repr."""
    made = hashlib.sha256()
    for part in parts:
        content = part if isinstance(part, bytes) else repr(part).encode()
        made.update(len(content).to_bytes(8, "big") + content)
    return made.hexdigest()


def function_digest(outputs: Any) -> bytes:
    """Of a module's outputs to eight digits: what the module is, wherever its code lies."""
    rounded = [f"{value:.7e}" for value in outputs[:64].reshape(-1).tolist()]
    return ",".join(rounded).encode()


def tensor_digest(values: Any) -> bytes:
    """Of all numbers of a tensor, with its shape and format."""
    array = values.detach().cpu().contiguous().numpy()
    return hashlib.sha256(repr((array.shape, str(array.dtype))).encode() + array.tobytes()).digest()
