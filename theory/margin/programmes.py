"""Max-margin linear classifiers in the L2 and the L1 norm, each with its own certificate.

    gamma_2 = max min_i y_i <w, x_i> / |w|_2,       gamma_1 = max min_i y_i <w, x_i> / |w|_1.

Any w bounds a margin from below. Any p in the simplex bounds it from above, by the dual norm of
sum_i p_i y_i x_i: the L2 norm for gamma_2, the largest entry for gamma_1. What a solver calls
optimal is accepted when the two bounds agree.
"""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike

from theory.backend import Floats
from theory.errors import AssumptionError, InvalidInput, OracleFailed
from theory.exact import exact_product, solved_exactly
from theory.kernel.active_set import EPSILON, Double, Programme
from theory.kernel.svm import RESOLUTION, max_margin

CERTIFICATE: Final = 1e-9
"""Accepted relative gap between the bounds. A vertex found by the simplex method has 1e-15 once its
active constraints are solved exactly; interior points alone have 1e-9 to 1e-7."""

_THRESHOLDS: Final = (1e-7, 1e-10, 1e-4)
"""Weights and multipliers above such a share of the largest are taken for positive."""

_SOLVERS: Final[dict[str, dict[str, Any]]] = {
    "SCIPY": {
        "scipy_options": {
            "method": "highs",
            "primal_feasibility_tolerance": 1e-10,
            "dual_feasibility_tolerance": 1e-10,
        }
    },
    "CLARABEL": {"tol_gap_abs": 1e-12, "tol_gap_rel": 1e-12, "tol_feas": 1e-12},
}
"""HiGHS by way of SciPy: its own interface prints a banner on a stream that is not Python's."""


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
        solver: None tries each in turn; or one of "SCIPY", "CLARABEL" (through cvxpy).

    Raises:
        InvalidInput: shapes that do not fit, labels that are not -1 or +1, an unknown solver.
        AssumptionError: the task is not linearly separable.
        OracleFailed: no solver returned a certified solution.
    """
    signed = _signed(inputs, labels)
    if solver is not None and solver not in _SOLVERS:
        raise InvalidInput(f"solver is {solver!r}; allowed are {', '.join(_SOLVERS)}")
    empty = ~np.any(signed, axis=1)
    if empty.any():
        which = "all inputs are" if empty.all() else "task is not linearly separable: an input is"
        raise AssumptionError("separability", f"{which} zero")
    programme = Programme.of(signed)
    best = L1Bounds(-np.inf, np.inf, 0.0, 1.0)
    for name in _SOLVERS if solver is None else (solver,):
        for weights, dual in _solutions(programme, name):
            bounds = l1_bounds(programme, weights, dual)
            if bounds.gap <= CERTIFICATE and bounds.resolution <= RESOLUTION:
                return _optimum(programme, weights[0], dual[0], bounds, name)
            upper = bounds if bounds.high < best.high else best
            best = replace(upper, low=max(best.low, bounds.low))
    raise _failure(best, len(signed))


def _optimum(
    programme: Programme, weights: Floats, dual: Floats, bounds: "L1Bounds", solver: str
) -> MarginOptimum:
    shares = np.ldexp(dual, programme.exponent - programme.exponents)
    return MarginOptimum(
        margin=float(np.ldexp(bounds.low, programme.exponent)),
        certificate=max(bounds.gap, 0.0),
        weights=weights / np.abs(weights).sum(),
        dual=shares / shares.sum(),
        solver=solver,
    )


def _failure(best: "L1Bounds", samples: int) -> AssumptionError | OracleFailed:
    """What the best bounds say where no solution was accepted."""
    if best.low <= 0 and best.cancellation <= 4 * samples * EPSILON:
        return AssumptionError(
            "separability",
            "task is not linearly separable: a convex combination of the signed inputs, each at "
            f"unit length, has largest entry {best.cancellation:.1e}: zero, within the rounding of "
            "float64",
        )
    moved = max(best.resolution, EPSILON / max(best.cancellation, EPSILON))
    if moved > RESOLUTION:
        return OracleFailed(
            "L1 margin below what float64 resolves: the signed inputs, each at unit length, cancel "
            f"to {best.cancellation:.1e}, and rounding them moves the margin by {moved:.0e} of "
            f"itself (allowed: {RESOLUTION:.0e})"
        )
    return OracleFailed(
        f"no linear programme reached an L1 margin gap of {CERTIFICATE:.0e} (best: {best.gap:.1e})"
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


@dataclass(frozen=True)
class L1Bounds:
    """Certified bounds on gamma_1 in the units of a `Programme`; see `kernel.active_set.Bounds`."""

    low: float
    high: float
    resolution: float
    cancellation: float

    @property
    def gap(self) -> float:
        return (self.high - self.low) / self.high if self.high > 0 else np.inf


def l1_bounds(programme: Programme, weights: Double, dual: Double) -> L1Bounds:
    """What any w `(d,)` and any u >= 0 `(n,)` prove: min(rows w / targets) / |w|_1 from below, and
    max_j |rows^T u|_j / <targets, u> from above.
    """
    rows, targets = programme.rows, programme.targets
    norm, total = float(np.abs(weights[0]).sum()), float(targets @ dual[0])
    low, high, resolution, cancellation = -np.inf, np.inf, 0.0, 1.0
    if 0 < norm < np.inf:
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            low = float((exact_product(rows, *weights) / targets).min()) / norm
    if 0 < total < np.inf and dual[0].min() >= 0:
        combination = np.abs(exact_product(rows.T, *dual))
        largest = int(np.argmax(combination))
        high = float(combination[largest]) / total
        moved = EPSILON * float(dual[0] @ np.abs(rows[:, largest]))
        resolution = moved / float(combination[largest]) if high > 0 else np.inf
        lengths = float(dual[0] @ np.abs(rows).max(axis=1))
        cancellation = float(combination[largest]) / lengths
    return L1Bounds(low if np.isfinite(low) else -np.inf, high, resolution, cancellation)


def _solutions(programme: Programme, solver: str) -> Iterator[tuple[Double, Double]]:
    """The vertices next to the solver's points, and these points themselves."""
    for formulation in (_largest_margin, _least_norm):
        try:
            weights, dual = formulation(programme, solver)
        except RuntimeError:
            continue
        for share in _THRESHOLDS:
            vertex = _at_vertex(programme, weights, dual, share)
            if vertex is not None:
                yield vertex
        yield (weights, np.zeros_like(weights)), (dual, np.zeros_like(dual))


