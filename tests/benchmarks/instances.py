"""What is timed: batches of diagonal nets, and how accurate every solver has to be.

A solver enters with the loosest tolerance at which its margins have `ACCURACY`, found before the
clock starts. Margins are compared with a flow at 1e-13, relative to the largest of an instance.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

import numpy as np
import pytest

from theory import Diagonal, Problem, Regime, balanced_anchor, gradient_flow_batch
from theory.backend import Floats
from theory.errors import IntegrationFailed, InvalidInput

Solve = Callable[[float], Floats]
"""From a relative tolerance to margins `(B, T, n)`."""

BATCH: Final = 64
INPUT_DIM: Final = 10
SAMPLES: Final = 6
AT: Final = (0.7, 1.3)
ACCURACY: Final = 1e-8
SCALES: Final = (30.0, 100.0, 1e3, 1e12)
LADDER: Final = tuple(10.0 ** (-k / 2) for k in range(10, 25))
MAX_STEPS: Final = 200_000


def problems(size: int = BATCH) -> list[Problem]:
    net = Diagonal(INPUT_DIM, 2)
    anchor = balanced_anchor(net, np.ones(INPUT_DIM))
    tasks = []
    for seed in range(size):
        generator = np.random.default_rng(seed)
        inputs = generator.standard_normal((SAMPLES, INPUT_DIM))
        labels = np.sign(inputs @ generator.standard_normal(INPUT_DIM))
        tasks.append(Problem(net, anchor, inputs, labels))
    return tasks


def regime(alpha: float) -> Regime:
    return Regime(log10_alpha=float(np.log10(alpha)), decay_power=2.0)


@lru_cache
def reference(alpha: float, size: int = BATCH) -> Floats:
    """Margins `(B, T, n)`."""
    return gradient_flow_batch(problems(size), [regime(alpha)], AT, rtol=1e-13).margins


def error(margins: Floats, expected: Floats) -> float:
    """The largest, relative to the largest margin of its instance and time."""
    largest = np.abs(expected).max(axis=-1, keepdims=True)
    return float((np.abs(margins - expected) / largest).max())


def loosest(solve: Solve, expected: Floats) -> float:
    """The first tolerance of the ladder that is enough; skips where none is."""
    reached, failure = np.inf, ""
    for rtol in LADDER:
        try:
            reached = min(reached, error(solve(rtol), expected))
        except (IntegrationFailed, InvalidInput, RuntimeError, AssertionError) as reason:
            failure = f"; at rtol {rtol:.0e} it gives up: {str(reason).splitlines()[0][:120]}"
        if reached <= ACCURACY:
            return rtol
    return pytest.skip(f"no tolerance gives {ACCURACY:g} (best {reached:.0e}){failure}")


def measure(benchmark: Any, solve: Solve, expected: Floats, alpha: float, rounds: int = 5) -> None:
    """Time one batch at the loosest tolerance that is enough."""
    rtol = loosest(solve, expected)
    margins = benchmark.pedantic(solve, (rtol,), rounds=rounds, warmup_rounds=1)
    assert error(margins, expected) <= ACCURACY
    benchmark.extra_info.update(alpha=alpha, instances=len(margins), rtol=rtol)
