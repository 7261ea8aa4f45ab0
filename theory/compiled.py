"""Compiled functions: numba, with the types of the Python functions kept."""

import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar

from numba import config, njit

P = ParamSpec("P")
R = TypeVar("R")
Number = TypeVar("Number", None, float, bool)

_OPTIONS: Final[dict[str, Any]] = {
    "nogil": True,
    "error_model": "numpy",
    "fastmath": {"contract"},
    "_nrt": True,
}
"""Release the interpreter's lock; division by zero is infinite; fuse products and sums; count who
refers to arrays, also in what is called by functions that do not."""


_FILLING: Final[dict[str, Any]] = {**_OPTIONS, "_nrt": False}
_SUMMING: Final[dict[str, Any]] = {**_FILLING, "fastmath": {"contract", "reassoc"}}


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile at the first call, and keep the machine code on disk."""
    return _compiled(function, _OPTIONS)


def filling(function: Callable[P, Number]) -> Callable[P, Number]:
    """The same for what fills arrays that it is handed, and neither makes nor returns any.

    It does not count who refers to them, which would be a quarter of the time of a flow.
    """
    return _compiled(function, _FILLING)


def summing(function: Callable[P, Number]) -> Callable[P, Number]:
    """The same where sums may be formed in any order: of vectors, in a third of the time."""
    return _compiled(function, _SUMMING)


def linked(function: Callable[P, R]) -> Callable[P, R]:
    """A compiled generator for compiled loops over it, whose machine code is kept with theirs.

    Numba cannot link one that it has read from disk, as where an interruption, or another process,
    has left a generator there but not yet what calls it.
    """
    jitted: Callable[P, R] = njit(**_OPTIONS)(function.py_func)  # type: ignore[attr-defined]
    return jitted


def _compiled(function: Callable[P, R], options: dict[str, Any]) -> Callable[P, R]:
    folder = machine_code(Path(__file__).parent)
    if not writable(folder):  # not even temporary files: compiled anew by each process
        compiled_here: Callable[P, R] = njit(**options)(function)
        return compiled_here
    with _kept_in(folder):
        jitted: Callable[P, R] = njit(cache=True, **options)(function)
    return jitted


def inlined(function: Callable[P, R]) -> Callable[P, R]:
    """The same for what inner loops call, or one caller: its body replaces each call.

    Before anything is compiled: a function of its own costs the compiler a second or more.
    """
    jitted: Callable[P, R] = njit(inline="always", **_OPTIONS)(function)
    return jitted


_IMPORTED: Final = b"from theory.compiled import"
"""By which a file that is compiled is known."""

_IMPORTS: Final = re.compile(rb"^from theory\.([\w.]+) import", re.MULTILINE)


@cache
def machine_code(sources: Path) -> Path:
    """The folder for machine code made of compiled files below `sources`, the package `theory`.

    Another if they change, or what they import: numba looks at the file of a function alone; it
    would go on with code into which older functions and constants of other files are built.
    """
    texts = {source: source.read_bytes() for source in sources.rglob("*.py")}
    compiled_files = [source for source, text in texts.items() if _IMPORTED in text]
    read = set(compiled_files)
    for source in compiled_files:
        for name in _IMPORTS.findall(texts[source]):
            place = sources.joinpath(*name.decode().split("."))
            read |= {place.with_suffix(".py"), place / "__init__.py"} & texts.keys()
    digest = sha256()
    for source in sorted(read):
        name = str(source.relative_to(sources)).encode()
        digest.update(name + b"\0" + texts[source] + b"\0")
    parent = Path(config.CACHE_DIR) if config.CACHE_DIR else sources / "__pycache__"
    if not writable(parent):  # installed for all, by someone else
        parent = Path(tempfile.gettempdir()) / f"theory-verify-{_user()}"
    return parent / f"compiled-{digest.hexdigest()[:16]}"


@cache
def writable(folder: Path) -> bool:
    """Whether files can be made in a folder, which is made where it is missing."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _user() -> str:
    """Who runs this, so that two users do not share a folder in that of temporary files."""
    return str(os.getuid()) if hasattr(os, "getuid") else "user"


@contextmanager
def _kept_in(folder: Path) -> Iterator[None]:
    """Functions decorated meanwhile keep their machine code in `folder`, if that can be written."""
    usual = config.CACHE_DIR
    config.CACHE_DIR = str(folder)
    try:
        yield
    finally:
        config.CACHE_DIR = usual
