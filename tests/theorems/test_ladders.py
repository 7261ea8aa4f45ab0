"""The long ladder, log10 alpha from 2 to 10000, on one diagonal and one two-layer net.

At every rung the flow's direction gap to the kernel SVM is compared with C1 / Lam; on the short
rungs, where the gap to the lazy flow is above rounding, its exponent is fitted.
"""

import numpy as np
import pytest

from theory import (
    Diagonal,
    HomogeneousNet,
    Problem,
    Regime,
    TwoLayer,
    balanced_anchor,
    difference_anchor,
    gradient_flow,
    kernel_svm,
    lazy_flow,
)
from theory.asymptotics.kernel_phase import direction_gap_constant, log_inverse_decay

C = 0.3
INPUTS = np.array([[1.0, 0.5, -0.25], [0.75, -1.0, 0.5], [0.25, 0.5, 1.5]])


def taught(net: HomogeneousNet, anchor: np.ndarray, inputs: np.ndarray = INPUTS) -> Problem:
    gradients = net.jacobian(anchor, inputs)
    return Problem(net, anchor, inputs, np.sign(gradients @ gradients.sum(axis=0)))


def diagonal() -> Problem:
    net = Diagonal(3, 2)
    return taught(net, balanced_anchor(net, np.array([1.0, 0.75, 1.25])))


def two_layer() -> Problem:
    net = TwoLayer(4, 3, "square")
    half = np.array([1.0, -0.5, 0.75, 0.25, 1.0, -1.0, 0.5, 1.0])
    return taught(net, difference_anchor(net, half))


def direction_gap(problem: Problem, log10_alpha: float) -> tuple[float, float]:
    """The flow's direction gap at (1-c) t_g, and Lam there."""
    regime = Regime(log10_alpha=log10_alpha, decay_power=2.0)
    eta = gradient_flow(problem, regime, at=[1.0 - C], estimate_error=False).displacement[0]
    gap = np.linalg.norm(eta / np.linalg.norm(eta) - kernel_svm(problem).direction)
    return float(gap), log_inverse_decay(problem, regime, 1.0 - C)


@pytest.mark.parametrize("problem", [diagonal(), two_layer()], ids=["diagonal", "two-layer"])
def test_direction_gap_times_lam_over_its_constant_tends_to_one(problem: Problem) -> None:
    svm = kernel_svm(problem)
    assert svm.strictness > 0.05  # the law needs strict complementarity
    constant = direction_gap_constant(svm)
    ratios = []
    for log10_alpha in (100.0, 1000.0, 10000.0):
        gap, level = direction_gap(problem, log10_alpha)
        ratios.append(gap * level / constant)
    # corrections are O(1 / Lam), with Lam = 600, 6000, 60000
    assert np.abs(np.array(ratios) - 1.0) == pytest.approx([0, 0, 0], abs=1e-2)
    assert abs(ratios[-1] - 1.0) < 3e-4
    assert abs(ratios[-1] - 1.0) < abs(ratios[0] - 1.0)


def test_without_strict_complementarity_the_gap_falls_like_log_lam_over_lam() -> None:
    """The third sample lies on the margin without supporting it: gap * Lam grows like log Lam."""
    net = Diagonal(3, 2)
    inputs = np.array([[1.0, 1.0, 0.0], [1.0, -1.0, 0.0], [1.0, 0.0, 1.0]])
    problem = Problem(net, balanced_anchor(net, np.ones(3)), inputs, np.ones(3))
    assert kernel_svm(problem).strictness < 1e-9
    pairs = [direction_gap(problem, log10_alpha) for log10_alpha in (100.0, 1000.0, 10000.0)]
    logs = np.log([level for _, level in pairs])
    scaled = np.array([gap * level for gap, level in pairs])
    slopes = np.diff(scaled) / np.diff(logs)
    assert slopes[0] > 0.1  # a C1 / Lam law would have slope zero
    assert slopes[1] == pytest.approx(slopes[0], rel=0.1)  # log log Lam corrections


def unit_margin(problem: Problem) -> Problem:
    """The same problem in the gauge gamma = 1, in which alpha has its plainest meaning."""
    stretch = kernel_svm(problem).margin ** (-1.0 / (problem.degree - 1))
    return Problem(problem.net, stretch * problem.anchor, problem.inputs, problem.labels)


@pytest.mark.parametrize("problem", [diagonal(), two_layer()], ids=["diagonal", "two-layer"])
def test_lazy_exponent_is_twice_c_degree(problem: Problem) -> None:
    """On support samples the gap is C delta^2 / (1 + q); see the claim `kernel-svm`."""
    problem = unit_margin(problem)
    support = kernel_svm(problem).support
    logs, values = [], []
    for log10_alpha in (4.0, 5.0, 6.0, 7.0, 8.0):
        regime = Regime(log10_alpha=log10_alpha, decay_power=2.0)
        flow = gradient_flow(problem, regime, at=[1.0 - C], rtol=1e-13)
        lazy = lazy_flow(problem, regime, at=[1.0 - C], rtol=1e-13)
        reference = lazy.margins[0, support]
        gap = np.abs(flow.margins[0, support] - reference).max() / reference.max()
        if gap < 30 * flow.error_estimate[0]:
            break
        size = np.linalg.norm(lazy.displacement[0]) ** 2 / (1.0 + reference.max())
        logs.append(log10_alpha)
        values.append(np.log10(gap / size))
    assert len(logs) >= 3
    exponent = -np.polyfit(logs, values, 1)[0]
    assert exponent == pytest.approx(2 * C * problem.degree, rel=0.05)
