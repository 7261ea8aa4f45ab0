"""The compiled integrator against SciPy's of the same formulas, and against a tighter one."""

import numpy as np
import pytest

from theory.backend import Floats
from theory.flow import compiled_bdf, gradient_flow
from theory.flow.chart import Chart
from theory.flow.compiled_bdf import REASONS, integrate_chart
from theory.flow.compiled_chart import CompiledChart, compiled_chart
from theory.integrate import integrate
from theory.nets import TwoLayer
from theory.problem import Problem, Regime

REGIME = Regime(log10_alpha=3.0, decay_power=1.5)


def problem(loss: str) -> Problem:
    generator = np.random.default_rng(0)
    readout, hidden = generator.standard_normal(4), generator.standard_normal(16)
    anchor = np.concatenate([readout, -readout, hidden, hidden])
    inputs, labels = generator.standard_normal((5, 4)), np.array([1.0, -1.0, 1.0, -1.0, 1.0])
    return Problem(TwoLayer(8, 4, "square"), anchor, inputs, labels, loss)


def rich(loss: str) -> tuple[CompiledChart, float, Floats]:
    """A chart, and where the flow is at 0.9 t_g in it."""
    chart = compiled_chart(Chart(problem(loss), REGIME, comoving=False))
    assert chart is not None
    state = gradient_flow(problem(loss), REGIME, [0.9]).states[0].in_chart(comoving=False)
    return chart, state.decay_time - 1.0, state.coordinates


@pytest.mark.parametrize("loss", ["exponential", "logistic", "squared"])
@pytest.mark.parametrize("rtol", [1e-6, 1e-9, 1e-11])
def test_takes_the_steps_of_the_same_formulas(loss: str, rtol: float) -> None:
    chart, start, initial = rich(loss)
    clocks, atol = start + np.array([0.3, 1.0, 3.0]), 1e-3 * rtol
    own = integrate_chart(chart, start, clocks, initial, rtol, atol, 100_000)
    theirs = integrate(
        chart.rhs,
        chart.jacobian,
        start,
        float(clocks[-1]),
        initial,
        clocks.tolist(),
        rtol=rtol,
        atol=atol,
        method="BDF",
    )
    assert own.reason == ""
    assert own.evaluations == pytest.approx(theirs.evaluations, rel=0.1)
    np.testing.assert_allclose(own.states, theirs.states, rtol=30.0 * rtol, atol=30.0 * atol)


@pytest.mark.parametrize("loss", ["exponential", "squared"])
def test_converges_at_the_tolerance(loss: str) -> None:
    chart, start, initial = rich(loss)
    clocks = start + np.array([0.5, 2.0])

    def states(rtol: float) -> Floats:
        return integrate_chart(chart, start, clocks, initial, rtol, 1e-3 * rtol, 100_000).states

    best, scale = states(1e-12), np.abs(initial).max()
    off = [np.abs(states(rtol) - best).max() / scale for rtol in (1e-5, 1e-7, 1e-9)]
    assert off[0] > 3.0 * off[1] > 9.0 * off[2]
    assert off[2] < 1e-7


def test_an_early_end_says_why() -> None:
    chart, start, initial = rich("exponential")
    clocks = start + np.array([3.0])
    spent = integrate_chart(chart, start, clocks, initial, 1e-9, 1e-12, 20)
    assert spent.reason == REASONS[1]
    unknown = integrate_chart(chart, start, clocks, np.nan * initial, 1e-9, 1e-12, 1000)
    assert unknown.reason != ""


def test_a_singular_matrix_is_a_reason_and_no_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    """As numba raises it from within compiled code."""

    def singular(*_: object) -> None:
        raise np.linalg.LinAlgError("Matrix is singular to machine precision.")

    monkeypatch.setattr(compiled_bdf, "_integrate", singular)
    chart, start, initial = rich("exponential")
    ended = integrate_chart(chart, start, start + np.array([3.0]), initial, 1e-9, 1e-12, 1000)
    assert ended.reason == "Matrix is singular to machine precision."


def test_what_it_cannot_do_is_done_by_others() -> None:
    chart, start, initial = rich("exponential")

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
