"""The hard-margin kernel SVM without bias, with a certificate that does not trust its solver.

Primal: min |h|^2 subject to Phi h >= 1; h = Phi^T b with b >= 0, |h| = 1/gamma. Any h bounds the
margin from below by min(Phi h)/|h|, and any p in the simplex from above by |Phi^T p|. A solution is
accepted when the two agree; where they do not, the next solver is asked.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from typing import Final

import numpy as np
from scipy.linalg import LinAlgError

from theory.backend import Flags, Floats
from theory.errors import AssumptionError, InvalidInput, OracleFailed
from theory.kernel.active_set import (
    EPSILON,
    EXACT,
    FLOAT,
    PROVEN_NOTHING,
    Arithmetic,
    Bounds,
    Pair,
    Programme,
    bounds_of,
    settled,
)
from theory.kernel.multipliers import most_even
from theory.kernel.ntk import signed_features
from theory.kernel.solvers import SOLVERS
from theory.problem import Problem
from theory.units import lengths_of, power_of_two, scaled

MARGIN_TOLERANCE: Final = 1e-10
"""Accepted relative gap between the two bounds on the margin. An active-set solution has 1e-15;
interior points left unpolished have 1e-8 to 1e-4 and are turned away."""

RESOLUTION: Final = 1e-5
"""A margin is accepted if one rounding of each entry of the features moves it by at most this,
relatively: five digits are then those of the features, not of their noise."""

_FLOAT_SUFFICES: Final = 1e-13
"""Below this noise the certificate is computed in plain float64: dot products of 10^5 terms then
err by 1e-13 10^(5/2) relative to the margin, less than `MARGIN_TOLERANCE`."""

_THRESHOLDS: Final = (1e-9, 1e-6, 1e-4, 1e-12)
"""Multipliers above such a share of the largest are taken for positive, one after the other."""


@dataclass(frozen=True, eq=False)
class KernelSVM:
    """The maximum-margin direction in feature space.

    Attributes:
        features: Phi, shape `(rows, P)`: n rows, or n (K - 1) of K classes.
        weights: h, shape `(P,)`, scaled so that the active margins Phi h are 1.
        dual: b, shape `(rows,)`, with h = Phi^T b up to rounding; where that leaves a choice, the b
            of largest entropy.
        margins: <Phi_i, h/|h|> >= gamma, shape `(rows,)`, of h before it was rounded to float64.
        margin_low, margin_high: certified bounds on the margin gamma.
        solver: which route found it.
        resolution: how far one rounding of each entry of the features moves the margin, relatively.
    """

    features: Floats
    weights: Floats
    dual: Floats
    margins: Floats
    margin_low: float
    margin_high: float
    solver: str
    resolution: float = 0.0

    @property
    def margin(self) -> float:
        """gamma, in parameter space: max over unit h of min_i <Phi_i, h>."""
        return self.margin_low

    @property
    def certificate(self) -> float:
        """Relative gap between the certified bounds on the margin."""
        return (self.margin_high - self.margin_low) / self.margin_high

    @cached_property
    def direction(self) -> Floats:
        """h / |h|, shape `(P,)`."""
        unit = scaled(self.weights, -power_of_two(self.weights))
        return np.asarray(unit / np.linalg.norm(unit))

    @cached_property
    def support(self) -> Floats:
        """Boolean mask of the samples with a positive multiplier."""
        return np.asarray(self._pulls > 1e-9 * self._pulls.max())

    @property
    def strictness(self) -> float:
        """0 when some active multiplier vanishes: min over samples of the larger of b_i |Phi_i|,
        relative to the largest, and the slack.

        Strict complementarity decides between the 1/Lam and the log(Lam)/Lam law of the
        direction gap.
        """
        slack = self.margins / self.margin - 1.0
        shares = self._pulls / self._pulls.max()
        return float(np.minimum(np.maximum(shares, slack), 1.0).min())

    @property
    def _pulls(self) -> Floats:
        """b_i |Phi_i|, which do not depend on the units of a sample."""
        return np.asarray(self.dual * lengths_of(self.features))


def kernel_svm(problem: Problem, *, solver: str | None = None) -> KernelSVM:
    """The kernel SVM of the NTK at the anchor of a classification problem.

    Args:
        solver: None tries each in turn; or one of "bvls", "nnls", "osqp", "clarabel" (the last two
            through cvxpy).

    Raises:
        InvalidInput: the squared loss, or an unknown solver.
        AssumptionError: the task is not separable in the gradient features.
        OracleFailed: no solver returned a certified solution, or the margin is so small that
            float64 does not resolve it.
    """
    if not problem.loss_function.classifies:
        raise InvalidInput(f"loss is {problem.loss!r}; a kernel SVM needs classification labels")
    return max_margin(signed_features(problem), solver=solver)


def max_margin(features: Floats, *, solver: str | None = None) -> KernelSVM:
    """The maximum-margin direction for signed features `(n, P)`; see `kernel_svm`."""
    if solver is not None and solver not in SOLVERS:
        raise InvalidInput(f"solver is {solver!r}; allowed are {', '.join(SOLVERS)}")
    empty = ~np.any(features, axis=1)
    if empty.any():
        which = "all gradient features are" if empty.all() else _NOT_SEPARABLE + "one of them is"
        raise AssumptionError("separability", f"{which} zero")
    programme = Programme.of(features)
    best = PROVEN_NOTHING
    for name in SOLVERS if solver is None else (solver,):
        for pair, bounds in _solutions(name, programme):
            if bounds.gap <= MARGIN_TOLERANCE and bounds.resolution <= RESOLUTION:
                _check_multipliers(float(np.ldexp(bounds.low, programme.exponent)))
                return _machine(features, programme, pair, bounds, name)
            best = _better(best, bounds)
    raise _failure(best, len(features))


_NOT_SEPARABLE: Final = "task is not separable in the NTK features at the anchor: "


LEAST_MARGIN: Final = 2.0**-500
"""Squares of smaller ones leave the numbers that float64 holds with all digits."""


def _check_multipliers(margin: float) -> None:
    """Raise `OracleFailed` where they leave float64, as one over the margin squared.

    So far below all others are the gradients of a smooth rectifier where all units are off.
    """
    if margin < LEAST_MARGIN:
        raise OracleFailed(
            f"kernel SVM: its margin is {margin:.1e}, and its multipliers, one over its square, "
            f"exceed float64 (allowed are margins from {LEAST_MARGIN:.0e} on): a sample hardly "
            "moves the net at the anchor"
        )
    if margin > 1.0 / LEAST_MARGIN:
        raise OracleFailed(
            f"kernel SVM: its margin is {margin:.1e}, and its multipliers, one over its square, "
            f"are below float64 (allowed are margins up to {1.0 / LEAST_MARGIN:.0e})"
        )


def _solutions(name: str, programme: Programme) -> Iterator[tuple[Pair, Bounds]]:
    """Pairs from one solver and what they prove: exact where float64 would not do."""
    reduced = programme.reduced
    multipliers = _multipliers(name, reduced)
    if multipliers is None:
        return
    supports = [multipliers > share * multipliers.max() for share in _THRESHOLDS]
    for support in supports:
        for found in _steps(reduced, support, FLOAT):
            pair = Pair.of_multipliers(programme, found.multipliers[0])
            bounds = bounds_of(programme, pair, FLOAT)
            if bounds.noise <= _FLOAT_SUFFICES:
                yield pair, bounds
    raw = Pair.of_multipliers(programme, multipliers)
    yield raw, bounds_of(programme, raw)
    for support in supports:
        for pair in _steps(programme, support, EXACT):
            yield pair, bounds_of(programme, pair)


def _multipliers(name: str, programme: Programme) -> Floats | None:
    """The solver's multipliers, or None where it failed."""
    try:
        multipliers = np.maximum(SOLVERS[name](programme.rows, programme.targets), 0.0)
    except (ValueError, RuntimeError, LinAlgError):
        return None
    return multipliers if np.all(np.isfinite(multipliers)) and multipliers.max() > 0 else None


