"""An assumption of a theorem, as an object that can be tested, and violated."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

Pairs = st.SearchStrategy[tuple[Any, Any]]
"""Two instances that differ in one assumption: violated in the first, met in the second."""

Violated = Callable[[st.SearchStrategy[Any]], Pairs]
"""From the instances of a measurement, which meet all its assumptions, to pairs."""


@dataclass(frozen=True)
class Assumption:
    """What an instance must meet.

    Attributes:
        id: by which reports and commands name it.
        statement: in words.
        test: raises `AssumptionError` where an instance does not meet it; None where every instance
            of the strategy does by construction and nothing else can be tested.
        violated: how exactly this one is violated, for `verify.necessity`; None where it cannot be.
    """

    id: str
    statement: str = ""
    test: Callable[[Any], None] | None = None
    violated: Violated | None = None

    def violable(self, violated: Violated) -> "Assumption":
        """The same, with a way to violate it."""
        return replace(self, violated=violated)


def in_words(*statements: str) -> tuple[Assumption, ...]:
    """Assumptions that the strategy meets by construction."""
    return tuple(Assumption(statement, statement) for statement in statements)


def one_changed(change: Callable[[Any], st.SearchStrategy[Any]]) -> Violated:
    """Pairs of a valid instance and a changed one, which `change` draws from it."""

    def pairs(valid: st.SearchStrategy[Any]) -> Pairs:
        return valid.flatmap(lambda met: change(met).map(lambda violating: (violating, met)))

    return pairs
