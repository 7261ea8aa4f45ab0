"""Optimality of observed weights: KKT of the max-margin programme, or of minimum norm for targets.

    min |theta|^2  subject to  rows >= 1   (classification),      f = y   (targets).

Residuals are relative and scale-free, as in `theory.margin.kkt`.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from scipy.sparse.linalg import LinearOperator, lsqr

from theory.backend import Floats
from theory.errors import InvalidInput
from theory.margin.kkt import complementarity
from theory.observed.cone import FEW, FEW_NUMBERS, cone_point
from theory.observed.kernel import MEMORY, gram, jacobian
from theory.observed.net import Observed, rounding_of

ITERATIONS: Final = 100
"""Of LSQR."""

LIFT: Final = 1e-13
"""Of the largest eigenvalue: below it a direction of the kernel is rounding."""


@dataclass(frozen=True, eq=False)
class Optimality:
    """First-order optimality of theta.

    Attributes:
        stationarity: |theta - sum m_r grad row_r| / |theta| with the best multipliers found.
        lower: no multipliers do better than this; 0 where that is not known.
        complementarity: 1 - q_min / q_mean, weighted by the loss's own multipliers -dl/dq, and 1
            while a margin is negative; None for targets, and where all margins are rounding.
        feasibility: how negative the worst margin is, relative to the largest, None where all are
            rounding; of targets the largest misfit over the largest target.
        multipliers: torch `(n, slots)`, for theta as it is.
    """

    stationarity: float
    lower: float
    complementarity: float | None
    feasibility: float | None
    multipliers: Any


def optimality(
    observed: Observed,
    values: Any,
    most: int,
    memory: int = MEMORY,
    kernel: Floats | None = None,
) -> Optimality:
    """The residuals at the rows' `values` `(n, slots)`; at most so many rows' kernel is held.

    Args:
        kernel: of all rows, where it has been made.

    Raises:
        InvalidInput: theta is zero.
    """
    size = float(observed.theta.norm())
    if size == 0.0:
        raise InvalidInput("all weights are zero; they have no direction")
    if observed.rows.kind == "targets":
        return _of_targets(observed, values, most, memory, size, kernel)
    along = observed.push(observed.theta)
    found = cone_point(observed, along, values, most, memory, observed.theta, kernel)
    rest = observed.theta - found.point
    residual = float(rest.norm()) / size
    margins = values.reshape(-1).cpu().numpy()
    weights = np.exp(_log_shares(observed, margins))
    largest = float(np.abs(margins).max())
    known = largest > rounding_of(observed)
    return Optimality(
        stationarity=residual,
        lower=_lower_bound(residual, size, along, found.reached),
        complementarity=min(1.0, complementarity(margins, weights)) if known else None,
        feasibility=max(0.0, -float(margins.min())) / largest if known else None,
        multipliers=found.multipliers,
    )


def _lower_bound(residual: float, size: float, along: Any, reached: Any) -> float:
    """The distance from the cone is at least |rest| - S max(Phi rest) / |rest|.

    S bounds the sum of the best multipliers: sum m_r <g_r, theta> = |p|^2 <= |theta|^2 for the
    projection p, so S = |theta|^2 / min <g_r, theta> where that is positive.
    """
    objection = max(float((along - reached).max()), 0.0)
    if objection == 0.0:
        return residual
    least = float(along.min())
    if least <= 0.0 or residual == 0.0:
        return 0.0
    return max(0.0, residual - objection / (least * residual))


def _log_shares(observed: Observed, margins: Any) -> Any:
    """log of -dl/dq of each row, the largest 0."""
    shares = observed.rows.loss_function.log_share(margins)
    return np.asarray(shares - shares.max())


def _of_targets(
    observed: Observed,
    values: Any,
    most: int,
    memory: int,
    size: float,
    kernel: Floats | None,
) -> Optimality:
    import torch

    rows = np.arange(observed.rows.total)
    if len(rows) > most:
        best = least_squares(observed, observed.theta, transposed=True)
    elif len(rows) <= FEW and len(rows) * observed.parameters <= FEW_NUMBERS:
        features = jacobian(observed, rows).cpu().numpy()
        best = np.linalg.lstsq(features.T, observed.theta.cpu().numpy(), rcond=1e-7)[0]
    else:
        along = observed.push(observed.theta).reshape(-1).cpu().numpy()
        spectrum, modes = np.linalg.eigh(gram(observed, rows, memory) if kernel is None else kernel)
        kept = spectrum > LIFT * spectrum[-1]
        best = modes[:, kept] @ ((modes[:, kept].T @ along) / spectrum[kept])
    multipliers = torch.as_tensor(best, device=observed.theta.device).reshape(values.shape)
    residual = float((observed.theta - observed.pull(multipliers)).norm()) / size
    misfit = float((values - observed.rows.labels).abs().max())
    largest = float(observed.rows.labels.abs().max()) or 1.0
    lower = residual if len(rows) <= most else 0.0
    return Optimality(residual, lower, None, misfit / largest, multipliers)


def least_squares(observed: Observed, target: Any, transposed: bool) -> Floats:
    """m that minimises |Phi' m - target|, or the shortest h that minimises |Phi h - target|.

    By LSQR on products, `ITERATIONS` of them at most, where no kernel of all rows is held.
    """
    import torch

    rows, count = observed.rows, observed.parameters
    shape = (rows.samples, rows.slots)

    def back(weights: Floats) -> Any:
        given = torch.as_tensor(weights.reshape(shape).copy(), device=observed.theta.device)
        return observed.pull(given).cpu().numpy()

    def along(direction: Floats) -> Any:
        given = torch.as_tensor(direction.reshape(-1).copy(), device=observed.theta.device)
        return observed.push(given).reshape(-1).cpu().numpy()

    size, one, other = (
        ((count, rows.total), back, along) if transposed else ((rows.total, count), along, back)
    )
    operator = LinearOperator(size, matvec=one, rmatvec=other, dtype=np.float64)
    aim = target.reshape(-1).cpu().numpy()
    found = lsqr(operator, aim, atol=1e-7, btol=1e-7, iter_lim=ITERATIONS)[0]
    return np.asarray(found)
