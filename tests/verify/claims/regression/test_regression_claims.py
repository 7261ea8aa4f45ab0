"""The claims of the squared loss: strategies that construct, verdicts, and rivals' exponents."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from theory import Diagonal, Factorization, Problem, Regime, balanced_anchor
from theory.assumptions import check_assumptions
from theory.flow.completion import Completion
from theory.kernel.regression import kernel_drift, kernel_regression, relative_displacement
from theory.margin.nuclear import least_nuclear_norm
from verify.alone import judge_instance
from verify.claims.regression import completion_flows, kernel_flows, min_norm_phase
from verify.claims.regression.circulant import circulant_twin
from verify.claims.regression.kernel_regression import CLAIM as KERNEL_REGRESSION
from verify.claims.regression.matrix_completion import CLAIM as MATRIX_COMPLETION
from verify.claims.regression.min_norm_kkt import CLAIM as MIN_NORM
from verify.evidence import CLAIM
from verify.examine import examine, examine_all, stated_laws
from verify.instances import FlowInstance
from verify.language import Law
from verify.language.law import Status
from verify.profiles import hypothesis_settings
from verify.search import draw_instances
from verify.strategies.completion import completion_instances
from verify.strategies.nets import FAMILIES
from verify.strategies.regression import (
    independent_rows,
    kernel_regression_instances,
    min_norm_instances,
)
from verify.strategies.sizes import QUICK

CLAIMS = (KERNEL_REGRESSION, MIN_NORM, MATRIX_COMPLETION)


def laws_of(claim: Any, measured: object) -> dict[str, Law]:
    return {law.id: law for law in stated_laws(claim, measured, claim.theory)[0]}


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
        displacement = relative_displacement(regression, instance.regime, instance.told(at))
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


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_claim_is_kept_on_fresh_instances(claim: Any) -> None:
    """Stiff flows of large nets may not finish: a run says so where they are more than a tenth."""
    fresh = drawn(claim.instances(claim.families, QUICK), 2, seed=11)
    found = [examine(claim, instance) for instance in fresh]
    measured = [entry for entry in found if entry.outcome == "measured"]
    assert measured
    assert {entry.outcome for entry in found} <= {"measured", "integrator did not finish"}
    assert {judge_instance(entry.laws[CLAIM]) for entry in measured} == {Status.KEPT}


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_wrong_worlds_are_noticed(claim: Any) -> None:
    instance = drawn(claim.instances(claim.families[-1:], QUICK), 2, seed=11)[1]
    found = examine_all((claim,), instance, sabotage=True)[claim.id]
    assert found.sabotages
    assert all(sabotage.noticed for sabotage in found.sabotages)


def test_exponents_have_no_logarithm() -> None:
    """The fitted exponents of one instance, to 0.1 %: k c L, and p + 2 c (L - 1)."""
    exponents = []
    for instance in drawn(kernel_regression_instances(("two_layer",)), 4, seed=5):
        found = laws_of(KERNEL_REGRESSION, kernel_flows.measure(instance))
        exponents += [
            law.estimate.fitted / law.estimate.predicted
            for law in found.values()
            if law.estimate is not None
        ]
    assert len(exponents) >= 3
    assert abs(np.median(exponents) - 1.0) < 1e-3


def test_one_input_dimension_leaves_no_gap() -> None:
    """f is homogeneous in the input: its value on the sample determines it elsewhere."""
    problem = Problem(
        Diagonal(1, 2), balanced_anchor(Diagonal(1, 2), np.ones(1)), [[1.0]], [1.0], "squared"
    )
    flows = kernel_flows.measure(FlowInstance(problem, Regime(log10_alpha=3, decay_power=0.5), 0.3))
    assert not flows.curved
    gap = laws_of(KERNEL_REGRESSION, flows)["exponent of the gap over c L"]
    assert gap.status is Status.NOT_APPLICABLE


def test_the_energy_bound_of_an_e_fold_is_the_speed_in_it() -> None:
    """A bound 16 % smaller, or 1 % larger, is noticed."""
    instance = drawn(min_norm_instances(("two_layer",)), 2, seed=4)[1]
    balance = min_norm_phase.measure(instance).balance
    assert abs(balance.values[0] - 1.0) < 0.002
    assert balance.errors[0] < 0.002


@pytest.mark.parametrize("size", [3, 5, 6])
def test_circulant_twins_follow_the_least_hypentropy(size: int) -> None:
    generator = np.random.default_rng(size)
    table = generator.standard_normal((size, size))
    rows, columns = np.triu_indices(size)
    completion = Completion(size, rows, columns, table[rows, columns])
    twin = circulant_twin(completion, 0.0, 1e-10, 1e-8)
    assert twin is not None
    eigenvalues = np.linalg.eigvalsh(twin.completion.zero_fill)
    assert np.sort(twin.known) == pytest.approx(eigenvalues, abs=1e-12)
    least = least_nuclear_norm(twin.completion)
    assert np.abs(twin.optimum).sum() == pytest.approx(least.high, rel=1e-6)
    assert twin.diagonal.values == pytest.approx(twin.predicted_diagonal, abs=1e-8)
    assert np.all(twin.excess.values <= 1.0)
    if size % 2:
        assert twin.excess.values.max() > 0.4


def test_an_unobserved_circulant_has_no_twin() -> None:
    assert (
        circulant_twin(Completion.of(2, np.array([[0, 0]]), np.ones(1)), 0.0, 1e-10, 1e-8) is None
    )


def test_completion_of_an_entry_that_stays_zero_is_not_refuted_by_noise() -> None:
    """Row 3 is zero where it is observed, so its free entry stays zero but for the integrator."""
    net, size = Factorization(5, 5), 5
    pairs = [(i, j) for i in range(size) for j in range(i, size) if (i, j) != (2, 3)]
    labels = np.array([-4, -13, -14, 0, 8, -42, -45, 0, 26, -49, 28, 0, 0, -16]) / 49.0
    anchor = np.tile(np.eye(size).ravel() / np.sqrt(2 * size), 2)
    problem = Problem(net, anchor, np.array(pairs, dtype=float), labels, "squared")
    instance = FlowInstance(problem, Regime(log10_alpha=7.3, decay_power=2.0), c=0.6)
    found = laws_of(MATRIX_COMPLETION, completion_flows.measure(instance))
    early = found["W against the early predictor"].checks
    assert all(0.0 < check.value < check.error for check in early)
    assert found["early gap"].status is Status.NOT_APPLICABLE
    assert judge_instance(found.values()) is Status.KEPT