def _steps(programme: Programme, support: Flags, arithmetic: Arithmetic) -> Iterator[Pair]:
    return islice(settled(programme, support, arithmetic), 4 * len(support) + 10)


def _machine(
    features: Floats, programme: Programme, pair: Pair, bounds: Bounds, solver: str
) -> KernelSVM:
    """The solution in the units of the features, scaled to active margins of one."""
    arithmetic = FLOAT if bounds.noise <= _FLOAT_SUFFICES else EXACT
    reached = arithmetic.product(programme.rows, *pair.primal) / programme.targets
    unit, size = float(reached.min()), float(np.linalg.norm(pair.primal[0]))
    exponent = programme.exponent
    dual = np.ldexp(pair.multipliers[0] / unit, -programme.exponents - exponent)
    return KernelSVM(
        features=features,
        weights=np.ldexp(pair.primal[0] / unit, -exponent),
        dual=most_even(features, dual, reached),
        margins=np.ldexp(reached / size, exponent),
        margin_low=float(np.ldexp(bounds.low, exponent)),
        margin_high=float(np.ldexp(bounds.high, exponent)),
        solver=solver,
        resolution=bounds.resolution,
    )


def _better(best: Bounds, new: Bounds) -> Bounds:
    """The tighter of both sides."""
    upper = new if new.high < best.high else best
    return replace(upper, low=max(best.low, new.low))


def _failure(best: Bounds, samples: int) -> AssumptionError | OracleFailed:
    """What the best bounds say where no solution was accepted."""
    if best.low <= 0 and best.cancellation <= 4 * samples * EPSILON:
        return AssumptionError(
            "separability",
            f"{_NOT_SEPARABLE}a convex combination of the signed features, each at unit length, "
            f"has norm {best.cancellation:.1e}: zero, within the rounding of float64",
        )
    moved = max(best.resolution, EPSILON / max(best.cancellation, EPSILON))
    if moved > RESOLUTION:
        return OracleFailed(
            "kernel SVM: margin below what float64 resolves: the signed features, each at unit "
            f"length, cancel to {best.cancellation:.1e}, and rounding them moves the margin by "
            f"{moved:.0e} of itself (allowed: {RESOLUTION:.0e})"
        )
    return OracleFailed(
        f"no kernel SVM solver reached a margin gap of {MARGIN_TOLERANCE:.0e} "
        f"(best: {best.gap:.1e})"
    )
