"""The most even multipliers of a kernel SVM, where its optimum leaves a choice.

Dependent rows on the margin can share the pull in many ways; which one a solver finds depends on
rounding and on units. The flow has q_i + log a_i = Lam on the margin, and with it the multipliers
of largest entropy: log b = Phi v, the only ones whose logarithms are margins of some v.
"""

from typing import Final

import numpy as np

from theory.backend import Flags, Floats
from theory.units import lengths_of, power_of_two, scaled

ON_MARGIN: Final = 1e-9
"""Relative excess up to which a sample lies on the margin; certified solutions have 1e-10."""

DEPENDENT: Final = 1e-9
"""Singular values below this share of the largest are zero: rows that differ by more than this have
multipliers of their own."""

REACHED: Final = 1e-10
"""Relative error of Phi^T b, as of a certified solution."""

CONVERGED: Final = 1e-14
MOST_STEPS: Final = 400
"""Of Newton's method, damped; multipliers that have to vanish shrink by a factor at each."""


def most_even(features: Floats, dual: Floats, margins: Floats) -> Floats:
    """Multipliers of the same Phi^T b with the largest entropy, shape `(n,)`.

    Args:
        features: Phi, shape `(n, P)`.
        dual: b >= 0 of an optimum, shape `(n,)`; what is returned if it is the only one.
        margins: of the samples, in any unit, shape `(n,)`.
    """
    active = _on_margin(features, dual, margins / margins.min() - 1.0)
    rows, given = features[active], dual[active]
    lengths = np.linalg.norm(rows, axis=1)
    values = np.linalg.svd(rows / lengths[:, None], compute_uv=False)
    rank = int((values > DEPENDENT * values[0]).sum())
    if rank == len(rows):
        return dual
    found = _largest_entropy(np.linalg.svd(rows, full_matrices=False)[0][:, :rank], given)
    even = np.zeros_like(dual)
    even[active] = found
    pull = features.T @ dual
    missed, reached = (scaled(v, -power_of_two(pull)) for v in (features.T @ even - pull, pull))
    if not np.linalg.norm(missed) <= REACHED * np.linalg.norm(reached):
        return dual  # rows of lengths so different that float64 does not tell their span
    return even


def _on_margin(features: Floats, dual: Floats, excess: Floats) -> Flags:
    """Samples that can share the pull, by their relative excess over the margin, shape `(n,)`.

    An error of h moves the margins of long rows the most: one with a multiplier may exceed the
    margin by `REACHED` of |Phi_i| |h|, in units of the margin |h|^2 / sum b.
    """
    size = lengths_of((features.T @ dual)[None])[0]
    moved = lengths_of(features) * (dual.sum() / size)
    return np.asarray((excess <= ON_MARGIN) | ((dual > 0.0) & (excess <= REACHED * moved)))


def _largest_entropy(basis: Floats, dual: Floats) -> Floats:
    """exp(basis v) with the same products with the basis, which holds the constant vector."""
    unit = float(dual.mean())
    goal = basis.T @ (dual / unit)
    point = np.zeros(basis.shape[1])
    shares = np.ones(len(dual))
    for _ in range(MOST_STEPS):
        gradient = basis.T @ shares - goal
        if np.abs(gradient).max() <= CONVERGED * len(dual):
            break
        hessian = (basis.T * shares) @ basis
        step = np.linalg.lstsq(hessian, -gradient, rcond=None)[0]
        change = basis @ step
        damped = min(1.0, 1.0 / max(float(np.abs(change).max()), 1e-300))
        point = point + damped * step
        shares = np.exp(basis @ point)
    return np.asarray(unit * shares)
