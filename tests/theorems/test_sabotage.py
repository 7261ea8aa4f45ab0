"""Faults put into theory/ on purpose: the suite must notice each of them.

The instances are fixed and few, so that each fault costs seconds; without a fault nothing is
wrong on them, which is what makes the other tests mean something.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

import theory.asymptotics.kernel_phase
import theory.flow.chart
import theory.flow.fastest_chart
import theory.kernel.lazy
import theory.kernel.quasi_static
import theory.kernel.svm
import verify.claims.early_late.kernel_machines
import verify.claims.early_late.kernel_phase
import verify.claims.early_late.kernel_svm
import verify.claims.early_late.transition
from theory import (
    Diagonal,
    HomogeneousNet,
    Problem,
    Regime,
    TwoLayer,
    balanced_anchor,
    difference_anchor,
    kernel_svm,
    zero_readout_anchor,
)
from theory.asymptotics.kernel_phase import scale_of_displacement
from theory.flow import FlowState
from theory.losses import Exponential, Logistic
from theory.units import scaled
from verify.alone import notices
from verify.catalogue import claim_named
from verify.evidence import CLAIM
from verify.examine import examine_all
from verify.instances import FlowInstance
from verify.shards import groups_of

CLAIMS = ("kernel-svm", "kkt", "frozen-direction", "norm-law", "sharp-transition")
"""The claims on classification with any net."""

LATE = ("kkt", "sharp-transition")
C = 0.35
INPUTS = np.array([[1.0, 0.5, -0.25], [0.75, -1.0, 0.5], [0.25, 0.5, 1.5], [1.5, 1.0, 0.5]])


def problems() -> list[Problem]:
    """One diagonal net of degree 2, one of degree 3, two two-layer nets; one has logistic loss."""
    half = np.array([1.0, 0.75, 1.25])
    hidden = np.array([1.0, -0.5, 0.75, 0.25, 1.0, -1.0, 0.5, 1.0])
    square, cube = TwoLayer(4, 3, "square"), TwoLayer(2, 3, "cube")
    return [
        taught(Diagonal(3, 2), balanced_anchor(Diagonal(3, 2), half)),
        taught(Diagonal(3, 3), balanced_anchor(Diagonal(3, 3), half), "logistic"),
        taught(square, difference_anchor(square, hidden)),
        taught(cube, zero_readout_anchor(cube, hidden)),
    ]


def taught(net: HomogeneousNet, anchor: np.ndarray, loss: str = "exponential") -> Problem:
    """Labels by the sum of all gradient features, so that the task is separable."""
    gradients = net.jacobian(anchor, INPUTS)
    labels = np.sign(gradients @ gradients.sum(axis=0))
    return Problem(net, anchor, INPUTS, labels, loss)


@pytest.fixture(scope="module")
def instances() -> dict[str, list[FlowInstance]]:
    """Early and late instances, by claim; made before any fault is put in."""
    early, late = [], []
    for problem in problems():
        scale = scale_of_displacement(kernel_svm(problem), problem, 2.0, 1.0 - C, 0.01)
        early.append(FlowInstance.at_own(problem, Regime(log10_alpha=scale, decay_power=2.0), C))
        late.append(FlowInstance.at_own(problem, Regime(log10_alpha=14.0, decay_power=0.5), C))
    return {claim: late if claim in LATE else early for claim in CLAIMS}


def faults_noticed(instances: dict[str, list[FlowInstance]]) -> list[str]:
    """Claims to which something is wrong on some instance, of the first measurement that shows it.

    Something is wrong where a bound is refuted, a rate is far off, or nothing could be measured.
    """
    for claims in groups_of([claim_named(name) for name in CLAIMS]):
        found = []
        for instance in instances[claims[0].id]:
            for name, evidence in examine_all(claims, instance).items():
                if evidence.outcome != "measured" or notices(evidence.laws[CLAIM]):
                    found.append(name)
        if found:
            return found
    return []


def test_without_a_fault_nothing_is_wrong(instances: dict[str, list[FlowInstance]]) -> None:
    assert faults_noticed(instances) == []


Patch = pytest.MonkeyPatch
FAULTS: dict[str, Callable[[Patch], None]] = {}


def fault(function: Callable[[Patch], None]) -> Callable[[Patch], None]:
    FAULTS[function.__name__] = function
    return function


@fault
def weight_decay_of_the_wrong_sign(patch: Patch) -> None:
    patch.setattr(theory.flow.chart.Chart, "decay", property(lambda chart: -1.0))


@fault
def co_moving_decay_without_the_degree(patch: Patch) -> None:
    patch.setattr(theory.flow.chart.Chart, "decay", property(lambda chart: 1.0))


@fault
def force_of_the_flow_with_twice_lambda(patch: Patch) -> None:
    original = theory.flow.chart.Chart.log_gain
    patch.setattr(
        theory.flow.chart.Chart, "log_gain", lambda chart, s: original(chart, s) - np.log(2.0)
    )


@fault
def rich_chart_with_half_the_decay(patch: Patch) -> None:
    original = theory.flow.chart.Chart.decay.func

    def halved(chart: theory.flow.chart.Chart) -> float:
        return float(original(chart)) if chart.comoving else 0.5

    patch.setattr(theory.flow.chart.Chart, "decay", property(halved))


@fault
def lazy_flow_without_the_mean_over_samples(patch: Patch) -> None:
    original = theory.kernel.lazy.initial_log_gain
    patch.setattr(
        theory.kernel.lazy, "initial_log_gain", lambda p, r: original(p, r) + np.log(p.samples)
    )


@fault
def ntk_at_another_point(patch: Patch) -> None:
    def shifted(problem: Problem) -> np.ndarray:
        point = problem.anchor + 0.05 * np.cos(np.arange(problem.parameters))
        return problem.labels[:, None] * problem.net.jacobian(point, problem.inputs)

    def shifted_in_units(problem: Problem) -> np.ndarray:
        return scaled(shifted(problem), -0.5 * problem.units.kernel_exponent)

    patch.setattr(theory.kernel.svm, "signed_features", shifted)
    patch.setattr(theory.kernel.lazy, "unit_features", shifted_in_units)


@fault
def kernel_margin_five_percent_off(patch: Patch) -> None:
    patch.setattr(
        theory.kernel.svm.KernelSVM, "margin", property(lambda svm: 1.05 * svm.margin_low)
    )


@fault
def interpolation_in_the_place_of_the_svm(patch: Patch) -> None:
    original = theory.kernel.svm.max_margin

    def interpolate(features: np.ndarray, **options: str) -> theory.kernel.svm.KernelSVM:
        true = original(features, **options)
        dual = np.linalg.solve(
            features @ features.T + 1e-9 * np.eye(len(features)), np.ones(len(features))
        )
        return replace(true, weights=features.T @ dual, dual=dual, solver="fault")

    for module in (theory.kernel.svm, verify.claims.early_late.kernel_machines):
        patch.setattr(module, "max_margin", interpolate)


@fault
def effective_decay_without_the_degree(patch: Patch) -> None:
    original = theory.asymptotics.kernel_phase.log_inverse_decay
    patch.setattr(
        verify.claims.early_late.kernel_phase,
        "log_inverse_decay",
        lambda p, r, at: original(p, r, at) + np.log(p.degree),
    )


@fault
def normalization_with_the_degree_for_degree_minus_one(patch: Patch) -> None:
    def wrong(problem: Problem, regime: Regime, at: float) -> float:
        return 2.0 * problem.degree * (1.0 - at) * regime.log_alpha - regime.log_lambda

    patch.setattr(verify.claims.early_late.kernel_svm, "log_normalization_argument", wrong)


@fault
def quasi_static_lag_of_the_wrong_sign(patch: Patch) -> None:
    original = theory.kernel.quasi_static.lag_correction
    phase = verify.claims.early_late.kernel_phase
    patch.setattr(phase, "lag_correction", lambda k, a, d: -original(k, a, d))


@fault
def logistic_force_without_its_denominator(patch: Patch) -> None:
    patch.setattr(Logistic, "force", lambda self, *a: 2.0 * Exponential().force(*a))


@fault
def jacobian_of_diagonal_nets_without_the_degree(patch: Patch) -> None:
    original = Diagonal.jacobian
    patch.setattr(Diagonal, "jacobian", lambda net, t, x: original(net, t, x) / net.degree)


@fault
def increments_to_first_order_only(patch: Patch) -> None:
    for net in (Diagonal, TwoLayer):
        patch.setattr(
            net,
            "increment",
            lambda net, theta, step, x: (net.jacobian(theta, x) @ step[..., None])[..., 0],
        )


@fault
def hidden_gradients_of_two_layer_nets_lost(patch: Patch) -> None:
    original = TwoLayer.jacobian

    def readout_only(net: TwoLayer, theta: np.ndarray, inputs: np.ndarray) -> np.ndarray:
        full = np.array(original(net, theta, inputs))
        full[..., net.width :] *= 0.9
        return full

    patch.setattr(TwoLayer, "jacobian", readout_only)


@fault
def transition_time_without_the_degree(patch: Patch) -> None:
    original = verify.claims.early_late.transition.transition_decay_time

    def wrong(svm: theory.kernel.KernelSVM, problem: Problem, regime: Regime) -> float:
        shift = regime.log_alpha - original(svm, problem, regime)
        return regime.log_alpha - problem.degree * shift

    patch.setattr(verify.claims.early_late.transition, "transition_decay_time", wrong)


@fault
def stationarity_off_by_one(patch: Patch) -> None:
    original = FlowState.stationarity.func
    patch.setattr(FlowState, "stationarity", property(lambda state: 1.0 + float(original(state))))


@fault
def complementarity_weighted_by_margins(patch: Patch) -> None:
    original = FlowState.log_multipliers.func
    patch.setattr(FlowState, "log_multipliers", property(lambda state: -original(state)))


@fault
def decay_time_of_the_other_convention(patch: Patch) -> None:
    original = FlowState.log_norm_excess.func
    patch.setattr(
        FlowState,
        "log_norm_excess",
        property(lambda state: float(original(state)) + state.decay_time),
    )


DEAR = (
    "weight_decay_of_the_wrong_sign",
    "increments_to_first_order_only",
    "transition_time_without_the_degree",
    "logistic_force_without_its_denominator",
)
"""They take 15 to 50 seconds: integrators struggle, or nothing but the last claim notices."""


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.slow) if n in DEAR else n for n in FAULTS]
)
def test_the_suite_notices(
    name: str, instances: dict[str, list[FlowInstance]], monkeypatch: Patch
) -> None:
    """Flows take the plain charts, into which the faults are put."""
    monkeypatch.setattr(theory.flow.fastest_chart, "compiled_chart", lambda chart: None)
    FAULTS[name](monkeypatch)
    assert faults_noticed(instances)
