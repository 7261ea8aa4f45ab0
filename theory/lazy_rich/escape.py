"""How learning from the population begins: early alignment, and the time of escape.

Gradient flow without centring acts on the weights as w_j(t) = sum_k F_jk(t) w_k(0) off beta, and as
exp(eps B t / alpha) F along it: one linear map F of all neurons, the target adds one exponential.
So the odds of the target in the span of the weights grow as exp(2 eps B t / alpha), at all times
and widths. How fast the overlaps themselves grow depends on what the norm does meanwhile.

Source: Kumar et al. (arXiv 2310.06110, before v3), eq. 39-40; the law of the odds, the constants
of the escape times and the solution for one neuron are this project's.
"""

from dataclasses import dataclass
from math import exp, inf, log, sqrt

import numpy as np
from scipy.integrate import solve_ivp
from scipy.optimize import brentq
from scipy.special import expit, exprel

from theory.backend import Floats
from theory.errors import IntegrationFailed, InvalidInput
from theory.lazy_rich.online import COARSER, Online
from theory.lazy_rich.quadratic_form import Decomposition

ESCAPE_RTOL = 1e-8


def alignment_clock(online: Online, time: float) -> float:
    """eps B t / alpha: flow time in the units in which alignment proceeds."""
    return online.curvature * online.signal * time / online.output_scale


def target_odds(gram: Floats, alignment: Floats, signal: float) -> float:
    """A^T (C - A A^T / B)^-1 A / B: rho^2 / (1 - rho^2) of beta regressed on the weights.

    Raises:
        InvalidInput: weights that are linearly dependent off beta.
    """
    rest = gram - np.outer(alignment, alignment) / signal
    if np.linalg.matrix_rank(rest, tol=1e-13 * float(np.trace(gram)), hermitian=True) < len(rest):
        raise InvalidInput("gram leaves the weights dependent off beta; they have no odds")
    return float(alignment @ np.linalg.solve(rest, alignment)) / signal


def early_operator(online: Online) -> Floats:
    """The matrix of dA/dt = operator A at A = 0 and the initial C, shape `(N, N)`, not centred."""
    alpha, eps, n = online.output_scale, online.curvature, online.width
    diagonal = 1.5 * eps * online.signal - alpha * eps**2 / (2 * n) * float(np.trace(online.gram))
    repulsion = alpha / n * (1.0 + eps**2 * online.gram)
    operator: Floats = (diagonal * np.eye(n) - repulsion) / alpha
    return operator


def early_rate(online: Online) -> float:
    """3 eps B / (2 alpha), at which overlaps with the target begin to grow.

    To leading order in alpha eps |C|, of combinations of neurons whose sum vanishes; of all where
    alpha << eps B.
    """
    return 1.5 * online.curvature * online.signal / online.output_scale


def first_rate(online: Online) -> float:
    """d log(sum_j A_j^2) / dt at t = 0, exactly; a centred predictor begins without repulsion."""
    if online.centred:
        return 2.0 * early_rate(online)
    aligned = online.alignment
    return float(2.0 * aligned @ early_operator(online) @ aligned / (aligned @ aligned))


def coherence(alignment: Floats) -> float:
    """(sum_j A_j)^2 / (N sum_j A_j^2), from 0 to 1: how much the neurons agree on the target.

    Not centred, sum_j A_j^2 first decreases at coherences above 3 eps B / (2 alpha), `early_rate`,
    to leading order in eps.

    Raises:
        InvalidInput: no neuron has an overlap.
    """
    if not np.any(alignment):
        raise InvalidInput("alignment is zero; neurons without overlaps agree on nothing")
    return float(alignment.sum() ** 2 / (len(alignment) * (alignment @ alignment)))


def threshold_error(online: Online) -> float:
    """How far below `early_rate` the exact threshold of coherence can lie; it is never above."""
    largest = float(np.linalg.eigvalsh(online.gram)[-1])
    mean = float(np.trace(online.gram)) / online.width
    return online.curvature**2 * (0.5 * mean + largest / online.width)


def aligned_escape_time(online: Online) -> float:
    """(alpha / 3 eps B) log((sqrt(2) - 1) N B^2 / (alpha eps |A(0)|^2)).

    When half of the initial loss is left, where the neurons align before they grow: alpha eps |C|
    << |A(0)| << sqrt(B |C|), and either alpha << eps B or overlaps that sum to zero. The squared
    overlap then follows a logistic course between |A(0)|^2 and N B^2 / (alpha eps). The relative
    error is of order (alpha eps |C| / |A(0)|)^(2/3).
    """
    bend = online.output_scale * online.curvature / online.width
    start = float(online.alignment @ online.alignment)
    clock = log((sqrt(2.0) - 1.0) * online.signal**2 / (bend * start)) / 3.0
    return clock * online.output_scale / (online.curvature * online.signal)


