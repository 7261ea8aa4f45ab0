"""Claims from outside this package: a file or module named by `--module`, or an entry point.

A module offers its claims as `CLAIM`, one of them, or as `CLAIMS`, a list or tuple. An entry point
of the group "theory_verify.claims" is a claim or such a module.
"""

import hashlib
import importlib
import importlib.util
import re
import sys
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from theory.errors import InvalidInput
from verify.language.claim import AnyClaim, Claim
from verify.neighbours import neighbours

GROUP = "theory_verify.claims"

_DOTTED = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")


def joined(known: Mapping[str, AnyClaim], more: Iterable[AnyClaim]) -> dict[str, AnyClaim]:
    """Claims by id, `InvalidInput` where an id is taken."""
    claims = dict(known)
    for claim in more:
        if claim.id in claims:
            raise InvalidInput(
                f"claim {claim.id!r} of {claim.module or 'a module'} has the id of another claim, "
                f"'{claims[claim.id].title}'; choose another id"
            )
        claims[claim.id] = claim
    return claims


def load_claims(reference: str) -> tuple[AnyClaim, ...]:
    """The claims of "path/to/file.py" or of an importable "dotted.module".

    Raises:
        InvalidInput: there is no such module, it fails on import (with the line), or it has no
            usable claims.
    """
    found = _claims_in(_load(reference), reference)
    return tuple(replace(claim, module=reference) for claim in found)


@cache
def installed_claims() -> tuple[AnyClaim, ...]:
    """The claims of installed packages that declare the entry point."""
    return tuple(claim for entry in entry_points(group=GROUP) for claim in _entered(entry))


def _entered(entry: EntryPoint) -> tuple[AnyClaim, ...]:
    where = f"{entry.module} (entry point {entry.name})"
    try:
        loaded = entry.load()
    except (Exception, SystemExit) as error:
        raise InvalidInput(f"module is '{where}'; {_what_failed(error, None)}") from error
    if isinstance(loaded, ModuleType):
        found = _claims_in(loaded, where)
    else:
        found = (_checked(loaded, f"its {entry.attr}", where),)
    package = entry.module if entry.dist is None else entry.dist.name
    return tuple(replace(claim, package=package) for claim in found)


def sources_of(claims: Iterable[AnyClaim]) -> list[Path]:
    """Files that claims from outside come from: their modules, and what these import beside them.

    Modules that were imported from the folder of a user's module, or from below it, count as its
    own; installed packages do not.
    """
    modules = {claim.module for claim in claims if claim.module is not None}
    files = {Path(str(_load(module).__file__)).resolve() for module in modules}
    folders = {file.parent for file in files}
    for module in list(sys.modules.values()):
        name = getattr(module, "__file__", None)
        if not isinstance(name, str) or "site-packages" in name or not name.endswith(".py"):
            continue
        if not Path(name).is_absolute():  # some packages invent names of files
            continue
        file = Path(name).resolve()
        if not folders.isdisjoint(file.parents) and file.is_file():
            files.add(file)
    installed = {entry.module for entry in entry_points(group=GROUP)} & set(sys.modules)
    files |= {Path(str(sys.modules[name].__file__)) for name in installed}
    return sorted(files)


def _load(reference: str) -> ModuleType:
    if reference.endswith(".py") or "/" in reference or "\\" in reference:
        return load_file(reference)
    if not _DOTTED.fullmatch(reference):
        raise InvalidInput(f"module is {reference!r}; it must be a file.py or a dotted.module")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)
    try:
        module = importlib.import_module(reference)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{reference}.".startswith(f"{error.name}."):
            raise InvalidInput(
                f"module is {reference!r}; nothing of that name can be imported from here"
            ) from None
        raise InvalidInput(f"module is {reference!r}; {_what_failed(error, None)}") from error
    except (Exception, SystemExit) as error:
        raise InvalidInput(f"module is {reference!r}; {_what_failed(error, None)}") from error
    if getattr(module, "__file__", None) is None:
        raise InvalidInput(f"module is {reference!r}; that is a folder, name a file in it")
    return module


def load_file(reference: str) -> ModuleType:
    """Import a file under a name of its own, once for each content; its folder is importable.

    Raises:
        InvalidInput: there is no such file, or it fails on import (with the line).
    """
    path = Path(reference)
    try:
        digest = hashlib.sha256(bytes(path.resolve()) + path.read_bytes()).hexdigest()[:12]
    except FileNotFoundError:
        raise InvalidInput(f"module is {reference!r}; there is no such file") from None
    except OSError as error:
        raise InvalidInput(f"module is {reference!r}; it cannot be read ({error})") from None
    name = f"theory_verify_user_{re.sub(r'[^0-9A-Za-z]', '_', path.stem)}_{digest}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path.resolve())
    if spec is None or spec.loader is None:
        raise InvalidInput(f"module is {reference!r}; it must be a Python file, ending in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up while it is executed
    try:
        with neighbours(path.resolve().parent):
            spec.loader.exec_module(module)
    except BaseException as error:
        del sys.modules[name]
        if not isinstance(error, (Exception, SystemExit)):
            raise
        raise InvalidInput(
            f"module is {reference!r}; {_what_failed(error, str(path.resolve()))}"
        ) from error
    return module


def _what_failed(error: BaseException, path: str | None) -> str:
    """The exception on one line, with its line in the file at `path`, or where it was raised."""
    message = " ".join(str(error).split())
    if isinstance(error, SyntaxError):
        return f"line {error.lineno} of {Path(error.filename or '?').name}: {error.msg}"
    frames = list(traceback.extract_tb(error.__traceback__))
    elsewhere = [f for f in frames if not f.filename.startswith("<")]  # importlib's own
    frame = ([f for f in frames if f.filename == path] or elsewhere or frames)[-1]
    raised = f"{type(error).__name__}: {message}" if message else type(error).__name__
    return f"line {frame.lineno} of {Path(frame.filename).name} raises {raised}"


def _claims_in(module: ModuleType, reference: str) -> tuple[AnyClaim, ...]:
    has_one, has_many = hasattr(module, "CLAIM"), hasattr(module, "CLAIMS")
    if has_one == has_many:
        defines = "both CLAIM and CLAIMS" if has_one else "neither CLAIM nor CLAIMS"
        raise InvalidInput(f"module is {reference!r}; it defines {defines}, one of them is needed")
    if has_one:
        return (_checked(module.CLAIM, "CLAIM", reference),)
    listed = module.CLAIMS
    if not isinstance(listed, (list, tuple)) or not listed:
        raise InvalidInput(
            f"module is {reference!r}; CLAIMS must be a list or tuple of claims, not empty"
        )
    claims = [_checked(claim, f"CLAIMS[{k}]", reference) for k, claim in enumerate(listed)]
    return tuple(joined({}, claims).values())


def _checked(claim: Any, where: str, reference: str) -> AnyClaim:
    if not isinstance(claim, Claim):
        raise InvalidInput(
            f"module is {reference!r}; {where} is of type {type(claim).__name__}, it must be a "
            "verify.language.Claim"
        )
    return claim
