"""The turn of theta: when it is found, and that its angles are those of the inner product."""

import numpy as np
import pytest

from theory.anchors import balanced_anchor
from theory.flow import FlowState
from theory.nets import Diagonal
from theory.problem import Problem, Regime
from verify.alone import judge_instance, notices
from verify.claims.early_late.sharp_transition import OFFSET, Theory, laws
from verify.claims.early_late.transition import SCALES, Transition, measure
from verify.instances import FlowInstance
from verify.language.law import Law, Status


def instance() -> FlowInstance:
    net = Diagonal(2, 2)
    inputs, labels = np.array([[1.0, 0.5], [-0.25, 1.0]]), np.array([1.0, -1.0])
    problem = Problem(net, balanced_anchor(net, np.ones(2)), inputs, labels)
    return FlowInstance(problem, Regime(log10_alpha=9.0, decay_power=2.0), c=0.3)


def stated(found: Transition) -> list[Law]:
    return [law for law in laws(found, Theory()) if isinstance(law, Law)]


@pytest.fixture(scope="module")
def found() -> Transition:
    return measure(instance())


def test_the_turn_is_where_the_direction_has_gone_half_of_its_way(found: Transition) -> None:
    turns = found.by_alpha
    own = instance().own.log10_alpha
    assert turns.log_alpha / np.log(10.0) == pytest.approx([own, *SCALES])
    assert np.all(turns.tenth.values < turns.half.values)
    assert np.all(turns.half.errors < 1e-3)
    assert np.abs(turns.tenth.values - turns.predicted).max() < OFFSET
    # lambda alone changes on the other ladder, and the time in units of 1/lambda hardly
    assert len(found.by_decay.half) == 3
    assert np.ptp(found.by_decay.half.values) < 1.0
    assert judge_instance(stated(found)) is Status.KEPT


def test_a_fast_clock_is_noticed(found: Transition) -> None:
    wrong = measure(instance(), clock=1.01)
    np.testing.assert_allclose(wrong.by_alpha.half.values, 1.01 * found.by_alpha.half.values)
    assert notices(stated(wrong))
    assert not notices(stated(found))


def test_angles_by_the_sine_alone_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    half_square = property(lambda state: 0.5 * state.anchor_sine**2)
    monkeypatch.setattr(FlowState, "direction_change", half_square)
    cosines = next(law for law in stated(measure(instance())) if law.id.startswith("1 - cos"))
    assert cosines.status is Status.REFUTED
