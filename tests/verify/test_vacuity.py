"""Empty and false toy claims: with every rival rejected, none of them may hold."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import inf, nan
from typing import Any

import numpy as np
import pytest
from hypothesis import assume
from hypothesis import strategies as st
from stated import Total, bound, rate

from theory import Diagonal, Problem, Regime
from theory.errors import AssumptionError, IntegrationFailed
from verify.instances import FlowInstance
from verify.language import Kind, Law, Rival, not_applicable, stated, unresolved
from verify.runner import run

Make = Callable[..., Any]


@dataclass(frozen=True)
class Theory:
    """What the toys claim: sums are at most `limit`; the true largest sum is 160."""

    limit: float = stated(200.0)


RIVAL = (Rival("small", "at most 2", Theory(limit=2.0)),)


def instance(values: list[int]) -> FlowInstance:
    inputs = np.array([[float(value)] for value in values])
    problem = Problem(Diagonal(1), np.array([0.5, 0.5]), inputs, np.ones(len(values)))
    return FlowInstance(problem, Regime(log10_alpha=8, decay_power=2))


SUMS = st.lists(st.integers(1, 40), min_size=1, max_size=4)


def total(value: float, theory: Theory) -> Law:
    return bound("total", value, theory.limit)


def nothing(value: float, theory: Theory) -> Iterator[Law]:
    yield from ()


def rate_that_is_nan(value: float, theory: Theory) -> Iterator[Law]:
    yield total(value, theory)
    yield rate("slope", 1.0, nan, 0.1)


def rate_of_few(value: float, theory: Theory) -> Iterator[Law]:
    yield total(value, theory)
    if value > 100.0:
        yield rate("slope", 1.0, 1.0, 0.1)


def left_out_where_false(value: float, theory: Theory) -> Iterator[Law]:
    yield total(value, theory)
    if value < 50.0:
        yield bound("below 50", value, 50.0)


def not_applicable_where_false(value: float, theory: Theory) -> Iterator[Law]:
    yield total(value, theory)
    yield not_applicable("below 0", Kind.BELOW, "it is not")


def unresolved_where_false(value: float, theory: Theory) -> Iterator[Law]:
    yield total(value, theory)
    if value < 50.0:
        yield bound("below 50", value, 50.0)
    else:
        yield unresolved("below 50", Kind.BELOW, "looked bad")


def both_sides(value: float, theory: Theory) -> Iterator[Law]:
    yield total(value, theory)
    yield rate("slope", 1.0, 1.5 if value % 2 else 0.5, 0.1)


def few_far_off(value: float, theory: Theory) -> Iterator[Law]:
    yield total(value, theory)
    yield rate("slope", 1.0, (1.0, 1.0, 1.5, 0.5)[int(value) % 4], 0.1)


def swamped(value: float, theory: Theory) -> Iterator[Law]:
    yield total(value, theory)
    yield bound("exact", value, 1e-10, error=1e6)


def error_in_the_bound(value: float, theory: Theory) -> Iterator[Law]:
    yield bound("total", value, 1e6 + theory.limit)


def tolerance_of_everything(value: float, theory: Theory) -> Iterator[Law]:
    yield rate("limit", theory.limit, value, 1e4)


def tautology(value: float, theory: Theory) -> Iterator[Law]:
    known = 160.0
    yield bound("total", known, theory.limit)


def itself(value: float, theory: Theory) -> Iterator[Law]:
    yield bound("total", abs(value - value), 1e-12 * theory.limit)
    yield rate("limit", theory.limit, 200.0, 1.0)


def wrong_sign(value: float, theory: Theory) -> Iterator[Law]:
    yield bound("total", -abs(value), theory.limit - 3.0)


def infinite_bound(value: float, theory: Theory) -> Iterator[Law]:
    yield bound("total", value, inf)


def a_stratum_of_its_own(value: float, theory: Theory) -> Iterator[Law]:
    yield total(value, theory)
    yield rate("slope", 1.0, 5.0, 0.1, stratum=f"sum {value:g}")


def stated_twice(value: float, theory: Theory) -> Iterator[Law]:
    yield total(value, theory)
    yield total(0.0, theory)


def raising_where_false(value: float, theory: Theory) -> Iterator[Law]:
    yield total(value, theory)
    if value > 100.0:
        raise ZeroDivisionError


def words(value: float, theory: Theory) -> Iterator[Any]:
    yield "it holds"


def rival_by_nan(value: float, theory: Theory) -> Iterator[Law]:
    yield bound("total", value if theory.limit == 200.0 else nan, 200.0)


EMPTY = (
    nothing,
    rate_that_is_nan,
    rate_of_few,
    left_out_where_false,
    not_applicable_where_false,
    unresolved_where_false,
    both_sides,
    few_far_off,
    swamped,
    error_in_the_bound,
    tolerance_of_everything,
    tautology,
    itself,
    wrong_sign,
    infinite_bound,
    a_stratum_of_its_own,
    stated_twice,
    raising_where_false,
    words,
    rival_by_nan,
)


@pytest.fixture
def judged(tiny_claim: Make, plan: Make, monkeypatch: pytest.MonkeyPatch) -> Make:
    def verdict(**changes: Any) -> Any:
        given = {"laws": lambda value, theory: [total(value, theory)], "rivals": RIVAL}
        claim = replace(tiny_claim(**{**given, **changes}), theory=Theory())
        monkeypatch.setattr("verify.shards.claim_of", lambda module, name: claim)
        (entry,) = run(plan(claim, examples=24), ()).claims
        return entry

    return verdict


def test_the_true_toy_holds(judged: Make) -> None:
    entry = judged()
    assert (entry.ruling.verdict, entry.standing) == ("holds", "tested")


@pytest.mark.parametrize("laws", EMPTY, ids=lambda laws: laws.__name__)
def test_no_empty_law_holds(laws: Any, judged: Make) -> None:
    entry = judged(laws=laws)
    assert entry.ruling.verdict != "holds"
    assert entry.ruling.verdict == "falsified" or entry.ruling.shortfalls


def same_instance(families: tuple[str, ...], sizes: Any) -> st.SearchStrategy[FlowInstance]:
    return st.just(instance([7]))


def filtered(families: tuple[str, ...], sizes: Any) -> st.SearchStrategy[FlowInstance]:
    @st.composite
    def draw(draw: Any) -> FlowInstance:
        values = draw(SUMS)
        assume(sum(values) < 20)
        return instance(values)

    return draw()


def failing_where_false(error: Exception) -> Callable[[float], None]:
    def check(value: float) -> None:
        if value > 50.0:
            raise error

    return check


@pytest.mark.parametrize(
    "changes",
    [
        {"rivals": ()},
        {"instances": same_instance},
        {"instances": filtered},
        {"check": failing_where_false(IntegrationFailed("stuck"))},
        {"check": failing_where_false(AssumptionError("size", "too large"))},
        {"check": failing_where_false(ValueError("no"))},
        {"sabotaged": {}},
        {"sabotaged": {"nothing wrong": lambda i: Total(float(i.problem.inputs.sum()))}},
        {"sabotaged": {"cannot be made": lambda i: 1 / 0}},
    ],
    ids=lambda changes: "-".join(changes),
)
def test_no_empty_evidence_holds(changes: dict[str, Any], judged: Make) -> None:
    entry = judged(**changes)
    assert entry.ruling.verdict == "inconclusive"
    assert entry.ruling.shortfalls
