"""What every instance of a theorem can do, and how the JSON that holds one is checked."""

from collections.abc import Mapping, Set
from math import isfinite
from typing import Any, Protocol

from theory.errors import InvalidInput


class Instance(Protocol):
    """One thing that a claim is tried on; frozen, and exact in JSON."""

    @property
    def claim(self) -> str | None:
        """The claim that it was saved for."""

    def to_json(self) -> dict[str, Any]:
        """What is written to the file; `instance_from_json` reads it back digit by digit."""


def check_keys(
    where: str, data: Mapping[str, Any], required: Set[str], optional: Set[str] = frozenset()
) -> None:
    """`InvalidInput` naming the keys that are missing or unknown."""
    missing, unknown = sorted(required - set(data)), sorted(set(data) - required - optional)
    if missing:
        raise InvalidInput(f"{where} lacks {', '.join(missing)}")
    if unknown:
        allowed = ", ".join(sorted(required | optional))
        raise InvalidInput(f"{where} has unknown keys {', '.join(unknown)}; allowed are {allowed}")


def expect(name: str, value: Any, kind: type) -> Any:
    """`value` if it is of that kind (a string, a list, an object), `InvalidInput` otherwise."""
    if not isinstance(value, kind):
        wanted = {"str": "a string", "list": "a list", "Mapping": "an object"}[kind.__name__]
        raise InvalidInput(f"{name} is {value!r}; it must be {wanted}")
    return value


def integer(data: Mapping[str, Any], key: str, default: int | None = None) -> int:
    """The whole number at `key`."""
    value = data.get(key, default)
    whole = value.is_integer() if isinstance(value, float) else isinstance(value, int)
    if not whole or isinstance(value, bool):
        raise InvalidInput(f"{key} is {value!r}; it must be a whole number")
    return int(value)


def finite_or_none(value: float) -> float | None:
    """A number as strict JSON allows it."""
    return float(value) if isfinite(value) else None
