"""Four routes to the multipliers of a kernel SVM; none of them is trusted.

Each takes rows `(n, P)` and targets `(n,)` of min |h|^2 subject to rows h >= targets, and returns
multipliers `(n,)` up to a positive factor.
"""

import warnings
from collections.abc import Callable
from typing import Final

import numpy as np
from scipy.optimize import lsq_linear, nnls

from theory.backend import Floats


def _least_distance(rows: Floats, targets: Floats) -> tuple[Floats, Floats]:
    """The programme as the bounded least squares |[rows^T; targets^T] u - (0, 1)|, u >= 0.

    Lawson and Hanson, Solving Least Squares Problems (1974), chapter 23. The multipliers are
    proportional to u.
    """
    matrix = np.vstack([rows.T, targets])
    goal = np.zeros(len(matrix))
    goal[-1] = 1.0
    return matrix, goal


def _by_bvls(rows: Floats, targets: Floats) -> Floats:
    matrix, goal = _least_distance(rows, targets)
    return np.asarray(lsq_linear(matrix, goal, bounds=(0.0, np.inf), method="bvls", tol=1e-15).x)


def _by_nnls(rows: Floats, targets: Floats) -> Floats:
    return np.asarray(nnls(*_least_distance(rows, targets))[0])


def _by_cvxpy(rows: Floats, targets: Floats, solver: str, **options: float) -> Floats:
    import cvxpy

    weights = cvxpy.Variable(rows.shape[1])
    constraint = rows @ weights >= targets
    programme = cvxpy.Problem(cvxpy.Minimize(0.5 * cvxpy.sum_squares(weights)), [constraint])
    try:
        with warnings.catch_warnings():  # an inaccurate solution is the certificate's to refuse
            warnings.simplefilter("ignore")
            programme.solve(solver=solver, **options)
    except cvxpy.error.SolverError as error:
        raise RuntimeError(str(error)) from error
    if programme.status != cvxpy.OPTIMAL:
        raise RuntimeError(f"{solver}: {programme.status}")
    return np.asarray(constraint.dual_value)


def _by_osqp(rows: Floats, targets: Floats) -> Floats:
    return _by_cvxpy(rows, targets, "OSQP", eps_abs=1e-10, eps_rel=1e-10, max_iter=100_000)


def _by_clarabel(rows: Floats, targets: Floats) -> Floats:
    return _by_cvxpy(
        rows, targets, "CLARABEL", tol_gap_abs=1e-12, tol_gap_rel=1e-12, tol_feas=1e-12
    )


SOLVERS: Final[dict[str, Callable[[Floats, Floats], Floats]]] = {
    "bvls": _by_bvls,
    "nnls": _by_nnls,
    "osqp": _by_osqp,
    "clarabel": _by_clarabel,
}
