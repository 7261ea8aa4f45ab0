"""What biases learn before t_g, and how they vanish after it. Source: this project.

With eta_D = rho^-lag u the flow before t_g is u' = -(L + lag) u + Phi_D^T (a' + L a), a the dual of
the lazy flow of f_L: the factor rho^-lag grows as the memory of the flow fades. So

    u = Phi_D^T (L a / (L + lag) + lag a' / (L + lag)^2 - lag a'' / (L + lag)^3 + ...).
"""

from dataclasses import dataclass

import numpy as np

from theory.backend import Floats
from theory.errors import InvalidInput
from theory.kernel.quasi_static import lag_correction, quasi_static_dual
from theory.problem import Problem
from theory.requests import check_positive

STEP = 1e-2
"""Of differences, relative to Lam, on which duals depend by a + b log Lam."""


def followed_share(degree: float, lag: float) -> float:
    """L / (L + lag) = L / (2L - D): what a part of degree D has of a machine at rest.

    Raises:
        InvalidInput: see `_check_degrees`.
    """
    _check_degrees(degree, lag)
    return degree / (degree + lag)


def late_power(degree: float, lag: float) -> float:
    """k in f_D / q_min ~ q_min^k at stationarity: 2D/L - 2 = -2 lag / L.

    b = sum_i mu_i y_i grad f_D there and |theta|^2 ~ L q_min sum_i mu_i, so b ~ q^(2/L - 1)
    |theta|^(D-1) with |theta|^L ~ q, and f_D ~ b |theta|^(D-1).

    Raises:
        InvalidInput: see `_check_degrees`.
    """
    _check_degrees(degree, lag)
    return -2.0 * lag / degree


def moved_dual(kernel: Floats, dual: Floats, part: Floats) -> Floats:
    """da `(n,)` where K gains a small `part`, both `(n, n)`, and e^-q is nothing beside 1.

    Raises:
        InvalidInput: shapes do not fit, or numbers are not finite.
    """
    count = len(dual)
    for name, values, shape in (
        ("dual", dual, (count,)),
        ("kernel", kernel, (count, count)),
        ("part", part, (count, count)),
    ):
        if values.shape != shape or values.size == 0 or not np.all(np.isfinite(values)):
            raise InvalidInput(
                f"{name} has shape {values.shape}; allowed are finite numbers {shape}"
            )
    return _responding(kernel, dual, -part @ dual)


def _check_degrees(degree: float, lag: float) -> None:
    """`InvalidInput` unless L > 0 and 0 <= lag <= L are finite: D = L - lag is at least 0."""
    if not 0.0 < degree < np.inf or not 0.0 <= lag <= degree:
        raise InvalidInput(
            f"degree is {degree!r} and lag {lag!r}; allowed are 0 < degree, 0 <= lag <= degree"
        )


@dataclass(frozen=True, eq=False)
class DualCourse:
    """How the dual of the lazy flow of f_L moves, from the machine at rest, each `(n,)`.

    Attributes:
        slope: da/ds to leading order.
        beyond: of da/ds, what the lag of the flow behind that machine adds.
        curve: d^2 a/ds^2 to leading order.
    """

    slope: Floats
    beyond: Floats
    curve: Floats

    @classmethod
    def of(cls, kernel: Floats, problem: Problem, log_inverse_decay: float) -> "DualCourse":
        """At Lam = `log_inverse_decay`, which falls at a rate of 2 (L-1).

        Raises:
            InvalidInput: Lam is not positive and finite, and differences have no size.
            OracleFailed: see `quasi_static_dual`.
        """
        check_positive("log_inverse_decay", log_inverse_decay)
        step = STEP * log_inverse_decay
        levels = [log_inverse_decay + k * step for k in (-1.0, 0.0, 1.0)]
        logs = [quasi_static_dual(kernel, x, problem.loss, problem.classes) for x in levels]
        lags = [lag_correction(kernel, x, problem.degree) for x in (logs[0], logs[2])]
        slopes = [_slope(kernel, x) for x in logs]
        rate = -2.0 * (problem.degree - 1)
        curve = rate**2 * (slopes[2] - slopes[0]) / (2.0 * step)
        return cls(rate * slopes[1], rate * (lags[1] - lags[0]) / (2.0 * step), curve)


def _slope(kernel: Floats, log_dual: Floats) -> Floats:
    """da/dLam where e^-q is nothing beside 1."""
    dual = np.exp(log_dual)
    return _responding(kernel, dual, np.ones_like(dual))


def _responding(kernel: Floats, dual: Floats, push: Floats) -> Floats:
    """da of log a + K a = Lam where the right-hand side gains a small `push` `(n,)`."""
    return np.asarray(dual * np.linalg.solve(kernel * dual + np.eye(len(dual)), push))
