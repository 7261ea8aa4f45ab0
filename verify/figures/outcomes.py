"""What a figure is said to show, judged on its own data by the judge of the claims.

An outcome is a claim about one figure: inequalities between its numbers, with a wrong variant that
the same numbers must refute, and the verdict that is expected of it.
"""

from dataclasses import dataclass
from math import isfinite
from typing import Any

from verify.alone import Verdict
from verify.language.claim import Expected
from verify.language.law import Check, Status


@dataclass(frozen=True)
class Bound:
    """A named inequality between two numbers of a figure: value <= bound, value off by `error`."""

    name: str
    value: float
    bound: float
    error: float = 0.0

    @property
    def status(self) -> Status:
        return Check(self.value, self.bound, self.error).status


def verdict_of(bounds: tuple[Bound, ...]) -> Verdict:
    """One refuted falsifies, one undecided or none at all leaves it open."""
    found = {bound.status for bound in bounds}
    if Status.REFUTED in found:
        return "falsified"
    return "inconclusive" if Status.UNRESOLVED in found or not found else "holds"


@dataclass(frozen=True)
class Outcome:
    """One statement about a figure.

    Attributes:
        statement: in words.
        bounds: what it says of the numbers.
        rival: a plausible other outcome, in words.
        rival_bounds: what that one says; it must be refuted.
        expected: "falsified" for a statement of the literature that the figure does not show.
    """

    statement: str
    bounds: tuple[Bound, ...]
    rival: str
    rival_bounds: tuple[Bound, ...]
    expected: Expected = "holds"

    @property
    def verdict(self) -> Verdict:
        return verdict_of(self.bounds)

    @property
    def rival_rejected(self) -> bool:
        return verdict_of(self.rival_bounds) == "falsified"

    @property
    def as_expected(self) -> bool:
        """The verdict is the expected one; of a statement that holds, the rival must fall too."""
        return self.verdict == self.expected and (self.rival_rejected or self.verdict != "holds")

    @property
    def told(self) -> str:
        """The verdict in words: a failure that is expected is told as such."""
        if not self.as_expected:
            return f"{self.verdict}, which was not expected"
        return self.verdict if self.expected == "holds" else f"{self.verdict}, as expected"

    def line(self) -> str:
        """The verdict, the statement and the numbers that decide it."""
        numbers = "; ".join(f"{b.name} {b.value:.3g} <= {b.bound:.3g}" for b in self._shown())
        note = "" if self.as_expected else " -- NOT AS EXPECTED"
        rejected = "rejected" if self.rival_rejected else "not rejected"
        return f"{self.told}: {self.statement} ({numbers}; rival {rejected}: {self.rival}){note}"

    def _shown(self) -> tuple[Bound, ...]:
        """The bounds that decide: the refuted ones, or else all of them."""
        refuted = tuple(b for b in self.bounds if b.status is Status.REFUTED)
        return refuted or self.bounds

    def to_json(self) -> dict[str, Any]:
        return {
            "statement": self.statement,
            "verdict": self.verdict,
            "told": self.told,
            "expected": self.expected,
            "rival": self.rival,
            "rival_rejected": self.rival_rejected,
            "as_expected": self.as_expected,
            "bounds": [
                {"name": b.name, "value": _number(b.value), "bound": _number(b.bound)}
                for b in self.bounds
            ],
        }


def _number(value: float) -> float | None:
    """JSON has no infinity and no nan, which leave a bound undecided."""
    return value if isfinite(value) else None


def below(name: str, value: float, bound: float, error: float = 0.0) -> Bound:
    """value <= bound; a name that reads well before the two numbers."""
    return Bound(name, value, bound, error)


def ordered(names: tuple[str, ...], values: tuple[float, ...]) -> tuple[Bound, ...]:
    """values[0] <= values[1] <= ..., one bound for each neighbouring pair."""
    return tuple(
        Bound(f"{names[k]} against {names[k + 1]}", values[k], values[k + 1])
        for k in range(len(values) - 1)
    )
