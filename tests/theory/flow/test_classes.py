"""Flows of several classes: two of them are the binary flow, the rest against other routes."""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from tests.theory.flow.several_classes import CLASSES, NETS, several_classes
from theory.anchors import balanced_anchor, difference_anchor, zero_readout_anchor
from theory.assumptions import check_assumptions
from theory.asymptotics.kernel_phase import log_inverse_decay
from theory.asymptotics.late_phase import complementarity_bound, energy, stationarity_bound
from theory.backend import Array, Floats
from theory.clock import decay_time_at
from theory.errors import AssumptionError, InvalidInput
from theory.flow import gradient_flow
from theory.flow.batch_lanes import flows_in_lanes
from theory.flow.batched import MAX_STEPS
from theory.flow.chart import Chart
from theory.flow.compiled_chart import compiled_chart
from theory.flow.reference import reference_flow
from theory.flow.state import FlowState
from theory.kernel import gram, kernel_svm, lazy_flow
from theory.kernel.quasi_static import lag_correction, quasi_static_dual
from theory.margin.kkt import complementarity, kkt_residual
from theory.nets import Deep, Diagonal, HomogeneousNet, TwoLayer
from theory.problem import Problem, Regime

EARLY_AND_LATE = [0.3, 0.7, 1.3]
LOSSES = ("cross_entropy", "exponential")


@dataclass(frozen=True)
class Halves(HomogeneousNet):
    """Two outputs, g / 2 and -g / 2."""

    net: HomogeneousNet

    @property
    def degree(self) -> int:
        return self.net.degree

    def forward(self, theta: Any, inputs: Any) -> Any:
        return self.outputs(theta, inputs)

    def outputs(self, theta: Array, inputs: Array) -> Array:
        half = 0.5 * self.net.outputs(theta, inputs)
        return np.stack([half, -half], axis=-1)

    def jacobian(self, theta: Array, inputs: Array) -> Array:
        half = 0.5 * self.net.jacobian(theta, inputs)
        return np.stack([half, -half], axis=-2)

    def weighted_hessian(self, theta: Array, inputs: Array, weights: Array) -> Array:
        return self.net.weighted_hessian(theta, inputs, 0.5 * (weights[:, 0] - weights[:, 1]))

    def increment(self, theta: Array, step: Array, inputs: Array) -> Array:
        half = 0.5 * self.net.increment(theta, step, inputs)
        return np.stack([half, -half], axis=-1)


