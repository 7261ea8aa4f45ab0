"""Entries that were measured before, each in a file under the digest of all that it depends on."""

import hashlib
import json
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from theory.errors import InvalidInput
from verify.atomic import write_json

SCHEMA: Final = 2
"""Of entries: another one is measured again."""


class Cache:
    """Entries of this call, and a folder of them or None. What cannot be read is measured again.

    Args:
        warn: told, once, why nothing is kept.
    """

    def __init__(
        self, folder: Path | None, *parts: object, warn: Callable[[str], object] | None = None
    ) -> None:
        self.folder, self._warn = folder, warn
        self._held: dict[str, dict[str, Any]] = {}
        self._common = digest(SCHEMA, version("theory-verify"), *parts)

    def name(self, *parts: object) -> str:
        """The digest under which an entry of these parts is kept."""
        return digest(self._common, *parts)[:24]

    def get(self, name: str) -> dict[str, Any] | None:
        """The entry of this name, if it is kept."""
        if name in self._held:
            return self._held[name]
        if self.folder is None:
            return None
        try:
            found = json.loads((self.folder / f"{name}.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def put(self, entry: dict[str, Any], name: str) -> None:
        """Keep it, in the folder too where that can be written."""
        self._held[name] = entry
        if self.folder is None:
            return
        try:
            write_json(self.folder / f"{name}.json", entry)
        except (OSError, InvalidInput) as error:
            why = error.strerror if isinstance(error, OSError) and error.strerror else error
            if self._warn is not None:
                self._warn(
                    f"{self.folder} cannot be written ({why}): what is measured is not kept, and "
                    "an interrupted run starts over"
                )
            self.folder = None


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