@dataclass(frozen=True)
class SingleNeuron:
    """The flow of one neuron, N = 1, not centred, solved exactly.

    In the clock tau = eps B t / alpha: the odds are omega = omega0 e^(2 tau), and x = alpha eps C/B
    obeys dx/dtau = x (g - 3 x + 2 omega / (1 + omega)) with g = 1 - 2 alpha / (eps B), a Bernoulli
    equation.

    Attributes:
        norm: C(0) = |w|^2 / D.
        overlap: A(0), not zero.
        output_scale, curvature, signal: alpha, eps, B.
    """

    norm: float
    overlap: float
    output_scale: float
    curvature: float
    signal: float

    def __post_init__(self) -> None:
        if not 0.0 < self.overlap**2 < self.signal * self.norm:
            raise InvalidInput(
                f"overlap is {self.overlap!r}; its square must lie between 0 and signal * norm = "
                f"{self.signal * self.norm!r}"
            )

    @classmethod
    def of(cls, online: Online) -> "SingleNeuron":
        """Raises `InvalidInput` for more neurons than one, or a centred predictor."""
        if online.width != 1 or online.centred:
            raise InvalidInput(
                f"width is {online.width} and centred {online.centred}; the solution is for one "
                "neuron, not centred"
            )
        norm, overlap = float(online.gram[0, 0]), float(online.alignment[0])
        return cls(norm, overlap, online.output_scale, online.curvature, online.signal)

    def odds(self, clock: float) -> float:
        """A^2 / (B C - A^2)."""
        start = self.overlap**2 / (self.signal * self.norm - self.overlap**2)
        return start * exp(2.0 * clock)

    def _log_odds(self, clock: float) -> float:
        return 2.0 * clock + log(self.odds(0.0))

    def size(self, clock: float) -> float:
        """x = alpha eps C / B."""
        growth = 1.0 - 2.0 * self.output_scale / (self.curvature * self.signal)
        bend = self.output_scale * self.curvature * self.norm / self.signal
        odds = self._log_odds(clock)
        # logarithms, as powers of e leave float64 where the neuron is lazy, 2 alpha >> eps B
        inverse = np.logaddexp.reduce(
            [
                log((1.0 + self.odds(0.0)) / bend) - growth * clock,
                log(3.0) + _log_exponential_integral(-growth, clock),
                log(3.0) + odds + _log_exponential_integral(-growth - 2.0, clock),
            ]
        )
        return float(np.exp(np.logaddexp(0.0, odds) - inverse))

    def loss(self, clock: float) -> Decomposition:
        """The test loss."""
        size, signal = self.size(clock), self.signal
        overlap = size * float(expit(self._log_odds(clock)))
        return Decomposition(
            scale=0.25 * signal**2 * (size - 1.0) ** 2,
            alignment=0.5 * signal**2 * (size**2 - 2.0 * overlap + 1.0),
            linear=self.output_scale * size * signal / self.curvature,
        )

    def escape_clock(self, share: float = 0.5, latest: float = 100.0) -> float:
        """When the alignment term of the test loss first falls to `share` of B^2 / 2.

        Raises:
            InvalidInput: not by the clock `latest`.
        """

        def left(clock: float) -> float:
            return float(self.loss(clock).alignment) - share * 0.5 * self.signal**2

        clocks = np.linspace(0.0, latest, 2001).tolist()
        later = next((k for k, clock in enumerate(clocks) if left(clock) < 0), 0)
        if later == 0:
            raise InvalidInput(f"latest is {latest!r}; the neuron does not escape on the way there")
        return float(brentq(left, clocks[later - 1], clocks[later], xtol=1e-13))


def _log_exponential_integral(rate: float, until: float) -> float:
    """The logarithm of the integral of e^(rate s) over s from 0; -inf of one until 0."""
    if until == 0.0:
        return -inf
    return max(rate * until, 0.0) + log(until * float(exprel(-abs(rate * until))))


def escape_time(
    online: Online, latest: float, share: float = 0.5, rtol: float = ESCAPE_RTOL
) -> tuple[float, float]:
    """When the alignment term of the test loss falls to `share` of B^2 / 2, and the error of that.

    B^2 / 2 is what it is at zero weights. Read off the closed equations of the order parameters; in
    the aligned regime all of the loss falls by the same share.

    Raises:
        InvalidInput: it has not escaped by the time `latest`.
        IntegrationFailed: the integrator stopped early.
    """
    fine, coarse = (_escape(online, latest, share, factor * rtol) for factor in (1.0, COARSER))
    return fine, abs(fine - coarse)


def _escape(online: Online, latest: float, share: float, rtol: float) -> float:
    goal = share * 0.5 * online.signal**2

    def left(time: float, packed: Floats) -> float:
        del time
        return float(online.loss(online.unpack(packed)).alignment) - goal

    left.terminal = True  # type: ignore[attr-defined]
    left.direction = -1.0  # type: ignore[attr-defined]
    start = online.pack(online.start())
    solution = solve_ivp(
        online.derivative,
        (0.0, latest),
        start,
        method="DOP853",
        events=left,
        rtol=rtol,
        atol=online.tolerances(rtol),
    )
    if not solution.success:
        raise IntegrationFailed(f"the order parameters: {solution.message}")
    if solution.t_events[0].size == 0:
        raise InvalidInput(f"latest is {latest!r}; the machine has not escaped by then")
    return float(solution.t_events[0][0])
