"""Claims of the layer before `verify.language`, read by the new judge until each is ported.

Nothing new is written with it: see `verify.language`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from verify.instances import FlowInstance
from verify.language.assumption import in_words
from verify.language.claim import Claim as NewClaim
from verify.language.claim import Expected, Finding
from verify.language.constants import Rival
from verify.language.ladder import Ladder as NewLadder
from verify.language.law import Basis, Check, Estimate, Kind, Law
from verify.language.measurement import Measurement
from verify.language.quantity import Quantity
from verify.strategies.nets import FAMILIES

__all__ = ["Assertions", "Bound", "Claim", "Expected", "Finding", "Ladder", "RateSample", "Rival"]


@dataclass(frozen=True)
class Bound:
    """One inequality on one instance: value <= bound, with `error` the uncertainty of value."""

    name: str
    value: float
    bound: float
    error: float = 0.0


@dataclass(frozen=True)
class RateSample:
    """A slope or constant fitted on one instance's ladder, with what is predicted for it."""

    quantity: str
    predicted: float
    fitted: float
    tolerance: float
    method: str = ""


@dataclass(frozen=True)
class Ladder:
    """A measured quantity along a ladder of scales, with its predicted course, for the plot."""

    quantity: str
    x_label: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    predicted: tuple[float, ...]

    @classmethod
    def of(
        cls, quantity: str, x_label: str, x: ArrayLike, y: ArrayLike, predicted: ArrayLike
    ) -> "Ladder":
        """A ladder from arrays `(T,)`; a single number as prediction is that number throughout."""
        axes = (np.asarray(axis, dtype=np.float64).ravel() for axis in (x, y, predicted))
        drawn = (tuple(axis.tolist()) for axis in np.broadcast_arrays(*axes))
        return cls(quantity, x_label, *drawn)


@dataclass(frozen=True)
class Assertions:
    """All that a theory asserts about one measurement."""

    bounds: tuple[Bound, ...] = ()
    rates: tuple[RateSample, ...] = ()


def _nothing(_: Any) -> tuple[()]:
    return ()


def laws_of(stated: Assertions) -> Iterator[Law]:
    """Bounds of one family, their name up to the first comma, are one law."""
    families: dict[str, list[Check]] = {}
    for bound in stated.bounds:
        checks = families.setdefault(bound.name.split(", ")[0], [])
        checks.append(Check(bound.value, bound.bound, bound.error))
    for name, checks in families.items():
        yield Law(name, Kind.BELOW, Basis.FORMER, checks=tuple(checks))
    for rate in stated.rates:
        if np.isfinite(rate.fitted):
            estimate = Estimate(rate.fitted, rate.predicted, rate.tolerance, 0.0, rate.method)
            yield Law(rate.quantity, Kind.RATE, Basis.FORMER, estimate=estimate)
        else:
            yield Law(rate.quantity, Kind.RATE, Basis.FORMER, not_applicable="nothing to fit")


def Claim(  # noqa: N802
    id: str,  # noqa: A002
    title: str,
    statement: str,
    source: str,
    assumptions: tuple[str, ...],
    instances: Callable[[tuple[str, ...]], Any],
    measure: Callable[[Any], Any],
    theory: Any,
    assertions: Callable[[Any, Any], Assertions],
    rivals: tuple[Rival, ...],
    tolerances: tuple[str, ...],
    ladders: Callable[[Any], tuple[Ladder, ...]] = _nothing,
    findings: Callable[[Any], tuple[Finding, ...]] = _nothing,
    examples: tuple[Any, ...] = (),
    families: tuple[str, ...] = FAMILIES,
    kind: type = FlowInstance,
    thrift: int = 1,
    expected: Expected = "holds",
    module: str | None = None,
    constants: tuple[str, ...] | None = None,
) -> NewClaim[Any, Any]:
    """A claim of the former layer; laws that it does not state are not held against it."""
    del constants

    def laws(measured: Any, stated: Any) -> Iterator[Law | NewLadder]:
        found = {law.id: law for law in laws_of(assertions(measured, stated))}
        yield from found.values()
        for ladder in ladders(measured):
            measured_course = Quantity.of(ladder.y, 0.0)
            yield NewLadder.of(
                ladder.quantity, ladder.x_label, ladder.x, measured_course, ladder.predicted
            )

    measurement: Measurement[Any, Any] = Measurement(
        id,
        kind,
        families,
        lambda chosen, _: instances(chosen),
        measure,
        in_words(*assumptions),
        examples=examples,
        thrift=thrift,
    )
    return NewClaim(
        id,
        title,
        statement,
        source,
        measurement,
        theory,
        laws,
        tolerances,
        further_rivals=rivals,
        findings=findings,
        expected=expected,
        module=module,
    )
