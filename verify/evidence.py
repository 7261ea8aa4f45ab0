"""Evidence: what one instance said, of the claim and of each rival, as plain data.

Evidence is what shards exchange, what is merged, and all that the judge sees. It holds no objects
of the theory, only numbers, and the instance as JSON.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from time import perf_counter
from typing import Any, Literal

from theory.errors import (
    AssumptionError,
    IntegratorsDisagree,
    InvalidInput,
    NumericalFailure,
    OracleFailed,
)
from verify.claims.base import Assertions, Bound, Claim, Finding, Ladder, RateSample
from verify.instances import Instance
from verify.power import detuned_assertions

Outcome = Literal[
    "measured",
    "assumption not met",
    "integrator did not finish",
    "integrators disagree",
    "oracle not certified",
]

CLAIM = "claim"
"""The key of the claim itself among its rivals."""


@dataclass(frozen=True)
class Evidence:
    """One instance under one claim.

    Attributes:
        instance: the instance as JSON.
        outcome: whether it was measured, or which class of failure kept it from being.
        message: the failure in words.
        assertions: what the claim ("claim"), each rival (its id) and each detuned theory
            (`verify.power.statement`) asserts of the measurement.
    """

    instance: dict[str, Any]
    outcome: Outcome
    message: str = ""
    assertions: dict[str, Assertions] = field(default_factory=dict)
    ladders: tuple[Ladder, ...] = ()
    findings: tuple[Finding, ...] = ()
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Evidence":
        return cls(
            instance=dict(data["instance"]),
            outcome=data["outcome"],
            message=data["message"],
            assertions={
                name: Assertions(
                    tuple(Bound(**bound) for bound in stated["bounds"]),
                    tuple(RateSample(**sample) for sample in stated["rates"]),
                )
                for name, stated in data["assertions"].items()
            },
            ladders=tuple(_ladder(ladder) for ladder in data["ladders"]),
            findings=tuple(Finding(**finding) for finding in data["findings"]),
            seconds=data["seconds"],
        )


def _ladder(data: Mapping[str, Any]) -> Ladder:
    axes = (tuple(data[name]) for name in ("x", "y", "predicted"))
    return Ladder(data["quantity"], data["x_label"], *axes)


def examine(claim: Claim[Any, Any], instance: Instance) -> Evidence:
    """Measure one instance and record what the claim and its rivals assert of it.

    Never raises for failures of assumptions or numerics: they are outcomes.
    """
    if not isinstance(instance, claim.kind):
        raise InvalidInput(
            f"instance is a {type(instance).__name__}; claim {claim.id} takes a "
            f"{claim.kind.__name__}"
        )
    start = perf_counter()
    recorded = {**instance.to_json(), "claim": claim.id}
    try:
        measured = claim.measure(instance)
    except AssumptionError as error:
        seconds = perf_counter() - start
        return Evidence(recorded, "assumption not met", str(error), seconds=seconds)
    except NumericalFailure as error:
        seconds = perf_counter() - start
        return Evidence(recorded, _failure_class(error), str(error), seconds=seconds)
    assertions = {CLAIM: claim.assertions(measured, claim.theory)}
    for rival in claim.rivals:
        assertions[rival.id] = claim.assertions(measured, rival.theory)
    assertions |= detuned_assertions(claim, measured)
    return Evidence(
        recorded,
        "measured",
        assertions={name: _plain(stated) for name, stated in assertions.items()},
        ladders=claim.ladders(measured),
        findings=claim.findings(measured),
        seconds=perf_counter() - start,
    )


def _failure_class(error: NumericalFailure) -> Outcome:
    if isinstance(error, IntegratorsDisagree):
        return "integrators disagree"
    if isinstance(error, OracleFailed):
        return "oracle not certified"
    return "integrator did not finish"


def _plain(stated: Assertions) -> Assertions:
    """Numbers as Python floats: numpy scalars do not survive JSON."""
    return Assertions(
        tuple(Bound(b.name, float(b.value), float(b.bound), float(b.error)) for b in stated.bounds),
        tuple(
            RateSample(
                r.quantity, float(r.predicted), float(r.fitted), float(r.tolerance), r.method
            )
            for r in stated.rates
        ),
    )
