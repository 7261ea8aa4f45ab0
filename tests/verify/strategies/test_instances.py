"""What the strategies can generate, what they never do, and what they shrink to."""

from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from theory.anchors import has_odd_involution
from theory.assumptions import check_assumptions
from theory.kernel import kernel_svm
from theory.nets import Deep, Diagonal, Factorization, HomogeneousNet, TwoLayer
from theory.problem import LOG_10, Problem
from verify.instances import FlowInstance
from verify.search import draw_instances
from verify.strategies.nets import FAMILIES, SMOOTH_ACTIVATIONS
from verify.strategies.regimes import DECAY_POWERS, kernel_phase_instances, late_phase_instances
from verify.strategies.tasks import LOSSES, problems

STRATEGIES = {"kernel phase": kernel_phase_instances, "late phase": late_phase_instances}
ROUNDING = 1e-12
SEEDS = range(6)
COUNT = 8

Drawn = dict[str, list[FlowInstance]]


@pytest.fixture(scope="module")
def drawn() -> tuple[Drawn, int]:
    """Instances by family, drawn as the shards draw them, and how many were discarded."""
    by_family: Drawn = {family: [] for family in FAMILIES}
    discarded = 0
    for family, instances in by_family.items():
        for strategy in STRATEGIES.values():
            for seed in SEEDS:
                source = strategy(problems((family,)))
                discarded += draw_instances(source, seed, COUNT, instances.append)
    return by_family, discarded


@pytest.fixture(scope="module")
def everything(drawn: tuple[Drawn, int]) -> list[FlowInstance]:
    return [instance for instances in drawn[0].values() for instance in instances]


def test_every_instance_meets_the_assumptions(everything: list[FlowInstance]) -> None:
    for instance in everything:
        check_assumptions(instance.problem)


def test_less_than_a_tenth_is_discarded(drawn: tuple[Drawn, int]) -> None:
    by_family, discarded = drawn
    expected = COUNT * len(SEEDS) * len(STRATEGIES)
    assert all(len(instances) == expected for instances in by_family.values())
    assert discarded < 0.1 * expected * len(FAMILIES)


def anchor_kind(problem: Problem) -> str:
    """Read off the anchor, not off the draws."""
    net, anchor = problem.net, problem.anchor
    if isinstance(net, TwoLayer):
        readout = anchor[: net.width]
    elif isinstance(net, Deep):
        readout = anchor[-net.widths[-2] :]
    else:
        return "balanced"
    if not readout.any():
        return "zero readout"
    return "difference" if has_odd_involution(net, anchor, problem.inputs) else "rescaled"


SIGHTS: dict[str, tuple[str, Callable[[Problem], bool]]] = {
    **{
        f"two-layer {activation}": (
            "two_layer",
            lambda p, activation=activation: p.net.activation == activation,
        )
        for activation in SMOOTH_ACTIVATIONS
    },
    **{
        f"deep {activation}": (
            "deep",
            lambda p, activation=activation: p.net.activation == activation,
        )
        for activation in ("linear", "square")
    },
    **{
        f"{family}, {kind}": (family, lambda p, kind=kind: anchor_kind(p) == kind)
        for family in ("two_layer", "deep")
        for kind in ("zero readout", "difference", "rescaled")
    },
    **{
        f"diagonal, L = {degree}": ("diagonal", lambda p, degree=degree: p.degree == degree)
        for degree in (2, 3, 4)
    },
    "unbalanced diagonal": ("diagonal", lambda p: len(set(p.anchor)) > 1),
    "factorization of low rank": ("factorization", lambda p: p.net.rank < p.net.size),
    "factorization of full rank": ("factorization", lambda p: p.net.rank == p.net.size),
}


@pytest.mark.parametrize(("family", "seen"), SIGHTS.values(), ids=SIGHTS.keys())
def test_nets_can_be(
    family: str, seen: Callable[[Problem], bool], drawn: tuple[Drawn, int]
) -> None:
    assert any(seen(instance.problem) for instance in drawn[0][family])


TASKS: dict[str, Callable[[Problem], bool]] = {
    **{loss: lambda p, loss=loss: p.loss == loss for loss in LOSSES},
    "label +1": lambda p: p.labels.max() == 1,
    "label -1": lambda p: p.labels.min() == -1,
    "both labels": lambda p: len(set(p.labels)) == 2,
    "one sample": lambda p: p.samples == 1,
    "four samples or more": lambda p: p.samples >= 4,
    "a sample that does not support": lambda p: not kernel_svm(p).support.all(),
    "every sample supports": lambda p: p.samples > 1 and bool(kernel_svm(p).support.all()),
    "weak complementarity": lambda p: kernel_svm(p).strictness < 0.05,
    "strict complementarity": lambda p: p.samples > 1 and kernel_svm(p).strictness > 0.2,
    "whole numbers": lambda p: bool((p.inputs == np.round(p.inputs)).all()),
    "fractions": lambda p: not (p.inputs == np.round(p.inputs)).all(),
}


@pytest.mark.parametrize("seen", TASKS.values(), ids=TASKS.keys())
def test_tasks_can_have(seen: Callable[[Problem], bool], everything: list[FlowInstance]) -> None:
    assert any(seen(instance.problem) for instance in everything)


