"""Gradient descent against the exact flow, and batches against single runs."""

from collections.abc import Callable
from dataclasses import replace
from math import log

import numpy as np
import pytest

from theory import Problem, Regime, TwoLayer, difference_anchor, gradient_flow
from theory.descent import FixedStep, LossScaledStep, Run, gradient_descent
from theory.descent import gradient_descent as module_function
from theory.errors import InvalidInput, NumericalFailure

REGIME = Regime(log10_alpha=0.6, decay_power=0.5)
Instances = Callable[..., Problem]


def _runs(problem: Problem, step_counts: list[int], regime: Regime = REGIME) -> list[Run]:
    """Runs whose steps divide 1.3 t_g into the given numbers."""
    unit = regime.log_alpha / np.exp(regime.log_lambda)
    return [Run.of(problem, regime, FixedStep(1.3 * unit / count)) for count in step_counts]


@pytest.mark.parametrize("family", ["diagonal, L = 2", "two-layer square", "deep linear"])
@pytest.mark.parametrize("loss", ["exponential", "logistic"])
def test_descent_approaches_the_flow_at_first_order(
    instance: Instances, family: str, loss: str
) -> None:
    problem = instance(family, loss)
    flow = gradient_flow(problem, REGIME, at=[0.7, 1.3], rtol=1e-9)
    descent = gradient_descent(problem, _runs(problem, [260, 520, 1040]), at=[0.7, 1.3])
    errors = np.linalg.norm(descent.theta - flow.theta, axis=-1)
    orders = np.log2(errors[:-1] / errors[1:])
    # the next order of the error is a share h of it: 0.1 at the coarsest of these steps
    np.testing.assert_allclose(orders[-1], 1.0, atol=0.05)
    np.testing.assert_allclose(orders[0], 1.0, atol=0.1)


def test_a_batch_equals_its_single_runs(instance: Instances) -> None:
    problem = instance("two-layer square")
    other = Regime(log10_alpha=0.4, log10_lambda=-0.5)
    scaled = LossScaledStep(0.1, norm_power=4.0, largest=0.1)
    runs = [*_runs(problem, [130]), *_runs(problem, [200], other)]
    runs.append(Run.of(problem, REGIME, scaled))
    together = gradient_descent(problem, runs, at=[0.5, 1.1])
    for index, run in enumerate(runs):
        alone = gradient_descent(problem, [run], at=[0.5, 1.1])
        # the same operations in another order of summation
        np.testing.assert_allclose(together.theta[index], alone.theta[0], rtol=1e-12, atol=1e-14)
        assert together.steps[index] == alone.steps[0]


def test_moments_between_steps_are_reached_by_part_of_a_step(instance: Instances) -> None:
    problem = instance("diagonal, L = 2")
    run = _runs(problem, [13])[0]
    unit, size = run.unit, run.step.size  # type: ignore[union-attr]
    grid = gradient_descent(problem, [run], at=[0.0, 2 * size / unit, 3 * size / unit])
    between = gradient_descent(problem, [run], at=[2.25 * size / unit])
    expected = 0.75 * grid.theta[0, 1] + 0.25 * grid.theta[0, 2]
    np.testing.assert_allclose(between.theta[0, 0], expected, rtol=1e-12)
    np.testing.assert_array_equal(grid.theta[0, 0], run.start)
    assert grid.log_times[0, 0] == -np.inf


def test_the_loss_scaled_step_passes_losses_that_no_float_holds(instance: Instances) -> None:
    problem = instance("diagonal, L = 2", "logistic")
    run = Run(2.0 * problem.anchor, 0.0, LossScaledStep(0.5, norm_power=2.0))
    descent = gradient_descent(problem, [run], at_steps=[0, 100, 3000])
    assert descent.log_loss[0, -1] < -300 * log(10.0)
    assert descent.log_times[0, -1] > 250 * log(10.0)
    assert np.all(np.isfinite(descent.theta))
    # a margin and its loss are one thing: log l = -q to rounding
    assert descent.log_loss[0, -1] == pytest.approx(
        float(np.log(np.mean(np.exp(descent.margins[0, -1].min() - descent.margins[0, -1]))))
        - descent.margins[0, -1].min(),
        rel=1e-12,
    )


def test_float32_agrees_with_float64(instance: Instances) -> None:
    problem = instance("two-layer relu_squared", "logistic")
    single, double = (
        gradient_descent(problem, _runs(problem, [260]), at=[0.7, 1.3], precision=precision)
        for precision in ("float32", "float64")
    )
    # 260 steps, each rounded to 6e-8 relative
    np.testing.assert_allclose(single.theta, double.theta, atol=260 * 6e-8 * double.norms.max())


def test_reverse_differentiation_gives_the_same_steps(
    instance: Instances, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = instance("deep linear")
    forward = gradient_descent(problem, _runs(problem, [130]), at=[1.0])
    monkeypatch.setitem(module_function.__globals__, "LARGEST_JACOBIAN", 0)
    reverse = gradient_descent(problem, _runs(problem, [130]), at=[1.0])
    np.testing.assert_allclose(forward.theta, reverse.theta, rtol=1e-11, atol=1e-13)


def test_an_unstable_step_is_named() -> None:
    net = TwoLayer(2, 2, "square")
    problem = Problem(
        net, difference_anchor(net, np.array([1.0, 0.5, 1.0])), [[1, 0], [1, 1]], [1, -1]
    )
    run = Run(30.0 * problem.anchor, 1e-3, FixedStep(0.5))
    with pytest.raises(NumericalFailure, match=r"unstable step: run 0 .*FixedStep\(size=0.5\)"):
        gradient_descent(problem, [run], at_steps=[400])


def test_bad_input_is_refused_by_name(instance: Instances) -> None:
    problem = instance("diagonal, L = 2")
    run = _runs(problem, [130])[0]
    with pytest.raises(InvalidInput, match="runs is empty"):
        gradient_descent(problem, [], at=[1.0])
    with pytest.raises(InvalidInput, match="exactly one"):
        gradient_descent(problem, [run])
    with pytest.raises(InvalidInput, match="at holds -1"):
        gradient_descent(problem, [run], at=[-1.0])
    with pytest.raises(InvalidInput, match="at_steps"):
        gradient_descent(problem, [run], at_steps=[3, 2])
    with pytest.raises(InvalidInput, match="at_steps"):
        gradient_descent(problem, [run], at_steps=[1.5, 3])  # type: ignore[list-item]
    with pytest.raises(InvalidInput, match=r"max_steps is 100\.5"):
        gradient_descent(problem, [run], at=[1.0], max_steps=100.5)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="decay is None"):
        replace(run, decay=None)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="precision"):
        gradient_descent(problem, [run], at=[1.0], precision="float16")
    with pytest.raises(InvalidInput, match="start has 2"):
        gradient_descent(problem, [Run(np.ones(2), 0.1, FixedStep(0.1))], at=[1.0])
    with pytest.raises(InvalidInput, match="unit"):
        Run(np.ones(2), 0.1, FixedStep(0.1), unit=0.0)
    with pytest.raises(InvalidInput, match="beyond float64"):
        Run.of(problem, Regime(log10_alpha=1000, decay_power=1.0), FixedStep(0.1))
    with pytest.raises(NumericalFailure, match="max_steps"):
        gradient_descent(problem, [run], at=[1.0], max_steps=10)
