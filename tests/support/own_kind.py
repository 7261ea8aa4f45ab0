"""The source of a user's own kind of instance, for modules that tests write."""

NUMBER = """
from dataclasses import dataclass
from hypothesis import strategies as st

@dataclass(frozen=True)
class Number:
    value: int
    claim: str | None = None

    def to_json(self):
        return {"value": self.value}

    @classmethod
    def from_json(cls, data):
        return cls(**data)
"""
