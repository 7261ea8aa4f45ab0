"""Sizes of instances by name, and the kinds that can be read off them."""

from dataclasses import dataclass

import numpy as np
import pytest

from theory.backend import Floats
from theory.lazy_rich import Setting
from theory.nets import Diagonal, Factorization
from theory.problem import Problem, Regime
from verify.instances import (
    CommitteeInstance,
    FlowInstance,
    Kind,
    Record,
    kinds_of,
    measures_of,
)

REGIME = Regime(log10_alpha=8, decay_power=2)


def diagonal(
    inputs: list[list[float]], labels: list[float] | None = None, size: float = 0.5
) -> Problem:
    rows = np.array(inputs)
    net = Diagonal(rows.shape[1])
    return Problem(net, np.full(net.parameters, size), rows, labels or np.ones(len(rows)))


def test_of_a_flow() -> None:
    problem = Problem(Diagonal(2, 3), np.full(4, 5.0), [[1, 0.5], [-10.0, 1], [1, 1]], [1, -1, 1])
    assert measures_of(FlowInstance(problem, REGIME, 0.25)) == {
        "samples": 3,
        "input dimension": 2,
        "parameters": 4,
        "degree": 3,
        "log10 alpha": 8,
        "decay power": 2,
        "c": 0.25,
        "log10 anchor norm": 1,
        "log10 largest input": 1,
    }


def test_indices_have_no_size() -> None:
    problem = Problem(Factorization(3, 2), np.ones(12), [[0, 1], [2, 2]], [1, 1])
    measures = measures_of(FlowInstance(problem, REGIME))
    assert measures["input dimension"] == 3
    assert "log10 largest input" not in measures


def test_of_a_machine() -> None:
    measures = measures_of(CommitteeInstance(Setting(10, 4, 1000, 0.1, 0.25, 2.0, steps=7)))
    assert measures == pytest.approx(
        {
            "samples": 1000,
            "input dimension": 10,
            "width": 4,
            "log10 samples per dimension": 2,
            "log10 output scale": -1,
            "curvature": 0.25,
            "signal": 2,
            "steps": 7,
        }
    )


@dataclass(frozen=True, eq=False)
class Own(Record):
    depth: int
    rate: float
    name: str
    fast: bool
    scales: tuple[float, ...]
    table: Floats
    flow: FlowInstance


def test_of_a_record() -> None:
    flow = FlowInstance(diagonal([[1.0]]), REGIME)
    record = Own(3, np.inf, "a", True, (1.0, 2.0), np.ones((2, 3)), flow)
    within = {f"flow: {name}": value for name, value in measures_of(flow).items()}
    assert measures_of(record) == {
        "depth": 3,
        "entries of scales": 2,
        "entries of table": 6,
        **within,
    }


CROSS = [[1.0, 1.0], [1.0, -1.0], [1.0, 0.5]]


@pytest.mark.parametrize(
    ("problem", "kinds"),
    [
        (diagonal([[1.0, 0.0], [0.0, 1.0]]), {Kind.PLAIN}),
        (diagonal([[1.0, 0.5]]), {Kind.ONE_SAMPLE}),
        (diagonal([[1.0], [2.0]]), {Kind.OFF_MARGIN}),
        (diagonal(CROSS), {Kind.SEVERAL_SUPPORTS}),
        (diagonal([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]), {Kind.DUPLICATES, Kind.SEVERAL_SUPPORTS}),
        (
            diagonal([[1.0, 0.0], [0.0, 1.0], [1e-4, 1.001]]),
            {Kind.NEAR_DUPLICATES, Kind.OFF_MARGIN},
        ),
        (diagonal([[1e3, 0.0], [0.0, 1e3]]), {Kind.INPUT_UNITS}),
        (diagonal([[1e-3, 0.0], [0.0, 1e-3]]), {Kind.INPUT_UNITS}),
        (diagonal([[5.0, 0.01], [5.0, -0.01]]), {Kind.COLUMN_UNITS}),
        (diagonal([[1.0, 0.0], [0.0, 1.0]], size=100.0), {Kind.ANCHOR_UNITS}),
        # not separable, and a zero input: nothing is said of margins
        (diagonal([[1.0], [1.0]], [1.0, -1.0]), {Kind.PLAIN}),
        (diagonal([[0.0], [1.0]]), {Kind.PLAIN}),
        (Problem(Diagonal(1), [0.5, 0.5], [[1.0], [2.0]], [3.0, 6.0], "squared"), {Kind.PLAIN}),
        (
            Problem(Factorization(2, 1), np.ones(4) / 2, [[0, 1], [0, 1]], [1, 1]),
            {Kind.DUPLICATES, Kind.SEVERAL_SUPPORTS},
        ),
    ],
    ids=lambda value: "-".join(sorted(value)) if isinstance(value, set) else "",
)
def test_kinds_are_read_off(problem: Problem, kinds: set[Kind]) -> None:
    assert kinds_of(problem) == kinds
