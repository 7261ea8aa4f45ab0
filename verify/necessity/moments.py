"""A flow at some times, exact where the theory's charts apply, in plain coordinates elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import exp, log

import numpy as np
from scipy.optimize import brentq

from theory.assumptions import check_separability, check_zero_output
from theory.backend import Floats
from theory.errors import AssumptionError, IntegratorsDisagree, NumericalFailure
from theory.flow import gradient_flow
from theory.flow.reference import plain_flow
from theory.margin.kkt import complementarity, nonnegative_least_squares
from theory.problem import Problem
from verify.instances import FlowInstance, WithBias

RTOL = 1e-8
MAX_EVALUATIONS = 6_000
"""Flows here need one to four thousand; one that sticks, as on a kink, is not worth waiting for."""

MAX_ERROR = 1e-4
"""Conclusions are judged at the level of percents."""


@dataclass(frozen=True, eq=False)
class Moment:
    """theta at one time, as direction and size, with the outputs there.

    Attributes:
        at: time in units of t_g.
        direction: theta / |theta|, shape `(P,)`.
        margins: shape `(n,)`.
        probed: outputs on the training inputs, then on the probes, shape `(n + m,)`.
        energy: |theta|^2 / 2 + sum l / (n lambda), which the flow decreases.
    """

    problem: Problem
    at: float
    decay_time: float
    log_norm: float
    direction: Floats
    margins: Floats
    probed: Floats
    energy: float

    @property
    def anchor_sine(self) -> float:
        """Of the angle between theta and the anchor."""
        anchor = self.problem.anchor / self.problem.anchor_norm
        return float(np.linalg.norm(self.direction - (self.direction @ anchor) * anchor))

    @property
    def anchor_cosine(self) -> float:
        return float(self.direction @ self.problem.anchor) / self.problem.anchor_norm

    @cached_property
    def stationarity(self) -> float:
        """min over m >= 0 of |theta - sum m_i y_i grad f_i| / |theta|, at smallest margin one.

        Where a net is homogeneous the scale does not matter.
        """
        point = self.direction * self._feasible_scale
        gradients = self.problem.net.jacobian(point, self.problem.inputs)
        signed = self.problem.labels[:, None] * gradients
        multipliers = nonnegative_least_squares(signed.T, point)
        return float(np.linalg.norm(point - multipliers @ signed) / np.linalg.norm(point))

    @property
    def _feasible_scale(self) -> float:
        """|theta| at which the smallest margin is one; 1 where any other would do as well."""
        problem = self.problem
        if not isinstance(problem.net, WithBias):
            return 1.0

        def excess(log_scale: float) -> float:
            outputs = problem.net.outputs(exp(log_scale) * self.direction, problem.inputs)
            return float((problem.labels * outputs).min()) - 1.0

        low = self.log_norm - 40.0
        if excess(self.log_norm) <= 0 or excess(low) >= 0:
            return exp(self.log_norm)
        return exp(brentq(excess, low, self.log_norm))

    @property
    def mean_margin(self) -> float:
        """Weighted by the flow's own multipliers."""
        return float(self._weights @ self.margins)

    @property
    def complementarity(self) -> float:
        """1 - q_min / mean q, the mean weighted by the flow's own multipliers."""
        return complementarity(self.margins, self._weights)

    @property
    def _weights(self) -> Floats:
        logistic = self.problem.loss == "logistic"
        logs = -np.logaddexp(self.margins, 0.0) if logistic else -self.margins
        weights = np.exp(logs - logs.max())
        return np.asarray(weights / weights.sum())


def moments(
    instance: FlowInstance, at: Sequence[float], probes: Floats, *, drawn: bool = False
) -> list[Moment]:
    """The flow at times in units of t_g, with its outputs on probes `(m, d)`.

    Args:
        drawn: for a picture; the numerical error is not estimated.

    Raises:
        NumericalFailure: the flow did not finish, or its error is too large to judge by.
    """
    inputs = np.concatenate([instance.problem.inputs, probes])
    if _charted(instance.problem):
        return _exact(instance, at, inputs, drawn)
    return _plain(instance, at, inputs)


def _charted(problem: Problem) -> bool:
    """Whether the co-moving chart applies: a homogeneous net with zero output at the anchor.

    Where the data are not separable its forces do not decay, and their sum is lost to rounding.
    """
    if isinstance(problem.net, WithBias):
        return False
    try:
        check_zero_output(problem)
        check_separability(problem)
    except AssumptionError:
        return False
    return True


def _exact(
    instance: FlowInstance, at: Sequence[float], inputs: Floats, drawn: bool
) -> list[Moment]:
    flow = gradient_flow(
        instance.problem,
        instance.regime,
        at=list(at),
        rtol=RTOL,
        estimate_error=not drawn,
        max_evaluations=MAX_EVALUATIONS,
    )
    if not drawn and not float(np.max(flow.error_estimate)) <= MAX_ERROR:
        raise IntegratorsDisagree(f"two tolerances differ by {np.max(flow.error_estimate):.1e}")
    return [
        Moment(
            instance.problem,
            state.at,
            state.decay_time,
            state.log_norm,
            state.direction,
            state.margins,
            state.outputs(inputs),
            _energy(instance, state.log_norm, state.margins),
        )
        for state in flow.states
    ]


def _plain(instance: FlowInstance, at: Sequence[float], inputs: Floats) -> list[Moment]:
    problem, regime = instance.problem, instance.regime
    flow = plain_flow(problem, regime, list(at), rtol=RTOL, max_evaluations=MAX_EVALUATIONS)
    found = []
    for time, theta in zip(at, flow, strict=True):
        norm = float(np.linalg.norm(theta))
        if not 0.0 < norm < np.inf:
            raise NumericalFailure(f"theta has norm {norm} at {time} t_g")
        outputs = problem.net.outputs(theta, inputs)
        margins = problem.labels * outputs[: problem.samples]
        found.append(
            Moment(
                problem,
                time,
                time * regime.log_alpha,
                log(norm),
                theta / norm,
                margins,
                outputs,
                _energy(instance, log(norm), margins),
            )
        )
    return found


def _energy(instance: FlowInstance, log_norm: float, margins: Floats) -> float:
    """Infinite where the anchor's norm exceeds float64."""
    problem = instance.problem
    resting = -instance.regime.log_lambda - log(problem.samples)
    losses = problem.loss_function.log_value(problem.labels * margins, problem.labels)
    with np.errstate(over="ignore"):
        return float(0.5 * np.exp(2.0 * log_norm) + np.exp(losses + resting).sum())
