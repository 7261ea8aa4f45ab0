"""One instance: `gradient_flow` with its error estimate against LSODA in raw coordinates."""

from typing import Any

import numpy as np
import pytest

from tests.benchmarks import peers
from tests.benchmarks.instances import (
    ACCURACY,
    AT,
    SCALES,
    error,
    measure,
    problems,
    reference,
    regime,
)
from theory import gradient_flow


@pytest.mark.parametrize("alpha", SCALES, ids="alpha={:g}".format)
def test_gradient_flow(benchmark: Any, alpha: float) -> None:
    """At its default tolerance, 1e-11, and integrated once more for the estimate."""
    benchmark.group, benchmark.name = f"one flow, alpha = {alpha:g}", "gradient_flow"
    problem = problems(1)[0]

    def solve() -> np.ndarray:
        return gradient_flow(problem, regime(alpha), AT).margins

    margins = benchmark.pedantic(solve, rounds=15, warmup_rounds=1)
    assert error(margins[None], reference(alpha, 1)) <= ACCURACY
    benchmark.extra_info.update(alpha=alpha, instances=1, rtol=1e-11)


@pytest.mark.parametrize("alpha", SCALES, ids="alpha={:g}".format)
def test_raw_coordinates(benchmark: Any, alpha: float) -> None:
    benchmark.group, benchmark.name = f"one flow, alpha = {alpha:g}", "SciPy LSODA"
    if alpha > 1e3:
        pytest.skip(peers.NO_DIGITS)
    solve = peers.lsoda(problems(1), regime(alpha))
    measure(benchmark, solve, reference(alpha, 1), alpha, rounds=15)


@pytest.mark.parametrize("log10_alpha", [100.0, 10000.0])
def test_huge_scales(benchmark: Any, log10_alpha: float) -> None:
    benchmark.group, benchmark.name = "one flow, huge alpha", f"log10 alpha = {log10_alpha:g}"
    problem, where = problems(1)[0], regime(10.0).at_alpha(log10_alpha)
    flow = benchmark.pedantic(
        gradient_flow, (problem, where, AT), {"estimate_error": False}, rounds=3
    )
    assert np.isfinite(flow.margins).all()
    benchmark.extra_info.update(instances=1, rtol=1e-11)
