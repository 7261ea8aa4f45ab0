"""Batches of 64 instances: the batched flow against peers, at the same accuracy of the margins."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tests.benchmarks import peers
from tests.benchmarks.instances import (
    AT,
    BATCH,
    SCALES,
    Solve,
    measure,
    problems,
    reference,
    regime,
)
from theory import gradient_flow_batch
from theory.problem import Problem, Regime

Maker = Callable[[Sequence[Problem], Regime], Solve]


def ours(problems: Sequence[Problem], regime: Regime) -> Solve:
    return lambda rtol: gradient_flow_batch(problems, [regime], AT, rtol=rtol).margins


SOLVERS: dict[str, Maker] = {
    "gradient_flow_batch": ours,
    "SciPy LSODA": peers.lsoda,
    "diffrax Tsit5": peers.diffrax_tsit5,
    "torchdiffeq dopri5": peers.torchdiffeq_dopri5,
}


@pytest.mark.parametrize("alpha", SCALES, ids="alpha={:g}".format)
@pytest.mark.parametrize("name", SOLVERS)
def test_batch(benchmark: Any, name: str, alpha: float) -> None:
    benchmark.group = f"batch of {BATCH}, alpha = {alpha:g}"
    benchmark.name = name
    size = BATCH if benchmark.enabled else 3
    if name != "gradient_flow_batch" and alpha > 1e3:
        pytest.skip(peers.NO_DIGITS)
    solve = SOLVERS[name](problems(size), regime(alpha))
    measure(benchmark, solve, reference(alpha, size), alpha)