def binary(net: TwoLayer | Deep | Diagonal, loss: str) -> Problem:
    rng = np.random.default_rng(3)
    if isinstance(net, Diagonal):
        anchor = balanced_anchor(net, 0.5 + rng.random(net.parameters // 2))
    else:
        anchor = zero_readout_anchor(net, rng.standard_normal(net.parameters))
    return Problem(net, anchor, rng.standard_normal((3, 3)), np.array([1.0, -1.0, 1.0]), loss)


@pytest.mark.parametrize("log10_alpha", [3.0, 6.0])
@pytest.mark.parametrize("losses", [("logistic", "cross_entropy"), ("exponential", "exponential")])
@pytest.mark.parametrize(
    "net", [Diagonal(3, 2), Diagonal(3, 3), TwoLayer(3, 3, "square"), Deep((3, 3, 2, 1))], ids=str
)
def test_two_classes_are_the_binary_flow(
    net: TwoLayer | Deep | Diagonal, losses: tuple[str, str], log10_alpha: float
) -> None:
    problem, regime = binary(net, losses[0]), Regime(log10_alpha=log10_alpha, decay_power=2.0)
    labels = np.where(problem.labels > 0, 0, 1)
    two = Problem(Halves(net), problem.anchor, problem.inputs, labels, losses[1], 2)
    flow, other = (gradient_flow(p, regime, EARLY_AND_LATE, rtol=1e-12) for p in (problem, two))
    np.testing.assert_allclose(other.margins, flow.margins, rtol=1e-8)
    lazy, other_lazy = (lazy_flow(p, regime, [0.7]) for p in (problem, two))
    np.testing.assert_allclose(other_lazy.margins, lazy.margins, rtol=1e-9)
    level = log_inverse_decay(problem, regime, 0.7)
    kernel = gram(kernel_svm(problem).features)
    np.testing.assert_allclose(gram(kernel_svm(two).features), kernel, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(
        quasi_static_dual(kernel, level, losses[1], 2),
        quasi_static_dual(kernel, level, losses[0]),
        rtol=1e-10,
    )


@dataclass(frozen=True)
class Virtual(HomogeneousNet):
    """Input i of the net is margin i of a problem of several classes."""

    problem: Problem

    @property
    def degree(self) -> int:
        return self.problem.degree

    def _rows(self, inputs: Array) -> Any:
        return inputs[:, 0].astype(int)

    def forward(self, theta: Any, inputs: Any) -> Any:
        return self.outputs(theta, inputs)

    def outputs(self, theta: Array, inputs: Array) -> Array:
        return self.problem.row_net.outputs(theta, self.problem.inputs)[self._rows(inputs)]

    def jacobian(self, theta: Array, inputs: Array) -> Array:
        return self.problem.row_net.jacobian(theta, self.problem.inputs)[self._rows(inputs)]

    def weighted_hessian(self, theta: Array, inputs: Array, weights: Array) -> Array:
        every = np.zeros(self.problem.rows)
        np.add.at(every, self._rows(inputs), weights)
        return self.problem.row_net.weighted_hessian(theta, self.problem.inputs, every)

    def increment(self, theta: Array, step: Array, inputs: Array) -> Array:
        grown = self.problem.row_net.increment(theta, step, self.problem.inputs)
        return grown[self._rows(inputs)]


def test_the_exponential_loss_is_a_binary_problem_of_the_margins() -> None:
    problem = several_classes("two-layer square", 0, "exponential")
    rows = np.arange(float(problem.rows))[:, None]
    virtual = Problem(Virtual(problem), problem.anchor, rows, np.ones(problem.rows))
    regime = Regime(log10_alpha=4.0, decay_power=2.0)
    weaker = Regime(log10_alpha=4.0, log10_lambda=regime.log10_lambda - np.log10(CLASSES - 1))
    flow = gradient_flow(problem, regime, EARLY_AND_LATE, rtol=1e-12)
    other = gradient_flow(virtual, weaker, EARLY_AND_LATE, rtol=1e-12)
    np.testing.assert_allclose(flow.margins, other.margins, rtol=1e-8)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("name", NETS)
def test_compiled_charts_are_those_of_numpy(name: str, loss: str) -> None:
    problem = several_classes(name, 1, loss)
    for comoving in (True, False):
        chart = Chart(problem, Regime(log10_alpha=3.0, decay_power=1.0), comoving)
        compiled = compiled_chart(chart)
        assert compiled is not None
        rng = np.random.default_rng(0)
        for clock in (-20.0, -1.0, 0.5, 5.0, 8.0):
            growth = chart.epsilon(decay_time_at(clock))  # with it exponents would, and their noise
            at = rng.standard_normal(problem.parameters) / max(growth, 1.0)
            plain, matrix = chart.rhs(clock, at), chart.jacobian(clock, at)
            found, other = compiled.rhs(clock, at), compiled.jacobian(clock, at)
            np.testing.assert_allclose(found, plain, rtol=0, atol=1e-12 * np.abs(plain).max())
            np.testing.assert_allclose(other, matrix, rtol=0, atol=1e-12 * np.abs(matrix).max())


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("name", NETS)
def test_an_anchors_own_margins_are_added_alike(name: str, loss: str) -> None:
    problem = several_classes(name, 1, loss)
    moved = replace(problem, anchor=problem.anchor + 0.1 * np.arange(problem.parameters))
    chart = Chart(moved, Regime(log10_alpha=0.1, decay_power=1.0), comoving=True, anchored=True)
    compiled, at = compiled_chart(chart), 0.1 * np.ones(problem.parameters)
    assert compiled is not None
    plain, matrix = chart.rhs(-1.0, at), chart.jacobian(-1.0, at)
    unanchored = Chart(moved, chart.regime, comoving=True).rhs(-1.0, at)
    assert np.abs(unanchored - plain).max() > 1e-6 * np.abs(plain).max()
    close = {"rtol": 0.0, "atol": 1e-12 * np.abs(plain).max()}
    np.testing.assert_allclose(compiled.rhs(-1.0, at), plain, **close)
    close = {"rtol": 0.0, "atol": 1e-12 * np.abs(matrix).max()}
    np.testing.assert_allclose(compiled.jacobian(-1.0, at), matrix, **close)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("name", NETS)
def test_jacobians_are_derivatives_of_right_hand_sides(name: str, loss: str) -> None:
    problem, rng = several_classes(name, 1, loss), np.random.default_rng(0)
    for comoving in (True, False):
        chart = Chart(problem, Regime(log10_alpha=0.5, decay_power=1.0), comoving)
        at, along = 0.1 * rng.standard_normal((2, problem.parameters))
        for clock in (-20.0, -3.0):  # before exponents reach their ceiling
            matrix, step = chart.jacobian(clock, at), 1e-5 * along
            slope = 0.5e5 * (chart.rhs(clock, at + step) - chart.rhs(clock, at - step))
            size = np.linalg.norm(matrix, 2) * np.linalg.norm(along)
            np.testing.assert_allclose(matrix @ along, slope, rtol=0, atol=1e-6 * size)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("name", ["diagonal, L = 2", "two-layer square", "deep linear"])
def test_batches_and_events_and_plain_coordinates_agree(name: str, loss: str) -> None:
    problem, regime = several_classes(name, 2, loss), Regime(log10_alpha=2.0, decay_power=2.0)
    flow = gradient_flow(problem, regime, EARLY_AND_LATE)
    at = np.array(EARLY_AND_LATE)
    batch = flows_in_lanes([problem], [regime], at, 1e-9, "cpu", MAX_STEPS)
    np.testing.assert_allclose(batch.margins[0], flow.margins, rtol=1e-6)
    radau = gradient_flow(problem, regime, EARLY_AND_LATE, method="Radau", dense=True)
    np.testing.assert_allclose(radau.margins, flow.margins, rtol=1e-7)
    theta = reference_flow(problem, regime, [0.7, 1.3])
    margins = [problem.row_net.outputs(point, problem.inputs) for point in theta]
    np.testing.assert_allclose(margins, flow.margins[1:], rtol=1e-6)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("name", [name for name in NETS if name != "deep square"])
def test_kernel_phase_over_pairs(name: str, loss: str) -> None:
    problem, regime = several_classes(name, 0, loss), Regime(log10_alpha=12.0, decay_power=2.0)
    check_assumptions(problem)
    svm, at = kernel_svm(problem), 0.6
    assert svm.features.shape == (problem.samples * (CLASSES - 1), problem.parameters)
    state = gradient_flow(problem, regime, [at]).states[0]
    lazy = lazy_flow(problem, regime, [at])
    # Lam^2 alpha^(-2cL) at worst, times a constant of order one
    level = log_inverse_decay(problem, regime, at)
    power = 10.0 ** (-2.0 * (1.0 - at) * problem.degree * 12.0)
    bound = 100.0 * level**2 * power + 1e-7
    np.testing.assert_allclose(state.margins, lazy.margins[0], rtol=bound)
    kernel = gram(svm.features)
    log_dual = quasi_static_dual(kernel, level, loss, CLASSES)
    lag = lag_correction(kernel, log_dual, problem.degree)
    drift = 2.0 * (problem.degree - 1) / problem.degree
    off = np.linalg.norm(lazy.dual[0] - np.exp(log_dual)) / np.linalg.norm(lazy.dual[0])
    size = svm.margin * np.linalg.norm(lazy.displacement[0])  # Lam, in units of the margin
    assert off <= 2.0 * drift / size**2
    rest = np.linalg.norm(lazy.dual[0] - np.exp(log_dual) - lag) / np.linalg.norm(lazy.dual[0])
    assert rest <= 2.0 * drift**2 / size**3


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("name", ["diagonal, L = 3", "two-layer square", "two-layer with biases"])
def test_late_phase_over_pairs(name: str, loss: str) -> None:
    problem, regime = several_classes(name, 4, loss), Regime(log10_alpha=8.0, decay_power=2.0)
    flow = gradient_flow(problem, regime, np.linspace(1.0, 1.3, 17).tolist())
    states = flow.states
    assert min(s.stationarity for s in states) <= 1.01 * stationarity_bound(states)
    assert all(energy(a) > energy(b) for a, b in pairwise(states))
    last = states[-1]
    weights = np.exp(last.log_multipliers - last.log_multipliers.max())
    residual = kkt_residual(problem, last.direction, margins=last.margins, weights=weights)
    assert residual.stationarity <= last.stationarity + 1e-10
    assert complementarity(last.margins, weights) <= complementarity_bound(last) + 1e-12


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("name", NETS)
def test_stationarity_is_the_speed_of_theta(name: str, loss: str) -> None:
    problem, regime = several_classes(name, 5, loss), Regime(log10_alpha=2.0, decay_power=1.0)
    theta = 0.5 * np.random.default_rng(6).standard_normal(problem.parameters)
    margins = problem.row_net.outputs(theta, problem.inputs)
    by_sample = np.exp(-margins).reshape(problem.samples, -1)
    rest = 1.0 + by_sample.sum(axis=1, keepdims=True) if loss == "cross_entropy" else 1.0
    shares = (by_sample / rest).ravel() / problem.samples * np.exp(-regime.log_lambda)
    speed = shares @ problem.row_net.jacobian(theta, problem.inputs) - theta
    state = FlowState.of_theta(problem, regime, 5.0, theta)
    expected = np.linalg.norm(speed) / np.linalg.norm(theta)
    assert state.stationarity == pytest.approx(expected, rel=1e-9)
    np.testing.assert_allclose(np.exp(state.log_multipliers), shares, rtol=1e-9)


def by_pair(problem: Problem, margins: Floats) -> Floats:
    """`(n, K)`, zero at the true class."""
    whole = np.zeros((problem.samples, CLASSES))
    for sample, truth in enumerate(problem.labels.astype(int)):
        others = [c for c in range(CLASSES) if c != truth]
        whole[sample, others] = margins.reshape(problem.samples, -1)[sample]
    return whole


@pytest.mark.parametrize("name", ["diagonal, L = 2", "two-layer square", "deep linear"])
def test_twins_of_samples_classes_and_units(name: str) -> None:
    problem, regime = several_classes(name, 7), Regime(log10_alpha=4.0, decay_power=2.0)
    margins = gradient_flow(problem, regime, EARLY_AND_LATE).margins[-1]
    expected = by_pair(problem, margins)
    order, classes = np.array([2, 0, 3, 1]), np.array([2, 0, 1])

    shuffled = replace(problem, inputs=problem.inputs[order], labels=problem.labels[order])
    found = gradient_flow(shuffled, regime, EARLY_AND_LATE).margins[-1]
    np.testing.assert_allclose(by_pair(shuffled, found), expected[order], rtol=1e-6)

    heads = NETS[name].heads  # type: ignore[union-attr]
    anchor = problem.anchor.copy()
    for own, new in zip(heads, heads[classes], strict=True):
        anchor[new] = problem.anchor[own]
    renamed = replace(problem, anchor=anchor, labels=classes[problem.labels.astype(int)])
    found = gradient_flow(renamed, regime, EARLY_AND_LATE).margins[-1]
    np.testing.assert_allclose(by_pair(renamed, found)[:, classes], expected, rtol=1e-6)

    # theta' = theta 10^k: anchor times 10^k at alpha 10^-k is the same flow
    foreign = replace(problem, anchor=1000.0 * problem.anchor)
    other = Regime(log10_alpha=1.0, log10_lambda=regime.log10_lambda)
    times = [at * regime.log10_alpha / other.log10_alpha for at in EARLY_AND_LATE]
    found = gradient_flow(foreign, other, times).margins[-1]
    np.testing.assert_allclose(found, margins, rtol=1e-6)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"classes": 4}, "classes is 4; .* has 3 outputs"),
        ({"classes": None}, "classes is None; .* has 3 outputs"),
        ({"classes": 1}, "classes is 1; it must be a whole number, at least 2"),
        ({"labels": np.array([0.0, 1.0, 3.0, 1.0])}, r"labels holds \[3.0\]; of 3 classes"),
        ({"labels": np.array([0.0, 1.0, 0.5, 1.0])}, r"labels holds \[0.5\]"),
        ({"loss": "logistic"}, "loss is 'logistic'; of several classes allowed are cross_entropy"),
    ],
)
def test_bad_classes_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        replace(several_classes("two-layer square", 0), **changes)


