"""Max-margin linear classifiers in the L2 and the L1 norm, each with its own certificate.

    gamma_2 = max min_i y_i <w, x_i> / |w|_2,       gamma_1 = max min_i y_i <w, x_i> / |w|_1.

Any w bounds a margin from below. Any p in the simplex bounds it from above, by the dual norm of
sum_i p_i y_i x_i: the L2 norm for gamma_2, the largest entry for gamma_1. What a solver calls
optimal is accepted when the two bounds agree.
"""

import warnings
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from theory.backend import Floats
from theory.errors import AssumptionError, InvalidInput, OracleFailed
from theory.kernel.svm import max_margin

SEPARABILITY_TOLERANCE = 1e-9

CERTIFICATE: Final = 1e-9
"""Accepted relative gap between the bounds. A vertex found by the simplex method has 1e-15 once its
active constraints are solved exactly; interior points alone have 1e-9 to 1e-7."""

_SOLVERS: Final[dict[str, dict[str, float]]] = {
    "HIGHS": {},
    "CLARABEL": {"tol_gap_abs": 1e-12, "tol_gap_rel": 1e-12, "tol_feas": 1e-12},
    "SCIPY": {},
}


@dataclass(frozen=True, eq=False)
class MarginOptimum:
    """A certified maximum margin of a linear task.

    Attributes:
        margin: gamma, the certified lower bound, attained by `weights`.
        certificate: relative gap to the certified upper bound, at most 1e-9.
        weights: an optimal w of unit norm, shape `(d,)`. For L1 it need not be the only one.
        dual: p in the simplex, shape `(n,)`, the upper bound's own certificate.
        solver: which route found it.
    """

    margin: float
    certificate: float
    weights: Floats
    dual: Floats
    solver: str


def l2_max_margin(inputs: ArrayLike, labels: ArrayLike) -> MarginOptimum:
    """The L2 maximum margin of inputs `(n, d)` with labels `(n,)` of -1 and +1; see `kernel.svm`.

    Raises:
        InvalidInput: shapes that do not fit, labels that are not -1 or +1.
        AssumptionError: the task is not linearly separable.
        OracleFailed: no solver returned a certified solution.
    """
    found = max_margin(_signed(inputs, labels))
    dual = found.dual / found.dual.sum()
    return MarginOptimum(found.margin, found.certificate, found.direction, dual, found.solver)


def l1_max_margin(
    inputs: ArrayLike, labels: ArrayLike, *, solver: str | None = None
) -> MarginOptimum:
    """The L1 maximum margin of inputs `(n, d)` with labels `(n,)` of -1 and +1, a linear programme.

    Args:
        solver: None tries each in turn; or one of "HIGHS", "CLARABEL", "SCIPY" (through cvxpy).

    Raises:
        InvalidInput: shapes that do not fit, labels that are not -1 or +1, an unknown solver.
        AssumptionError: the task is not linearly separable.
        OracleFailed: no solver returned a certified solution.
    """
    signed = _signed(inputs, labels)
    if solver is not None and solver not in _SOLVERS:
        raise InvalidInput(f"solver is {solver!r}; allowed are {', '.join(_SOLVERS)}")
    scale = float(np.abs(signed).max())
    if scale == 0:
        raise AssumptionError("separability", "all inputs are zero")
    rows = signed / scale
    best_gap = np.inf
    for name in _SOLVERS if solver is None else (solver,):
        try:
            raw = _linear_programme(rows, name)
        except RuntimeError:
            continue
        for weights, dual in (_at_vertex(rows, *raw), raw):
            low, high = _bounds(rows, weights, dual)
            if high <= SEPARABILITY_TOLERANCE:
                raise AssumptionError(
                    "separability",
                    "task is not linearly separable: a convex combination of the signed inputs has "
                    f"largest entry {high:.1e} (relative to theirs)",
                )
            gap = (high - low) / high
            if gap <= CERTIFICATE:
                unit = weights / np.abs(weights).sum()
                return MarginOptimum(low * scale, max(gap, 0.0), unit, dual / dual.sum(), name)
            best_gap = min(best_gap, gap)
    raise OracleFailed(
        f"no linear programme reached an L1 margin gap of {CERTIFICATE:.0e} (best: {best_gap:.1e})"
    )


