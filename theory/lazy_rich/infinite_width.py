"""Infinitely many neurons and samples: the whole flow in two numbers.

From isotropic weights, mean_i w_i w_i^T keeps two eigenvalues, m_par along beta and m_perp
off it, while mean_i w_i stays zero. Input dimension D, alpha and eps stay free: this is the
mean-field limit, in which features move, and not the lazy one.

Source: Kumar et al. (arXiv 2310.06110, before v3), eq. 22 and 30-35 at infinite width; the
reduction is this project's.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf, log, sqrt
from typing import Any

import numpy as np
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from theory.backend import Floats
from theory.errors import IntegrationFailed, InvalidInput
from theory.lazy_rich.quadratic_form import Decomposition
from theory.requests import check_increasing, check_positive

RTOL = 1e-11


@dataclass(frozen=True)
class InfiniteWidth:
    """A committee machine of infinite width on its population, weights N(0, I) at first.

    Attributes:
        input_dim: D, any number from 1 on.
        output_scale, curvature, signal: alpha, eps, B.
        centred: the initial predictor is subtracted.
    """

    input_dim: float
    output_scale: float = 1.0
    curvature: float = 0.5
    signal: float = 1.0
    centred: bool = True

    def __post_init__(self) -> None:
        for name in ("output_scale", "curvature", "signal"):
            check_positive(name, getattr(self, name))
        if not 1 <= self.input_dim < inf:
            raise InvalidInput(f"input_dim is {self.input_dim!r}; it must be at least 1 and finite")

    def gaps(self, along: float, across: float) -> tuple[float, float]:
        """Eigenvalues of alpha eps (M - M(0)) - beta beta^T along beta and off it."""
        bend = self.output_scale * self.curvature
        begin = 1.0 if self.centred else 0.0
        return bend * (along - begin) - self.signal * self.input_dim, bend * (across - begin)

    def velocity(self, along: float, across: float) -> tuple[float, float]:
        """(dm_par/dt, dm_perp/dt)."""
        on, off = self.gaps(along, across)
        dimension = self.input_dim
        mean = (on + (dimension - 1.0) * off) / (2.0 * dimension)
        rate = -2.0 * self.curvature / self.output_scale
        return rate * (on / dimension + mean) * along, rate * (off / dimension + mean) * across

    def loss(self, along: float, across: float) -> Decomposition:
        """The test loss; its linear part is zero."""
        on, off = self.gaps(along, across)
        others = self.input_dim - 1.0
        return Decomposition(
            scale=((on + others * off) / (2.0 * self.input_dim)) ** 2,
            alignment=(on**2 + others * off**2) / (2.0 * self.input_dim**2),
            linear=0.0,
        )

    def flow(self, times: Sequence[float], rtol: float = RTOL) -> Floats:
        """(m_par, m_perp) at times that increase from 0 or more, shape `(T, 2)`.

        Raises:
            InvalidInput: times that do not increase.
            IntegrationFailed: the integrator stopped early.
        """
        check_increasing("times", times)
        asked = np.asarray(times, dtype=float)
        states: Floats = np.exp(self._logarithms(asked[-1], rtol)(asked)).T
        return states

    def loss_time(self, share: float, latest: float, rtol: float = RTOL) -> float:
        """When the test loss has fallen to `share` of its initial value; it falls monotonically.

        Raises:
            InvalidInput: a share that is not in (0, 1], or not reached by the time `latest`.
            IntegrationFailed: the integrator stopped early.
        """
        if not 0.0 < share <= 1.0:
            raise InvalidInput(f"share is {share!r}; it must lie in (0, 1]")
        check_positive("latest", latest)
        goal = share * self.loss(1.0, 1.0).total
        logarithms = self._logarithms(latest, rtol)

        def left(time: float) -> float:
            along, across = np.exp(logarithms(time))
            return float(self.loss(along, across).total - goal)

        if left(0.0) <= 0.0:
            return 0.0
        if left(latest) > 0:
            raise InvalidInput(f"latest is {latest!r}; the loss is above {share:g} of its start")
        return float(brentq(left, 0.0, latest, xtol=1e-14 * latest, rtol=1e-13))

    @property
    def aligned_escape_time(self) -> float:
        """(alpha / 3 eps B) log((sqrt(2) - 1) B D / (alpha eps)), when half of the loss is left.

        To leading order where alpha eps << D^(-1/2) << 1: weights align before they grow.
        """
        bend = self.output_scale * self.curvature
        clock = log((sqrt(2.0) - 1.0) * self.signal * self.input_dim / bend) / 3.0
        return clock * self.output_scale / (self.curvature * self.signal)

    def _logarithms(self, until: float, rtol: float) -> Callable[[Any], Floats]:
        """Interpolant of (log m_par, log m_perp): both are positive at all times."""

        def rhs(time: float, logs: Floats) -> Floats:
            del time
            along, across = np.exp(logs)
            speeds = self.velocity(float(along), float(across))
            return np.array([speeds[0] / along, speeds[1] / across])

        solution = solve_ivp(
            rhs, (0.0, until), np.zeros(2), method="LSODA", rtol=rtol, atol=rtol, dense_output=True
        )
        if not solution.success:
            raise IntegrationFailed(f"the two moments: {solution.message}")
        interpolant: Callable[[Any], Floats] = solution.sol
        return interpolant
