"""Instances of several classes: separable, with an anchor of zero output, of the right sizes."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from theory.assumptions import check_assumptions
from theory.kernel import kernel_svm
from theory.problem import Problem
from verify.claims import suite_claims
from verify.claims.early_late.kernel_machines import Kernel, Machine, kernel_machine_outputs
from verify.strategies import SIZES
from verify.strategies.classes import FAMILIES, class_problems

QUICK = SIZES["quick"]
patient = settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("family", FAMILIES)
@given(st.data())
@patient
def test_problems_meet_the_assumptions(family: str, data: st.DataObject) -> None:
    problem = data.draw(class_problems((family,), QUICK))
    check_assumptions(problem)
    assert problem.classes in (3, 4, 5)
    assert problem.parameters <= QUICK.max_parameters
    assert problem.samples >= 2
    assert problem.rows <= 2 * QUICK.max_samples + problem.classes - 1


@given(class_problems(FAMILIES, QUICK))
@patient
def test_the_machine_of_the_ntk_is_the_kernel_svm(problem: Problem) -> None:
    probes = np.random.default_rng(0).standard_normal((3, problem.inputs.shape[1]))
    outputs = kernel_machine_outputs(problem, probes, Kernel.NTK, Machine.MAX_MARGIN)
    assert outputs is not None
    assert outputs.shape == (problem.samples + 3, problem.classes)
    svm = kernel_svm(problem)
    net = problem.net
    both = np.concatenate([problem.inputs, probes])
    expected = net.jacobian(problem.anchor, both) @ svm.direction
    np.testing.assert_allclose(outputs, expected, atol=1e-6 * np.abs(expected).max())


def test_claims_on_classes_have_rivals_wrong_worlds_and_an_independent_route() -> None:
    own = [claim for name, claim in suite_claims().items() if name.endswith("-of-classes")]
    assert len(own) == 5
    for claim in own:
        assert len(claim.rivals) >= 5
        assert claim.measurement.sabotaged
        assert claim.measurement.independent is not None
        assert set(FAMILIES) <= set(claim.measurement.families)
