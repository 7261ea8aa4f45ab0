"""Diagonal nets over [t_g, (1+c) t_g], and on larger alphas for degree 2."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial
from math import e, exp, hypot, log, sqrt
from typing import Final

import numpy as np

from theory.asymptotics.late_phase import stationarity_bound
from theory.backend import Floats
from theory.kernel.quasi_static import entropies
from theory.problem import Problem
from verify.claims.diagonal.margins import OF_DIAGONAL_NETS, Norm, Optima, optima_of, softness
from verify.claims.diagonal.mean_pull import times
from verify.claims.diagonal.moments import (
    Moment,
    Predictor,
    Route,
    by_all_parameters,
    moments,
)
from verify.claims.early_late.windows import RESTING, quarters
from verify.instances import FlowInstance
from verify.language import Measurement
from verify.strategies.wide_diagonal import late_instances

POINTS: Final = 17
LADDER_STEPS: Final = (1.0, 4.0, 16.0, 64.0)
"""Rungs in log alpha of the L1 margin, relative to the instance's own."""

RTOL: Final = 1e-10


class Time(Enum):
    """When a theory says that the predictor is read."""

    AFTER = "(1+c) t_g"
    HALF = "(1+c) log(alpha) / (2 lambda)"
    INVERSE_DECAY = "(1+c) log(1/lambda) / lambda"
    BEFORE = "(1-c) t_g"

    def at(self, c: float, decay_power: float) -> float:
        """In units of t_g; for p > 1 the time of inverse decay comes later, where all is true."""
        times = {
            Time.AFTER: 1.0 + c,
            Time.HALF: 0.5 * (1.0 + c),
            Time.INVERSE_DECAY: min(decay_power, 1.0) * (1.0 + c),
            Time.BEFORE: 1.0 - c,
        }
        return times[self]


@dataclass(frozen=True, eq=False)
class LatePhase:
    """The predictor after t_g, with the optima of both programmes.

    Attributes:
        windows: over [t_g, (1+c) t_g]; of degree 2 along a ladder of alphas.
        proposed: the moments of all theories, on the first rung.
    """

    instance: FlowInstance
    optima: Optima
    windows: tuple[tuple[Moment, ...], ...]
    proposed: dict[Time, Moment]

    @property
    def rungs(self) -> tuple[Moment, ...]:
        """At (1+c) t_g."""
        return tuple(window[-1] for window in self.windows)

    @property
    def problem(self) -> Problem:
        return self.instance.problem

    @property
    def degree(self) -> float:
        return self.problem.degree

    @property
    def gamma(self) -> float:
        """gamma_1."""
        return self.optima[Norm.L1].margin

    def at(self, time: Time) -> tuple[Moment, ...]:
        """The rungs, or the one moment that a rival takes for late."""
        return self.rungs if time is Time.AFTER else (self.proposed[time],)

    def scales(self, time: Time) -> Floats:
        """log10 alpha of each."""
        return np.array([moment.own.log10_alpha for moment in self.at(time)])

    def parts(self, time: Time) -> tuple[Sequence[Moment], ...]:
        """Quarters of the window, or the one moment that a rival takes for late."""
        return quarters(self.windows[0]) if time is Time.AFTER else ((self.proposed[time],),)

    def spread(self, moment: Moment) -> float:
        """Bound on the difference between mean and least margin, any time of any flow."""
        least = float(moment.tight.margins.min())
        return log(self.problem.samples) + softness(self.problem, least)

    def deficit_bound(self, moment: Moment) -> float:
        """log n / log(2 gamma_1 / lambda), derived where the flow rests (L = 2).

        There (1/n) sum l + (lambda / 2) |w|_1 is stationary: |Z^T mu|_inf = 1/2 and
        |w|_1 = 2 A mean q with A = sum mu <= 1 / (2 gamma_1), and mean q - min q <= log n.
        """
        spread, depth = self.spread(moment), log(2.0 * self.gamma) - moment.rung.regime.log_lambda
        return spread / depth if depth > spread else 1.0

    def slow_modes(self, moment: Moment) -> float:
        """1 / (e c log alpha): the flow at (1+c) t_g does not rest yet (L = 2).

        A weight with |g_j| < 1/2 decays at rate 2 kappa = 2 (1 - 2 |g_j|) in s; one such mode adds
        at most sup over kappa of kappa e^(-2 kappa T) = 1 / (2 e T), T = c log alpha, to residual
        and deficit; the bound leaves twice that.
        """
        return 1.0 / (e * self.instance.c * moment.own.log_alpha)

    def residual_bounds(self) -> list[float]:
        """Bounds on the smallest KKT residual in w over each quarter of the window, for L > 2.

        For m^L = u^L - v^L with v < u, psi(x) = x - L g x^(L-1) obeys
        |psi(m)| <= (m/u) |u'| + (v/u) |v'|, since 1 - (m/u)^(L-2) <= (v/u)^L, and
        (m/u)^2 + (v/u)^2 <= 2^(1 - 2/L). So the residual in w is at most
        2^(1/2 - 1/L) |theta| / (sum |w|^(2/L))^(1/2) times the stationarity of the flow, which is
        bounded by the energy that the flow loses; below `RESTING` that tells nothing.
        """
        mixed = 2.0 ** (0.5 - 1.0 / self.degree)
        found = []
        for part in quarters(self.windows[0]):
            states = [moment.tight.state for moment in part if moment.tight.state is not None]
            shares = [float(shares_of(moment.tight, self.degree).sum()) for moment in part]
            ratios = [exp(s.log_norm) / sqrt(w) for s, w in zip(states, shares, strict=True)]
            found.append(mixed * max(ratios) * hypot(stationarity_bound(states), RESTING))
        return found

    @property
    def strictness(self) -> float:
        """Of complementarity in the L1 programme, over samples and coordinates; 0 where some
        multiplier vanishes with its slack, or some weight with the room that its pull has."""
        optimum, problem = self.optima[Norm.L1], self.problem
        signed = problem.labels[:, None] * problem.inputs
        slack = signed @ optimum.weights / optimum.margin - 1.0
        samples = np.maximum(optimum.dual / optimum.dual.max(), slack)
        room = 1.0 - np.abs(optimum.dual @ signed) / optimum.margin
        sizes = np.abs(optimum.weights)
        return float(min(samples.min(), np.maximum(sizes / sizes.max(), room).min()))

    @property
    def dual_entropies(self) -> tuple[float, float]:
        """H and H_min of the multipliers of the L1 programme."""
        return entropies(np.log(np.maximum(self.optima[Norm.L1].dual, 1e-300)))

    def mean_margin(self, moment: Moment) -> float:
        """log(2 gamma_1 / (n lambda)) + H: mean q at rest, where A = 1 / (2 gamma_1) (L = 2)."""
        depth = log(2.0 * self.gamma / self.problem.samples) - moment.rung.regime.log_lambda
        return depth + self.dual_entropies[0]


