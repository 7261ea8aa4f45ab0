"""Optimality conditions of min |theta|^2 subject to f(theta; x_i) = y_i.

Multipliers have either sign; the residual is what the gradients leave of theta, |(I - P_J) theta|.
On interpolators the flow of the squared loss is theta' = -(I - P_J) theta (in decay time, up to
O(n lambda)), so E = |theta|^2 / 2 obeys dE/ds = -|dtheta/ds|^2 and, over any window [s1, s2],

    min |(I - P_J) theta|^2 / |theta|^2 <= (E(s1) - E(s2)) / ((s2 - s1) min |theta|^2).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log, sqrt

import numpy as np
from numpy.typing import ArrayLike

from theory.backend import Floats
from theory.errors import InvalidInput
from theory.flow.state import FlowState
from theory.kernel.ntk import RANK_TOLERANCE
from theory.margin.kkt import nonnegative_least_squares, unit_point
from theory.problem import Problem
from theory.units import lengths_of, power_of_two, scaled


@dataclass(frozen=True, eq=False)
class MinNormResidual:
    """First-order optimality at theta.

    Attributes:
        stationarity: min over m of |theta - sum m_i grad f_i| / |theta|, in [0, 1].
        feasibility: max |f_i - y_i| / max |y_i|.
        multipliers: the least-squares m, shape `(n,)`, for theta as given.
        one_sided: the same minimum over multipliers with y_i m_i >= 0, as of the max-margin
            programme y_i f_i >= y_i^2; at least `stationarity`.
    """

    stationarity: float
    feasibility: float
    multipliers: Floats
    one_sided: float


def min_norm_residual(problem: Problem, theta: ArrayLike) -> MinNormResidual:
    """KKT residual of a parameter vector `(P,)` for the minimum-norm interpolation of the targets.

    Raises:
        InvalidInput: a classification loss; theta is zero, not finite, of the wrong length, or so
            large that gradients leave float64.
    """
    if problem.loss_function.classifies:
        raise InvalidInput(f"loss is {problem.loss!r}; minimum-norm interpolation is for 'squared'")
    point, theta = unit_point(problem, theta), np.asarray(theta, dtype=np.float64)
    with np.errstate(all="ignore"):
        gradients = problem.net.jacobian(theta, problem.inputs)
        misfit = problem.net.outputs(theta, problem.inputs) - problem.labels
    if not np.all(np.isfinite(gradients)):
        raise InvalidInput(
            f"theta has entries up to {np.abs(theta).max():.1e}; its gradients leave float64"
        )
    lengths, size = lengths_of(gradients), power_of_two(theta)
    unit = gradients / lengths[:, None]
    shares = np.linalg.lstsq(unit.T, point, rcond=RANK_TOLERANCE)[0]
    signed = np.sign(problem.labels)[:, None] * unit
    one_sided = nonnegative_least_squares(signed.T, point) @ signed
    norm = float(np.linalg.norm(scaled(theta, -size)))
    largest = max(float(np.abs(problem.labels).max()), np.finfo(float).tiny)
    return MinNormResidual(
        stationarity=float(np.linalg.norm(point - shares @ unit)),
        feasibility=float(np.abs(misfit).max()) / largest,
        multipliers=scaled(norm * shares / lengths, size),
        one_sided=float(np.linalg.norm(point - one_sided)),
    )


def energy_bound(states: Sequence[FlowState]) -> float:
    """Bound on the smallest stationarity over a window of states, in order of time.

    Exact for the energy |theta|^2 / 2 + |f - y|^2 / (2 n lambda). The minimum of |theta| is
    over the given states.
    """
    first, last = states[0], states[-1]
    smallest = 2.0 * min(state.log_norm for state in states)
    drop = interpolation_energy(first, smallest) - interpolation_energy(last, smallest)
    return sqrt(max(drop, 0.0) / (last.decay_time - first.decay_time))


def interpolation_energy(state: FlowState, log_unit: float = 0.0) -> float:
    """|theta|^2 / 2 + |y - f|^2 / (2 n lambda), in units of e^log_unit.

    On the slow manifold y - f = n lambda m (`theory.flow.manifold`) with the least-squares
    multipliers m, so that this is the flow's energy without the cancellation in f - y. Off it some
    mode may be slower than theta is, and its misfit is not n lambda m.
    """
    problem, regime = state.problem, state.chart.regime
    log_softness = log(problem.samples) + regime.log_lambda
    square = exp(2.0 * state.log_norm - log_unit)
    if state.slow:
        softness = exp(log_softness - log_unit)
        multipliers = min_norm_residual(problem, state.theta).multipliers
        return 0.5 * square + 0.5 * softness * float(multipliers @ multipliers)
    misfit = problem.labels - state.outputs(problem.inputs)
    return 0.5 * square + 0.5 * exp(-log_softness - log_unit) * float(misfit @ misfit)
