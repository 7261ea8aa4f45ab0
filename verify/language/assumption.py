"""An assumption of a theorem: it can be tested, and where it can be violated, violated alone."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st


@dataclass(frozen=True)
class Assumption:
    """What an instance must meet.

    Attributes:
        id: by which reports and commands name it.
        statement: in words.
        test: raises `AssumptionError` where an instance does not meet it; None where every instance
            of the strategy does by construction and nothing else can be tested.
        violations: pairs of instances, one violating this assumption alone and one restored, over
            the given families; None where nobody has said how.
    """

    id: str
    statement: str = ""
    test: Callable[[Any], None] | None = None
    violations: Callable[[tuple[str, ...]], st.SearchStrategy[Any]] | None = None


def in_words(*statements: str) -> tuple[Assumption, ...]:
    """Assumptions that the strategy meets by construction."""
    return tuple(Assumption(statement, statement) for statement in statements)
