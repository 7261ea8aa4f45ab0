"""Compiled functions: numba, with the types of the Python functions kept."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar

from numba import config, njit

P = ParamSpec("P")
R = TypeVar("R")

_OPTIONS: Final[dict[str, Any]] = {
    "nogil": True,
    "error_model": "numpy",
    "fastmath": {"contract"},
}
"""Release the interpreter's lock; division by zero is infinite; fuse products and sums."""


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile at the first call, and keep the machine code on disk."""
    with _kept_in(machine_code(Path(__file__).parent)):
        jitted: Callable[P, R] = njit(cache=True, **_OPTIONS)(function)
    return jitted


def inlined(function: Callable[P, R]) -> Callable[P, R]:
    """The same for what inner loops call: its body replaces each call."""
    jitted: Callable[P, R] = njit(forceinline=True, **_OPTIONS)(function)
    return jitted


_IMPORTED: Final = b"from theory.compiled import"
"""By which a file that is compiled is known."""


@cache
def machine_code(sources: Path) -> Path:
    """The folder for machine code made of compiled files below `sources`: another if they change.

    numba looks at the file of a function alone; it would go on with code into which older versions
    of what the function calls in other files are built.
    """
    digest = sha256()
    for source in sorted(sources.rglob("*.py")):
        text = source.read_bytes()
        if _IMPORTED in text:
            digest.update(str(source.relative_to(sources)).encode() + b"\0" + text + b"\0")
    parent = Path(config.CACHE_DIR) if config.CACHE_DIR else sources / "__pycache__"
    return parent / f"compiled-{digest.hexdigest()[:16]}"


@contextmanager
def _kept_in(folder: Path) -> Iterator[None]:
    """Functions decorated meanwhile keep their machine code in `folder`, if that can be written."""
    usual = config.CACHE_DIR
    config.CACHE_DIR = str(folder)
    try:
        yield
    finally:
        config.CACHE_DIR = usual
