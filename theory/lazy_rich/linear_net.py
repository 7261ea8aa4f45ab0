"""Gradient descent of a linear network on the quadratic target, exactly, for many dimensions.

With eps = 0 the predictor is linear and the target, whose linear part vanishes, is noise to it:
every eigenvalue of the inputs' covariance decays on its own, and they follow the law of Marchenko
and Pastur.

Source: Marchenko and Pastur (1967); Advani, Saxe and Sompolinsky (2020), linear networks.
"""

from dataclasses import dataclass

import numpy as np

from theory.backend import Floats
from theory.lazy_rich.dmft.mean_field import MeanField
from theory.requests import check_positive

NODES = 2000
"""Of the midpoint rule on an analytic periodic integrand: exact to rounding for ratios away from 1,
and to 1e-7 at 1."""


@dataclass(frozen=True, eq=False)
class LinearCurves:
    """Losses after 0, ..., T steps, each of shape `(T+1,)`."""

    train: Floats
    test: Floats


def linear_curves(problem: MeanField) -> LinearCurves:
    """The losses of the machine with its curvature set to zero."""
    nu, noise = problem.sample_ratio, 0.75 * problem.signal**2
    scale = (problem.output_scale / problem.width) ** 2
    start = 0.0 if problem.centred else scale * float(problem.covariance.sum())
    eigenvalues, weights = marchenko_pastur(nu)
    kept = (1.0 - problem.step * eigenvalues) ** np.arange(problem.steps + 1)[:, None]
    outside = 1.0 - weights.sum()  # of eigenvalue 0
    norm = np.divide((1.0 - kept) ** 2, eigenvalues) @ weights
    left = kept**2 @ weights + outside
    test = noise + start * left + noise / nu * norm
    train = noise * (1.0 - 1.0 / nu + left / nu) + start * (kept**2 * eigenvalues) @ weights
    return LinearCurves(train, test)


def marchenko_pastur(sample_ratio: float) -> tuple[Floats, Floats]:
    """Nodes and weights of the law of the nonzero eigenvalues of X^T X D / P, X of N(0, 1/D).

    The weights add up to min(1, sample_ratio), the rank over D.

    Raises:
        InvalidInput: a ratio that is not positive.
    """
    check_positive("sample_ratio", sample_ratio)
    inverse = 1.0 / sample_ratio
    angles = (np.arange(NODES) + 0.5) * np.pi / NODES
    nodes = 1.0 + inverse + 2.0 * np.sqrt(inverse) * np.cos(angles)
    weights: Floats = 2.0 * np.sin(angles) ** 2 / (NODES * nodes)
    return nodes, weights
