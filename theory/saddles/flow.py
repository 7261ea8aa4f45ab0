"""The flow of a diagonal net from alpha = e^-l, in the coordinates in which it jumps.

With arcsinh(w / (2 alpha^2)) = 2 l s and time in units of l, s' = -2 grad L(w) and
w = e^(2l(s - 1)) - e^(-2l(s + 1)), so that alpha = e^-160 costs little more than 0.1.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike
from scipy.integrate import solve_ivp

from theory.backend import Floats
from theory.errors import IntegrationFailed
from theory.requests import all_finite, check_increasing, check_positive, number_array
from theory.saddles.greedy import checked

_LARGEST: Final = 8.0
"""Of exponents: trial steps may ask for any w, the flow itself for none above e^8."""


@dataclass(frozen=True, eq=False)
class SmallStartFlow:
    """w at the requested times, `(T, d)`, and when the loss fell below each level, `(K,)`."""

    weights: Floats
    passed: Floats


def small_start_flow(
    rows: Floats,
    targets: Floats,
    log_inverse: float,
    times: ArrayLike,
    levels: ArrayLike,
    *,
    rtol: float = 1e-8,
    method: str = "LSODA",
) -> SmallStartFlow:
    """From s = 0 until the last of the times, all in units of l = `log_inverse`.

    Args:
        levels: of the loss |X w - y|^2 / 2, falling.

    Raises:
        InvalidInput: shapes do not fit, numbers are not finite, l is not positive, or times do not
            increase from 0 or more.
        IntegrationFailed: the integrator gave up, or some level was not reached.
    """
    rows, targets = checked(rows, targets)
    check_positive("log_inverse", log_inverse)
    double = 2.0 * log_inverse
    grid = np.atleast_1d(all_finite("times", number_array("times", times)))
    check_increasing("times", grid)
    losses = np.atleast_1d(all_finite("levels", number_array("levels", levels)))

    def parts(state: Floats) -> tuple[Floats, Floats]:
        up = np.exp(np.minimum(double * (state - 1.0), _LARGEST))
        return up, np.exp(np.minimum(-double * (state + 1.0), _LARGEST))

    def misfit(state: Floats) -> Floats:
        up, down = parts(state)
        return np.asarray(rows @ (up - down) - targets)

    def jacobian(_: float, state: Floats) -> Floats:
        up, down = parts(state)
        return np.asarray(-2.0 * double * (rows.T @ rows) * (up + down))

    def crossing(level: float) -> Callable[[float, Floats], float]:
        return lambda _, state: float((misfit(state) ** 2).sum()) / 2.0 - level

    found = solve_ivp(
        lambda _, state: -2.0 * rows.T @ misfit(state),
        (0.0, float(grid[-1])),
        np.zeros(rows.shape[1]),
        method,
        grid,
        events=[crossing(float(level)) for level in losses.ravel()],
        rtol=rtol,
        atol=1e-2 * rtol,
        jac=jacobian,
    )
    if found.status != 0 or any(len(event) == 0 for event in found.t_events):
        raise IntegrationFailed(f"from alpha = e^-{log_inverse:g}: {found.message}")
    if double * (np.abs(found.y).max(initial=0.0) - 1.0) >= _LARGEST:
        raise IntegrationFailed(f"from alpha = e^-{log_inverse:g}: weights exceed e^{_LARGEST:g}")
    weights = np.array([np.subtract(*parts(state)) for state in found.y.T])
    return SmallStartFlow(weights, np.array([event[0] for event in found.t_events]))


def jump_times(flow: SmallStartFlow, log_inverse: float) -> Floats:
    """When each level was passed, in units of the flow itself: T = l tau, `(K,)`."""
    return np.asarray(log_inverse * flow.passed)