def _largest_margin(programme: Programme, solver: str) -> tuple[Floats, Floats]:
    """w and u of max t subject to rows w >= targets t, |w|_1 <= 1, w = w+ - w-."""
    import cvxpy

    rows, margin = programme.rows, cvxpy.Variable()
    parts = cvxpy.Variable(2 * rows.shape[1], nonneg=True)
    reaches = np.hstack([rows, -rows]) @ parts >= programme.targets * margin
    _solve(cvxpy.Problem(cvxpy.Maximize(margin), [reaches, cvxpy.sum(parts) <= 1]), solver)
    return _point(parts, reaches)


def _least_norm(programme: Programme, solver: str) -> tuple[Floats, Floats]:
    """w and u of min |w|_1 subject to rows w >= targets, where the margin is no small number."""
    import cvxpy

    rows = programme.rows
    parts = cvxpy.Variable(2 * rows.shape[1], nonneg=True)
    reaches = np.hstack([rows, -rows]) @ parts >= programme.targets
    _solve(cvxpy.Problem(cvxpy.Minimize(cvxpy.sum(parts)), [reaches]), solver)
    return _point(parts, reaches)


def _solve(programme: Any, solver: str) -> None:
    import cvxpy

    try:
        with warnings.catch_warnings():  # an inaccurate solution is the certificate's to refuse
            warnings.simplefilter("ignore")
            programme.solve(solver=solver, **_SOLVERS[solver])
    except cvxpy.error.SolverError as error:
        raise RuntimeError(str(error)) from error
    if programme.status != cvxpy.OPTIMAL:
        raise RuntimeError(f"{solver}: {programme.status}")


def _point(parts: Any, reaches: Any) -> tuple[Floats, Floats]:
    plus, minus = np.split(np.asarray(parts.value, dtype=np.float64), 2)
    return plus - minus, np.maximum(np.asarray(reaches.dual_value, dtype=np.float64), 0.0)


def _at_vertex(
    programme: Programme, weights: Floats, dual: Floats, share: float
) -> tuple[Double, Double] | None:
    """The same w and u with their active constraints solved as equations; None without any.

    On the support J of w and the samples I that u weighs, rows_IJ w_J = targets_I, and
    sum_i u_i rows_ij = sign(w_j): primal and dual up to scale. Columns count by what they add to
    the margins, which does not depend on their units.
    """
    pulls = np.abs(weights) * np.abs(programme.rows).max(axis=0)
    columns, samples = pulls > share * pulls.max(), dual > share * dual.max()
    block = programme.rows[np.ix_(samples, columns)]
    if block.size == 0 or not block.any():
        return None
    vertex, multipliers = np.zeros((2, len(weights))), np.zeros((2, len(dual)))
    vertex[:, columns] = solved_exactly(block, programme.targets[samples])
    multipliers[:, samples] = solved_exactly(block.T, np.sign(weights[columns]))
    positive = multipliers[0] > 0
    return (vertex[0], vertex[1]), (multipliers[0] * positive, multipliers[1] * positive)
