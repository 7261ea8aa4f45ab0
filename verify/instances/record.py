"""A mix-in that makes a frozen dataclass of numbers an instance: exact in JSON, checked on reading.

@dataclass(frozen=True)
class Balance(Record):
    depth: int
    scales: tuple[float, ...]
    weights: Floats
"""

import types
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields
from enum import Enum
from math import inf, isfinite
from typing import Any, Literal, Self, Union, get_args, get_origin, get_type_hints

import numpy as np

from theory.errors import InvalidInput
from verify.instances.base import check_keys, expect

_ALLOWED = (
    "bool, int, float, str, an Enum, Literal, tuple, NDArray, another instance, or one of these "
    "or None"
)

_NO_NUMBERS = ("inf", "-inf", "nan")
"""As they are written."""

_ENTRIES = {"b": "true or false", "i": "whole numbers", "u": "whole numbers", "U": "strings"}
"""What an array holds by the kind of its type; numbers otherwise."""

LARGEST = float(np.finfo(float).max)

_WORDS: dict[type, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a string",
}


class Record:
    """An instance by its fields; to be inherited by a frozen dataclass.

    Fields may be bool, int, float, str, an Enum or a Literal, tuples of these (of one type, as in
    `tuple[float, ...]`, or of several), NumPy arrays annotated with their type of entries
    (`Floats`), other instances, and any of these or None. Every float64 survives, infinities and
    NaN (as strings, which strict JSON lacks) included.
    """

    @property
    def claim(self) -> str | None:
        """None: whatever saves a record writes the claim beside it."""
        return None

    def to_json(self) -> dict[str, Any]:
        """The fields by name.

        Raises:
            InvalidInput: a field of a type that is not allowed, or an array without entries.
        """
        return {name: _written(getattr(self, name), name) for name in _hints(type(self))}

    @classmethod
    def from_json(cls, data: Any) -> Self:
        """Build a record from parsed JSON.

        Raises:
            InvalidInput: naming the key that is missing, unknown or wrong.
        """
        given, hints = expect(cls.__name__, data, Mapping), _hints(cls)
        defaulted = {
            field.name
            for field in fields(cls)  # type: ignore[arg-type]
            if field.default is not MISSING or field.default_factory is not MISSING
        }
        check_keys(cls.__name__, given, set(hints) - defaulted, defaulted | {"claim", "name"})
        return cls(**{key: _read(given[key], hints[key], key) for key in hints if key in given})


def _hints(kind: type) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind) if field.init}


def _written(value: Any, name: str) -> Any:
    match value:
        case None | str() if not isinstance(value, Enum):
            return value
        case Enum():
            return value.name
        case bool() | np.bool_():
            return bool(value)
        case int() | np.integer():
            return int(value)
        case float() | np.floating():
            return float(value) if isfinite(value) else repr(float(value))
        case tuple():
            return [_written(entry, name) for entry in value]
        case np.ndarray() if value.size == 0:
            raise InvalidInput(f"{name} is an array without entries; JSON would lose its shape")
        case np.ndarray():
            return _written_nested(value.tolist(), name)
    if hasattr(value, "to_json"):
        return value.to_json()
    raise InvalidInput(f"{name} is of type {type(value).__name__}; allowed are {_ALLOWED}")


def _written_nested(value: Any, name: str) -> Any:
    if isinstance(value, list):
        return [_written_nested(entry, name) for entry in value]
    return _written(value, name)


def _read(value: Any, hint: Any, name: str) -> Any:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        inner = [argument for argument in arguments if argument is not type(None)]
        if value is None and len(inner) < len(arguments):
            return None
        if len(inner) == 1:
            return _read(value, inner[0], name)
    elif origin is Literal:
        if value in arguments:
            return value
        raise InvalidInput(f"{name} is {value!r}; allowed are {', '.join(map(str, arguments))}")
    elif origin is tuple:
        return _read_tuple(expect(name, value, list), arguments, name)
    elif origin is np.ndarray:
        return _read_array(value, get_args(arguments[1])[0], name)
    elif isinstance(hint, type):
        return _read_plain(value, hint, name)
    raise InvalidInput(f"{name} is declared as {hint}; allowed are {_ALLOWED}")


def _read_tuple(value: list[Any], arguments: tuple[Any, ...], name: str) -> tuple[Any, ...]:
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        return tuple(_read(entry, arguments[0], name) for entry in value)
    if len(value) != len(arguments):
        raise InvalidInput(f"{name} holds {len(value)} entries; it must hold {len(arguments)}")
    return tuple(_read(entry, kind, name) for entry, kind in zip(value, arguments, strict=True))


def _read_array(value: Any, entries: Any, name: str) -> np.ndarray[Any, Any]:
    held = _ENTRIES.get(np.dtype(entries).kind, "numbers")
    for entry in _entries(expect(name, value, list)):
        if not _is_entry(entry, entries):
            raise InvalidInput(f"{name} holds {entry!r}; it must hold {held}")
    try:
        array = np.array(value, dtype=entries)
    except (ValueError, TypeError, OverflowError):
        raise InvalidInput(f"{name} is not a rectangular array of numbers") from None
    array.setflags(write=False)
    return array


def _entries(value: Any) -> Iterator[Any]:
    """The entries of nested lists."""
    if isinstance(value, list):
        for entry in value:
            yield from _entries(entry)
    else:
        yield value


def _is_entry(entry: Any, kind: Any) -> bool:
    """Whether an array of that type is written with such an entry."""
    wanted = np.dtype(kind).kind
    if wanted == "b" or isinstance(entry, bool):
        return wanted == "b" and isinstance(entry, bool)
    if wanted == "U":
        return isinstance(entry, str)
    if wanted == "f":
        return isinstance(entry, (int, float)) or entry in _NO_NUMBERS
    return isinstance(entry, int) or (isinstance(entry, float) and entry.is_integer())


def _read_plain(value: Any, kind: type[Any], name: str) -> Any:
    if issubclass(kind, Enum):
        if isinstance(value, str) and value in kind.__members__:
            return kind[value]
        raise InvalidInput(f"{name} is {value!r}; allowed are {', '.join(kind.__members__)}")
    if hasattr(kind, "from_json"):
        return kind.from_json(value)
    if kind is float and value in _NO_NUMBERS:
        return float(value)
    if kind not in _WORDS:
        raise InvalidInput(f"{name} is declared as {kind.__name__}; allowed are {_ALLOWED}")
    accepted = (int, float) if kind is float else (kind,)
    if not isinstance(value, accepted) or (isinstance(value, bool) and kind is not bool):
        raise InvalidInput(f"{name} is {value!r}; it must be {_WORDS[kind]}")
    if kind in (int, float) and LARGEST < abs(value) < inf:
        raise InvalidInput(f"{name} is beyond {LARGEST:.2g}; no float64 is so large")
    return kind(value)
