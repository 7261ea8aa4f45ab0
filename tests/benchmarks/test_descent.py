"""Plain gradient descent: what training costs that a flow gives at once.

Descent is of first order, so that no affordable step has the accuracy of the other peers. It takes
the largest fixed step that is stable at the start, for 500 steps; `whole_flow` extrapolates the
seconds to 1.3 t_g. All 64 runs of its batch are of one instance, which is the same work.
"""

from math import ceil
from typing import Any

import numpy as np
import pytest

from tests.benchmarks.instances import AT, BATCH, SCALES, problems, regime
from theory.descent import FixedStep, Run, gradient_descent

STEPS = 500


@pytest.mark.parametrize("alpha", SCALES, ids="alpha={:g}".format)
def test_gradient_descent(benchmark: Any, alpha: float) -> None:
    benchmark.group, benchmark.name = f"batch of {BATCH}, alpha = {alpha:g}", "gradient descent"
    if alpha > 1e3:
        pytest.skip("gives up: steps are 1e-24 of the time to cover")
    problem, where = problems(1)[0], regime(alpha)
    theta = np.exp(where.log_alpha) * problem.anchor
    curvature = np.linalg.norm(problem.net.jacobian(theta, problem.inputs), 2) ** 2
    step = float(problem.samples / curvature)
    run = Run.of(problem, where, FixedStep(step))
    steps = STEPS if benchmark.enabled else 20
    found = benchmark.pedantic(
        gradient_descent, (problem, [run] * BATCH), {"at_steps": [steps]}, rounds=3
    )
    assert np.isfinite(found.margins).all()
    needed = ceil(max(AT) * run.unit / step)
    benchmark.extra_info.update(alpha=alpha, instances=BATCH, steps_of_the_flow=needed)
    if benchmark.enabled:
        benchmark.extra_info["whole_flow"] = benchmark.stats.stats.min * needed / steps
