"""Norms of the linear predictor of a diagonal net, and the maximum margins that go with them."""

from collections.abc import Mapping
from dataclasses import replace
from enum import Enum
from math import exp

import numpy as np

from theory.backend import Floats
from theory.errors import AssumptionError
from theory.margin.programmes import MarginOptimum, l1_max_margin, l2_max_margin
from theory.nets import Diagonal
from theory.problem import Problem
from verify.claims.early_late.assumptions import FUNCTION, OF_THE_REGIME, SEPARABILITY
from verify.instances import FlowInstance
from verify.language import Assumption, one_changed
from verify.strategies.violations import contradictory, unbalanced

EQUAL_COORDINATES = "diagonal net, all coordinates equal at the anchor"


def _balanced(instance: FlowInstance) -> None:
    problem = instance.problem
    if not isinstance(problem.net, Diagonal):
        raise AssumptionError(EQUAL_COORDINATES, f"net is {problem.net}, not a diagonal one")
    if problem.anchor[0] <= 0 or np.ptp(problem.anchor) > 0:
        raise AssumptionError(
            EQUAL_COORDINATES, f"anchor is {problem.anchor}; all its numbers must be equal, above 0"
        )


BALANCED = Assumption(
    EQUAL_COORDINATES,
    "f = <u^L - v^L, x>, and u = v = the same number for all coordinates at the anchor",
    _balanced,
    one_changed(unbalanced),
)
LINEAR_SEPARABILITY = replace(
    SEPARABILITY,
    statement="a linear classifier separates the labels",
    violated=one_changed(contradictory),
)
OF_DIAGONAL_NETS = (FUNCTION, BALANCED, LINEAR_SEPARABILITY, *OF_THE_REGIME)


class Norm(Enum):
    """Of the predictor w."""

    L1 = 1
    L2 = 2

    def of(self, weights: Floats) -> float:
        return float(np.linalg.norm(weights, self.value))


Optima = Mapping[Norm, MarginOptimum]


def optima_of(problem: Problem) -> Optima:
    """The certified maximum margins in both norms."""
    inputs, labels = problem.inputs, problem.labels
    return {Norm.L1: l1_max_margin(inputs, labels), Norm.L2: l2_max_margin(inputs, labels)}


def softness(problem: Problem, least_margin: float) -> float:
    """What the logistic loss adds to differences of margins: softplus(q) - q <= e^-q."""
    return exp(-max(least_margin, 0.0)) if problem.loss == "logistic" else 0.0
