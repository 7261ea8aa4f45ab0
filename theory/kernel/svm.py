"""The hard-margin kernel SVM without bias, with a certificate that does not trust its solver.

Primal: min |h|^2 subject to Phi h >= 1; h = Phi^T b with b >= 0, |h| = 1/gamma. Any h bounds the
margin from below by min(Phi h)/|h|, and any p in the simplex from above by |Phi^T p|. A solution is
accepted when the two agree; where they do not, the next solver is asked.
"""

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from scipy.linalg import LinAlgError, lstsq, qr
from scipy.optimize import lsq_linear, nnls

from theory.backend import Floats
from theory.errors import AssumptionError, InvalidInput, OracleFailed
from theory.kernel.ntk import signed_features
from theory.problem import Problem

MARGIN_TOLERANCE: Final = 1e-10
"""Accepted relative gap between the two bounds on the margin. An active-set solution has 1e-15;
interior points left unpolished have 1e-8 to 1e-4 and are turned away."""

SEPARABILITY_TOLERANCE: Final = 1e-9
"""A certified upper bound on the margin this small, relative to the longest feature, is zero."""


@dataclass(frozen=True, eq=False)
class KernelSVM:
    """The maximum-margin direction in feature space.

    Attributes:
        features: Phi, shape `(n, P)`.
        dual: b, shape `(n,)`, scaled so that the active margins Phi Phi^T b are 1.
        margin_low, margin_high: certified bounds on the margin gamma.
        solver: which route found it.
    """

    features: Floats
    dual: Floats
    margin_low: float
    margin_high: float
    solver: str

    @property
    def margin(self) -> float:
        """gamma, in parameter space: max over unit h of min_i <Phi_i, h>."""
        return self.margin_low

    @property
    def certificate(self) -> float:
        """Relative gap between the certified bounds on the margin."""
        return (self.margin_high - self.margin_low) / self.margin_high

    @cached_property
    def weights(self) -> Floats:
        """h = Phi^T b, shape `(P,)`."""
        return np.asarray(self.features.T @ self.dual)

    @cached_property
    def direction(self) -> Floats:
        """h / |h|, shape `(P,)`."""
        return np.asarray(self.weights / np.linalg.norm(self.weights))

    @cached_property
    def margins(self) -> Floats:
        """<Phi_i, h/|h|> >= gamma, shape `(n,)`."""
        return np.asarray(self.features @ self.direction)

    @cached_property
    def support(self) -> Floats:
        """Boolean mask of the samples with a positive multiplier."""
        return np.asarray(self.dual > 1e-9 * self.dual.max())

    @property
    def strictness(self) -> float:
        """min over samples of max(b_i / max b, slack_i): 0 when some active multiplier vanishes.

        Strict complementarity decides between the 1/Lam and the log(Lam)/Lam law of the
        direction gap.
        """
        slack = self.margins / self.margin - 1.0
        return float(np.minimum(np.maximum(self.dual / self.dual.max(), slack), 1.0).min())


def kernel_svm(problem: Problem, *, solver: str | None = None) -> KernelSVM:
    """The kernel SVM of the NTK at the anchor of a classification problem.

    Args:
        solver: None tries each in turn; or one of "bvls", "nnls", "osqp", "clarabel" (the last two
            through cvxpy).

    Raises:
        AssumptionError: the task is not separable in the gradient features.
        OracleFailed: no solver returned a certified solution.
    """
    if not problem.loss_function.classifies:
        raise InvalidInput(f"loss is {problem.loss!r}; a kernel SVM needs classification labels")
    return max_margin(signed_features(problem), solver=solver)


