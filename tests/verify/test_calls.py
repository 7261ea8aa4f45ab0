"""What a measurement may do to its instance, and where its chance comes from."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st
from stated import Total, tiny

from theory.backend import Floats
from theory.errors import InvalidInput
from verify.catalogue import instance_of
from verify.evidence import CLAIM
from verify.examine import examine, own_laws
from verify.instances import Record
from verify.language import Assumption, Basis, Claim, Measurement, below, in_words
from verify.runner import run

Make = Callable[..., Any]


@dataclass(frozen=True)
class Row(Record):
    """Numbers that a measurement could write to."""

    entries: Floats


@dataclass(frozen=True)
class Odd:
    """An instance whose JSON is none."""

    value: np.int64
    claim: str | None = None

    def to_json(self) -> dict[str, Any]:
        return {"value": self.value}


def rows(families: tuple[str, ...], sizes: Any) -> st.SearchStrategy[Row]:
    del families, sizes
    return st.lists(st.integers(1, 40), min_size=2, max_size=3).map(row)


def row(values: list[int]) -> Row:
    return Row(np.array(values, dtype=float))


def of(kind: Any, measure: Any, instances: Any = rows, **given: Any) -> Claim[Any, Any]:
    claim = tiny(laws=lambda total, limit: [below("total", total, limit, Basis.DERIVED)])
    given = {"assumptions": in_words("rows"), **given}
    worlds = {"far larger": lambda i: Total(1e9)}
    measurement: Measurement[Any, Any] = Measurement(
        "tiny", kind, ("all",), instances, measure, sabotaged=worlds, **given
    )
    return Claim(
        id="tiny",
        title="t",
        statement="s",
        source="nobody",
        measurement=measurement,
        theory=1000.0,
        laws=claim.laws,
        tolerances=("exact",),
        further_rivals=claim.further_rivals,
    )


def emptied(instance: Row) -> Total:
    total = float(instance.entries.sum())
    instance.entries.fill(1.0)
    return Total(total)


def test_an_instance_that_is_changed_is_no_counterexample() -> None:
    entry = examine(of(Row, emptied), row([30, 31]))
    assert (entry.outcome, entry.instance["entries"]) == ("raised", [30.0, 31.0])
    assert entry.message == "its measurement changes the instance that it measures"


def test_a_wrong_world_and_another_route_may_not_change_it_either(
    plan: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = of(Row, lambda i: Total(float(i.entries.sum())), independent=emptied)
    monkeypatch.setattr("verify.shards.claim_of", lambda module, name: claim)
    (entry,) = run(plan(claim), ()).claims
    told = entry.to_json()["independent"]["failed"]
    assert set(told) == {"its measurement changes the instance that it measures"}


def test_an_instance_that_is_no_json_is_told(plan: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def odd(families: tuple[str, ...], sizes: Any) -> Any:
        return st.integers(1, 9).map(lambda value: Odd(np.int64(value)))

    claim = of(Odd, lambda i: Total(float(i.value)), odd)
    monkeypatch.setattr("verify.shards.claim_of", lambda module, name: claim)
    result = run(plan(claim), ())
    assert (result.claims[0].ruling.verdict, result.exit_status) == ("inconclusive", 3)
    assert "TypeError: Object of type int64 is not JSON" in result.claims[0].ruling.shortfalls[0]


def by_chance(instance: Row) -> Total:
    return Total(float(np.random.standard_normal()) + random.random())  # noqa: NPY002


def test_chance_differs_between_instances_and_is_that_of_a_replay(
    plan: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = of(Row, by_chance)
    monkeypatch.setattr("verify.shards.claim_of", lambda module, name: claim)
    (entry,) = run(plan(claim, examples=20), ()).claims
    values = [found.laws[CLAIM][0].checks[0].value for found in entry.evidence]
    assert len(set(values)) == len(values) > 10
    again, _ = own_laws(claim, Row.from_json(entry.evidence[7].instance))
    assert again[0].checks[0].value == values[7]


def test_a_measurement_leaves_the_generators_as_they_are() -> None:
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    expected = random.random(), np.random.random()  # noqa: NPY002
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    examine(of(Row, by_chance), row([1, 2]))
    assert (random.random(), np.random.random()) == expected  # noqa: NPY002


def test_a_test_of_an_assumption_that_answers_says_nothing() -> None:
    assumption = Assumption("large", "large", test=lambda i: i.entries.sum() > 500)  # type: ignore[arg-type,return-value]
    claim = of(Row, lambda i: Total(1.0), assumptions=(assumption,))
    entry = examine(claim, row([1, 2]))
    assert entry.outcome == "raised"
    assert "test of assumption 'large' returns" in entry.message
    assert "it must return None or raise AssumptionError" in entry.message


@dataclass(frozen=True)
class Plain:
    """An instance that reads what it is given."""

    value: int
    claim: str | None = None

    def to_json(self) -> dict[str, Any]:
        return {"value": self.value}

    @classmethod
    def from_json(cls, data: Any) -> "Plain":
        return cls(**data)


@pytest.mark.parametrize("data", [{}, {"value": 1, "more": 2}])
def test_an_own_kind_that_cannot_be_read_is_told(data: dict[str, int]) -> None:
    claim = of(Plain, lambda i: Total(float(i.value)))
    with pytest.raises(InvalidInput, match="instance is no Plain; its from_json raises TypeError"):
        instance_of(claim, data)
