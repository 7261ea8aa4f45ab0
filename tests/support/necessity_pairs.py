"""Violations of one assumption each, whose effect is known beforehand."""

from dataclasses import replace

import numpy as np

from theory.anchors import balanced_anchor, rescaled_difference_anchor
from theory.nets import Diagonal, TwoLayer
from theory.problem import Problem, Regime
from verify.instances import FlowInstance, WithBias
from verify.necessity.judged import Pair

NET = Diagonal(2)
INPUTS, LABELS = [[1.0, 0.5], [-0.25, 1.0]], [1.0, -1.0]
PROBLEM = Problem(NET, balanced_anchor(NET, np.ones(2)), INPUTS, LABELS)
VALID = FlowInstance(PROBLEM, Regime(log10_alpha=9, decay_power=2), 0.3)
MODERATE = FlowInstance(PROBLEM, Regime(log10_alpha=1.8, decay_power=2), 0.7, plain=True)


def _kinked(activation: str) -> Problem:
    """Its first sample lies on the kink of one neuron, into which the second pushes it."""
    half = np.array([1.0, 1.0, 1.0, 0.0, 0.0, 1.0])
    net = TwoLayer(4, 2, activation)
    anchor = rescaled_difference_anchor(net, half, 1.0)
    return Problem(net, anchor, [[0.0, 1.0], [1.0, 1.0]], [1.0, 1.0])


def planted(assumption: str) -> Pair:
    """The pair that violates it."""
    violating = restored = VALID
    match assumption:
        case "homogeneity":
            single = Problem(NET, PROBLEM.anchor, [[0.5, 0.25]], [1.0])
            biased = replace(single, net=WithBias(NET), anchor=np.append(PROBLEM.anchor, 0.0))
            restored = replace(MODERATE, problem=single)
            violating = replace(MODERATE, problem=biased)
        case "smoothness":
            regime = Regime(log10_alpha=16, decay_power=2)
            violating = FlowInstance(_kinked("relu"), regime, 0.3)
            restored = FlowInstance(_kinked("relu_squared"), regime, 0.3)
        case "zero output":
            restored = replace(MODERATE, problem=replace(PROBLEM, loss="logistic"))
            shifted = replace(restored.problem, anchor=PROBLEM.anchor * [1.5, 1.5, 1.0, 1.0])
            violating = replace(MODERATE, problem=shifted)
        case "separability":
            contradictory = replace(PROBLEM, inputs=[*INPUTS, INPUTS[0]], labels=[*LABELS, -1.0])
            restored, violating = MODERATE, replace(MODERATE, problem=contradictory)
        case "lambda a power of alpha":
            restored = VALID.at_alpha(6)
            violating = replace(VALID, regime=Regime(log10_alpha=6, log10_lambda=-5000))
        case "alpha large":
            violating = VALID.at_own_alpha(0.1)
        case "c > 0":
            violating = replace(VALID, c=1e-3)
    return Pair(assumption, violating, restored)
