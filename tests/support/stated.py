"""Laws and claims by hand, in few words, for tests of the judge and of what surrounds it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from theory import Diagonal, Problem, Regime
from verify.instances import FlowInstance
from verify.language import (
    Basis,
    Claim,
    Kind,
    Law,
    Measurement,
    Rival,
    below,
    in_words,
    unresolved,
)
from verify.language import rate as rate_law
from verify.strategies.nets import FAMILIES


def bound(name: str, value: float, limit: float, error: float = 0.0) -> Law:
    """value <= limit."""
    if not (error >= 0.0):
        return unresolved(name, Kind.BELOW, "not a finite number")
    return below(name, value, limit, Basis.DERIVED, error=error)


def rate(
    name: str,
    predicted: float,
    fitted: float,
    tolerance: float,
    method: str = "",
    stratum: str = "",
) -> Law:
    """A rate without numerical error."""
    return rate_law(name, fitted, predicted, tolerance, method, error=0.0, stratum=stratum)


@dataclass(frozen=True)
class Total:
    """What is measured on an instance of `tiny`."""

    value: float


def tiny(
    limit: float = 1000.0,
    rivals: dict[str, float] | tuple[Rival, ...] | None = None,
    *,
    name: str = "tiny",
    measurement: str | None = None,
    check: Callable[[float], None] = lambda total: None,
    laws: Callable[[float, Any], Any] | None = None,
    sabotaged: dict[str, Callable[[Any], Total]] | None = None,
    ladders: Any = None,
    examples: tuple[Any, ...] = (),
    thrift: int = 1,
    families: tuple[str, ...] = FAMILIES,
    instances: Any = None,
    independent: Any = None,
    **changes: Any,
) -> Claim[Total, Any]:
    """'The inputs sum to at most `limit`', over one to four whole inputs from 1 to 40.

    `check` sees every sum before it is asserted on, and may raise. All functions are local, so that
    worker processes get them by value.
    """

    def drawn(families: tuple[str, ...], sizes: Any) -> st.SearchStrategy[FlowInstance]:
        del families, sizes
        return st.lists(st.integers(1, 40), min_size=1, max_size=4).map(build)

    def build(values: list[int]) -> FlowInstance:
        inputs = np.array([[float(value)] for value in values])
        problem = Problem(Diagonal(1), np.array([0.5, 0.5]), inputs, np.ones(len(values)))
        return FlowInstance(problem, Regime(log10_alpha=8, decay_power=2))

    def measure(instance: FlowInstance) -> Total:
        total = float(instance.problem.inputs.sum())
        check(total)
        return Total(total)

    def stated(total: float, bound_on_sums: float) -> Any:
        yield below("total", total, bound_on_sums, Basis.DERIVED)
        yield rate_law("slope", 1.0, 1.0, 0.1, "", error=0.0)

    def asserted(total: Total, theory: Any) -> Any:
        yield from (laws or stated)(total.value, theory)
        if ladders is not None:
            yield from ladders(total.value)

    measured: Measurement[FlowInstance, Total] = Measurement(
        measurement or name,
        FlowInstance,
        families,
        instances or drawn,
        measure,
        in_words("whole inputs"),
        sabotaged={"far larger inputs": lambda i: Total(1e9)} if sabotaged is None else sabotaged,
        independent=independent,
        examples=examples,
        thrift=thrift,
    )
    known = {"lower": 2.0} if rivals is None else rivals
    claim: Claim[Total, Any] = Claim(
        id=name,
        title="Sums are small",
        statement=r"\sum_i x_i \le c",
        source="nobody",
        measurement=measured,
        theory=limit,
        laws=asserted,
        tolerances=("exact",),
        further_rivals=known
        if isinstance(known, tuple)
        else tuple(Rival(key, f"at most {value:g}", value) for key, value in known.items()),
    )
    return replace(claim, **changes)