def test_an_anchor_whose_classes_differ_is_refused() -> None:
    problem = several_classes("two-layer square", 0)
    anchor = np.random.default_rng(0).standard_normal(problem.parameters)
    with pytest.raises(AssumptionError, match="a difference to class"):
        gradient_flow(replace(problem, anchor=anchor), Regime(log10_alpha=2.0, decay_power=1.0))


def test_difference_anchors_have_zero_output_for_every_class() -> None:
    rng = np.random.default_rng(0)
    for net, half in (
        (TwoLayer(6, 3, "square", 4), TwoLayer(3, 3, "square", 4)),
        (Deep((3, 4, 6, 4), "square"), Deep((3, 2, 3, 4), "square")),
    ):
        anchor = difference_anchor(net, rng.standard_normal(half.parameters))
        outputs = net.outputs(anchor, rng.standard_normal((5, 3)))
        np.testing.assert_allclose(outputs, np.zeros((5, 4)), atol=1e-14)


class Squares(HomogeneousNet):
    """A user's torch net of three outputs: that of `TwoLayer(4, 4, "square", 3)`."""

    degree = 3

    def forward(self, theta: Any, inputs: Any) -> Any:
        readout, hidden = theta[:12].reshape(3, 4), theta[12:].reshape(4, 4)
        return (inputs @ hidden.T) ** 2 @ readout.T


def test_a_torch_net_of_several_outputs_has_the_flow_of_the_built_in_one() -> None:
    built_in, regime = (
        several_classes("two-layer square", 0),
        Regime(log10_alpha=2.0, decay_power=1.0),
    )
    own = replace(built_in, net=Squares())
    flow, other = (
        gradient_flow(p, regime, [0.7], rtol=1e-8, estimate_error=False) for p in (built_in, own)
    )
    np.testing.assert_allclose(other.margins, flow.margins, rtol=1e-5)
    at = np.random.default_rng(0).standard_normal(built_in.parameters)
    weights = np.arange(1.0, built_in.rows + 1.0)
    for method, extra in (("outputs", ()), ("jacobian", ()), ("weighted_hessian", (weights,))):
        found, expected = (
            getattr(p.row_net, method)(at, p.inputs, *extra) for p in (own, built_in)
        )
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-10)
