"""Laws in parts: the same laws as anew, and no part computed without need."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

from hypothesis import given
from hypothesis import strategies as st

from verify.language import Law, choice, equals, separately, stated
from verify.language.parts import Assertions, recorded


@dataclass(frozen=True)
class Theory:
    slope: float = stated(2.0, half=(1.0, "half of it"))
    offset: float = stated(1.0, none=(0.0, "without it"))
    bent: bool = choice(False, curved=(True, "a parabola"))
    height: float = stated(3.0, low=(1.0, "lower"))

    @property
    def doubled(self) -> float:
        return 2.0 * self.height


calls: Counter[str] = Counter()


def line(x: float, theory: Theory) -> Iterator[Law]:
    calls["line"] += 1
    power = 2 if theory.bent else 1
    yield equals("line", theory.slope * x**power + theory.offset, 3.0, 1e-9)


def top(x: float, theory: Theory) -> Law:
    calls["top"] += 1
    return equals("top", theory.doubled * x, 6.0, 1e-9)


LAWS = separately(line, top)
theories = st.builds(
    Theory,
    st.sampled_from([1.0, 2.0]),
    st.sampled_from([0.0, 1.0]),
    st.booleans(),
    st.sampled_from([1.0, 3.0]),
)


@given(theories)
def test_reused_laws_are_the_laws(theory: Theory) -> None:
    assertions = Assertions(LAWS, 1.0, Theory())
    tuple(assertions.of(Theory()))
    assert tuple(assertions.of(theory)) == tuple(LAWS(1.0, theory))


def test_a_part_is_computed_anew_only_for_constants_that_it_reads() -> None:
    truth = Theory()
    assertions = Assertions(LAWS, 1.0, truth)
    calls.clear()
    for theory in (truth, replace(truth, height=1.0), replace(truth, height=2.0)):
        tuple(assertions.of(theory))
    assert calls == {"line": 1, "top": 3}
    tuple(assertions.of(replace(truth, bent=True)))
    assert calls == {"line": 2, "top": 3}


def test_comparing_a_theory_reads_all_of_it() -> None:
    watched, reads = recorded(Theory())
    assert watched == Theory()
    assert hash(watched) == hash(Theory())
    assert reads == {"slope", "offset", "bent", "height"}
