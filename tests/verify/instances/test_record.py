"""A claim author's own dataclass as an instance: no digit is lost, what is wrong is named."""

import json
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from numpy.typing import NDArray

from theory.backend import Floats
from theory.errors import InvalidInput
from theory.nets import Diagonal
from theory.problem import Problem, Regime
from verify.instances import CommitteeInstance, FlowInstance, Record


class Phase(Enum):
    EARLY = 1
    LATE = 2


@dataclass(frozen=True)
class Inner(Record):
    value: float


@dataclass(frozen=True, eq=False)
class Everything(Record):
    switch: bool
    count: int
    size: float
    name: str
    phase: Phase
    side: Literal["left", "right"]
    scales: tuple[float, ...]
    pair: tuple[int, str]
    table: Floats
    indices: NDArray[np.int64]
    inner: Inner
    optional: float | None = None
    nested: tuple[Inner, ...] = field(default=())


NUMBERS = st.floats()
EVERYTHING = st.builds(
    Everything,
    switch=st.booleans(),
    count=st.integers(),
    size=NUMBERS,
    name=st.text(),
    phase=st.sampled_from(Phase),
    side=st.sampled_from(("left", "right")),
    scales=st.lists(NUMBERS, max_size=4).map(tuple),
    pair=st.tuples(st.integers(), st.text()),
    table=npst.arrays(np.float64, npst.array_shapes(max_dims=3, max_side=3)),
    indices=npst.arrays(np.int64, npst.array_shapes(max_dims=2, max_side=3)),
    inner=st.builds(Inner, NUMBERS),
    optional=st.none() | NUMBERS,
    nested=st.lists(st.builds(Inner, NUMBERS), max_size=2).map(tuple),
)


def through_text(record: Any) -> Any:
    return type(record).from_json(json.loads(json.dumps(record.to_json(), allow_nan=False)))


def same(a: Any, b: Any) -> bool:
    """Bit by bit: minus zero is not zero, and NaN is NaN."""
    if isinstance(a, Record):
        return type(a) is type(b) and all(same(v, vars(b)[k]) for k, v in vars(a).items())
    if isinstance(a, tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, np.ndarray):
        # NaN payloads have no decimal form
        both = a.shape == b.shape and a.dtype == b.dtype
        return both and all(map(same, a.ravel().tolist(), b.ravel().tolist()))
    return type(a) is type(b) and repr(a) == repr(b)


@given(EVERYTHING)
def test_every_field_survives(record: Everything) -> None:
    assert same(through_text(record), record)


@dataclass(frozen=True, eq=False)
class Holding(Record):
    flow: FlowInstance
    machine: CommitteeInstance | None = None


def test_other_instances_are_held() -> None:
    problem = Problem(Diagonal(1), np.ones(2), np.array([[0.1]]), np.array([1.0]))
    record = Holding(FlowInstance(problem, Regime(log10_alpha=8, decay_power=2)))
    assert through_text(record).to_json() == record.to_json()


def test_it_is_an_instance_of_no_claim_and_ignores_the_one_written_beside_it() -> None:
    record = Inner(0.1)
    assert record.claim is None
    assert Inner.from_json({**record.to_json(), "claim": "some-claim"}) == record


def test_numbers_of_numpy_are_written_as_plain_ones() -> None:
    assert through_text(Inner(np.float64(0.1))) == Inner(0.1)


WRITTEN = Everything(
    True, 1, 0.5, "n", Phase.LATE, "left", (0.5,), (1, "a"), np.ones(2), np.arange(2), Inner(1.0)
).to_json()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"switch": 1}, "switch is 1; it must be true or false"),
        ({"count": 1.5}, "count is 1.5; it must be a whole number"),
        ({"count": True}, "count is True; it must be a whole number"),
        ({"size": "large"}, "size is 'large'; it must be a number"),
        ({"name": 3}, "name is 3; it must be a string"),
        ({"phase": "MIDDLE"}, "phase is 'MIDDLE'; allowed are EARLY, LATE"),
        ({"side": "up"}, "side is 'up'; allowed are left, right"),
        ({"scales": 0.5}, "scales is 0.5; it must be a list"),
        ({"pair": [1]}, "pair holds 1 entries; it must hold 2"),
        ({"table": [[1.0], [1.0, 2.0]]}, "table is not a rectangular array"),
        ({"table": ["1", "2"]}, "table holds '1'; it must hold numbers"),
        ({"table": [None, 1]}, "table holds None; it must hold numbers"),
        ({"table": [True, False]}, "table holds True; it must hold numbers"),
        ({"table": [10**400]}, "table is not a rectangular array"),
        ({"indices": [1.5]}, "indices holds 1.5; it must hold whole numbers"),
        ({"phase": ["EARLY"]}, r"phase is \['EARLY'\]; allowed are EARLY, LATE"),
        ({"phase": {}}, "phase is {}; allowed are EARLY, LATE"),
        ({"size": 10**400}, "size is beyond 1.8e\\+308"),
        ({"count": -(10**400)}, "count is beyond"),
        ({"scales": [10**400]}, "scales is beyond"),
        ({"depth": 1}, "unknown keys depth"),
        ({"inner": 1.0}, "Inner is 1.0; it must be an object"),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        Everything.from_json({**WRITTEN, **change})


def test_missing_keys_are_named_but_those_with_a_default() -> None:
    with pytest.raises(InvalidInput, match="Everything lacks count"):
        Everything.from_json({key: WRITTEN[key] for key in WRITTEN if key != "count"})
    short = {key: WRITTEN[key] for key in WRITTEN if key not in ("optional", "nested")}
    assert Everything.from_json(short).optional is None


@dataclass(frozen=True)
class Unreadable(Record):
    places: dict[str, float]


@dataclass(frozen=True)
class Empty(Record):
    table: Floats


def test_what_cannot_be_kept_exactly_is_refused() -> None:
    with pytest.raises(InvalidInput, match="places is of type dict; allowed are bool"):
        Unreadable({"a": 1.0}).to_json()
    with pytest.raises(InvalidInput, match="table is an array without entries"):
        Empty(np.zeros((0, 3))).to_json()
