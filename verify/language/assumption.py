"""An assumption of a theorem, as an object that can be tested."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Assumption:
    """What an instance must meet.

    Attributes:
        id: by which reports and commands name it.
        statement: in words.
        test: raises `AssumptionError` where an instance does not meet it; None where every instance
            of the strategy does by construction and nothing else can be tested.
    """

    id: str
    statement: str = ""
    test: Callable[[Any], None] | None = None


def in_words(*statements: str) -> tuple[Assumption, ...]:
    """Assumptions that the strategy meets by construction."""
    return tuple(Assumption(statement, statement) for statement in statements)
