"""Orders of the kernel phase are read where they show."""

import numpy as np
import pytest

from theory.nets import TwoLayer
from theory.problem import Problem, Regime
from verify.claims.early_late.kernel_phase import (
    LIMIT_SCALES,
    NEARLY_LAZY,
    RESOLVED_LEVEL,
    measure,
)
from verify.claims.early_late.kernel_svm import CLAIM
from verify.examine import own_laws
from verify.instances import FlowInstance
from verify.language.law import Status


@pytest.fixture(scope="module")
def near_a_kink() -> FlowInstance:
    """The last sample is at a cosine of 0.007 from the kink of both copies of a cubed unit."""
    half = np.array([-3.0, 113.0, 74.0, -48.0, -86.0, -24.0, -30.0, -25.0])
    hidden = half[2:]
    anchor = np.concatenate([half[:2], -half[:2], hidden, hidden])
    clear = [[14, -14, -15], [2, -26, -10], [-12, -10, -6], [12, -15, -5], [6, -5, -14]]
    inputs = np.array([*clear, [-4, -16, -16], [-320, 384, -160]]) * 1.25
    problem = Problem(
        TwoLayer(4, 3, "relu_cubed"),
        anchor / np.linalg.norm(anchor),
        inputs,
        np.array([*[1.0] * 6, -1.0]),
        "logistic",
    )
    return FlowInstance(problem, Regime(log10_alpha=2.7736, log10_lambda=-5.5473), 0.3)


def test_orders_are_read_where_the_flow_is_nearly_lazy(near_a_kink: FlowInstance) -> None:
    """At the displacement that was drawn a third of eta is not lazy: no order shows."""
    phase = measure(near_a_kink)
    distances = [float(rung.lazy_distance().values[0]) for rung in phase.rungs]
    assert distances[0] > 2.0 * NEARLY_LAZY
    assert phase.asymptotic == slice(1, None)
    assert len(distances) == 4
    assert max(distances[1:]) <= NEARLY_LAZY


def test_claim_holds_near_a_kink(near_a_kink: FlowInstance) -> None:
    laws, failure = own_laws(CLAIM, near_a_kink)
    assert failure is None
    assert Status.REFUTED not in {law.status for law in laws}
    (order,) = (law.estimate for law in laws if law.id == "lazy-gap exponent over c L")
    assert order is not None
    assert order.fitted == pytest.approx(2.0, abs=0.1)


def test_first_limit_is_lower_where_its_level_is_high(near_a_kink: FlowInstance) -> None:
    phase = measure(near_a_kink)
    rung = phase.limits[0]
    assert phase.limit_scales[0] < LIMIT_SCALES[0]
    assert rung.log_inverse_decay == pytest.approx(RESOLVED_LEVEL, abs=20.0)
    assert rung.lazy_distance().values[0] <= rung.flow.floor
