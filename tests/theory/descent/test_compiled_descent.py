"""Steps in compiled code against the same steps of torch."""

from collections.abc import Callable

import numpy as np
import pytest

from tests.theory.flow.several_classes import NETS, several_classes
from theory import Problem, Regime
from theory.descent import Descent, FixedStep, Run, gradient_descent
from theory.descent.gradient_descent import _Program

AT = [0.0, 0.31, 0.7, 1.1]


def descended(problem: Problem) -> Descent:
    """Two runs of different steps and decays."""
    runs = []
    for regime, steps in (
        (Regime(log10_alpha=0.4, decay_power=0.5), 300),
        (Regime(log10_alpha=0.3, log10_lambda=-0.5), 411),
    ):
        unit = regime.log_alpha / np.exp(regime.log_lambda)
        runs.append(Run.of(problem, regime, FixedStep(1.2 * unit / steps)))
    return gradient_descent(problem, runs, at=AT)


def assert_same_steps(problem: Problem, monkeypatch: pytest.MonkeyPatch) -> None:
    fast = descended(problem)
    monkeypatch.setattr(_Program, "compiled_steps", lambda *_: None)
    slow = descended(problem)
    scale = np.abs(slow.theta).max()
    np.testing.assert_allclose(fast.theta, slow.theta, rtol=1e-11, atol=1e-12 * scale)
    np.testing.assert_allclose(fast.log_loss, slow.log_loss, rtol=1e-10)
    np.testing.assert_array_equal(fast.steps, slow.steps)
    assert np.ptp(fast.theta, axis=1).max() > 1e-3 * scale


@pytest.mark.parametrize("loss", ["exponential", "logistic", "squared"])
def test_every_family(
    family: str, loss: str, instance: Callable[..., Problem], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert_same_steps(instance(family, loss), monkeypatch)


@pytest.mark.parametrize("name", sorted(NETS))
def test_several_classes(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert_same_steps(several_classes(name, 0), monkeypatch)
