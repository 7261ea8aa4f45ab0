"""The margin programme min |h|^2 subject to rows h >= targets: its bounds, its active sets.

Rows are features brought to length between 1/2 and 1 by powers of two, exactly, so that neither the
units of a sample nor those of all decide anything. With Phi_i = 2^e_i rows_i and the smallest
exponent e, targets are 2^(e - e_i) and the margin is gamma = 2^e / |h|.

Everything is solved through the singular value decomposition of the active rows, whose condition
number is the square root of that of their Gram matrix, and refined with residuals that are rounded
once: h is carried to twice float64, as one number of a pair (high, low).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.linalg import qr

from theory.backend import Flags, Floats
from theory.exact import exact_product, two_sum

EPSILON: Final = float(np.finfo(float).eps)

Double = tuple[Floats, Floats]
"""A sum of two float64 vectors, the second below the rounding of the first."""


def _float_product(matrix: Floats, *terms: Floats, less: Sequence[Floats] = ()) -> Floats:
    return np.asarray(matrix @ np.sum(terms, axis=0) - sum(less))


@dataclass(frozen=True)
class Arithmetic:
    """How products are rounded, and how often solutions are refined with them.

    Each refinement multiplies the error by eps times the condition number: four suffice up to 1e12,
    beyond which hardly any margin is resolved.
    """

    product: Callable[..., Floats]
    refinements: int


FLOAT: Final = Arithmetic(_float_product, 1)
EXACT: Final = Arithmetic(exact_product, 4)


@dataclass(frozen=True, eq=False)
class Programme:
    """rows `(n, P)` and targets `(n,)`; gamma = 2^`exponent` / |h| at the optimum.

    Attributes:
        exponents: e_i, shape `(n,)`.
    """

    rows: Floats
    targets: Floats
    exponents: Floats

    @classmethod
    def of(cls, features: Floats) -> "Programme":
        """From features `(n, P)`, of which none may be zero."""
        largest = np.frexp(np.abs(features).max(axis=1))[1]
        rows = np.ldexp(features, -largest[:, None])  # their squares cannot leave float64
        further = np.frexp(np.linalg.norm(rows, axis=1))[1]
        exponents = largest + further
        rows = np.ldexp(rows, -further[:, None])
        return cls(rows, np.ldexp(1.0, exponents.min() - exponents), exponents)

    @property
    def exponent(self) -> int:
        return int(self.exponents.min())

    @property
    def reduced(self) -> "Programme":
        """The same in coordinates of the rows' span, where there are fewer of them."""
        if self.rows.shape[1] <= self.rows.shape[0]:
            return self
        triangle = qr(self.rows.T, mode="r")[0][: len(self.rows)]
        return Programme(np.ascontiguousarray(triangle.T), self.targets, self.exponents)


@dataclass(frozen=True, eq=False)
class Pair:
    """A primal vector h `(P,)` and multipliers u >= 0 `(n,)`, neither trusted."""

    primal: Double
    multipliers: Double

    @classmethod
    def of_multipliers(cls, programme: Programme, multipliers: Floats) -> "Pair":
        """h = rows^T u in plain float64."""
        weights = programme.rows.T @ multipliers
        return cls((weights, np.zeros_like(weights)), (multipliers, np.zeros_like(multipliers)))


@dataclass(frozen=True)
class Bounds:
    """Certified bounds on 1 / |h*|, and what rounding does to them.

    Attributes:
        low: min(rows h / targets) / |h| of some h.
        high: |rows^T u| / <targets, u> of some u >= 0.
        resolution: eps sum_ij u_i |rows_ij| |c_j| / |c|^2 with c = rows^T u: to first order, how
            far one rounding of every entry moves the margin, relatively.
        cancellation: |c| / sum_i u_i |rows_i|: the norm of a convex combination of unit rows.
        noise: the largest relative rounding of rows h in plain float64.
    """

    low: float
    high: float
    resolution: float
    cancellation: float
    noise: float

    @property
    def gap(self) -> float:
        return (self.high - self.low) / self.high if self.high > 0 else np.inf


