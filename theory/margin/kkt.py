"""KKT residuals of the max-margin programme min |theta|^2 subject to y_i f_i(theta) >= 1, and of
several classes to f_y - f_j >= 1 at every sample for every class j but the true one y.

All residuals are invariant under theta -> c theta: the programme is homogeneous, and theta is
rescaled to smallest margin one.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import lsq_linear, nnls

from theory.backend import Floats
from theory.errors import InvalidInput
from theory.problem import Problem
from theory.requests import finite_numbers
from theory.units import lengths_of, power_of_two, scaled


@dataclass(frozen=True, eq=False)
class KKTResidual:
    """First-order optimality at theta, relative and scale-free.

    Attributes:
        stationarity: min over m >= 0 of |theta - sum m_i y_i grad f_i(theta)| / |theta|.
        complementarity: 1 - q_min / q_mean with the mean weighted by the multipliers.
        feasibility: by how much the worst margin is negative, relative to the largest; 0 once all
            margins are positive, since rescaling then makes theta feasible.
        multipliers: the minimising m for theta / |theta|, shape `(rows,)`:
            one for each margin, n of them or n (K - 1) of K classes.
    """

    stationarity: float
    complementarity: float
    feasibility: float
    multipliers: Floats


def kkt_residual(
    problem: Problem,
    theta: ArrayLike,
    *,
    margins: ArrayLike | None = None,
    weights: ArrayLike | None = None,
) -> KKTResidual:
    """KKT residual of a parameter vector `(P,)`, with the best multipliers by NNLS.

    Args:
        margins: margins `(rows,)`, n or n (K - 1) of K classes, up to a common positive factor,
            where those of theta would underflow.
        weights: multipliers `(rows,)`, up to a positive factor, for the complementarity; NNLS
            multipliers need not be unique, the flow's own always are.

    Raises:
        InvalidInput: theta is zero, not finite, or of the wrong length; margins or weights of
            another shape, or not finite.
    """
    point = unit_point(problem, theta)
    net, labels = problem.row_net, problem.row_labels
    gradients = labels[:, None] * net.jacobian(point, problem.inputs)
    if margins is None:
        reached = np.asarray(labels * net.outputs(point, problem.inputs))
    else:
        reached = finite_numbers("margins", margins, (problem.rows,))
    multipliers = nonnegative_least_squares(gradients.T, point)
    shares = multipliers
    if weights is not None:
        shares = finite_numbers("weights", weights, (problem.rows,))
    return KKTResidual(
        stationarity=float(np.linalg.norm(point - multipliers @ gradients)),
        complementarity=complementarity(reached, shares),
        feasibility=max(0.0, -float(reached.min())) / (float(np.abs(reached).max()) or 1.0),
        multipliers=multipliers,
    )


def unit_point(problem: Problem, theta: ArrayLike) -> Floats:
    """theta / |theta| of a parameter vector `(P,)`, whose squares may leave float64.

    Raises:
        InvalidInput: theta is zero, not finite, or of the wrong length.
    """
    point = finite_numbers("theta", theta, (problem.parameters,))
    if not point.any():
        raise InvalidInput("theta is zero; it must be a direction")
    point = scaled(point, -power_of_two(point))
    return np.asarray(point / np.linalg.norm(point))


def complementarity(margins: Floats, weights: Floats) -> float:
    """1 - q_min / q_mean, weighted; 1 where no weight is positive or the mean is not."""
    total = float(weights.sum())
    mean = float(weights @ margins) / total if total > 0 else 0.0
    return 1.0 - float(margins.min()) / mean if mean > 0 else 1.0


def nonnegative_least_squares(matrix: Floats, target: Floats) -> Floats:
    """argmin over m >= 0 of |matrix m - target|, the better of two solvers.

    SciPy's `nnls` is silently wrong about once in 10^5 small-integer problems, `bvls` was not in
    2 * 10^5; both are cheap. They see columns of unit length and a target of order one, so that no
    unit decides.
    """
    lengths, size = lengths_of(matrix.T), power_of_two(target)
    unit, target = matrix / lengths, scaled(target, -size)
    candidates = [np.asarray(nnls(unit, target, maxiter=50 * matrix.shape[1])[0])]
    candidates.append(
        np.maximum(lsq_linear(unit, target, bounds=(0.0, np.inf), method="bvls", tol=1e-15).x, 0.0)
    )
    best = min(candidates, key=lambda m: float(np.linalg.norm(unit @ m - target)))
    return scaled(best / lengths, size)