def _signed(inputs: ArrayLike, labels: ArrayLike) -> Floats:
    """y_i x_i, shape `(n, d)`."""
    points = np.asarray(inputs, dtype=np.float64)
    signs = np.asarray(labels, dtype=np.float64)
    if points.ndim != 2 or points.size == 0 or signs.shape != points.shape[:1]:
        raise InvalidInput(
            f"inputs has shape {points.shape} and labels {signs.shape}; they must be (n, d), (n,)"
        )
    if not np.all(np.abs(signs) == 1.0) or not np.all(np.isfinite(points)):
        raise InvalidInput("labels must be -1 or +1, and inputs finite")
    return np.asarray(signs[:, None] * points)


def _bounds(rows: Floats, weights: Floats, dual: Floats) -> tuple[float, float]:
    """Certified bounds on gamma_1 from any w and any p >= 0."""
    norm, total = float(np.abs(weights).sum()), float(dual.sum())
    finite = np.isfinite(norm) and np.isfinite(total)
    low = float((rows @ weights).min()) / norm if finite and norm > 0 else -np.inf
    high = float(np.abs(dual @ rows).max()) / total if finite and total > 0 else np.inf
    return low, high


def _linear_programme(rows: Floats, solver: str) -> tuple[Floats, Floats]:
    """w and p of max t subject to rows w >= t, |w|_1 <= 1, w = w+ - w-."""
    import cvxpy

    dimension = rows.shape[1]
    parts, margin = cvxpy.Variable(2 * dimension, nonneg=True), cvxpy.Variable()
    reaches = np.hstack([rows, -rows]) @ parts >= margin
    programme = cvxpy.Problem(cvxpy.Maximize(margin), [reaches, cvxpy.sum(parts) <= 1])
    try:
        with warnings.catch_warnings():  # an inaccurate solution is the certificate's to refuse
            warnings.simplefilter("ignore")
            programme.solve(solver=solver, **_SOLVERS[solver])
    except cvxpy.error.SolverError as error:
        raise RuntimeError(str(error)) from error
    if programme.status != cvxpy.OPTIMAL:
        raise RuntimeError(f"{solver}: {programme.status}")
    plus, minus = np.split(np.asarray(parts.value, dtype=np.float64), 2)
    dual = np.maximum(np.asarray(reaches.dual_value, dtype=np.float64), 0.0)
    return plus - minus, dual


def _at_vertex(rows: Floats, weights: Floats, dual: Floats) -> tuple[Floats, Floats]:
    """The same w and p with their active constraints solved as equations, where that improves.

    On the support J of w and the samples I that p weighs, rows_IJ w_J = 1, and
    sum_i p_i rows_ij = sign(w_j): primal and dual up to scale.
    """
    columns = np.abs(weights) > 1e-7 * np.abs(weights).max()
    samples = dual > 1e-7 * dual.max()
    block = rows[np.ix_(samples, columns)]
    if block.size == 0:
        return weights, dual
    vertex, multipliers = np.zeros_like(weights), np.zeros_like(dual)
    vertex[columns] = np.linalg.lstsq(block, np.ones(len(block)), rcond=None)[0]
    multipliers[samples] = np.linalg.lstsq(block.T, np.sign(weights[columns]), rcond=None)[0]
    before, after = _bounds(rows, weights, dual), _bounds(rows, vertex, multipliers)
    return (
        vertex if after[0] > before[0] else weights,
        multipliers if multipliers.min() >= 0 and after[1] < before[1] else dual,
    )
