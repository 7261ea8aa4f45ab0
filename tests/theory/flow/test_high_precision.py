"""The charts against an integration that shares nothing with them.

Plain coordinates theta(t), 80-bit floats, Dormand and Prince's explicit method of order 8, and the
nets written out once more by hand. Only the tableau of the method comes from SciPy.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate._ivp import dop853_coefficients as tableau

from tests.theory.flow.several_classes import CLASSES, several_classes
from theory.flow import gradient_flow
from theory.problem import Problem, Regime

Long = np.longdouble
Longs = NDArray[np.longdouble]
Linearized = Callable[[Longs], tuple[Longs, Longs]]
"""theta -> outputs (n,) and gradients (n, P)."""

pytestmark = pytest.mark.skipif(
    np.finfo(Long).eps > 1e-18, reason="long double has no more digits than float64 here"
)


def diagonal(degree: int, inputs: Longs) -> Linearized:
    def linearized(theta: Longs) -> tuple[Longs, Longs]:
        u, v = np.split(theta, 2)
        slope_u, slope_v = degree * u ** (degree - 1), -degree * v ** (degree - 1)
        return inputs @ (u**degree - v**degree), np.hstack([inputs * slope_u, inputs * slope_v])

    return linearized


def two_layer(width: int, power: int, rectified: bool, inputs: Longs) -> Linearized:
    def linearized(theta: Longs) -> tuple[Longs, Longs]:
        readout, hidden = theta[:width], theta[width:].reshape(width, -1)
        outputs = np.zeros(len(inputs), Long)
        gradients = np.zeros((len(inputs), theta.size), Long)
        for k in range(width):
            z = inputs @ hidden[k]
            if rectified:
                z = np.maximum(z, Long(0))
            outputs += readout[k] * z**power
            gradients[:, k] = z**power
            columns = slice(width + k * inputs.shape[1], width + (k + 1) * inputs.shape[1])
            gradients[:, columns] = (readout[k] * power * z ** (power - 1))[:, None] * inputs
        return outputs, gradients

    return linearized


def three_layers(widths: tuple[int, int, int], power: int, inputs: Longs) -> Linearized:
    d, h, k = widths

    def linearized(theta: Longs) -> tuple[Longs, Longs]:
        first = theta[: h * d].reshape(h, d)
        second = theta[h * d : h * d + k * h].reshape(k, h)
        third = theta[h * d + k * h :]
        outputs, gradients = [], []
        for x in inputs:
            below, above = first @ x, second @ (first @ x) ** power
            outputs.append(third @ above**power)
            by_above = third * power * above ** (power - 1)
            by_below = (by_above @ second) * power * below ** (power - 1)
            by_second = np.outer(by_above, below**power)
            gradients.append(
                np.concatenate([np.outer(by_below, x).ravel(), by_second.ravel(), above**power])
            )
        return np.array(outputs), np.array(gradients)

    return linearized


def factorization(size: int, rank: int, pairs: list[tuple[int, int]]) -> Linearized:
    def linearized(theta: Longs) -> tuple[Longs, Longs]:
        u, v = theta.reshape(2, size, rank)
        outputs = np.array([u[i] @ u[j] - v[i] @ v[j] for i, j in pairs])
        gradients = np.zeros((len(pairs), 2, size, rank), Long)
        for sample, (i, j) in enumerate(pairs):
            gradients[sample, 0, i] += u[j]
            gradients[sample, 0, j] += u[i]
            gradients[sample, 1, i] -= v[j]
            gradients[sample, 1, j] -= v[i]
        return outputs, gradients.reshape(len(pairs), -1)

    return linearized


@dataclass(frozen=True)
class PlainFlow:
    """theta' = -lambda theta + (1/n) sum_i y_i e^-q_i grad f_i, in units of 1/lambda."""

    linearized: Linearized
    labels: Longs
    decay: np.longdouble

    def rhs(self, theta: Longs) -> Longs:
        outputs, gradients = self.linearized(theta)
        pull = self.labels * np.exp(-self.labels * outputs) / (len(self.labels) * self.decay)
        return pull @ gradients - theta

    def margins_at(self, theta: Longs, decay_times: list[float], tolerance: float) -> Longs:
        """Margins at increasing times; a step is accepted by the errors of theta *and* of f."""
        now, step, margins = Long(0), Long(1e-20), []
        stages = np.zeros((tableau.N_STAGES + 1, theta.size), Long)
        for stop in decay_times:
            while now < stop:
                step = min(step, Long(stop) - now)
                stages[0] = self.rhs(theta)
                for k in range(1, tableau.N_STAGES):
                    moved = theta + step * (tableau.A[k, :k].astype(Long) @ stages[:k])
                    stages[k] = self.rhs(moved)
                new = theta + step * (tableau.B.astype(Long) @ stages[:-1])
                stages[-1] = self.rhs(new)
                error = step * (tableau.E5.astype(Long) @ stages)
                outputs, gradients = self.linearized(new)
                in_outputs = np.abs(gradients @ error).max() / (1 + np.abs(outputs).max())
                ratio = max(in_outputs, np.abs(error).max() / np.abs(theta).max()) / tolerance
                if ratio <= 1:
                    now, theta = now + step, new
                if not np.isfinite(ratio):
                    ratio = Long(1e8)
                step *= np.clip(Long(0.9) * max(ratio, Long(1e-16)) ** Long(-0.125), 0.2, 5.0)
            margins.append(self.labels * self.linearized(theta)[0])
        return np.array(margins)


