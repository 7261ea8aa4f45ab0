"""Speed of one flow against its peer in raw coordinates, on the same instance and accuracy.

Read the ratio within a group; seconds differ between machines.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from theory import (
    Diagonal,
    Problem,
    Regime,
    balanced_anchor,
    gradient_flow,
    gradient_flow_batch,
)
from theory.flow import plain_flow

Benchmark = Callable[..., Any]


def instance() -> Problem:
    """A diagonal net of input dimension 10 with six samples."""
    generator = np.random.default_rng(0)
    inputs = generator.standard_normal((6, 10))
    labels = np.sign(inputs @ generator.standard_normal(10))
    net = Diagonal(10, 2)
    return Problem(net, balanced_anchor(net, np.ones(10)), inputs, labels)


@pytest.mark.benchmark(group="one flow, alpha = 100, 0.7 and 1.3 t_g")
def test_charts(benchmark: Benchmark) -> None:
    problem, regime = instance(), Regime(log10_alpha=2.0, decay_power=2.0)
    flow = benchmark(gradient_flow, problem, regime, at=[0.7, 1.3], estimate_error=False)
    assert flow.margins.min() > 0


@pytest.mark.benchmark(group="one flow, alpha = 100, 0.7 and 1.3 t_g")
def test_raw_coordinates(benchmark: Benchmark) -> None:
    problem, regime = instance(), Regime(log10_alpha=2.0, decay_power=2.0)
    theta = benchmark(plain_flow, problem, regime, at=[0.7, 1.3], rtol=1e-10)
    charts = gradient_flow(problem, regime, at=[0.7, 1.3])
    assert theta == pytest.approx(charts.theta, rel=1e-6, abs=1e-9)


@pytest.mark.benchmark(group="one flow by alpha")
@pytest.mark.parametrize("log10_alpha", [2.0, 12.0, 100.0, 10000.0])
def test_by_alpha(benchmark: Benchmark, log10_alpha: float) -> None:
    problem, regime = instance(), Regime(log10_alpha=log10_alpha, decay_power=2.0)
    flow = benchmark(gradient_flow, problem, regime, at=[0.7, 1.3], estimate_error=False)
    assert np.isfinite(flow.margins).all()


BATCH = 64


@pytest.mark.benchmark(group=f"{BATCH} flows, log10 alpha from 1 to 12, margins to 1e-8")
def test_batched(benchmark: Benchmark) -> None:
    problem, regimes = instance(), _regimes()
    batch = benchmark.pedantic(
        gradient_flow_batch, ([problem], regimes, [0.7, 1.3]), {"rtol": 1e-8}, rounds=1
    )
    assert batch.finished.all()


@pytest.mark.benchmark(group=f"{BATCH} flows, log10 alpha from 1 to 12, margins to 1e-8")
def test_one_by_one(benchmark: Benchmark) -> None:
    problem, regimes = instance(), _regimes()

    def each() -> list[np.ndarray]:
        flows = [
            gradient_flow(problem, regime, [0.7, 1.3], rtol=1e-10, estimate_error=False)
            for regime in regimes
        ]
        return [flow.margins for flow in flows]

    margins = np.array(benchmark.pedantic(each, rounds=1))
    batch = gradient_flow_batch([problem], regimes, [0.7, 1.3], rtol=1e-8)
    assert batch.margins == pytest.approx(margins, rel=1e-6)


def _regimes() -> list[Regime]:
    return [Regime(log10_alpha=s, decay_power=2.0) for s in np.linspace(1.0, 12.0, BATCH)]
