"""Checkpoints of long runs: one npz file each, written whole or not at all."""

import hashlib
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from verify.atomic import write_bytes


class Checkpoint:
    """A named state of arrays; `settings` that differ make it another checkpoint.

    The file lies in `folder`, under the name and a hash of `repr(settings)`.
    """

    def __init__(self, folder: Path, name: str, settings: object) -> None:
        digest = hashlib.sha256(repr(settings).encode()).hexdigest()[:12]
        self.path = folder / f"{name}-{digest}.npz"

    def save(self, arrays: Mapping[str, Any]) -> None:
        buffer = io.BytesIO()
        stored: dict[str, Any] = {name: np.asarray(array) for name, array in arrays.items()}
        np.savez(buffer, **stored)
        write_bytes(self.path, buffer.getvalue())

    def load(self) -> dict[str, Any] | None:
        """The arrays; None when there are none, or the file is unreadable."""
        try:
            with np.load(self.path, allow_pickle=False) as stored:
                return {name: stored[name] for name in stored.files}
        except (OSError, ValueError, EOFError, zipfile.BadZipFile):
            return None

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)
        if self.path.parent.is_dir() and not any(self.path.parent.iterdir()):
            self.path.parent.rmdir()
