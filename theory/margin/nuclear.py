"""The minimum nuclear norm subject to observed entries, certified by its duality gap.

Primal: min |W|_* over symmetric (or all) W with W_ij = y_ij observed. Dual: max <y, m> with
|Z| <= 1 in operator norm, Z supported on the observed entries. The solver's primal point, with the
observed entries put in exactly, bounds the optimum from above; its dual point, divided by its norm
where that exceeds one, from below. How the solver came by them does not matter.
"""

import warnings
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from theory.backend import Floats
from theory.errors import OracleFailed
from theory.flow.completion import Completion
from theory.units import power_of_two, scaled

GAP_TOLERANCE: Final = 1e-5
"""Accepted relative gap between the bounds; interior points reach 1e-9 to 1e-7."""

_SOLVERS: Final[dict[str, dict[str, float]]] = {
    "CLARABEL": {"tol_gap_abs": 1e-10, "tol_gap_rel": 1e-10, "tol_feas": 1e-10},
    "SCS": {"eps_abs": 1e-9, "eps_rel": 1e-9, "max_iters": 100_000},
}


@dataclass(frozen=True, eq=False)
class NuclearCompletion:
    """The completion of least nuclear norm.

    Attributes:
        matrix: shape `(d, d)`, with the observed entries exact. Need not be unique.
        low, high: certified bounds on the least nuclear norm; `high` is that of `matrix`.
        solver: which one found it.
    """

    matrix: Floats
    low: float
    high: float
    solver: str

    @property
    def certificate(self) -> float:
        """Relative gap between the bounds."""
        return abs(self.high - self.low) / self.high  # by rounding `low` may be the larger one


def nuclear_norm(matrix: Floats) -> float:
    """The sum of the singular values."""
    return float(np.linalg.svd(matrix, compute_uv=False).sum())


def least_nuclear_norm(
    completion: Completion, *, symmetric: bool = True, solver: str | None = None
) -> NuclearCompletion:
    """Complete the observed entries with the least nuclear norm.

    Args:
        symmetric: over symmetric matrices, where (j, i) is observed with (i, j); else over all,
            with (i, j) alone.
        solver: "CLARABEL", "SCS", or None for each in turn.

    Raises:
        OracleFailed: no solver returned bounds within `GAP_TOLERANCE`.
    """
    best = np.inf
    for name in _SOLVERS if solver is None else (solver,):
        solved = _solve(completion, symmetric, name)
        if solved is None:
            continue
        if solved.certificate <= GAP_TOLERANCE:
            return solved
        best = min(best, solved.certificate)
    raise OracleFailed(
        f"no solver completed the matrix to a duality gap of {GAP_TOLERANCE:.0e} (best: {best:.1e})"
    )


def _solve(completion: Completion, symmetric: bool, solver: str) -> NuclearCompletion | None:
    import cvxpy

    unit = power_of_two(completion.values)  # tolerances of solvers are absolute
    rows, columns, values = completion.rows, completion.columns, scaled(completion.values, -unit)
    size = completion.size
    if symmetric:
        # |W|_* = min tr(P + Q) with W = P - Q: twice as small as the general programme
        positive, negative = (cvxpy.Variable((size, size), PSD=True) for _ in range(2))
        unknown: Any = positive - negative
        objective: Any = cvxpy.trace(positive) + cvxpy.trace(negative)
    else:
        unknown = cvxpy.Variable((size, size))
        objective = cvxpy.normNuc(unknown)
    constraint = unknown[rows, columns] == values
    programme = cvxpy.Problem(cvxpy.Minimize(objective), [constraint])
    try:
        with warnings.catch_warnings():  # an inaccurate solution is the certificate's to refuse
            warnings.simplefilter("ignore")
            programme.solve(solver=solver, **_SOLVERS[solver])
    except cvxpy.error.SolverError:
        return None
    if unknown.value is None or constraint.dual_value is None:
        return None
    matrix = scaled(np.asarray(unknown.value, dtype=np.float64), unit)
    multipliers = -np.asarray(constraint.dual_value, dtype=np.float64)
    return _bounded(completion, symmetric, matrix, multipliers, solver)


def _bounded(
    completion: Completion, symmetric: bool, matrix: Floats, multipliers: Floats, solver: str
) -> NuclearCompletion:
    """What any matrix `(d, d)` and any multipliers `(n,)` prove."""
    rows, columns, values = completion.rows, completion.columns, completion.values
    matrix = matrix.copy()
    matrix[rows, columns] = values
    if symmetric:
        matrix = 0.5 * (matrix + matrix.T)
        matrix[columns, rows] = matrix[rows, columns] = values
        dual = completion.dual_matrix(multipliers)
    else:
        dual = np.zeros_like(matrix)
        dual[rows, columns] = multipliers
    size_of_dual = max(float(np.linalg.norm(dual, 2)), np.finfo(float).tiny)
    low = float(multipliers @ values) / size_of_dual
    return NuclearCompletion(matrix, low, nuclear_norm(matrix), solver)


def spectral_entropy(matrix: Floats) -> float:
    """H of the shares that the singular values have in the nuclear norm; from 0 to log d."""
    values = np.linalg.svd(matrix, compute_uv=False)
    shares = values[values > 0.0] / values.sum()
    return float(-shares @ np.log(shares))


def excess_bound(
    completion: Completion,
    nuclear: float,
    log_metric: float,
    *,
    entropy: float | None = None,
    least_entropy: float = 0.0,
) -> float:
    """Bound on |W|_* / optimum - 1 at metric scale rho^2 = e^`log_metric`, where all commutes.

    The flow then minimises the hypentropy sum w asinh(w / (2 rho^2)) - (w^2 + 4 rho^4)^(1/2) of the
    eigenvalues, exactly. Each term is |w| log(|w| / rho^2) - |w| but for 2.5 rho^2, so

        |W|_* / |W*|_* - 1 <= (H - H* + 2.5 d rho^2 / |W*|_*) / (log(|W*|_* / rho^2) - 1 - H)

    with the spectral entropies of W and of any optimum W*: of order 1/T after T e-folds, at most
    log d in place of both. For measurements that do not commute it is a law to be tested.

    Args:
        nuclear: |W*|_*.
        entropy: H, or None for its largest value, log d.
        least_entropy: H*.
    """
    size = completion.size
    spread = float(np.log(size)) if entropy is None else entropy
    level = float(np.log(nuclear)) - log_metric - 1.0 - spread
    blur = 2.5 * size * float(np.exp(log_metric)) / nuclear
    return (spread - least_entropy + blur) / level if level > 0 else np.inf
