"""When the transition happens: where its two sides are equal, and as theta shrinks through it."""

from collections.abc import Callable
from math import log

import pytest

from theory.asymptotics.kernel_phase import log_inverse_decay, refined_normalization
from theory.asymptotics.transition import transition_decay_time
from theory.errors import InvalidInput
from theory.kernel import kernel_svm
from theory.problem import Problem, Regime


@pytest.mark.parametrize("anchor_norm", [0.3, 1.0, 3.0])
@pytest.mark.parametrize("family", ["diagonal, L = 3", "two-layer square", "deep linear"])
def test_transition_is_where_what_is_left_of_the_anchor_equals_the_machine(
    family: str, anchor_norm: float, instance: Callable[..., Problem]
) -> None:
    given = instance(family)
    problem = Problem(given.net, anchor_norm * given.anchor, given.inputs, given.labels)
    svm = kernel_svm(problem)
    for log10_alpha in (8.0, 100.0):
        regime = Regime(log10_alpha=log10_alpha, decay_power=2.0)
        decay_time = transition_decay_time(svm, problem, regime)
        at = decay_time / regime.log_alpha
        left = problem.degree * (regime.log_alpha - decay_time) + log(problem.anchor_norm)
        machine = refined_normalization(svm, log_inverse_decay(problem, regime, at))
        assert left == pytest.approx(log(machine), rel=1e-9)


def test_no_transition_where_decay_outweighs_the_data(instance: Callable[..., Problem]) -> None:
    """At degree 2 both lengths shrink as exp(-2 s) in the end and need not meet."""
    problem = instance("two-layer square")
    svm = kernel_svm(problem)
    regime = Regime(log10_alpha=3.0, log10_lambda=4.0)
    with pytest.raises(InvalidInput, match="log10 lambda is 4; decay outweighs the data"):
        transition_decay_time(svm, problem, regime)