def shares_of(w: Predictor, degree: float) -> Floats:
    """|w_j|^(2/L), the coordinates' shares of |theta|^2."""
    return np.asarray(np.abs(w.weights) ** (2.0 / degree))


def measure(
    instance: FlowInstance, *, route: Route = by_all_parameters, decay: float = 1.0
) -> LatePhase:
    """Integrate.

    Args:
        decay: the flow, not what is said of it, is at so many times its lambda: a wrong world.
    """
    problem, own, c = instance.problem, instance.own, instance.c
    optima = optima_of(problem)
    convex = problem.degree == 2
    over = times(c) if convex else np.linspace(1.0, 1.0 + c, POINTS).tolist()
    proposed = [time.at(c, own.decay_power) for time in Time]
    read = partial(_moments, route=route, decay=decay)
    found = read(instance, [*over, *proposed])
    steps = LADDER_STEPS[1:] if convex else ()
    further = [read(instance.at_own_alpha(step * own.log10_alpha), over) for step in steps]
    return LatePhase(
        instance,
        optima,
        (found[: len(over)], *further),
        dict(zip(Time, found[len(over) :], strict=True)),
    )


def _moments(
    rung: FlowInstance, at: Sequence[float], *, route: Route, decay: float
) -> tuple[Moment, ...]:
    """At another lambda than is said, multipliers are still read as those of the instance."""
    found = moments(rung, at, RTOL, route, decay=decay)
    if decay == 1.0:
        return found

    def read(w: Predictor) -> Predictor:
        return replace(w, log_multipliers=w.log_multipliers + log(decay))

    return tuple(replace(m, tight=read(m.tight), loose=read(m.loose)) for m in found)


DIAGONAL_LATE = Measurement(
    id="diagonal-late",
    kind=FlowInstance,
    families=("diagonal",),
    instances=lambda _, sizes: late_instances(sizes),
    measure=measure,
    assumptions=OF_DIAGONAL_NETS,
    sabotaged={"a flow at 1.1 lambda": partial(measure, decay=1.1)},
    independent=partial(measure, route=partial(by_all_parameters, method="BDF")),
)
