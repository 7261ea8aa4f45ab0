"""Evidence: what one instance said, of the claim and of each rival, as plain data.

Evidence is what shards exchange, what is merged, and all that the judge sees. It holds no objects
of the theory, only numbers, and the instance as JSON.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from verify.alone import judge_instance
from verify.language.claim import Finding
from verify.language.law import Basis, Check, Estimate, Kind, Law, Status

Outcome = Literal[
    "measured",
    "assumption not met",
    "integrator did not finish",
    "integrators disagree",
    "oracle not certified",
    "numerical failure",
    "raised",
]

CLAIM = "claim"
"""The key of the claim itself among its rivals."""

Laws = tuple[Law, ...]


@dataclass(frozen=True)
class Rungs:
    """A ladder as it is drawn.

    Attributes:
        role: of the predicted values, "predicted course" or "upper bound".
        asymptotic_range: see `verify.language.Ladder`.
    """

    quantity: str
    x_label: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    errors: tuple[float, ...]
    predicted: tuple[float, ...]
    role: str
    asymptotic_range: float


@dataclass(frozen=True)
class Sabotage:
    """Whether the claim noticed a measurement in a wrong world; None where it could not."""

    name: str
    noticed: bool | None
    message: str = ""


@dataclass(frozen=True)
class Comparison:
    """One number of a law by two routes, with the largest difference that errors told allow."""

    law: str
    value: float
    other: float
    allowed: float

    @property
    def agrees(self) -> bool:
        return abs(self.value - self.other) <= self.allowed


@dataclass(frozen=True)
class Evidence:
    """One instance under one claim.

    Attributes:
        instance: the instance as JSON.
        outcome: whether it was measured, or which class of failure kept it from being.
        message: the failure in words.
        laws: what the claim ("claim"), each rival (its id) and each detuned theory (its key) assert
            of the measurement.
        measures: sizes of the instance, for histograms.
        sabotages: what the claim noticed on this instance.
        comparisons: with an independent route, on the few instances that take one.
        unrouted: why that route failed, in words.
        unsteady: an equal instance gave other numbers.
    """

    instance: dict[str, Any]
    outcome: Outcome
    message: str = ""
    laws: dict[str, Laws] = field(default_factory=dict)
    ladders: tuple[Rungs, ...] = ()
    findings: tuple[Finding, ...] = ()
    measures: dict[str, float] = field(default_factory=dict)
    sabotages: tuple[Sabotage, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    unrouted: str = ""
    unsteady: bool = False
    seconds: float = 0.0

    @property
    def refuted(self) -> set[str]:
        """The keys of what it refutes by itself: more instances cannot save it."""
        return {key for key, laws in self.laws.items() if judge_instance(laws) is Status.REFUTED}

    def to_json(self) -> dict[str, Any]:
        plain = replace(self, laws={})
        told = {name: [law_to_json(law) for law in laws] for name, laws in self.laws.items()}
        return {**asdict(plain), "laws": told}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Evidence":
        return cls(
            instance=dict(data["instance"]),
            outcome=data["outcome"],
            message=data["message"],
            laws={
                name: tuple(law_from_json(law) for law in laws)
                for name, laws in data["laws"].items()
            },
            ladders=tuple(Rungs(**_tuples(ladder)) for ladder in data["ladders"]),
            findings=tuple(Finding(**finding) for finding in data["findings"]),
            measures=dict(data["measures"]),
            sabotages=tuple(Sabotage(**entry) for entry in data["sabotages"]),
            comparisons=tuple(Comparison(**entry) for entry in data["comparisons"]),
            unrouted=data["unrouted"],
            unsteady=data["unsteady"],
            seconds=data["seconds"],
        )


def law_to_json(law: Law) -> dict[str, Any]:
    """A law without its ladder, in few characters: most of a shard's file is laws."""
    estimate = None if law.estimate is None else list(asdict(law.estimate).values())
    checks = [[c.value, c.bound, c.error, c.at] for c in law.checks]
    told = [law.stratum, law.unresolved, law.not_applicable]
    return {
        "id": law.id,
        "kind": law.kind.value,
        "basis": law.basis.value,
        "told": told,
        "checks": checks,
        "estimate": estimate,
    }


def law_from_json(data: Mapping[str, Any]) -> Law:
    stratum, unresolved, not_applicable = data["told"]
    return Law(
        data["id"],
        Kind(data["kind"]),
        Basis(data["basis"]),
        stratum,
        tuple(Check(*check) for check in data["checks"]),
        None if data["estimate"] is None else Estimate(*data["estimate"]),
        unresolved,
        not_applicable,
    )


def _tuples(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(v) if isinstance(v, list) else v for key, v in data.items()}