def test_every_decay_power_is_drawn_and_none_is_near_1(everything: list[FlowInstance]) -> None:
    """At p = 1 the times log(alpha)/lambda and log(1/lambda)/lambda are one and the same."""
    powers = {round(instance.own.decay_power, 9) for instance in everything}
    assert powers == set(DECAY_POWERS)
    assert 1.0 not in powers


def test_time_margins_stay_away_from_both_ends(everything: list[FlowInstance]) -> None:
    margins = [instance.c for instance in everything]
    assert 0.1 <= min(margins) < 0.2
    assert 0.5 < max(margins) <= 0.6


def test_late_phase_is_long_enough(drawn: tuple[Drawn, int]) -> None:
    source = late_phase_instances(problems(("diagonal",)))
    instances: list[FlowInstance] = []
    draw_instances(source, 0, 40, instances.append)
    for instance in instances:
        assert instance.own.log10_alpha >= 8.0 - ROUNDING
        assert instance.c * instance.own.log10_alpha * LOG_10 >= 6.0 - ROUNDING


def test_inputs_are_small_and_readable(everything: list[FlowInstance]) -> None:
    for instance in everything:
        inputs = instance.problem.inputs
        assert np.array_equal(64 * inputs, np.round(64 * inputs))
        if not isinstance(instance.problem.net, Factorization):
            assert np.abs(inputs).max() <= 2.0
        assert instance.problem.parameters <= 40


@settings(max_examples=60)
@given(st.data())
def test_an_instance_takes_few_choices(data: st.DataObject) -> None:
    """Shrinking time grows with their number, and Hypothesis gives up beyond some thousands."""
    data.draw(st.one_of(kernel_phase_instances(), late_phase_instances()))
    assert len(data.conjecture_data.choices) <= 400


def minimal(strategy: st.SearchStrategy[Any], seen: Callable[[Any], bool]) -> Any:
    return find(strategy, seen, settings=settings(max_examples=500, derandomize=True))


def shrunk(strategy: st.SearchStrategy[Any], seen: Callable[[Any], bool]) -> list[Any]:
    """From four starts: from some, rows of numbers do not lose a column."""
    seeded = settings(max_examples=500, database=None)
    others = [find(strategy, seen, settings=seeded, random=Random(k)) for k in range(3)]
    return [minimal(strategy, seen), *others]


ONE, HALF = [[1.0]], 0.5**0.5


@pytest.mark.parametrize(
    ("families", "seen", "net", "inputs", "labels"),
    [
        (FAMILIES, lambda p: True, Diagonal(1), ONE, [1.0]),
        (FAMILIES, lambda p: p.samples >= 2, Diagonal(1), [[1.0], [1.0]], [1.0, 1.0]),
        (FAMILIES, lambda p: p.labels.min() < 0, Diagonal(1), ONE, [-1.0]),
        (FAMILIES, lambda p: p.degree >= 3, TwoLayer(1, 1, "square"), ONE, [1.0]),
        (FAMILIES, lambda p: p.inputs.shape[1] >= 3, Diagonal(3), [[1.0, 1.0, 1.0]], [1.0]),
        (
            FAMILIES,
            lambda p: not kernel_svm(p).support.all(),
            Diagonal(1),
            [[1.0], [2.0]],
            [1.0, 1.0],
        ),
        (("diagonal",), lambda p: p.degree >= 3, Diagonal(1, 3), ONE, [1.0]),
        (("two_layer",), lambda p: p.degree >= 4, TwoLayer(1, 1, "cube"), ONE, [1.0]),
        (("deep",), lambda p: True, Deep((1, 1, 1, 1)), ONE, [1.0]),
        (("deep",), lambda p: p.samples >= 2, Deep((1, 1, 1, 1)), [[1.0], [1.0]], [1.0, 1.0]),
        (("factorization",), lambda p: True, Factorization(2, 1), [[0.0, 0.0]], [1.0]),
    ],
)
def test_shrinks_to_the_simplest(
    families: tuple[str, ...],
    seen: Callable[[Problem], bool],
    net: HomogeneousNet,
    inputs: list[list[float]],
    labels: list[float],
) -> None:
    found = shrunk(problems(families), seen)
    assert (net, inputs, labels, "exponential") in [
        (problem.net, problem.inputs.tolist(), problem.labels.tolist(), problem.loss)
        for problem in found
    ]


def test_regimes_shrink_to_the_plainest() -> None:
    found = minimal(late_phase_instances(), lambda instance: instance.problem.samples >= 2)
    assert (found.c, found.own.decay_power) == (0.3, pytest.approx(2.0))
    assert found.problem.net == Diagonal(1)
    np.testing.assert_allclose(found.problem.anchor, [HALF, HALF])


def test_weights_shrink_to_equal_ones() -> None:
    found = minimal(problems(("two_layer",)), lambda problem: problem.net.width == 3)
    assert found.net == TwoLayer(3, 1, "square")
    np.testing.assert_allclose(found.anchor, np.array([0, 0, 0, 1, 1, 1]) / 3**0.5)
