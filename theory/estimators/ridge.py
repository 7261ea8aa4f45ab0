"""When ridge regression by gradient flow generalises: the directions without data are forgotten.

w' = -S (w - w*) - lambda w with w* in the span of the data. Xu, Vardi, Safran (2026) bound the
delay between fitting and generalising; here it is exact once the span has converged.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import expm
from scipy.optimize import brentq

from theory.backend import Floats
from theory.errors import InvalidInput
from theory.plain_flow import plain_flow
from theory.requests import (
    all_finite,
    check_not_negative,
    check_number,
    check_positive,
    finite_numbers,
    number_array,
    shortened,
)

NO_DATA: Final = 1e-13
"""Of the largest eigenvalue of S: what rounding leaves where no data are is a few 1e-16."""


@dataclass(frozen=True, eq=False)
class RidgeTask:
    """S `(d, d)`, w* and w(0) `(d,)`, and the decay lambda.

    Raises:
        InvalidInput: shapes do not fit, numbers are not finite, or the decay is negative.
    """

    covariance: Floats
    target: Floats
    start: Floats
    decay: float

    def __post_init__(self) -> None:
        target = all_finite("target", number_array("target", self.target))
        if target.ndim != 1 or target.size == 0:
            raise InvalidInput(f"target has shape {target.shape}; it must be (d,), d >= 1")
        start = finite_numbers("start", self.start, target.shape)
        covariance = finite_numbers("covariance", self.covariance, (target.size, target.size))
        check_not_negative("decay", self.decay)
        for name, values in (("covariance", covariance), ("target", target), ("start", start)):
            object.__setattr__(self, name, values)

    @cached_property
    def _spectrum(self) -> tuple[Floats, Floats]:
        """Eigenvalues of S, 0 where no data are, and its eigenvectors."""
        values, vectors = np.linalg.eigh(self.covariance)
        return np.where(values < NO_DATA * values[-1], 0.0, values), vectors

    @property
    def _kept(self) -> Floats:
        """nu_i / (nu_i + lambda), what the ridge keeps of w*; 0 where no data are, `(d,)`."""
        values, _ = self._spectrum
        return np.where(
            values > 0.0, values / np.where(values > 0.0, values + self.decay, 1.0), 0.0
        )

    @property
    def without_data(self) -> float:
        """|P w(0)|^2, P the projection on the kernel of S."""
        values, vectors = self._spectrum
        return float(((vectors.T @ self.start)[values == 0.0] ** 2).sum())

    @property
    def floor(self) -> float:
        """The error that the ridge leaves: sum (lambda w*_i / (nu_i + lambda))^2.

        Without decay the limit for lambda to 0: what w* has where no data are.
        """
        values, vectors = self._spectrum
        total = values + self.decay
        lost = np.where(total > 0.0, self.decay / np.where(total > 0.0, total, 1.0), 1.0)
        return float(((lost * (vectors.T @ self.target)) ** 2).sum())

    def unconverged(self, time: float) -> float:
        """What is left of the start where data are, in |w(t) - w*|^2, at most.

        With g_i from w(0) to the ridge solution and b_i on to w*, in the eigenbasis of S:
        sum (g_i^2 e^(-2 (nu_i + lambda) t) + 2 |g_i b_i| e^(-(nu_i + lambda) t)), nu_i > 0.
        """
        values, vectors = self._spectrum
        target, start = vectors.T @ self.target, vectors.T @ self.start
        rest = self._kept * target
        left = np.abs(start - rest) * np.exp(-(values + self.decay) * time)
        return float((left**2 + 2.0 * left * np.abs(target - rest))[values > 0.0].sum())

    def errors(self, times: ArrayLike, *, by_integration: bool = False) -> Floats:
        """|w(t) - w*|^2, `(T,)`, by matrix exponentials or by integration.

        Raises:
            InvalidInput: times are negative or not finite; to integrate, that do not increase.
        """
        asked = np.atleast_1d(all_finite("times", number_array("times", times)))
        if asked.ndim != 1 or asked.size == 0 or asked.min() < 0.0:
            raise InvalidInput(f"times is {shortened(times)}; each must be finite and at least 0")
        matrix = self.covariance + self.decay * np.eye(len(self.start))
        pull = self.covariance @ self.target
        if by_integration:
            flow = plain_flow(
                lambda _, w: pull - matrix @ w,
                self.start,
                asked,
                method="LSODA",
                jacobian=lambda *_: -matrix,
            )
            return np.asarray(((flow.tight - self.target) ** 2).sum(axis=1))
        rest = np.linalg.lstsq(matrix, pull, rcond=None)[0]  # without decay 0 where no data are
        states = [rest + expm(-matrix * t) @ (self.start - rest) for t in asked]
        return np.asarray(((np.array(states) - self.target) ** 2).sum(axis=1))


def time_to_generalise(task: RidgeTask, level: float, latest: float) -> float:
    """When |w(t) - w*|^2 is first known to be `level`, searched from `latest` / 100 on.

    Raises:
        InvalidInput: the error is above the level, or below it, at both ends of the search; the
            level is not finite, or `latest` not positive and finite.
    """
    check_number("level", level)
    check_positive("latest", latest)
    earliest = latest / 100.0
    first, last = task.errors([earliest, latest])
    if (first > level) == (last > level):
        raise InvalidInput(
            f"level is {level}; it must lie between the errors at {earliest:g} and {latest:g}, "
            f"{first:g} and {last:g}"
        )
    found: float = brentq(
        lambda time: task.errors(time)[0] - level,
        earliest,
        latest,
        xtol=1e-12 * earliest,
        rtol=1e-13,
    )
    return found
