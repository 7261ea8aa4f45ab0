"""Linear systems and flows of large nets on few samples, against the dense route."""

import numpy as np
import pytest
from numpy.random import default_rng

from tests.support.own_two_layer import OwnTwoLayer
from theory.clock import decay_time_at, log_rate
from theory.flow import gradient_flow
from theory.flow.chart import Chart
from theory.flow.traced_chart import TracedChart, traced_chart
from theory.low_rank import FEWEST_PARAMETERS, LowRank
from theory.problem import Problem, Regime


def drawn(width: int) -> Problem:
    rng = default_rng(0)
    readout, hidden = rng.standard_normal(width // 2), rng.standard_normal((width // 2, 3)).ravel()
    anchor = np.concatenate([readout, -readout, hidden, hidden])
    labels = np.array([1.0, -1.0, 1.0, 1.0, -1.0])
    anchor /= np.linalg.norm(anchor)
    return Problem(OwnTwoLayer(width, 3), anchor, rng.standard_normal((5, 3)), labels)


def chart_of(width: int) -> TracedChart:
    chart = Chart(drawn(width), Regime(log10_alpha=3.0, decay_power=1.0), comoving=True)
    found = traced_chart(chart)
    assert found is not None
    return found


@pytest.mark.parametrize("step", [1e-8, 1.0, 1e8])
@pytest.mark.parametrize("scale", [0.0, 1e-6, 1.0, 1e6])
def test_solves_are_those_of_the_dense_matrix(step: float, scale: float) -> None:
    rng = default_rng(1)
    rows, target = scale * rng.standard_normal((3, 7)), rng.standard_normal(7)
    factor, jacobian = step * LowRank(0.7, rows)
    dense = np.eye(7) + step * (0.7 * np.eye(7) + rows.T @ rows)
    solved = jacobian.solve(factor, target)
    residual = np.linalg.norm(dense @ solved - target)
    assert residual <= 1e-14 * np.linalg.norm(dense, 2) * np.linalg.norm(solved)


def test_stiff_part_is_the_jacobian_without_the_curvature_of_the_net() -> None:
    chart, rng = chart_of(FEWEST_PARAMETERS // 4), default_rng(2)
    assert chart.low_rank is not None
    for clock in (-5.0, 1.0):
        at = rng.standard_normal(FEWEST_PARAMETERS)
        stiff, dense = chart.low_rank(clock, at), chart.jacobian(clock, at)
        known = -stiff.decay * np.eye(at.size) - stiff.rows.T @ stiff.rows
        plain = Chart(chart.problem, chart.regime, chart.comoving)
        decay_time = decay_time_at(clock)
        problem, epsilon = plain.problem, plain.epsilon(decay_time)
        gain = log_rate(clock) + plain.log_gain(decay_time)
        outputs = plain.outputs(decay_time, at, problem.inputs)
        force = problem.loss_function.force(gain, outputs, plain.labels)
        bent = problem.net.weighted_hessian(plain.base + epsilon * at, problem.inputs, force)
        known += epsilon / problem.units.gradient * bent
        np.testing.assert_allclose(dense, known, rtol=0, atol=1e-12 * np.abs(dense).max())


def test_small_nets_and_many_samples_keep_dense_factorisations() -> None:
    assert chart_of(FEWEST_PARAMETERS // 4 - 2).low_rank is None


@pytest.mark.slow
@pytest.mark.parametrize("log10_alpha", [1.0, 3.0, 12.0])
def test_flow_is_that_of_lsoda(log10_alpha: float) -> None:
    problem = drawn(FEWEST_PARAMETERS // 4)
    regime = Regime(log10_alpha=log10_alpha, decay_power=1.0)
    few, dense = gradient_flow(problem, regime), gradient_flow(problem, regime, method="LSODA")
    assert few.method == "low-rank BDF"
    allowed = 2.0 * (few.error_estimate.max() + dense.error_estimate.max())
    assert allowed <= 1e-7
    np.testing.assert_allclose(few.margins, dense.margins, rtol=allowed)
