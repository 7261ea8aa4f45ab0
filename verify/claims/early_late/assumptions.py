"""What the two theorems assume of an instance, each as an object that can be tested alone."""

from theory.assumptions import (
    check_finite,
    check_homogeneity,
    check_separability,
    check_smoothness,
    check_zero_output,
)
from theory.errors import AssumptionError
from theory.plain_function import check_plain_function
from theory.problem import Problem
from verify.instances import FlowInstance
from verify.language import Assumption, one_changed
from verify.strategies.violations import (
    constant_decay,
    contradictory,
    inhomogeneous,
    inseparable,
    kinked,
    near_the_transition,
    small_scale,
    with_initial_output,
)


def _function(instance: FlowInstance) -> None:
    problem = instance.problem
    check_finite(problem)
    check_plain_function(problem.net, problem.parameters, problem.inputs)


def _homogeneous(instance: FlowInstance) -> None:
    problem = instance.problem
    check_homogeneity(problem.row_net, problem.parameters, problem.inputs)


def _smooth(instance: FlowInstance) -> None:
    problem = instance.problem
    check_smoothness(problem.row_net, problem.parameters, problem.inputs)


def _zero_output(instance: FlowInstance) -> None:
    check_zero_output(instance.problem)


def _separable(instance: FlowInstance) -> None:
    check_separability(_classifying(instance.problem))


def _classifying(problem: Problem) -> Problem:
    if not problem.loss_function.classifies:
        raise AssumptionError("separability", f"loss is {problem.loss!r}: nothing is separated")
    return problem


FUNCTION = Assumption(
    "a function of theta and x",
    "f is finite, deterministic, of one input at a time, in double precision, with its gradients",
    _function,
)
HOMOGENEITY = Assumption("homogeneity", "f(c theta; x) = c^L f(theta; x)", _homogeneous)
SMOOTHNESS = Assumption("smoothness", "f is twice differentiable in theta", _smooth)
ZERO_OUTPUT = Assumption("zero output", "f vanishes at the anchor", _zero_output)
SEPARABILITY = Assumption(
    "separability", "the gradient features at the anchor separate the labels", _separable
)
POWER_OF_ALPHA = Assumption(
    "lambda a power of alpha", "lambda = alpha^-p with p > 0", violated=constant_decay
)
LARGE_ALPHA = Assumption(
    "alpha large",
    "the limit is reached as far as the claim's bounds say",
    violated=one_changed(small_scale),
)
POSITIVE_C = Assumption(
    "c > 0",
    "times stay away from t_g by a share c of it",
    violated=one_changed(near_the_transition),
)

OF_THE_NET = (FUNCTION, HOMOGENEITY, SMOOTHNESS, ZERO_OUTPUT)
OF_THE_REGIME = (POWER_OF_ALPHA, LARGE_ALPHA, POSITIVE_C)
OF_THE_THEOREMS = (
    FUNCTION,
    HOMOGENEITY.violable(inhomogeneous),
    SMOOTHNESS.violable(kinked),
    ZERO_OUTPUT.violable(with_initial_output),
    SEPARABILITY.violable(inseparable),
    *OF_THE_REGIME,
)
OF_THE_TRANSITION = (
    *OF_THE_NET[:2],
    SMOOTHNESS.violable(kinked),
    ZERO_OUTPUT,
    SEPARABILITY.violable(one_changed(contradictory)),
    *OF_THE_REGIME,
)
"""Its ladder is far beyond what plain coordinates reach."""
