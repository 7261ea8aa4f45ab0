"""Modules beside a user's file: importable from it, as from a script."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_FOLDERS: list[str] = []
"""Those of the files that were loaded, the last one first, at the end of `sys.path`."""


@contextmanager
def neighbours(folder: Path) -> Iterator[None]:
    """They come first while the file is loaded, and last from then on.

    Those of the same names beside files that were loaded before are forgotten.
    """
    own = str(folder.resolve())
    for name, module in list(sys.modules.items()):
        source = getattr(module, "__file__", None)
        beside = str(Path(source).parent) if source else own
        if beside != own and beside in _FOLDERS and (folder / f"{name}.py").exists():
            del sys.modules[name]
    sys.path.insert(0, own)
    try:
        yield
    finally:
        _FOLDERS[:] = [own, *(other for other in _FOLDERS if other != own)]
        sys.path[:] = [*(entry for entry in sys.path if entry not in _FOLDERS), *_FOLDERS]