def max_margin(features: Floats, *, solver: str | None = None) -> KernelSVM:
    """The maximum-margin direction for signed features `(n, P)`; see `kernel_svm`."""
    if solver is not None and solver not in _SOLVERS:
        raise InvalidInput(f"solver is {solver!r}; allowed are {', '.join(_SOLVERS)}")
    scale = float(np.linalg.norm(features, axis=1).max())
    if scale == 0:
        raise AssumptionError("separability", "all gradient features are zero")
    triangle = qr(features.T / scale, mode="r")[0][: min(features.shape)]
    reduced = np.asarray(triangle, dtype=np.float64)
    best_gap = np.inf
    for name in _SOLVERS if solver is None else (solver,):
        for dual in _candidates(name, reduced):
            low, high = _margin_bounds(reduced, dual)
            if high <= SEPARABILITY_TOLERANCE:
                raise AssumptionError(
                    "separability",
                    "task is not separable in the NTK features at the anchor: a convex combination "
                    f"of the signed features has norm {high:.1e} (relative to the longest)",
                )
            gap = (high - low) / high
            if gap <= MARGIN_TOLERANCE:
                active = float((reduced.T @ (reduced @ dual)).min())
                return KernelSVM(
                    features, dual / active / scale**2, low * scale, high * scale, name
                )
            best_gap = min(best_gap, gap)
    raise OracleFailed(
        f"no kernel SVM solver reached a margin gap of {MARGIN_TOLERANCE:.0e} "
        f"(best: {best_gap:.1e})"
    )


def _margin_bounds(reduced: Floats, dual: Floats) -> tuple[float, float]:
    """Certified bounds on the margin from one dual vector b >= 0; `reduced` is R with K = R^T R."""
    total = dual.sum()
    if not np.isfinite(total) or total <= 0:
        return -np.inf, np.inf
    combination = reduced @ (dual / total)
    high = float(np.linalg.norm(combination))
    if high == 0:
        return -np.inf, 0.0
    return float((reduced.T @ combination).min() / high), high


def _candidates(name: str, reduced: Floats) -> Iterator[Floats]:
    """The solver's dual vector, then the same polished on its active set."""
    try:
        dual = np.maximum(_SOLVERS[name](reduced), 0.0)
    except (ValueError, RuntimeError, LinAlgError):
        return
    if not np.all(np.isfinite(dual)) or dual.max() <= 0:
        return
    for threshold in (1e-9, 1e-6, 1e-4):
        support = dual > threshold * dual.max()
        kernel = reduced[:, support].T @ reduced[:, support]
        polished = np.zeros_like(dual)
        polished[support] = lstsq(kernel, np.ones(support.sum()))[0]
        if polished.min() >= 0:
            yield polished
    yield dual


def _least_distance(reduced: Floats) -> tuple[Floats, Floats]:
    """min |R^T-coordinates| as the bounded least squares |[R; 1^T] u - (0, 1)|, u >= 0.

    Lawson and Hanson, Solving Least Squares Problems (1974), chapter 23. The dual vector is
    proportional to u.
    """
    rows = np.vstack([reduced, np.ones(reduced.shape[1])])
    target = np.zeros(len(rows))
    target[-1] = 1.0
    return rows, target


def _by_bvls(reduced: Floats) -> Floats:
    rows, target = _least_distance(reduced)
    solution = lsq_linear(rows, target, bounds=(0.0, np.inf), method="bvls", tol=1e-15)
    return np.asarray(solution.x)


def _by_nnls(reduced: Floats) -> Floats:
    return np.asarray(nnls(*_least_distance(reduced))[0])


def _by_cvxpy(reduced: Floats, solver: str, **options: float) -> Floats:
    import cvxpy

    weights = cvxpy.Variable(reduced.shape[0])
    constraint = reduced.T @ weights >= 1
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


def _by_osqp(reduced: Floats) -> Floats:
    return _by_cvxpy(reduced, "OSQP", eps_abs=1e-10, eps_rel=1e-10, max_iter=100_000)


def _by_clarabel(reduced: Floats) -> Floats:
    return _by_cvxpy(reduced, "CLARABEL", tol_gap_abs=1e-12, tol_gap_rel=1e-12, tol_feas=1e-12)


_SOLVERS: Final[dict[str, Callable[[Floats], Floats]]] = {
    "bvls": _by_bvls,
    "nnls": _by_nnls,
    "osqp": _by_osqp,
    "clarabel": _by_clarabel,
}
