"""Instances of the lazy-to-rich theorems: a committee machine in a setting."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import numpy as np

from theory.errors import InvalidInput
from theory.lazy_rich import Setting
from verify.instances.base import check_keys, expect

_KEYS = {field.name for field in fields(Setting)}
_REQUIRED = {"input_dim", "width", "samples"}


def _plain(value: Any) -> Any:
    """As JSON would read it back: a list for a tuple, plain numbers for those of NumPy."""
    if isinstance(value, tuple):
        return [_plain(entry) for entry in value]
    return value.item() if isinstance(value, np.generic) else value


@dataclass(frozen=True)
class CommitteeInstance:
    """A setting of the polynomial-regression model, and the claim that it was saved for."""

    setting: Setting
    claim: str | None = None

    def but(self, **changes: Any) -> "CommitteeInstance":
        """The same instance with other values in its setting."""
        return replace(self, setting=replace(self.setting, **changes))

    def to_json(self) -> dict[str, Any]:
        data = {"model": "committee", **{key: _plain(v) for key, v in asdict(self.setting).items()}}
        return data if self.claim is None else {**data, "claim": self.claim}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "CommitteeInstance":
        """Build an instance from parsed JSON, the key "model" removed.

        Raises:
            InvalidInput: naming the key that is missing, unknown or wrong.
        """
        check_keys("instance", data, _REQUIRED, (_KEYS - _REQUIRED) | {"claim", "name"})
        for key in {"claim", "name"} & set(data):
            expect(key, data[key], str)
        given = {key: data[key] for key in _KEYS & set(data)}
        overlaps = given.get("overlaps")
        if overlaps is not None:
            if not isinstance(overlaps, (list, tuple)):
                raise InvalidInput(f"overlaps is {overlaps!r}; it must be a list of numbers")
            given["overlaps"] = tuple(overlaps)
        return cls(Setting(**given), data.get("claim"))
