"""Label noise of descent on w = u^2 - v^2, near the interpolating weights.

Labels are off by +-delta, anew at each step. Every step multiplies u_j v_j by 1 - 4 eta^2 g_j^2, so
noise shrinks it at the rate 4 eta^2 E g_j^2: to leading order 4 eta^2 delta^2 h_j / b with
h_j = mean_i x_ij^2, the flow of Li, Wang, Arora (ICLR 2022) for this net. At first order residuals
fluctuate as well, with the stationary covariance eta delta^2 K / (2b), K = 4 X diag(u^2 + v^2) X^T.
"""

import numpy as np

from theory.backend import Floats
from theory.errors import NumericalFailure
from theory.noise.descent import DiagonalTask
from theory.requests import check_not_negative, check_number, check_positive, check_whole


def mean_squared_gradients(
    task: DiagonalTask, batch: int, *, power: float = 2.0, fluctuating: float = 0.0
) -> Floats:
    """E g_j^2 / delta^2 on weights that interpolate, `(d,)`.

    Args:
        task: u and v of which are such weights.
        batch: b samples a step, drawn with replacement.
        power: of |x_ij| in h_j.
        fluctuating: eta, for the term of first order; 0 for the leading one.

    Raises:
        InvalidInput: the batch is not a whole number, at least 1; `power` is not finite, or
            `fluctuating` negative.
    """
    check_whole("batch", batch)
    check_number("power", power)
    check_not_negative("fluctuating", fluctuating)
    sizes = np.abs(task.inputs) ** power
    kernel = 4.0 * (task.inputs * (task.plus**2 + task.minus**2)) @ task.inputs.T
    spread = fluctuating / (2.0 * batch) * kernel
    single = (sizes * (1.0 + np.diag(spread))[:, None]).mean(axis=0) / batch
    several = np.einsum("ij,ik,kj->j", task.inputs, spread, task.inputs) / len(sizes) ** 2
    return np.asarray(single + (1.0 - 1.0 / batch) * several)


def label_noise(
    task: DiagonalTask,
    step: float,
    noise: float,
    batch: int,
    rng: np.random.Generator,
    *,
    chains: int,
    settling: int,
    steps: int,
) -> Floats:
    """By how much log(u v) falls per step and 4 eta^2 delta^2, `(chains, d)`, after `settling`.

    Raises:
        InvalidInput: step or noise are not positive; batch, chains, settling or steps no counts.
        NumericalFailure: a step overshoots zero.
    """
    check_positive("step", step)
    check_positive("noise", noise)
    for name, count, least in (
        ("batch", batch, 1),
        ("chains", chains, 1),
        ("settling", settling, 0),
        ("steps", steps, 1),
    ):
        check_whole(name, count, least)
    u, v = np.tile(task.plus, (chains, 1)), np.tile(task.minus, (chains, 1))
    total = np.zeros_like(u)
    for count in range(settling + steps):
        chosen = rng.integers(len(task.labels), size=(chains, batch))
        signs = 2.0 * rng.integers(2, size=(chains, batch)) - 1.0
        rows = task.inputs[chosen]
        residuals = np.einsum("cbd,cd->cb", rows, u**2 - v**2) - task.labels[chosen]
        move = 2.0 * step * np.einsum("cbd,cb->cd", rows, residuals + noise * signs) / batch
        if not np.abs(move).max() < 1.0:
            raise NumericalFailure(f"a step of {step:g} changes a sign after {count} steps")
        if count >= settling:
            total -= np.log1p(-(move**2))
        u, v = u * (1.0 - move), v * (1.0 + move)
    return np.asarray(total / (4.0 * steps * (step * noise) ** 2))
