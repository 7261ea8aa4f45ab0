"""The exact flow of a diagonal net against plain gradient descent in torch, per unit of t / t_g.

Both have |theta(0)| = 128, lambda = 0.001 and sparse labels. Descent takes the largest fixed step
that is stable at the start, 1 / (largest eigenvalue of the kernel / n): the force is then of order
one, later ten thousand times smaller. `extra_info` holds the seconds for one t_g.
"""

from math import log, log10
from typing import Any, Final

import numpy as np
import pytest

from theory.backend import Floats
from theory.flow.diagonal import diagonal_flow
from theory.nets import Diagonal
from theory.problem import Problem, Regime
from verify.figures.sparse_and_wide import DECAY, INITIAL_NORM, sparse_task

INPUT_DIM: Final = 400
SAMPLES: Final = 32
STEPS: Final = 500
GROUP: Final = f"diagonal net, d = {INPUT_DIM}, n = {SAMPLES}, one t_g"


def setting() -> tuple[Problem, Regime]:
    task = sparse_task(INPUT_DIM, SAMPLES)
    anchor = np.full(2 * INPUT_DIM, (2.0 * INPUT_DIM) ** -0.5)
    problem = Problem(Diagonal(INPUT_DIM), anchor, task.inputs, task.labels)
    return problem, Regime(log10_alpha=log10(INITIAL_NORM), log10_lambda=log10(DECAY))


def stable_step(problem: Problem) -> float:
    jacobian = problem.net.jacobian(INITIAL_NORM * problem.anchor, problem.inputs)
    return problem.samples / float(np.linalg.norm(jacobian, 2) ** 2)


def descend(problem: Problem, step: float, steps: int) -> Floats:
    """w after plain full-batch gradient descent on the exponential loss with weight decay."""
    import torch

    inputs, labels = torch.tensor(problem.inputs), torch.tensor(problem.labels)
    theta = torch.tensor(INITIAL_NORM * problem.anchor, requires_grad=True)
    for _ in range(steps):
        u, v = theta.chunk(2)
        loss = torch.exp(-labels * (inputs @ (u * u - v * v))).mean()
        loss = loss + 0.5 * DECAY * (theta * theta).sum()
        (gradient,) = torch.autograd.grad(loss, theta)
        with torch.no_grad():
            theta -= step * gradient
    weights: Floats = problem.net.linear_weights(theta.detach().numpy())
    return weights


def note_seconds(benchmark: Any, share_of_grokking_time: float) -> None:
    if benchmark.stats is not None:  # None with --benchmark-disable
        seconds = benchmark.stats.stats.median / share_of_grokking_time
        benchmark.extra_info["seconds per t_g"] = seconds


@pytest.mark.benchmark(group=GROUP)
def test_exact_flow(benchmark: Any) -> None:
    benchmark.name = "diagonal_flow"
    problem, regime = setting()
    flow = benchmark(diagonal_flow, problem, regime, at=[1.0], rtol=1e-8, estimate_error=False)
    assert flow.margins.min() > 0
    note_seconds(benchmark, 1.0)


@pytest.mark.benchmark(group=GROUP)
def test_plain_gradient_descent(benchmark: Any) -> None:
    benchmark.name = "gradient descent, to 5 %"
    problem, regime = setting()
    step = stable_step(problem)
    weights = benchmark(descend, problem, step, STEPS)
    at = STEPS * step * DECAY / log(INITIAL_NORM)  # in units of t_g = log(alpha) / lambda
    exact = diagonal_flow(problem, regime, at=[at], estimate_error=False).weights[0]
    # a step of 1 / curvature is coarse for the fastest mode at the start, not for what follows
    assert np.linalg.norm(weights - exact) < 0.05 * np.linalg.norm(exact)
    note_seconds(benchmark, at)
