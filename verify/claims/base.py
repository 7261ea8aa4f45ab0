"""What a claim is: a theorem as an object that can be attacked.

A claim measures one instance (exactly, with its numerical error), and asserts something about the
measurement in the words of a small frozen record of constants, its *theory*. A rival is the same
assertion with another record: whatever the judge accepts for the claim and rejects for the rival,
it decides on the same numbers by the same rules.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

import numpy as np
from hypothesis import strategies as st
from numpy.typing import ArrayLike

from verify.instances import FlowInstance, Instance
from verify.strategies.nets import FAMILIES

M = TypeVar("M")
T = TypeVar("T")

Expected = Literal["holds", "falsified"]


@dataclass(frozen=True)
class Bound:
    """One inequality on one instance: value <= bound, with `error` the uncertainty of value."""

    name: str
    value: float
    bound: float
    error: float = 0.0


@dataclass(frozen=True)
class RateSample:
    """A slope or constant fitted on one instance's ladder, with what is predicted for it.

    `tolerance` is absolute: how far the median over instances may lie from `predicted`. `method` is
    how `fitted` was found on the instance, as in "least-squares slope over 3 rungs".
    """

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
class Finding:
    """Something an instance showed that is no part of the assertion but must not stay hidden."""

    title: str
    detail: str
    severity: float


@dataclass(frozen=True)
class Assertions:
    """All that a theory asserts about one measurement."""

    bounds: tuple[Bound, ...] = ()
    rates: tuple[RateSample, ...] = ()


@dataclass(frozen=True)
class Rival(Generic[T]):
    """A plausible wrong statement, as the theory that it puts in place of the true one."""

    id: str
    description: str
    theory: T


def _nothing(_: Any) -> tuple[()]:
    return ()


@dataclass(frozen=True)
class Claim(Generic[M, T]):
    """A theorem with everything needed to attack it.

    Attributes:
        id: short name on the command line.
        title: one line.
        statement: LaTeX.
        source: paper, theorem or equation.
        assumptions: what the instances satisfy, in words.
        instances: strategy of instances over the given families of nets.
        measure: one instance to numbers; raises `NumericalFailure` or `AssumptionError`.
        theory: the constants as the theorem states them.
        assertions: what a theory asserts of a measurement.
        rivals: wrong theories that the judge must reject.
        tolerances: where each bound and tolerance comes from.
        ladders, findings: what the report draws and notes for one measurement.
        examples: further instances always tried, by name.
        families: the families of nets that it speaks of.
        kind: the type of its instances.
        thrift: one instance costs as much as this many of another claim, and it gets so many fewer.
        expected: "falsified" for a statement of the literature that does not survive.
        constants: the constants of `theory` that are put off to measure the power of a run; None
            for all its real numbers but zeros.
        module: the user's module that it was loaded from, as `--module` names it.
    """

    id: str
    title: str
    statement: str
    source: str
    assumptions: tuple[str, ...]
    instances: Callable[[tuple[str, ...]], st.SearchStrategy[Any]]
    measure: Callable[[Any], M]
    theory: T
    assertions: Callable[[M, T], Assertions]
    rivals: tuple[Rival[T], ...]
    tolerances: tuple[str, ...]
    ladders: Callable[[M], tuple[Ladder, ...]] = field(default=_nothing)
    findings: Callable[[M], tuple[Finding, ...]] = field(default=_nothing)
    examples: tuple[Instance, ...] = ()
    families: tuple[str, ...] = FAMILIES
    kind: type = FlowInstance
    thrift: int = 1
    expected: Expected = "holds"
    module: str | None = None
    constants: tuple[str, ...] | None = None
