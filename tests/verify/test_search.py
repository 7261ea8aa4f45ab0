"""Drawing counts what it discards, and shrinking ends at the named minimal counterexample."""

import importlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume
from hypothesis import strategies as st

from theory.errors import AssumptionError, IntegrationFailed
from verify.alone import SEVERE
from verify.instances import FlowInstance
from verify.search import draw_instances, shrink_counterexample
from verify.strategies.sizes import QUICK

FAMILY = ("diagonal",)


def totals(claim: Any, seed: int, count: int) -> list[float]:
    found: list[float] = []
    draw_instances(
        claim.instances(FAMILY, QUICK), seed, count, lambda i: found.append(i.problem.inputs.sum())
    )
    return found


def test_same_seed_draws_the_same_and_another_seed_others(tiny_claim: Callable[..., Any]) -> None:
    claim = tiny_claim()
    assert totals(claim, 1, 8) == totals(claim, 1, 8)
    assert totals(claim, 1, 8) != totals(claim, 2, 8)


def test_draws_do_not_depend_on_what_the_process_has_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Left alone, Hypothesis takes one integer in twenty from the sources of imported modules."""
    strategy: Any = st.lists(st.integers(0, 9999), min_size=40, max_size=40)

    def drawn() -> list[Any]:
        found: list[Any] = []
        draw_instances(strategy, 0, 8, found.append)
        return found

    before = drawn()
    (tmp_path / "odd_numbers_only.py").write_text(f"X = {[*range(1001, 3001, 2)]}\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.import_module("odd_numbers_only")
    assert drawn() == before


@pytest.mark.parametrize("count", [1, 5, 8])
def test_draws_as_many_as_asked_for(count: int, tiny_claim: Callable[..., Any]) -> None:
    assert len(totals(tiny_claim(), 0, count)) == count


def test_discarded_draws_are_counted(tiny_claim: Callable[..., Any]) -> None:
    used: list[FlowInstance] = []
    discarded_here = 0

    @st.composite
    def seldom(draw: st.DrawFn) -> FlowInstance:
        nonlocal discarded_here
        instance: FlowInstance = draw(tiny_claim().instances(FAMILY, QUICK))
        if instance.problem.inputs.sum() % 4 == 0:
            discarded_here += 1
            assume(False)
        return instance

    discarded = draw_instances(seldom(), 0, 8, used.append)
    assert len(used) == 8
    assert discarded == discarded_here > 0


def test_violation_stops_no_drawing(tiny_claim: Callable[..., Any]) -> None:
    """All examples are examined, the refuting ones too: none is raised on."""
    claim = tiny_claim(limit=0.5)
    assert len(totals(claim, 3, 8)) == 8


def test_exception_in_use_is_not_swallowed(tiny_claim: Callable[..., Any]) -> None:
    def use(instance: FlowInstance) -> None:
        raise KeyError("a bug")

    with pytest.raises(KeyError, match="a bug"):
        draw_instances(tiny_claim().instances(FAMILY, QUICK), 0, 8, use)


def test_severe_violation_shrinks_to_the_least_one_beyond_ten_times_the_bound(
    tiny_claim: Callable[..., Any],
) -> None:
    """Sums beyond 10 * 3: the simplest list is the one number 31."""
    claim = tiny_claim(limit=3.0)
    found = shrink_counterexample(
        claim, claim.instances(FAMILY, QUICK), 0, 40, worst=50.0, tries=200
    )
    assert found is not None
    instance, severity = found
    assert instance.problem.inputs.tolist() == [[31.0]]
    assert severity == pytest.approx(31.0 / 3.0)
    assert severity > SEVERE


def test_slight_violation_shrinks_to_the_least_one_beyond_the_bound(
    tiny_claim: Callable[..., Any],
) -> None:
    claim = tiny_claim(limit=20.0)
    found = shrink_counterexample(
        claim, claim.instances(FAMILY, QUICK), 0, 40, worst=8.0, tries=200
    )
    assert found is not None
    assert (found[0].problem.inputs.tolist(), found[1]) == ([[21.0]], 21.0 / 20.0)


def test_nothing_is_found_where_nothing_violates(tiny_claim: Callable[..., Any]) -> None:
    claim = tiny_claim(limit=1000.0)
    assert shrink_counterexample(claim, claim.instances(FAMILY, QUICK), 0, 40, 2.0, 200) is None


def test_shrinking_measures_no_more_instances_than_allowed(
    tiny_claim: Callable[..., Any],
) -> None:
    measured: list[float] = []
    claim = tiny_claim(limit=3.0, check=measured.append)
    found = shrink_counterexample(claim, claim.instances(FAMILY, QUICK), 0, 40, 50.0, tries=3)
    assert len(measured) == 3
    assert found is None or found[1] > SEVERE


def test_shrinking_ends_with_the_first_instance_beyond_those_allowed(
    tiny_claim: Callable[..., Any],
) -> None:
    drawn: list[tuple[float, ...]] = []

    def noted(instance: FlowInstance) -> FlowInstance:
        drawn.append(tuple(np.ravel(instance.problem.inputs)))
        return instance

    claim = tiny_claim(limit=3.0)
    strategy = claim.instances(FAMILY, QUICK).map(noted)
    found = shrink_counterexample(claim, strategy, 0, 40, 50.0, tries=8)
    assert found is not None
    assert len(set(drawn)) == 9
    assert drawn.index(drawn[-1]) == len(drawn) - 1


def test_no_instance_is_measured_twice(tiny_claim: Callable[..., Any]) -> None:
    """Sums may agree between instances, so they are told apart by their inputs."""
    seen: list[tuple[float, ...]] = []
    claim = tiny_claim(limit=3.0)
    measure = claim.measurement.measure

    def counted(instance: FlowInstance) -> Any:
        seen.append(tuple(np.ravel(instance.problem.inputs)))
        return measure(instance)

    again = replace(claim, measurement=replace(claim.measurement, measure=counted))
    shrink_counterexample(again, again.instances(FAMILY, QUICK), 0, 40, 50.0, tries=200)
    assert len(seen) == len(set(seen)) > 1


@pytest.mark.parametrize(
    "error", [AssumptionError("separability", "no"), IntegrationFailed("no")], ids=type
)
def test_failures_are_no_violations(error: Exception, tiny_claim: Callable[..., Any]) -> None:
    """The shrunk instance must be measurable: sums that fail are passed over."""

    def check(total: float) -> None:
        if total < 35:
            raise error

    claim = tiny_claim(limit=3.0, check=check)
    found = shrink_counterexample(
        claim, claim.instances(FAMILY, QUICK), 0, 40, worst=50.0, tries=200
    )
    assert found is not None
    assert found[0].problem.inputs.tolist() == [[35.0]]


def test_shrinks_from_the_seed_of_its_shard(tiny_claim: Callable[..., Any]) -> None:
    """With the one violation in reach of one seed only, another seed finds nothing."""
    claim = tiny_claim()
    by_seed = {seed: totals(claim, seed, 3) for seed in range(20)}
    best = max(by_seed, key=lambda seed: max(by_seed[seed]))
    other = min(by_seed, key=lambda seed: max(by_seed[seed]))
    rare = tiny_claim(limit=max(by_seed[best]) - 1.0)
    strategy: st.SearchStrategy[FlowInstance] = rare.instances(FAMILY, QUICK)
    assert shrink_counterexample(rare, strategy, best, 3, 1.1, 100) is not None
    assert shrink_counterexample(rare, strategy, other, 3, 1.1, 100) is None


@pytest.mark.parametrize(("kept", "fewest"), [(1, 12), (4, 0)])
def test_draws_that_a_filter_repeats_are_discarded(kept: int, fewest: int) -> None:
    """One in four passes, and Hypothesis asks a filter three times before it gives up."""
    drawn: list[Any] = []
    strategy = st.integers(0, 10**6).filter(lambda value: value * 7 % 4 < kept)
    discarded = draw_instances(strategy, 0, 24, drawn.append)
    assert (len(drawn), discarded == 0) == (24, kept == 4)
    assert discarded >= fewest
