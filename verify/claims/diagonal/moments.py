"""The linear predictor of a diagonal net at moments of its flow, with numerical errors."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from theory.backend import Floats
from theory.flow import FlowState, diagonal_flow, gradient_flow
from theory.flow.gradient import LOOSER
from theory.kernel.lazy import initial_log_gain, tolerances
from theory.problem import Problem, Regime
from verify.instances import FlowInstance
from verify.language import Quantity


@dataclass(frozen=True, eq=False)
class Predictor:
    """w = u^L - v^L at one time, by one integration.

    Attributes:
        weights: w, `(d,)`.
        margins, log_multipliers: q and log mu, `(n,)`.
        state: of all parameters, where the flow was integrated in them.
    """

    problem: Problem
    weights: Floats
    margins: Floats
    log_multipliers: Floats
    state: FlowState | None = None

    @cached_property
    def multipliers(self) -> Floats:
        """mu, `(n,)`."""
        with np.errstate(over="ignore"):
            return np.asarray(np.exp(self.log_multipliers))

    @cached_property
    def pull(self) -> Floats:
        """g = Z^T mu, `(d,)`."""
        return np.asarray((self.problem.labels * self.multipliers) @ self.problem.inputs)

    @cached_property
    def mean_margin(self) -> float:
        """Weighed by the multipliers."""
        return float(self.multipliers @ self.margins / self.multipliers.sum())


Reading = Callable[[Predictor], ArrayLike]
Route = Callable[[Problem, Regime, Sequence[float], float], list[Predictor]]
"""Predictors at times in units of log(alpha) / lambda, to a relative tolerance."""


def by_dual_variables(
    problem: Problem, regime: Regime, at: Sequence[float], rtol: float
) -> list[Predictor]:
    """By n variables, for any dimension and alpha."""
    flow = diagonal_flow(problem, regime, at, rtol=rtol, estimate_error=False)
    rows = zip(flow.weights, flow.margins, flow.log_multipliers, strict=True)
    return [Predictor(problem, *row) for row in rows]


def by_all_parameters(
    problem: Problem,
    regime: Regime,
    at: Sequence[float],
    rtol: float,
    method: str | None = None,
) -> list[Predictor]:
    """By the flow of u and v."""
    flow = gradient_flow(problem, regime, at, rtol=rtol, method=method, estimate_error=False)
    weights = flow.outputs(np.eye(problem.inputs.shape[1]))  # f(e_j) = w_j
    rows = zip(weights, flow.states, strict=True)
    return [Predictor(problem, w, s.margins, s.log_multipliers, s) for w, s in rows]


@dataclass(frozen=True, eq=False)
class Moment:
    """The predictor at one alpha and time, by two tolerances.

    Attributes:
        rung: the instance at this alpha.
        at: in units of its t_g.
        floor: relative, what the tighter tolerance resolves at all.
    """

    rung: FlowInstance
    at: float
    tight: Predictor
    loose: Predictor
    floor: float

    @property
    def own(self) -> Regime:
        """alpha and lambda as the problem counts them."""
        return self.rung.own

    @property
    def of_multipliers(self) -> float:
        """What multipliers are known to, relative: the absolute error of margins."""
        return self.floor * max(1.0, float(np.abs(self.tight.margins).max()))

    def read(self, reading: Reading, finest: float = 0.0) -> Quantity:
        """A reading with its error, which is told as `finest` at least."""
        return Quantity.paired(reading, self.tight, self.loose, self.floor).no_finer(finest)


def moments(
    rung: FlowInstance, at: Sequence[float], rtol: float, route: Route, *, decay: float = 1.0
) -> tuple[Moment, ...]:
    """The flow at several times in units of the problem's t_g.

    Args:
        decay: the flow, not what is said of it, is at so many times its lambda: a wrong world.
    """
    problem, regime = rung.problem, rung.regime.with_decay(decay)
    resolved, told = tolerances(initial_log_gain(problem, regime), rtol)[0], [*map(rung.told, at)]
    runs = (route(problem, regime, told, k * resolved) for k in (1.0, LOOSER))
    rows = zip(at, *runs, strict=True)
    return tuple(Moment(rung, t, tight, loose, resolved) for t, tight, loose in rows)
