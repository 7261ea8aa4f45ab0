"""What the strategies of rectifiers promise of an instance."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from theory.anchors import has_odd_involution
from theory.asymptotics.kinks import (
    cosines,
    kink_agreement,
    kink_displacement,
    kink_nonlinearity,
)
from theory.kernel import kernel_svm
from theory.problem import Problem
from verify.instances import FlowInstance, instance_from_json
from verify.instances.kinds import UNITS
from verify.strategies.rectifiers import (
    AGREEING,
    FAMILIES,
    FARTHEST_KINK,
    NONLINEAR,
    OFF_KINKS,
    WHATEVER_THE_SAMPLES,
    before_the_first_kink,
    near_a_kink,
    rectifier_problems,
    strict,
)
from verify.strategies.sizes import QUICK

PLAIN = QUICK.without(*UNITS)


@pytest.mark.parametrize("family", FAMILIES)
@given(st.data())
@settings(max_examples=10)
def test_anchors_have_no_output_and_are_off_kinks(family: str, data: st.DataObject) -> None:
    problem = data.draw(rectifier_problems((family,), PLAIN, 2.0**-11))
    outputs = problem.net.outputs(problem.anchor, problem.inputs)
    np.testing.assert_allclose(outputs, 0.0, atol=1e-14)
    assert np.abs(cosines(problem, problem.anchor)).min() >= OFF_KINKS
    assert np.linalg.norm(problem.anchor) == pytest.approx(1.0)
    assert kernel_svm(problem).margin > 0.0
    if family != "cancelling":
        assert has_odd_involution(problem.net, problem.anchor, problem.inputs)


@given(rectifier_problems(("cancelling",), PLAIN, 0.0))
@settings(max_examples=10)
def test_readouts_cancel_on_the_samples_alone(problem: Problem) -> None:
    elsewhere = np.random.default_rng(0).normal(size=(50, problem.inputs.shape[1]))
    found, cancelled = (
        np.abs(problem.net.outputs(problem.anchor, inputs)).max()
        for inputs in (elsewhere, problem.inputs)
    )
    assert found > 1e-6 > 1e6 * cancelled


@given(before_the_first_kink(FAMILIES, QUICK))
@settings(max_examples=10)
def test_the_kernel_phase_is_strict_and_goes_to_json(instance: FlowInstance) -> None:
    assert strict(kernel_svm(instance.problem))
    again = instance_from_json(instance.to_json())
    assert isinstance(again, FlowInstance)
    assert again.problem.net == instance.problem.net
    np.testing.assert_array_equal(again.problem.anchor, instance.problem.anchor)


@pytest.mark.parametrize("family", WHATEVER_THE_SAMPLES)
@given(st.data())
@settings(max_examples=5)
def test_the_first_kink_is_near(family: str, data: st.DataObject) -> None:
    problem = data.draw(near_a_kink((family,), QUICK)).problem
    svm = kernel_svm(problem)
    assert kink_displacement(svm, problem) <= FARTHEST_KINK
    assert kink_nonlinearity(svm, problem) <= NONLINEAR
    assert kink_agreement(svm, problem) >= AGREEING
    assert strict(svm)
