"""Instance files: what `evaluate` and `replay` read, and what a counterexample is saved as.

A person can write one by hand; every refusal names the key, what it held and what is allowed.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from theory.errors import InvalidInput
from verify.instances.base import Instance
from verify.instances.committee import CommitteeInstance
from verify.instances.flow import FlowInstance

COMMON = (FlowInstance, CommitteeInstance)
"""Kinds that files are told apart by; a record of some claim's own is read by that claim."""

MODELS = ("committee",)
"""Kinds of instances by their key "model"; a file without one holds a homogeneous net."""


def instance_from_json(data: Any, folder: Path | None = None) -> Instance:
    """Build an instance from parsed JSON; `folder` is where a net's own file is looked for.

    Raises:
        InvalidInput: naming the key that is missing, unknown or wrong.
    """
    if not isinstance(data, Mapping):
        raise InvalidInput(f"an instance is a JSON object, not {type(data).__name__}")
    if "model" not in data:
        return FlowInstance.from_json(data, folder)
    model = data["model"]
    if model not in MODELS:
        raise InvalidInput(f"model is {model!r}; allowed are {', '.join(MODELS)}")
    rest = {key: data[key] for key in data if key != "model"}
    return CommitteeInstance.from_json(rest)


def read_instance(path: Path) -> Instance:
    """Read an instance file.

    Raises:
        InvalidInput: the file is missing, not JSON, or not an instance.
    """
    return instance_from_json(read_json(path), path.parent)


def read_json(path: Path) -> Any:
    """Parse a JSON file, with or without a byte order mark.

    Raises:
        InvalidInput: it is missing or malformed, or a key stands twice in one object.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise InvalidInput(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path}: cannot be read ({error})") from None
    try:
        return json.loads(text, object_pairs_hook=_object)
    except InvalidInput as error:
        raise InvalidInput(f"{path}: {error}") from None
    except (ValueError, RecursionError) as error:  # whole numbers of 5000 digits are a ValueError
        raise InvalidInput(f"{path}: not valid JSON ({error})") from None


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in pairs]
    if twice := sorted({key for key in keys if keys.count(key) > 1}):
        raise InvalidInput(f"{', '.join(map(repr, twice))} stands twice in one object")
    return dict(pairs)
