"""Gradient flow w' = sum_i x_i r(x_i.w) on separable data, in the clock log t.

r is e^(-q), or 1 / (1 + e^q) for the logistic loss; labels are absorbed in the rows. From t = 1 on
it is rho = w - w_hat log t that is integrated, whose limits are finite: t = 10^10000 costs no more
than t = 10^10. The margins of w_hat come from the caller, since rounding of those that are 1 would
be multiplied by log t.

Rows and time have units of their own: x -> c x takes w to w / c and t to t / c^2, weights c of the
samples t to t / c. What is integrated are rows of norm about one, by a clock that starts where
outputs do: tau = log t + max(0, log |X'VX|), V the weights, before which q is below e^tau.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from theory.backend import Floats
from theory.errors import InvalidInput
from theory.plain_flow import PlainFlow, check_times, plain_flow
from theory.units import lengths_of, power_of_two

_EARLY: Final = -25.0
"""tau of the first state, w(0) + t X'Vr(0): the next term of outputs is e^(2 tau), 2e-22."""


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
        size = lengths_of(weights) / lengths_of(self.direction[None])
        return np.asarray(1.0 - self.outputs(residuals).min(axis=1) / size)

    def direction_gap(self, residuals: Floats) -> Floats:
        """|w / |w| - w_hat / |w_hat||, `(T,)`."""
        weights = self.direction + residuals / self.log_times[:, None]
        unit = self.direction / lengths_of(self.direction[None])
        units = weights / lengths_of(weights)[:, None]
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
        rows: x_i, as in `SeparableFlow`; so are the next two.
        direction: w_hat.
        margins: those of w_hat.
        log_weights: of the samples in the loss, `(n,)` or one for all.

    Raises:
        InvalidInput: some margin is below 1, shapes do not fit, numbers are not finite, or the
            log times do not increase from 0.
        IntegrationFailed: see `plain_flow`.
    """
    exponents = _checked_weights(rows, direction, margins, log_weights)
    grid = np.atleast_1d(np.asarray(log_times, dtype=np.float64))
    check_times("log_times", grid, 0.0)
    unit = power_of_two(rows)
    own, aim = np.ldexp(rows, -unit), np.ldexp(direction, unit)
    exponents = exponents + 2.0 * unit * np.log(2.0)
    shift = max(0.0, _log_rate(own, exponents))
    exponents = exponents - shift

    def forces(log_time: Floats, outputs: Floats) -> Floats:
        less = np.logaddexp(0.0, -outputs) if logistic else 0.0
        return np.asarray(np.exp(log_time - less + exponents))

    def early(clock: float, weights: Floats) -> Floats:
        q = own @ weights
        return np.asarray(forces(clock - q, q) @ own)

    def late(clock: float, residual: Floats) -> Floats:
        inner = own @ residual
        pulls = forces(clock * (1.0 - margins) - inner, clock * margins + inner)
        return np.asarray(pulls @ own - aim)

    def jacobian(clock: float, residual: Floats) -> Floats:
        inner = own @ residual
        outputs = clock * margins + inner
        pulls = forces(clock * (1.0 - margins) - inner, outputs)
        if logistic:
            pulls = pulls / (1.0 + np.exp(-np.maximum(outputs, -700.0)))
        return np.asarray(-(own.T * pulls) @ own)

    zero = np.zeros(rows.shape[1])
    first = zero + early(_EARLY, zero)
    begun = plain_flow(early, first, [0.0], rtol=rtol, begin=_EARLY)
    found = plain_flow(
        late, begun.tight[0], grid + shift, rtol=rtol, method=method, jacobian=jacobian
    )
    tight, loose = (np.ldexp(states + shift * aim, -unit) for states in (found.tight, found.loose))
    return SeparableFlow(rows, direction, margins, logistic, PlainFlow(grid, tight, loose))


def _checked_weights(
    rows: Floats, direction: Floats, margins: Floats, log_weights: ArrayLike
) -> Floats:
    """`log_weights` of all samples, `(n,)`; `InvalidInput` as `separable_flow` says."""
    if rows.ndim != 2 or not rows.any() or not np.all(np.isfinite(rows)):
        raise InvalidInput(
            f"rows have shape {rows.shape}; they must be (n, d) finite numbers, not all zero"
        )
    count, width = rows.shape
    if direction.shape != (width,) or not np.all(np.isfinite(direction)):
        raise InvalidInput(f"direction is {direction!r}; it must be {width} finite numbers")
    if margins.shape != (count,) or not np.all((margins >= 1.0) & (margins < np.inf)):
        raise InvalidInput(
            f"margins are {margins.tolist()}; each of the {count} must be finite and at least 1"
        )
    exponents = np.asarray(log_weights, dtype=np.float64)
    if exponents.shape not in ((), (1,), (count,)) or not np.all(np.isfinite(exponents)):
        raise InvalidInput(f"log_weights are {log_weights!r}; allowed are {count} finite numbers")
    return np.broadcast_to(exponents, margins.shape)


def _log_rate(rows: Floats, log_weights: Floats) -> float:
    """log |X'VX|, V = e^`log_weights`: -log of the time in which outputs become of order one."""
    largest = float(log_weights.max())
    weighted = np.exp(0.5 * (log_weights - largest))[:, None] * rows
    return largest + 2.0 * float(np.log(np.linalg.norm(weighted, 2)))