PROVEN_NOTHING: Final = Bounds(-np.inf, np.inf, 0.0, 1.0, np.inf)


def bounds_of(programme: Programme, pair: Pair, arithmetic: Arithmetic = EXACT) -> Bounds:
    """What `pair` proves, whatever it is; NaN, zero and wrong signs prove nothing."""
    low, noise = _primal_bound(programme, pair.primal, arithmetic)
    high, resolution, cancellation = _dual_bound(programme, pair.multipliers, arithmetic)
    return Bounds(low, high, resolution, cancellation, noise)


def _primal_bound(
    programme: Programme, primal: Double, arithmetic: Arithmetic
) -> tuple[float, float]:
    size = float(np.linalg.norm(primal[0]))
    if not 0 < size < np.inf:
        return -np.inf, np.inf
    lengths = np.linalg.norm(programme.rows, axis=1)
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        products = arithmetic.product(programme.rows, *primal)
        low = float((products / programme.targets).min()) / size
        noise = float((EPSILON * size * lengths / np.abs(products)).max())
    return (low, noise) if np.isfinite(low) else (-np.inf, np.inf)


def _dual_bound(
    programme: Programme, multipliers: Double, arithmetic: Arithmetic
) -> tuple[float, float, float]:
    weights, rows = multipliers[0], programme.rows
    total = float(programme.targets @ weights)
    if not (0 < total < np.inf and weights.min() >= 0):
        return np.inf, 0.0, 1.0
    combination = arithmetic.product(rows.T, *multipliers)
    norm = float(np.linalg.norm(combination))
    moved = EPSILON * float(weights @ (np.abs(rows) @ np.abs(combination)))
    cancellation = norm / float(weights @ np.linalg.norm(rows, axis=1))
    return norm / total, moved / norm**2 if norm > 0 else np.inf, cancellation


def on_support(programme: Programme, support: Flags, arithmetic: Arithmetic = EXACT) -> Pair:
    """The shortest h with rows h = targets on the support, and its multipliers, of either sign."""
    product = arithmetic.product
    block, goal = programme.rows[support], programme.targets[support]
    left, values, right = np.linalg.svd(block, full_matrices=False)
    kept = values > EPSILON * max(block.shape) * values[0]
    left, values, right = left[:, kept], values[kept], right[kept]

    def toward_goal(primal: Double) -> Double:
        excess = product(block, *primal, less=[goal])
        return two_sum(primal[0], primal[1] - right.T @ ((left.T @ excess) / values))

    primal = toward_goal((np.zeros(block.shape[1]), np.zeros(block.shape[1])))
    active = np.zeros(len(block)), np.zeros(len(block))
    for _ in range(arithmetic.refinements):
        excess = product(block.T, *active, less=primal)
        active = two_sum(active[0], active[1] - left @ ((right @ excess) / values))
        # what multipliers cannot reach is outside the span of the rows, where h has no business
        outside = product(block.T, *active, less=primal)
        primal = toward_goal(two_sum(primal[0], primal[1] + outside))
    multipliers = np.zeros((2, len(programme.rows)))
    multipliers[:, support] = active
    return Pair(primal, (multipliers[0], multipliers[1]))


def settled(programme: Programme, support: Flags, arithmetic: Arithmetic = EXACT) -> Iterator[Pair]:
    """Pairs on ever better supports: the most negative multiplier leaves, then the most violated
    constraint enters, until neither is or a support comes back.
    """
    seen: set[bytes] = set()
    support = support.copy()
    while support.any() and support.tobytes() not in seen:
        seen.add(support.tobytes())
        pair = on_support(programme, support, arithmetic)
        multipliers, corrections = pair.multipliers
        positive = multipliers > 0
        yield Pair(pair.primal, (multipliers * positive, corrections * positive))
        weakest = int(np.argmin(multipliers))
        slack = arithmetic.product(programme.rows, *pair.primal) / programme.targets - 1.0
        slack[support] = np.inf
        furthest = int(np.argmin(slack))
        if multipliers[weakest] < 0:
            support[weakest] = False
        elif slack[furthest] < 0:
            support[furthest] = True
        else:
            return
