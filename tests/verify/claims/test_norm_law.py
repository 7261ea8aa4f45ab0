"""The norm law where its first rung is not small: found among 96 instances of one run."""

from typing import Any

import numpy as np

from theory import Problem, Regime, TwoLayer
from theory.asymptotics.kernel_phase import scale_of_displacement
from theory.kernel import kernel_svm
from verify.alone import judge_instance
from verify.catalogue import claim_named
from verify.evidence import CLAIM
from verify.examine import examine
from verify.instances import FlowInstance
from verify.language.law import Kind, Status


def test_a_nearly_orthogonal_input_bends_the_first_rung_only() -> None:
    """w.x is 0.012 |w| |x|: an eta of one percent of the anchor already doubles it."""
    net = TwoLayer(1, 3, "square")
    weights = [-0.3284081987685707, -0.630007564984605, -0.70373185450408]
    anchor = np.array([0.0, *weights]) / np.linalg.norm(weights)
    problem = Problem(net, anchor, np.array([[1.28125, -0.328125, -0.328125]]), np.ones(1))
    scale = scale_of_displacement(kernel_svm(problem), problem, 2.0, 0.7, 0.01)
    instance = FlowInstance.at_own(problem, Regime(log10_alpha=scale, decay_power=2.0), c=0.3)
    claim: Any = claim_named("norm-law")
    laws = {law.id: law for law in examine(claim, instance).laws[CLAIM]}
    (first,) = laws["excess over its prediction on the first rung"].checks
    assert first.value > 0.4
    bounds = [law for law in laws.values() if law.kind is not Kind.RATE]
    assert judge_instance(bounds) is Status.KEPT
