"""Gradient flow w' = sum_i x_i r(x_i.w) on separable data, in the clock log t.

r is e^(-q), or 1 / (1 + e^q) for the logistic loss; labels are absorbed in the rows. From t = 1 on
it is rho = w - w_hat log t that is integrated, whose limits are finite: t = 10^10000 costs no more
than t = 10^10. The margins of w_hat come from the caller, since rounding of those that are 1 would
be multiplied by log t.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from theory.backend import Floats
from theory.errors import InvalidInput
from theory.plain_flow import PlainFlow, plain_flow

_EARLY: Final = -25.0
"""log t of the first state, w(0) + t X'r(0): the next term is t^2, 2e-22."""


@dataclass(frozen=True, eq=False)
class SeparableFlow:
    """Residuals rho = w - w_hat log t of two tolerances, `(T, d)`, at `log_times`.

    Attributes:
        rows: x_i, `(n, d)`.
        direction: w_hat, `(d,)`, the shortest vector with all margins at least 1.
        margins: x_i.w_hat, `(n,)`.
    """

    rows: Floats
    direction: Floats
    margins: Floats
    logistic: bool
    flow: PlainFlow

    @property
    def log_times(self) -> Floats:
        return self.flow.times

    def outputs(self, residuals: Floats) -> Floats:
        """q_i, `(T, n)`."""
        return np.asarray(np.outer(self.log_times, self.margins) + residuals @ self.rows.T)

    def loss_times_time(self, residuals: Floats) -> Floats:
        """t times the sum of losses, `(T,)`."""
        excess = np.outer(self.log_times, self.margins - 1.0) + residuals @ self.rows.T
        if not self.logistic:
            return np.asarray(np.exp(-excess).sum(axis=1))
        # log(1 + x) / x is 1 where x = e^-q underflows
        small = np.exp(-self.outputs(residuals))
        share = np.where(small > 0.0, np.log1p(small) / np.where(small > 0.0, small, 1.0), 1.0)
        return np.asarray((share * np.exp(-excess)).sum(axis=1))

    def margin_gap(self, residuals: Floats) -> Floats:
        """1 - min q / (gamma |w|), `(T,)`."""
        weights = np.outer(self.log_times, self.direction) + residuals
        size = np.linalg.norm(weights, axis=1) / np.linalg.norm(self.direction)
        return np.asarray(1.0 - self.outputs(residuals).min(axis=1) / size)

    def direction_gap(self, residuals: Floats) -> Floats:
        """|w / |w| - w_hat / |w_hat||, `(T,)`."""
        weights = self.direction + residuals / self.log_times[:, None]
        unit = self.direction / np.linalg.norm(self.direction)
        units = weights / np.linalg.norm(weights, axis=1)[:, None]
        return np.asarray(np.linalg.norm(units - unit, axis=1))


def separable_flow(
    rows: Floats,
    direction: Floats,
    margins: Floats,
    log_times: ArrayLike,
    *,
    logistic: bool = False,
    log_weights: ArrayLike = 0.0,
    rtol: float = 1e-11,
    method: str = "LSODA",
) -> SeparableFlow:
    """From w(0) = 0 to each of the positive `log_times`.

    Args:
        log_weights: of the samples in the loss, `(n,)` or one for all.

    Raises:
        InvalidInput: some margin is below 1.
        IntegrationFailed: see `plain_flow`.
    """
    if np.any(margins < 1.0):
        raise InvalidInput(f"margins are {margins.tolist()}; each must be at least 1")
    weights_of = np.broadcast_to(np.asarray(log_weights, dtype=np.float64), margins.shape)

    def forces(exponents: Floats, outputs: Floats) -> Floats:
        less = np.logaddexp(0.0, -outputs) if logistic else 0.0
        return np.asarray(np.exp(exponents - less + weights_of))

    def early(log_time: float, weights: Floats) -> Floats:
        q = rows @ weights
        return np.asarray(forces(log_time - q, q) @ rows)

    def late(log_time: float, residual: Floats) -> Floats:
        inner = rows @ residual
        pulls = forces(log_time * (1.0 - margins) - inner, log_time * margins + inner)
        return np.asarray(pulls @ rows - direction)

    def jacobian(log_time: float, residual: Floats) -> Floats:
        inner = rows @ residual
        outputs = log_time * margins + inner
        pulls = forces(log_time * (1.0 - margins) - inner, outputs)
        if logistic:
            pulls = pulls / (1.0 + np.exp(-np.maximum(outputs, -700.0)))
        return np.asarray(-(rows.T * pulls) @ rows)

    zero = np.zeros(rows.shape[1])
    first = zero + early(_EARLY, zero)
    begun = plain_flow(early, first, [0.0], rtol=rtol, begin=_EARLY)
    found = plain_flow(late, begun.tight[0], log_times, rtol=rtol, method=method, jacobian=jacobian)
    return SeparableFlow(rows, direction, margins, logistic, found)
