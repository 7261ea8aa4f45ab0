"""Norms of the linear predictor of a diagonal net, and the maximum margins that go with them."""

from collections.abc import Mapping
from enum import Enum
from math import exp

import numpy as np

from theory.backend import Floats
from theory.margin.programmes import MarginOptimum, l1_max_margin, l2_max_margin
from theory.problem import Problem
from verify.claims.early_late.assumptions import LARGE_ALPHA, POSITIVE_C, POWER_OF_ALPHA
from verify.language import Assumption

BALANCED = Assumption(
    "diagonal net, all coordinates equal at the anchor",
    "f = <u^L - v^L, x>, and u = v = the same number for all coordinates at the anchor",
)
LINEAR_SEPARABILITY = Assumption("separability", "a linear classifier separates the labels")
OF_DIAGONAL_NETS = (BALANCED, LINEAR_SEPARABILITY, POWER_OF_ALPHA, LARGE_ALPHA, POSITIVE_C)


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
