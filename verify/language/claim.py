"""What a claim is: a theorem as an object that can be attacked."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar, get_args

from hypothesis import strategies as st

from theory.errors import InvalidInput
from verify.language.constants import Rival, detunings_of, rivals_of
from verify.language.ladder import Ladder
from verify.language.law import Law
from verify.language.measurement import Measurement
from verify.language.names import check_id
from verify.mathml import Untypeset, typeset
from verify.strategies.sizes import Sizes

M = TypeVar("M")
T = TypeVar("T")

Expected = Literal["holds", "falsified"]


@dataclass(frozen=True)
class Finding:
    """Something an instance showed that is no part of the claim but must not stay hidden."""

    title: str
    detail: str
    severity: float


def _nothing(_: Any) -> tuple[()]:
    return ()


@dataclass(frozen=True)
class Claim(Generic[M, T]):
    """A theorem with everything needed to attack it.

    Raises:
        InvalidInput: the id is no plain name; nothing known is expected; rivals share a name, or
            have one that is taken; the statement cannot be typeset.

    Attributes:
        id: short name on the command line.
        title: one line.
        statement: LaTeX.
        source: paper, theorem or equation.
        measurement: its instances and what is measured on one.
        theory: the constants as the theorem states them; see `verify.language.constants`.
        laws: what a theory asserts of a measured record; ladders among them are only drawn.
        tolerances: where each bound and tolerance comes from.
        further_rivals: wrong theories that differ in more than one constant.
        findings: what the report notes for one record.
        expected: "falsified" for a statement of the literature that does not survive.
        module: the user's module that it was loaded from, as `--module` names it.
        package: the installed package that declares it.
    """

    id: str
    title: str
    statement: str
    source: str
    measurement: Measurement[Any, M]
    theory: T
    laws: Callable[[M, T], Iterable[Law | Ladder]]
    tolerances: tuple[str, ...]
    further_rivals: tuple[Rival, ...] = ()
    findings: Callable[[M], tuple[Finding, ...]] = field(default=_nothing)
    expected: Expected = "holds"
    module: str | None = None
    package: str | None = None

    def __post_init__(self) -> None:
        check_id("claim", self.id)
        if self.expected not in get_args(Expected):
            told = f"claim {self.id!r} is expected to be {self.expected!r}"
            raise InvalidInput(f"{told}; it must be one of {', '.join(get_args(Expected))}")
        names = [rival.id for rival in self.rivals]
        twice = sorted({name for name in names if names.count(name) > 1})
        taken = {"claim", *(detuning.key for detuning in detunings_of(self.theory))}
        if reserved := sorted(taken.intersection(names)):
            told = f"claim {self.id!r} has a rival named {', '.join(reserved)}"
            raise InvalidInput(f"{told}, which names its own laws or a detuned theory")
        if twice:
            raise InvalidInput(f"claim {self.id!r} has several rivals named {', '.join(twice)}")
        try:
            typeset(self.statement)
        except Untypeset as error:
            raise InvalidInput(f"claim {self.id!r}: {error}") from error

    @property
    def rivals(self) -> tuple[Rival, ...]:
        """Those beside the constants, then the further ones."""
        return (*rivals_of(self.theory), *self.further_rivals)

    @property
    def assumptions(self) -> tuple[str, ...]:
        return tuple(assumption.id for assumption in self.measurement.assumptions)

    @property
    def families(self) -> tuple[str, ...]:
        return self.measurement.families

    @property
    def kind(self) -> type:
        return self.measurement.kind

    def instances(self, families: tuple[str, ...], sizes: Sizes) -> st.SearchStrategy[Any]:
        return self.measurement.instances(families, sizes)


AnyClaim = Claim[Any, Any]
