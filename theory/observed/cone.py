"""The nearest point of the cone of gradients, and the max-margin direction: one programme.

    min over m >= 0 of  |Phi' m|^2 / 2 - c.m

is the projection of theta on the cone of the rows of Phi for c = Phi theta, and for c = 1 the dual
of min |h|^2 subject to Phi h >= 1. Only the kernel of some rows is held; the others are asked by
Phi (Phi' m) >= c, two passes, and those that object join. The answer is judged by what it proves:
bounds from all rows.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve, qr

from theory.backend import Flags, Floats, Integers
from theory.margin.kkt import nonnegative_least_squares
from theory.observed.kernel import MEMORY, gram, jacobian
from theory.observed.net import Observed

FEW: Final = 200
"""Rows up to which the gradients themselves are solved for, to full accuracy."""

FEW_NUMBERS: Final = 4_000_000
"""Entries of that matrix."""

ROUNDS: Final = 12
OBJECTION: Final = 1e-7
"""Of the largest c: an unmet condition below it asks for no further round."""

EXCHANGES: Final = 400
"""Of block pivoting; most programmes need twenty."""


@dataclass(frozen=True, eq=False)
class ConePoint:
    """A point of the cone of rows.

    Attributes:
        multipliers: m >= 0, torch `(n, slots)`.
        point: Phi' m, torch `(P,)`.
        reached: Phi Phi' m, torch `(n, slots)`.
        working: rows whose kernel was held.
    """

    multipliers: Any
    point: Any
    reached: Any
    working: int


def cone_point(
    observed: Observed,
    linear: Any,
    order: Any,
    most: int,
    memory: int = MEMORY,
    toward: Any = None,
    kernel: Floats | None = None,
) -> ConePoint:
    """The minimiser for c = `linear` `(n, slots)`.

    Args:
        order: `(n, slots)`; the rows where it is smallest are tried first.
        most: rows whose kernel may be held.
        toward: d `(P,)` with c = Phi d, where it is known.
        kernel: of all rows, where it has been made.
    """
    import torch

    ranked = np.argsort(order.reshape(-1).cpu().numpy(), kind="stable").astype(np.int64)
    total = len(ranked)
    working = np.sort(ranked if total <= most else ranked[: max(1, most // 3)])
    target = linear.reshape(-1).cpu().numpy()
    known: Floats = np.zeros(total)
    for _ in range(ROUNDS):
        whole = kernel if len(working) == total else None
        known = _solved(observed, working, target[working], known, memory, toward, whole)
        multipliers = torch.as_tensor(known, device=observed.theta.device).reshape(linear.shape)
        point = observed.pull(multipliers)
        reached = observed.push(point)
        missing = (linear - reached).reshape(-1).cpu().numpy()
        missing[working] = 0.0
        objecting = np.flatnonzero(missing > OBJECTION * np.abs(target).max())
        kept = working[known[working] > 0]
        room = most - len(kept)
        if not len(objecting) or room <= 0:
            break
        worst = objecting[np.argsort(-missing[objecting], kind="stable")[: min(room, most // 3)]]
        working = np.sort(np.concatenate([kept, worst]))
    return ConePoint(multipliers, point, reached, len(working))


def _solved(
    observed: Observed,
    working: Integers,
    target: Floats,
    known: Floats,
    memory: int,
    toward: Any,
    kernel: Floats | None,
) -> Floats:
    """Multipliers of all rows, those of the working set solved for."""
    found = np.zeros_like(known)
    if len(working) <= FEW and len(working) * observed.parameters <= FEW_NUMBERS:
        features = jacobian(observed, working).cpu().numpy()
        found[working] = (
            _least_distance(features, target)
            if toward is None  # else |Phi' m - d|^2 differs from the programme by |d|^2
            else _nearest(features.T, toward.cpu().numpy())
        )
    else:
        held = gram(observed, working, memory) if kernel is None else kernel
        found[working] = nonnegative_quadratic(held, target, known[working] > 0)
    return found


def _nearest(matrix: Floats, target: Floats) -> Floats:
    """argmin over m >= 0 of |matrix m - target|, in the span of both."""
    if matrix.shape[0] > matrix.shape[1] + 1:
        triangle = qr(np.column_stack([matrix, target]), mode="r")[0][: matrix.shape[1] + 1]
        matrix, target = triangle[:, :-1], triangle[:, -1]
    return nonnegative_least_squares(matrix, target)


def _least_distance(features: Floats, target: Floats) -> Floats:
    """Multipliers of min |h|^2 subject to Phi h >= c; huge ones where no h is feasible.

    m = u / (1 - c.u) with u >= 0 that minimises |Phi' u|^2 + (c.u - 1)^2.

    Source: Lawson and Hanson (1974), least distance programming.
    """
    unit = float(np.linalg.norm(features, axis=1).mean()) or 1.0
    last = np.append(np.zeros(features.shape[1]), 1.0)
    shares = _nearest(np.vstack([features.T / unit, target]), last)
    return np.asarray(shares / max(1.0 - float(target @ shares), 1e-12) / unit**2)


def nonnegative_quadratic(kernel: Floats, linear: Floats, start: Flags | None = None) -> Floats:
    """argmin over m >= 0 of m'K m / 2 - c.m for a positive semidefinite K, by block pivoting.

    All rows that violate a sign change sides at once, as long as there are fewer of them each time;
    then one by one, which ends for a definite K. A singular one is lifted by as little as makes
    its factor exist.

    Source: Portugal, Judice, Vicente (Math. Comp. 1994); Kim and Park (SIAM J. Sci. Comput. 2011).
    """
    scale = np.sqrt(np.maximum(np.diag(kernel), np.finfo(float).tiny))
    unit, target = kernel / np.outer(scale, scale), linear / scale
    size = float(np.abs(target).max()) or 1.0
    passive = (target > 0) if start is None or not start.any() else start.copy()
    fewest, patience = len(target) + 1, 3
    multipliers: Floats = np.zeros(len(target))
    for _ in range(EXCHANGES):
        multipliers = np.zeros(len(target))
        multipliers[passive] = _solve(unit[np.ix_(passive, passive)], target[passive])
        slack = unit[:, passive] @ multipliers[passive] - target
        largest = float(np.abs(multipliers).max()) or 1.0
        wrong = np.where(passive, multipliers < -1e-12 * largest, slack < -1e-11 * size)
        count = int(wrong.sum())
        if not count:
            break
        if count < fewest:
            fewest, patience = count, 3
        elif patience:
            patience -= 1
        else:
            wrong[: int(np.flatnonzero(wrong)[-1])] = False
        passive = passive ^ wrong
    return np.maximum(multipliers, 0.0) / scale


def _solve(matrix: Floats, target: Floats) -> Floats:
    if not len(target):
        return target
    lift = 0.0
    while True:
        try:
            factor = cho_factor(
                matrix + lift * np.eye(len(matrix)) if lift else matrix, check_finite=False
            )
        except LinAlgError:
            lift = max(100.0 * lift, 1e-13)
            continue
        return np.asarray(cho_solve(factor, target, check_finite=False))
