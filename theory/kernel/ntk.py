"""The neural tangent kernel at the anchor: gradient features and their Gram matrices."""

import numpy as np

from theory.backend import Floats
from theory.errors import AssumptionError
from theory.problem import Problem
from theory.units import scaled

RANK_TOLERANCE = 1e-7
"""Relative, of singular values: their squares, the eigenvalues of the kernel, are then 1e-14."""

LARGEST_EXPONENT = 1000.0
"""Of the power of two of a kernel, which float64 holds up to 1023."""


def signed_features(problem: Problem) -> Floats:
    """Phi_i = y_i grad f(anchor; x_i), shape `(n, P)`; plain gradients for the squared loss; of
    several classes grad f_y - grad f_j at each sample, classes j in order, `(n (K - 1), P)`.

    Raises:
        AssumptionError: their squares leave float64 ("finite values").
    """
    exponent = problem.units.kernel_exponent
    if abs(exponent) > LARGEST_EXPONENT:
        raise AssumptionError(
            "finite values",
            f"net has gradients of size 2^{exponent / 2:.0f} at the anchor, whose squares leave "
            "float64; rescale inputs or anchor",
        )
    return scaled(unit_features(problem), 0.5 * exponent)


def unit_features(problem: Problem) -> Floats:
    """`signed_features` in the units of the problem: a power of two away, and of order one."""
    net, anchor = problem.row_net, problem.unit_anchor
    jacobian = net.jacobian(anchor, problem.inputs) / problem.units.gradient
    signed = (
        problem.row_labels[:, None] * jacobian if problem.loss_function.classifies else jacobian
    )
    return np.asarray(signed, dtype=np.float64)


def gram(features: Floats) -> Floats:
    """The kernel matrix K = Phi Phi^T, shape `(n, n)`."""
    return np.asarray(features @ features.T)


def feature_rank(features: Floats) -> int:
    """The rank of features `(n, P)`, whatever the units of each sample.

    Singular values above `RANK_TOLERANCE` times the largest, of the features at unit length.
    """
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    values = np.linalg.svd(features / np.where(lengths > 0, lengths, 1.0), compute_uv=False)
    return int(np.sum(values > RANK_TOLERANCE * values[0]))


def cross_kernel(problem: Problem, inputs: Floats) -> Floats:
    """<grad f(anchor; x), grad f(anchor; x_j)> for new inputs x `(m, d)`.

    Shape `(m, n)`, or `(m, K, n, K)` of K outputs.
    """
    new = problem.net.jacobian(problem.anchor, np.asarray(inputs, dtype=np.float64))
    own = problem.net.jacobian(problem.anchor, problem.inputs)
    return np.asarray(np.tensordot(new, own, axes=(-1, -1)))
