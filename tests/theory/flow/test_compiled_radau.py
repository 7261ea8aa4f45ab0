"""The compiled integrator: its flows against those of SciPy's integrators."""

from typing import Final

import numpy as np
import pytest

from tests.theory.conftest import FAMILY_NAMES, build
from theory import Regime, gradient_flow, zero_readout_anchor
from theory.backend import Floats
from theory.flow.chart import Chart
from theory.flow.collocation import REASONS, few_rows
from theory.flow.compiled_chart import CompiledChart, compiled_chart
from theory.flow.compiled_radau import integrate_chart
from theory.integrate import integrate
from theory.nets import TwoLayer
from theory.problem import Problem

REGIME: Final = Regime(log10_alpha=3.0, decay_power=1.5)


def problem(loss: str, samples: int = 5) -> Problem:
    generator = np.random.default_rng(0)
    readout, hidden = generator.standard_normal(4), generator.standard_normal(16)
    anchor = np.concatenate([readout, -readout, hidden, hidden])
    inputs = generator.standard_normal((samples, 4))
    labels = np.where(np.arange(samples) % 2 == 0, 1.0, -1.0)
    return Problem(TwoLayer(8, 4, "square"), anchor, inputs, labels, loss)


def three_classes() -> Problem:
    net, generator = TwoLayer(4, 3, "square", 3), np.random.default_rng(1)
    anchor = zero_readout_anchor(net, generator.standard_normal(net.parameters))
    inputs = generator.standard_normal((4, 3))
    return Problem(net, anchor, inputs, np.array([0, 1, 2, 0]), "cross_entropy", 3)


def at_rest(task: Problem) -> tuple[CompiledChart, float, Floats]:
    """The rich chart, and where the flow is at 0.9 t_g in it."""
    chart = compiled_chart(Chart(task, REGIME, comoving=False))
    assert chart is not None
    state = gradient_flow(task, REGIME, [0.9]).states[0].in_chart(comoving=False)
    return chart, state.decay_time - 1.0, state.coordinates


@pytest.mark.parametrize("family", FAMILY_NAMES)
@pytest.mark.parametrize("log10_alpha", [1.5, 3.0])
def test_agrees_with_another_integrator(family: str, log10_alpha: float) -> None:
    """Through all charts, in margins and directions, to the digits of either."""
    task, regime = build(family), Regime(log10_alpha=log10_alpha, decay_power=2.0)
    own = gradient_flow(task, regime, [0.5, 0.9, 1.3], rtol=1e-11)
    theirs = gradient_flow(task, regime, [0.5, 0.9, 1.3], rtol=1e-12, method="LSODA")
    scale = np.abs(theirs.margins).max(axis=1, keepdims=True)
    assert np.abs(own.margins - theirs.margins).max() < 2e-9 * scale.min()
    np.testing.assert_allclose(own.directions, theirs.directions, atol=2e-9)


def test_of_several_classes_it_agrees_as_well() -> None:
    regime = Regime(log10_alpha=3.0, decay_power=2.0)
    own = gradient_flow(three_classes(), regime, [0.7, 1.3])
    theirs = gradient_flow(three_classes(), regime, [0.7, 1.3], method="LSODA")
    assert own.method == "compiled Radau"
    np.testing.assert_allclose(own.margins, theirs.margins, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("loss", ["exponential", "logistic", "squared"])
def test_converges_at_the_tolerance(loss: str) -> None:
    chart, start, initial = at_rest(problem(loss))
    clocks = start + np.array([0.5, 2.0])

    def states(rtol: float) -> Floats:
        return integrate_chart(chart, start, clocks, initial, rtol, 1e-3 * rtol, 100_000).states

    best, scale = states(1e-13), np.abs(initial).max()
    off = [np.abs(states(rtol) - best).max() / scale for rtol in (1e-5, 1e-7, 1e-9, 1e-11)]
    assert off[0] > off[1] > off[2] > off[3]
    assert all(
        error < 3.0 * rtol for error, rtol in zip(off, (1e-5, 1e-7, 1e-9, 1e-11), strict=True)
    )


def test_lands_on_every_time_however_close() -> None:
    chart, start, initial = at_rest(problem("exponential"))
    clocks = start + np.array([1e-9, 0.1, 0.1 + 1e-12, 0.2, 1.0])
    dense = integrate_chart(chart, start, clocks, initial, 1e-11, 1e-14, 100_000)
    for clock, state in zip(clocks, dense.states, strict=True):
        alone = integrate_chart(chart, start, np.array([clock]), initial, 1e-11, 1e-14, 100_000)
        np.testing.assert_allclose(state, alone.states[0], rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("log10_alpha", [20.0, 50.0, 300.0])
@pytest.mark.parametrize("before", [10.0, 3.0])
def test_sees_the_net_bend_shortly_before_the_transition(log10_alpha: float, before: float) -> None:
    """So many e-folds before t_g: longer steps passed over what grows like e^(L s) there."""
    task, regime = build("two-layer square"), Regime(log10_alpha=log10_alpha, decay_power=2.0)
    at = [1.0 - before / regime.log_alpha]
    own = gradient_flow(task, regime, at, estimate_error=False)
    theirs = gradient_flow(task, regime, at, method="LSODA", estimate_error=False)
    assert own.method == "compiled Radau"
    size = np.linalg.norm(theirs.displacement[0])
    assert np.linalg.norm(own.displacement[0] - theirs.displacement[0]) < 1e-8 * size


def test_an_early_end_says_why() -> None:
    chart, start, initial = at_rest(problem("exponential"))
    clocks = start + np.array([3.0])
    spent = integrate_chart(chart, start, clocks, initial, 1e-9, 1e-12, 20)
    assert spent.reason == REASONS[1]
    unknown = integrate_chart(chart, start, clocks, np.nan * initial, 1e-9, 1e-12, 1000)
    assert unknown.reason != ""


def test_what_it_cannot_do_is_done_by_others() -> None:
    chart, start, initial = at_rest(problem("exponential"))

    def fails(*_: object) -> object:
        return integrate_chart(chart, start, start + np.array([3.0]), initial, 1e-9, 1e-12, 20)

    found = integrate(
        chart.rhs,
        chart.jacobian,
        start,
        start + 3.0,
        initial,
        [start + 3.0],
        rtol=1e-9,
        atol=1e-12,
        in_one_call=fails,  # type: ignore[arg-type]
    )
    assert found.method == "LSODA"
    assert found.evaluations > 20


def test_is_for_few_rows() -> None:
    assert few_rows(5, 40)
    assert few_rows(24, 40)
    assert few_rows(50, 200)
    assert not few_rows(30, 40)