def by_hand(family: str, problem: Problem) -> Linearized:
    inputs = problem.inputs.astype(Long)
    if family.startswith("diagonal"):
        return diagonal(int(family[-1]), inputs)
    if family.startswith("two-layer"):
        power = 3 if "cube" in family else 2
        return two_layer(4, power, "relu" in family, inputs)
    if family.startswith("deep"):
        return three_layers((3, 3, 3), 2 if "square" in family else 1, inputs)
    return factorization(3, 2, [(int(i), int(j)) for i, j in problem.inputs])


@dataclass(frozen=True)
class PairFlow(PlainFlow):
    """theta' = -lambda theta + (1/n) sum_ij pi_ij grad q_ij over the margins of several classes."""

    others: int

    def rhs(self, theta: Longs) -> Longs:
        margins, gradients = self.linearized(theta)
        falls = np.exp(-margins.reshape(-1, self.others))
        shares = falls / (1 + falls.sum(axis=1, keepdims=True))
        pull = shares.ravel() / (len(falls) * self.decay)
        return pull @ gradients - theta


def of_classes(family: str, problem: Problem) -> Linearized:
    """Margins and their gradients, from the scalar nets above on the numbers of each class."""
    inputs = problem.inputs.astype(Long)
    if family == "two-layer with biases":
        inputs = np.hstack([inputs, np.ones((len(inputs), 1), Long)])
    size = problem.parameters
    every = np.arange(size)
    if family.startswith("diagonal"):
        one, half = diagonal(int(family[-1]), inputs), size // 2
        own = [every[4 * c : 4 * c + 4] for c in range(CLASSES)]
        heads = [np.concatenate([rows, half + rows]) for rows in own]
    elif family.startswith("two-layer"):
        one, start = two_layer(4, 2, False, inputs), 4 * CLASSES
        heads = [np.concatenate([every[4 * c : 4 * c + 4], every[start:]]) for c in range(CLASSES)]
    else:
        one, last = three_layers((4, 4, 4), 1, inputs), size - 4 * CLASSES
        ends = [every[last + 4 * c : last + 4 * c + 4] for c in range(CLASSES)]
        heads = [np.concatenate([every[:last], end]) for end in ends]

    def linearized(theta: Longs) -> tuple[Longs, Longs]:
        outputs = np.zeros((len(inputs), CLASSES), Long)
        gradients = np.zeros((len(inputs), CLASSES, size), Long)
        for c, head in enumerate(heads):
            outputs[:, c], gradients[:, c, head] = one(theta[head])
        margins, slopes = [], []
        for i, truth in enumerate(problem.labels.astype(int)):
            for other in range(CLASSES):
                if other != truth:
                    margins.append(outputs[i, truth] - outputs[i, other])
                    slopes.append(gradients[i, truth] - gradients[i, other])
        return np.array(margins), np.array(slopes)

    return linearized


@pytest.mark.parametrize(
    "family",
    [
        "diagonal, L = 2",
        "two-layer square",
        *(
            pytest.param(name, marks=pytest.mark.slow)
            for name in ("diagonal, L = 3", "two-layer with biases", "deep linear")
        ),
    ],
)
def test_margins_of_several_classes_agree_with_80_bit_plain_coordinates(family: str) -> None:
    problem, at = several_classes(family, 0), [0.3, 0.7, 1.3]
    regime = Regime(log10_alpha=3.0, log10_lambda=-6.0)
    ones = np.ones(problem.rows, Long)
    plain = PairFlow(of_classes(family, problem), ones, Long(10) ** -6, CLASSES - 1)
    start = Long(1000) * problem.anchor.astype(Long)
    with np.errstate(over="ignore", invalid="ignore"):  # of trial steps, which are then rejected
        expected = plain.margins_at(start, [t * regime.log_alpha for t in at], tolerance=1e-10)
    flow = gradient_flow(problem, regime, at, rtol=1e-11)
    np.testing.assert_allclose(flow.margins, expected.astype(float), rtol=1e-7)


QUICK = ("diagonal, L = 2", "diagonal, L = 3", "two-layer square", "deep linear", "factorization")
SLOW = ("two-layer cube", "two-layer relu_squared", "two-layer relu_cubed", "deep square")


@pytest.mark.parametrize(
    "family", [*QUICK, *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW)]
)
def test_margins_agree_with_80_bit_plain_coordinates(
    family: str, instance: Callable[..., Problem]
) -> None:
    problem, at = instance(family), [0.3, 0.7, 1.3]  # the first in the co-moving chart
    # at alpha = 1000 and L = 7 the rounding of 80-bit floats, not accuracy, would limit the steps
    log10_alpha = 1 if family == "deep square" else 3
    regime = Regime(log10_alpha=log10_alpha, log10_lambda=-6)
    plain = PlainFlow(by_hand(family, problem), problem.labels.astype(Long), Long(10) ** -6)
    start = Long(10) ** log10_alpha * problem.anchor.astype(Long)
    with np.errstate(over="ignore", invalid="ignore"):  # of trial steps, which are then rejected
        expected = plain.margins_at(start, [t * regime.log_alpha for t in at], tolerance=1e-10)
    flow = gradient_flow(problem, regime, at, rtol=1e-11)
    off = np.abs(flow.margins - expected.astype(float)).max(axis=1)
    told = flow.error_estimate * np.abs(flow.margins).max(axis=1)
    assert (off <= told).all()
    # 2.5e-9 where a flow has just changed its chart, and theta knows outputs to two digits less
    assert (flow.error_estimate < 1e-8).all()
