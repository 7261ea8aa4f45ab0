"""Noise of the samples: standard normal variables whose sample moments are exact."""

import numpy as np
import torch

from theory.backend import Array
from theory.errors import InvalidInput, NumericalFailure
from theory.requests import check_whole

RIDGE = 1e-13
"""Added to covariances, relative to their diagonal: those of nearly equal variables are singular to
rounding. Variables are off by the square root of it at most, 3e-7."""


def whitened_normals(
    runs: int, columns: int, samples: int, seed: int, device: str = "cpu"
) -> Array:
    """Normal variables of shape `(runs, columns, samples)`, float64.

    In every run the variables of the columns have mean zero, all odd moments zero and the unit
    matrix for their covariance, exactly: a scrambled Sobol sequence gives the first half of the
    samples, whitened over the columns, and the second half mirrors it. What is quadratic in them
    has no Monte Carlo error then, and the error of the rest falls faster.

    Raises:
        InvalidInput: an odd number of samples, or fewer than twice the columns.
    """
    check_whole("runs", runs)
    if samples % 2 or samples < 2 * columns:
        raise InvalidInput(
            f"samples is {samples}; it must be even and at least {2 * columns}, twice the columns"
        )
    scrambles = np.random.SeedSequence(seed).generate_state(runs)
    half = torch.stack([_sobol(columns, samples // 2, int(scramble)) for scramble in scrambles])
    factor = torch.linalg.cholesky(half @ half.mT / half.shape[-1])
    half = torch.linalg.solve_triangular(factor, half, upper=False)
    return torch.cat([half, -half], dim=-1).to(device)


def _sobol(columns: int, samples: int, scramble: int) -> Array:
    """Normal quantiles of a scrambled Sobol sequence, shape `(columns, samples)`."""
    engine = torch.quasirandom.SobolEngine(columns, scramble=True, seed=scramble)
    uniform = engine.draw(samples, dtype=torch.float64)
    # the sequence is on a grid of 2^-30 that holds 0; half a cell further it does not
    return torch.special.ndtri(uniform * (1.0 - 2.0**-30) + 2.0**-31).T


def factor(covariance: Array) -> Array:
    """L with L L^T = covariance, lower triangular; of a singular covariance too, or zero.

    Raises:
        NumericalFailure: a negative eigenvalue beyond rounding.
    """
    size = covariance.diagonal().max()
    if not size > 0:
        return torch.zeros_like(covariance)
    unit = torch.eye(len(covariance)).to(covariance)
    lower, failed = torch.linalg.cholesky_ex(covariance + RIDGE * size * unit)
    if failed:
        raise NumericalFailure("a covariance has a negative eigenvalue beyond rounding")
    return lower
