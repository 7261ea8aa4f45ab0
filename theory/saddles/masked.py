"""Completion U' = (A - U U')_M U from alpha U0, M the entries observed: first along rank one.

With mu_j, e_j of the masked A, U follows for alpha to 0 the one trajectory u of rank one that
leaves 0 as e^(mu_1 t) e_1. A row of U0 off e_1 is carried beside it by the flow linearised along
u, so that at T = log(1 / (alpha |U0' e_1|)) / mu_1 + c

    U U' - u u' = d u' + u d' + ...,  d = sum_j alpha e^(mu_j (T - c)) (q.U0' e_j) d_j(c),

q the direction of U0' e_1 and d_j the solution that starts as e^(mu_j t) e_j: of order
alpha^(1 - mu_2/mu_1). What is normal to q enters twice, in its square.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from theory.backend import Floats
from theory.errors import InvalidInput
from theory.plain_flow import PlainFlow, plain_flow
from theory.requests import all_finite, finite_numbers, number_array

_LEFT: Final = 1e-6
"""Size, over mu_1^(1/2), at which the trajectory is taken up; it is linear up to its square."""


def masked_flow(
    matrix: Floats,
    mask: Floats,
    start: Floats,
    time: float,
    *,
    rtol: float = 1e-12,
    method: str = "DOP853",
) -> PlainFlow:
    """U at one time, `(1, d h)`.

    Args:
        matrix: A, symmetric, `(d, d)`.
        mask: M, symmetric, of zeros and ones, `(d, d)`.
        start: alpha U0, `(d, h)`.

    Raises:
        InvalidInput: shapes do not fit, or numbers are not finite.
        IntegrationFailed: see `plain_flow`.
    """
    matrix, mask = _checked(matrix, mask)
    start = finite_numbers("start", start, (len(matrix), *np.shape(start)[1:2]))

    def field(_: float, flat: Floats) -> Floats:
        factor = flat.reshape(start.shape)
        return np.asarray((mask * (matrix - factor @ factor.T) @ factor).ravel())

    return plain_flow(field, start.ravel(), [time], rtol=rtol, method=method)


def _checked(matrix: Floats, mask: Floats) -> tuple[Floats, Floats]:
    """A and M."""
    whole = all_finite("matrix", number_array("matrix", matrix))
    if whole.ndim != 2 or len(whole) != whole.shape[1] or whole.size == 0:
        raise InvalidInput(f"matrix has shape {whole.shape}; it must be square and not empty")
    return whole, finite_numbers("mask", mask, whole.shape)


@dataclass(frozen=True, eq=False)
class RankOne:
    """Where the trajectory of rank one is at c, and what is carried beside it.

    Attributes:
        values: mu_j, falling, `(d,)`.
        vectors: e_j, a column each, `(d, d)`.
        after: c; the trajectory is e^(mu_1 t) e_1 as t goes to minus infinity.
        weights: u, `(d,)`.
        beside: d_j for j > 1, `(d, d - 1)`.
    """

    values: Floats
    vectors: Floats
    after: float
    weights: Floats
    beside: Floats

    def time(self, alpha: float, start: Floats) -> float:
        """T of alpha U0; `start` is U0, `(d, h)`."""
        first = float(np.linalg.norm(self.vectors[:, 0] @ start))
        return float(np.log(1.0 / (alpha * first)) / self.values[0] + self.after)

    def carried(self, alpha: float, start: Floats, modes: int | None = None) -> Floats:
        """What alpha U0 has beside the trajectory at T, to first order, `(d, h)`."""
        grown = alpha * np.exp(self.values[1:] * (self.time(alpha, start) - self.after))
        rows = grown[:, None] * (self.vectors[:, 1:].T @ start)
        return np.asarray(self.beside[:, :modes] @ rows[:modes])

    def leading(self, alpha: float, start: Floats, modes: int | None = None) -> float:
        """|U U' - u u'| at T to leading order, in the Frobenius norm.

        Args:
            modes: how many of e_2, e_3, ... are counted; all of them where it is None.
        """
        row = self.vectors[:, 0] @ start
        along = self.carried(alpha, start, modes) @ row / np.linalg.norm(row)
        crossed = np.outer(along, self.weights)
        return float(np.linalg.norm(crossed + crossed.T))

    def beyond(self, alpha: float, start: Floats) -> float:
        """Size of the square of what is carried, over the share of e_2 in what leads."""
        carried = self.carried(alpha, start)
        return float(np.linalg.norm(carried @ carried.T)) / self.leading(alpha, start, 1)


def rank_one(matrix: Floats, mask: Floats, after: float, *, rtol: float = 1e-12) -> RankOne:
    """The trajectory at `after`.

    Args:
        matrix: A, symmetric, `(d, d)`, with a positive eigenvalue where it is masked.
        mask: M, as in `masked_flow`.

    Raises:
        InvalidInput: shapes do not fit; numbers are not finite; no eigenvalue is positive; or the
            trajectory is taken up after `after` only.
        IntegrationFailed: see `plain_flow`.
    """
    matrix, mask = _checked(matrix, mask)
    size = len(matrix)
    rising, vectors = np.linalg.eigh(mask * matrix)
    values, vectors = rising[::-1], vectors[:, ::-1]
    if not values[0] > 0.0:
        raise InvalidInput(
            f"matrix has {values[0]:g} as its largest eigenvalue where it is masked; one must be "
            "positive, or nothing leaves 0"
        )
    left = _LEFT * np.sqrt(values[0])
    begin = float(np.log(left) / values[0])
    if not after > begin:
        raise InvalidInput(
            f"after is {after}; it must be above {begin:g}, where the trajectory is {left:g} long"
        )

    def field(now: float, state: Floats) -> Floats:
        weights, beside = state[:size], state[size:].reshape(size, size - 1)
        bend = mask * (matrix - np.outer(weights, weights))
        # (d u' + u d')_M u; each d is measured by its own growth
        turned = (mask @ weights**2)[:, None] * beside
        turned = turned + weights[:, None] * (mask @ (weights[:, None] * beside))
        slopes = bend @ beside - turned - values[1:] * beside
        return np.concatenate([bend @ weights, slopes.ravel()])

    # all of one size, which errors are measured by
    start = left * np.concatenate([vectors[:, 0], vectors[:, 1:].ravel()])
    flow = plain_flow(field, start, [after], begin=begin, rtol=rtol)
    weights, beside = flow.tight[0, :size], flow.tight[0, size:].reshape(size, size - 1)
    beside = beside * np.exp(values[1:] * after) / left
    return RankOne(values, vectors, after, weights, beside)
