"""Pairs of instances that differ in one assumption: violated in the one, met in the other."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from theory.errors import InvalidInput
from verify.instances.base import check_keys, expect
from verify.instances.flow import FlowInstance

ASSUMPTIONS = (
    "homogeneity",
    "smoothness",
    "zero output",
    "separability",
    "lambda a power of alpha",
    "alpha large",
    "c > 0",
)
"""Of the dichotomy theorems, as the claims on them name them."""

CONCLUSIONS = ("kernel phase", "late phase")
"""At (1-c) t_g the model is the kernel SVM of its NTK; on [t_g, (1+c) t_g] it becomes a KKT point
of the max-margin problem."""


@dataclass(frozen=True, eq=False)
class Violation:
    """An instance that violates one assumption, and the same instance with it restored.

    Attributes:
        conclusion: the one that fails without the assumption and holds with it, once that is known.
    """

    assumption: str
    violating: FlowInstance
    restored: FlowInstance
    conclusion: str | None = None

    def __post_init__(self) -> None:
        if self.assumption not in ASSUMPTIONS:
            allowed = ", ".join(ASSUMPTIONS)
            raise InvalidInput(f"assumption is {self.assumption!r}; allowed are {allowed}")
        if self.conclusion is not None and self.conclusion not in CONCLUSIONS:
            allowed = ", ".join(CONCLUSIONS)
            raise InvalidInput(f"conclusion is {self.conclusion!r}; allowed are {allowed}")

    @property
    def claim(self) -> None:
        """No claim: it is replayed under its assumption and its conclusion."""
        return

    def concluding(self, conclusion: str) -> "Violation":
        return replace(self, conclusion=conclusion)

    def to_json(self) -> dict[str, Any]:
        data = {
            "model": "violation",
            "assumption": self.assumption,
            "conclusion": self.conclusion,
            "violating": self.violating.to_json(),
            "restored": self.restored.to_json(),
        }
        return {key: value for key, value in data.items() if value is not None}

    @classmethod
    def from_json(cls, data: Mapping[str, Any], folder: Path | None = None) -> "Violation":
        """Build a pair from parsed JSON, the key "model" removed.

        Args:
            folder: where a net's own file is looked for.

        Raises:
            InvalidInput: naming the key that is missing, unknown or wrong.
        """
        check_keys("violation", data, {"assumption", "violating", "restored"}, {"conclusion"})
        for key in {"assumption", "conclusion"} & set(data):
            expect(key, data[key], str)
        violating, restored = (
            FlowInstance.from_json(data[key], folder) for key in ("violating", "restored")
        )
        return cls(data["assumption"], violating, restored, data.get("conclusion"))
