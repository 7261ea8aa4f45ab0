"""The claims of the squared loss: strategies that construct, verdicts, and rivals' exponents."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from theory import Factorization, Problem, Regime
from theory.assumptions import check_assumptions
from theory.kernel.regression import kernel_drift, kernel_regression, relative_displacement
from verify.catalogue import claim_named
from verify.claims import kernel_regression as early_claim
from verify.evidence import CLAIM, examine
from verify.instances import FlowInstance
from verify.judge import judge_instance
from verify.profiles import hypothesis_settings
from verify.search import draw_instances
from verify.strategies.completion import completion_instances
from verify.strategies.nets import FAMILIES
from verify.strategies.regression import (
    independent_rows,
    kernel_regression_instances,
    min_norm_instances,
)

CLAIMS = ("kernel-regression", "min-norm-kkt", "matrix-completion")


def drawn(
    strategy: st.SearchStrategy[FlowInstance], count: int = 2, seed: int = 3
) -> list[FlowInstance]:
    instances: list[FlowInstance] = []
    draw_instances(strategy, seed, count, instances.append)
    return instances


@pytest.mark.parametrize("build", [kernel_regression_instances, min_norm_instances])
def test_drawn_tasks_are_realizable_and_well_conditioned(
    build: Callable[..., st.SearchStrategy[FlowInstance]],
) -> None:
    @hypothesis_settings(40, shrink=False)
    @given(build(FAMILIES))
    def check(instance: FlowInstance) -> None:
        problem = instance.problem
        check_assumptions(problem)
        features = problem.net.jacobian(problem.anchor, problem.inputs)
        values = np.linalg.svd(features, compute_uv=False)
        assert values.min() > 1e-4 * values.max()
        assert np.all(problem.labels != 0)
        assert instance.regime.decay_power != 1.0
        assert FlowInstance.from_json(instance.to_json()).regime == instance.regime

    check()


def test_alpha_follows_from_the_displacement() -> None:
    for instance in drawn(kernel_regression_instances(FAMILIES), 12):
        regression, at = kernel_regression(instance.problem), 1.0 - instance.c
        displacement = relative_displacement(regression, instance.regime, at)
        turned = displacement * instance.problem.anchor_norm / regression.norm
        # log10 alpha is rounded up, never down
        assert displacement <= 10.0**-1.5 * (1 + 1e-9)
        assert turned * kernel_drift(regression) <= 10.0**-1.5 * (1 + 1e-9)


def test_dependent_and_tiny_gradients_are_dropped() -> None:
    rows = np.array([[1.0, 0.0, 0.0], [2.0, 0.1, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.01]])
    assert independent_rows(rows) == [1, 2]


def test_completion_masks_observe_each_pair_once_and_not_all() -> None:
    for instance in drawn(completion_instances(), 12):
        pairs = {tuple(sorted(pair)) for pair in instance.problem.inputs.tolist()}
        size = int(instance.problem.net.size)  # type: ignore[attr-defined]
        assert len(pairs) == instance.problem.samples < size * (size + 1) // 2


@pytest.mark.parametrize("name", CLAIMS)
def test_claim_is_kept_on_fresh_instances(name: str) -> None:
    claim: Any = claim_named(name)
    for instance in drawn(claim.instances(claim.families), 2, seed=11):
        measured = claim.measure(instance)
        assert judge_instance(claim.assertions(measured, claim.theory)) == "kept"
        for ladder in claim.ladders(measured):
            assert len(ladder.x) == len(ladder.y) == len(ladder.predicted)
            assert min(*ladder.y, *ladder.predicted) >= 0


def test_exponents_have_no_logarithm() -> None:
    """The fitted exponents of one instance, to 0.1 %: k c L, and p + 2 c (L - 1)."""
    exponents = []
    for instance in drawn(kernel_regression_instances(("two_layer",)), 4, seed=5):
        measured = early_claim.measure(instance)
        rates = early_claim.assertions(measured, early_claim.Theory()).rates
        exponents += [sample.fitted / sample.predicted for sample in rates]
    assert len(exponents) >= 3
    assert abs(np.median(exponents) - 1.0) < 1e-3


def test_completion_of_an_entry_that_stays_zero_is_not_refuted_by_noise() -> None:
    """Row 3 is zero where it is observed, so its free entry stays zero but for the integrator."""
    net, size = Factorization(5, 5), 5
    pairs = [(i, j) for i in range(size) for j in range(i, size) if (i, j) != (2, 3)]
    labels = np.array([-4, -13, -14, 0, 8, -42, -45, 0, 26, -49, 28, 0, 0, -16]) / 49.0
    anchor = np.tile(np.eye(size).ravel() / np.sqrt(2 * size), 2)
    problem = Problem(net, anchor, np.array(pairs, dtype=float), labels, "squared")
    regime = Regime(log10_alpha=7.3, decay_power=2.0)
    claim: Any = claim_named("matrix-completion")
    stated = examine(claim, FlowInstance(problem, regime, c=0.6)).assertions[CLAIM]
    early = [bound for bound in stated.bounds if bound.name.startswith("W against")]
    assert all(0.0 < bound.value < bound.error for bound in early)
    assert judge_instance(stated) == "kept"
