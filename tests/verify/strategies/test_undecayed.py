"""Starts that separate their data: what is drawn, and what never is."""

import json

import numpy as np
import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from theory.flow.undecayed import log_total_loss
from theory.nets import Diagonal
from verify.instances import FlowInstance, instance_from_json
from verify.search import draw_instances
from verify.strategies import undecayed_instances
from verify.strategies.nets import FAMILIES
from verify.strategies.undecayed import CLEAR, COPIES, LARGEST_RISE, STEPS_PER_UNIT, separated


@pytest.mark.parametrize("family", FAMILIES)
def test_starts_are_the_first_with_a_loss_below_one(family: str) -> None:
    drawn: list[FlowInstance] = []
    discarded = sum(
        draw_instances(undecayed_instances((family,)), seed, 8, drawn.append) for seed in range(6)
    )
    assert discarded <= 0.1 * len(drawn)
    for instance in drawn:
        problem = instance.problem
        outputs = problem.net.outputs(problem.anchor, problem.inputs)
        margins = problem.labels * outputs
        assert margins.min() >= CLEAR * margins.max() * (1 - 1e-12) > 0
        assert log_total_loss(problem, problem.anchor) < 0
        assert problem.samples <= 16 * max(COPIES)
        again = separated(problem.net, problem.anchor, problem.inputs)
        assert np.linalg.norm(again.anchor) <= np.linalg.norm(problem.anchor) * (1 + 1e-12)


@given(st.integers(2, 4), st.lists(st.integers(1, 9), min_size=1, max_size=4), st.booleans())
@settings(max_examples=30, deadline=None)
def test_scale_is_the_smallest_in_eighths(degree: int, sizes: list[int], negative: bool) -> None:
    direction = np.array([0.0, 1.0] if negative else [1.0, 0.0])
    inputs = np.array(sizes, dtype=float)[:, None] / 8
    problem = separated(Diagonal(1, degree), direction, inputs)
    np.testing.assert_array_equal(problem.labels, -1.0 if negative else 1.0)
    steps = STEPS_PER_UNIT * problem.anchor.max()
    assert steps == int(steps)

    def loss(scale: float) -> float:
        return float(np.exp(-(scale**degree) * inputs).sum())

    assert loss(steps / 8) < 1 <= loss((steps - 1) / 8)


@given(st.integers(2, 4), st.floats(1.0, 1e8))
@settings(max_examples=30, deadline=None)
def test_large_outputs_are_started_from_at_smaller_scales(degree: int, size: float) -> None:
    problem = separated(Diagonal(1, degree), np.array([1.0, 0.0]), np.array([[size]]))
    assert 0.0 < -log_total_loss(problem, problem.anchor) <= LARGEST_RISE


def test_instances_are_saved_digit_by_digit() -> None:
    drawn: list[FlowInstance] = []
    draw_instances(undecayed_instances(), 0, 8, drawn.append)
    for instance in drawn:
        again = instance_from_json(json.loads(json.dumps(instance.to_json())))
        assert again.to_json() == instance.to_json()


def test_shrinks_to_four_times_the_input_one() -> None:
    few = settings(max_examples=20)
    smallest = find(undecayed_instances(("diagonal",)), lambda _: True, settings=few).problem
    assert (smallest.net, smallest.samples) == (Diagonal(1), 4)
    np.testing.assert_array_equal(smallest.inputs, 1.0)


def test_any_number_of_inputs() -> None:
    drawn: list[FlowInstance] = []
    draw_instances(undecayed_instances(("diagonal",), max_inputs=1), 0, 8, drawn.append)
    assert {len(np.unique(i.problem.inputs, axis=0)) for i in drawn} == {1}
