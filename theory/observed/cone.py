"""The nearest point of the cone of gradients, and the max-margin direction: one programme.

    min over m >= 0 of  |Phi' m|^2 / 2 - c.m

is the projection of theta on the cone of the rows of Phi for c = Phi theta, and for c = 1 the dual
of min |h|^2 subject to Phi h >= 1. Only the kernel of some rows is held; the others are asked by
Phi (Phi' m) >= c, two passes, and those that object join. The answer is judged by what it proves:
bounds from all rows.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve, eigh, qr

from theory.backend import Flags, Floats, Integers
from theory.errors import InvalidInput, OracleFailed
from theory.margin.kkt import nonnegative_least_squares
from theory.observed.kernel import MEMORY, gram, jacobian
from theory.observed.net import Observed

FEW: Final = 200
"""Rows, or parameters, up to which the gradients themselves are solved for, to full accuracy: of
fewer parameters than rows the kernel is singular."""

FEW_NUMBERS: Final = 4_000_000
"""Entries of that matrix."""

ROUNDS: Final = 12
OBJECTION: Final = 1e-7
"""Of the largest c: an unmet condition below it asks for no further round."""

EXCHANGES: Final = 400
"""Of block pivoting; most programmes need twenty."""

OPTIMAL: Final = 1e-11
"""Of the largest c of rows of unit length: conditions met so well ask for no other solver."""

CERTIFIED: Final = 1e-9
"""Likewise: the least accurate solution that is returned. Multipliers of 10^5 round to 1e-11."""

ROUNDING: Final = 1e-14
"""Of the largest eigenvalue: below it a direction of the kernel is rounding."""


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

    Raises:
        OracleFailed: see `nonnegative_quadratic`.
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
    size = len(working), observed.parameters
    if min(size) <= FEW and size[0] * size[1] <= FEW_NUMBERS:
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
    """argmin over m >= 0 of m'K m / 2 - c.m for a positive semidefinite K, shape `(n,)`.

    By block pivoting where that meets the conditions of optimality, else on a factor of K.

    Args:
        kernel: K, `(n, n)`.
        linear: c, `(n,)`.
        start: rows taken for positive at first, `(n,)`.

    Raises:
        InvalidInput: entries that are not finite.
        OracleFailed: neither meets them, as where the programme is unbounded.
    """
    for name, given in (("kernel", kernel), ("linear", linear)):
        if not np.all(np.isfinite(given)):
            raise InvalidInput(f"{name} holds {given[~np.isfinite(given)][0]}; it must be finite")
    squares = np.diag(kernel)
    scale = np.sqrt(np.where(squares > 0.0, squares, 1.0))
    unit, target = kernel / np.outer(scale, scale), linear / scale
    best, least = np.zeros(len(target)), _violation(unit, target, np.zeros(len(target)))
    for found in _candidates(unit, target, start):
        violation = _violation(unit, target, found)
        if violation < least:
            best, least = found, violation
        if least <= OPTIMAL:
            return best / scale
    if least > CERTIFIED:
        raise OracleFailed(
            "no multipliers meet the conditions of optimality: rows are not separable, or no "
            f"solver could tell; the best violate them by {least:.1e} (allowed: {CERTIFIED:.0e})"
        )
    return best / scale


def _candidates(unit: Floats, target: Floats, start: Flags | None) -> Iterator[Floats]:
    """Multipliers `(n,)` by one route after the other, none of them trusted.

    On the factor K = F F' the programme is the distance of d from a cone where c = F d, and a least
    distance in any case.
    """
    yield _pivoted(unit, target, start)
    spectrum, modes = eigh(unit, check_finite=False)
    kept = spectrum > ROUNDING * spectrum[-1]
    if not kept.any():
        return
    roots = np.sqrt(spectrum[kept])
    factor = modes[:, kept] * roots
    yield _nearest(factor.T, (modes[:, kept].T @ target) / roots)
    yield _least_distance(factor, target)


def _violation(unit: Floats, target: Floats, multipliers: Floats) -> float:
    """By how much m >= 0 `(n,)` fails K m >= c and m.(K m - c) = 0, relative to the largest c."""
    size = float(np.abs(target).max()) or 1.0
    slack = unit @ multipliers - target
    total = float(multipliers.sum()) or 1.0
    found = max(float(-slack.min()), float(multipliers @ np.abs(slack)) / total) / size
    return found if np.isfinite(found) else np.inf


def _pivoted(unit: Floats, target: Floats, start: Flags | None) -> Floats:
    """Multipliers by block pivoting for a kernel of unit diagonal.

    All rows that violate a sign change sides at once, as long as there are fewer of them each time;
    then one by one, which ends for a definite K. A singular one is lifted where it has no factor;
    rounding may grant it one that solves nothing.

    Source: Portugal, Judice, Vicente (Math. Comp. 1994); Kim and Park (SIAM J. Sci. Comput. 2011).
    """
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
    return np.maximum(multipliers, 0.0)


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
