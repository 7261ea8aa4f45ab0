"""The claim on gradient descent: what it measures on one instance, and its rivals on the same."""

from pathlib import Path

import numpy as np
import pytest

from theory import Diagonal, Problem, Regime, balanced_anchor
from theory.descent.modified import sharpness_at_start, step_error
from theory.errors import IntegrationFailed, InvalidInput
from verify.alone import estimates, judge_instance, notices
from verify.claims.descent.descent_follows_flow import CLAIM
from verify.claims.descent.descents import Descents, Reference, measure
from verify.examine import stated_laws
from verify.instances import FlowInstance, read_json
from verify.language import Rival
from verify.language.law import Status
from verify.strategies.descents import STABLE, step_size


@pytest.fixture(scope="module")
def instance() -> FlowInstance:
    net = Diagonal(2, 2)
    anchor = balanced_anchor(net, np.ones(2))
    problem = Problem(net, anchor, [[1.0, 0.5], [-0.25, 1.0]], [1.0, -1.0])
    return FlowInstance(problem, Regime(log10_alpha=0.5, decay_power=0.5), c=0.3)


@pytest.fixture(scope="module")
def measured(instance: FlowInstance) -> Descents:
    return measure(instance)


def test_every_rate_of_the_claim_is_as_predicted(measured: Descents) -> None:
    laws = stated_laws(CLAIM, measured, CLAIM.theory)[0]
    assert {law.status for law in laws} == {Status.KEPT}
    assert len(estimates(laws)) == 6
    assert all(abs(estimate.off) <= 1.0 for _, estimate in estimates(laws))


@pytest.mark.parametrize("rival", CLAIM.rivals, ids=lambda rival: rival.id)
def test_every_rival_is_far_off_on_this_instance(measured: Descents, rival: Rival) -> None:
    assert notices(stated_laws(CLAIM, measured, rival.theory)[0])


def test_another_decay_is_noticed(instance: FlowInstance) -> None:
    laws = stated_laws(CLAIM, measure(instance, decay=1.05), CLAIM.theory)[0]
    assert judge_instance(laws) is Status.REFUTED


def test_all_references_are_rivals_but_one() -> None:
    stated = {rival.theory.reference for rival in CLAIM.rivals}
    assert stated == set(Reference)


def test_visibility_goes_up_in_stiffness(measured: Descents) -> None:
    stiffness = [seen.stiffness for seen in measured.visibility]
    assert stiffness == sorted(stiffness)
    # degree 2 from a zero-output anchor: the sharpness is quadratic in alpha up to lambda's share
    assert stiffness[0] == pytest.approx(4.0, rel=0.2)
    for finding in CLAIM.findings(measured):
        assert "step times sharpness" in finding.detail


def test_the_leading_error_refuses_what_it_cannot_integrate(instance: FlowInstance) -> None:
    problem = instance.problem
    with pytest.raises(InvalidInput, match="increasing"):
        step_error(problem, instance.regime, [1.3, 0.7])
    with pytest.raises(IntegrationFailed, match="sharpness"):
        step_error(problem, Regime(log10_alpha=6, decay_power=2.0), [0.7])


def test_what_first_order_leaves_is_the_next_term(measured: Descents) -> None:
    theta, steps = measured.descent.theta, measured.steps
    flow, predicted = np.array([state.theta for state in measured.tight]), measured.predicted
    left = [(theta[k] - flow - steps[k] * predicted.slope) / steps[k] ** 2 for k in (2, 3)]
    # what is left of third order falls with the step: one extrapolation takes it out
    found = 2.0 * left[1] - left[0]
    assert np.abs(found - predicted.curvature).max() <= 2e-3 * np.abs(found).max()


def test_a_step_that_is_stable_at_the_start_alone_is_refined() -> None:
    found = Path(__file__).parents[1] / "found" / "deep-descent-follows-flow-3.json"
    instance = FlowInstance.from_json(read_json(found))
    measured = measure(instance)
    assert step_size(instance) * sharpness_at_start(instance.problem, instance.regime) < STABLE
    # on the way out of a saddle an eigenvalue is -1.5 over the step, and others 0.5 at most
    leaving = step_error(instance.problem, instance.regime, [instance.told(0.0344)])
    assert 1.4 < step_size(instance) * leaving.sharpness < 1.6
    assert measured.steps[0] == step_size(instance) / 8.0
    assert measured.steps[0] * measured.predicted.sharpness <= STABLE


def test_the_sharpness_bounds_the_largest_eigenvalue(instance: FlowInstance) -> None:
    problem, regime = instance.problem, instance.regime
    theta = 10**regime.log10_alpha * problem.anchor
    step = 1e-5

    def gradient(point: np.ndarray) -> np.ndarray:
        outputs = problem.net.outputs(point, problem.inputs)
        force = problem.labels * np.exp(-problem.labels * outputs) / problem.samples
        pull = force @ problem.net.jacobian(point, problem.inputs)
        return np.asarray(10**regime.log10_lambda * point - pull)

    rows = [
        (gradient(theta + step * e) - gradient(theta - step * e)) / (2 * step)
        for e in np.eye(problem.parameters)
    ]
    largest = float(np.abs(np.linalg.eigvalsh(0.5 * (np.array(rows) + np.array(rows).T))).max())
    assert largest <= sharpness_at_start(problem, regime) <= 2.0 * largest
