"""Gradient flow of a homogeneous net without decay, on the clock s = log log(1/loss).

With x = log(1/loss), loss = sum_i e^(-q_i) over margins, several of a sample of several classes,
degree D, phi = theta x^(-1/D), p_i = e^(-q_i) / loss and g = sum_i p_i grad q_i(phi) the flow
theta' = -grad loss becomes

    dphi/ds = g / |g|^2 - phi / D,

and c = t loss x^(2-2/D), with the time t that it takes, obeys

    dc/ds = x (1 / |g|^2 - c) + (2 - 2/D) c,

so that x = 10^5, t = e^(10^5), costs little more than x = 10. With nu = sum_i p_i q_i the smoothed
margin x / |theta|^D = |phi|^(-D) rises at

    d log(x / |theta|^D) / ds = |g_tan|^2 / |g|^2 + D^2 (nu/x) (nu/x - 1) / (|phi|^2 |g|^2),

both terms of which are positive. It is the identity behind Lemma 5.1 of Lyu and Li (ICLR 2020),
which keeps the first term, times x / nu, as a lower bound.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import softmax

from theory.backend import Floats
from theory.errors import InvalidInput
from theory.flow.undecayed import log_total_loss
from theory.plain_flow import PlainFlow, plain_flow
from theory.problem import Problem

INTEGRALS: Final = 3
"""Of the terms of the margin's rise, which are carried along as states."""


@dataclass(frozen=True, eq=False)
class LateHomogeneousFlow:
    """States of two tolerances at `log(1/loss) = rises`, `(T,)`.

    A row of states is phi `(P,)`, c, and integrals over s of |g_tan|^2 / |g|^2, of the same times
    x / nu, and of the second term of the margin's rise.
    """

    problem: Problem
    rises: Floats
    flow: PlainFlow

    def direction(self, states: Floats) -> Floats:
        """phi, `(T, P)`."""
        return np.asarray(states[:, : -1 - INTEGRALS])

    def log_margin(self, states: Floats) -> Floats:
        """log(x / |theta|^D), `(T,)`."""
        size = np.linalg.norm(self.direction(states), axis=1)
        return np.asarray(-self.problem.degree * np.log(size))

    def terms(self, states: Floats) -> Floats:
        """The three integrals, `(T, 3)`."""
        return np.asarray(states[:, -INTEGRALS:])

    def time_loss(self, states: Floats) -> Floats:
        """c = t loss x^(2-2/D), `(T,)`."""
        return np.asarray(states[:, -1 - INTEGRALS])

    def readings(self, states: Floats) -> Floats:
        """nu / x, the cosine of theta and -grad loss, and its sine, `(3, T)`."""
        rows = zip(self.rises, self.direction(states), strict=True)
        found = [_pull(self.problem, x, phi) for x, phi in rows]
        return np.array([(pull.mean, pull.cosine, pull.sine) for pull in found]).T


@dataclass(frozen=True, eq=False)
class _Pull:
    """g `(P,)` and nu / x at one phi."""

    phi: Floats
    rows: Floats
    shares: Floats
    vector: Floats
    mean: float

    @property
    def square(self) -> float:
        return float(self.vector @ self.vector)

    @property
    def tangential(self) -> Floats:
        along = (self.phi @ self.vector) / (self.phi @ self.phi)
        return np.asarray(self.vector - along * self.phi)

    @property
    def sine(self) -> float:
        return float(np.linalg.norm(self.tangential) / np.sqrt(self.square))

    @property
    def cosine(self) -> float:
        size = np.sqrt((self.phi @ self.phi) * self.square)
        return float(self.phi @ self.vector / size)


def _pull(problem: Problem, rise: float, phi: Floats) -> _Pull:
    margins = problem.row_labels * problem.row_net.outputs(phi, problem.inputs)
    rows = problem.row_labels[:, None] * problem.row_net.jacobian(phi, problem.inputs)
    shares = softmax(-rise * margins)
    return _Pull(phi, rows, shares, shares @ rows, float(shares @ margins))


def late_homogeneous_flow(
    problem: Problem,
    rises: ArrayLike,
    *,
    rates: ArrayLike = 1.0,
    rtol: float = 1e-11,
    method: str = "LSODA",
) -> LateHomogeneousFlow:
    """From the anchor, whose loss must be below 1, to each of the increasing log(1/loss).

    Args:
        rates: learning rates of the parameters, `(P,)`, for worlds where they differ.

    Raises:
        InvalidInput: another loss than the exponential, or a loss of 1 or more at the anchor.
        IntegrationFailed: see `plain_flow`.
    """
    if problem.loss != "exponential":
        raise InvalidInput(f"loss is {problem.loss!r}; the identity is that of 'exponential'")
    start = -log_total_loss(problem, problem.anchor)
    if start <= 0.0:
        raise InvalidInput(f"log(1/loss) is {start:.3g} at the anchor; it must be positive")
    degree = problem.degree
    power = 2.0 - 2.0 / degree
    speeds = np.broadcast_to(np.asarray(rates, dtype=np.float64), np.shape(problem.anchor))
    parameters = len(speeds)

    def field(s: float, state: Floats) -> Floats:
        rise = np.exp(s)
        pull = _pull(problem, rise, state[:parameters])
        # the clock is log(1/loss) at any learning rates
        pace = float(pull.vector @ (speeds * pull.vector))
        velocity = speeds * pull.vector / pace
        tangential = pull.sine**2
        size = pull.square * float(pull.phi @ pull.phi)
        second = degree**2 * pull.mean * (pull.mean - 1.0) / size
        work = state[parameters]
        return np.concatenate(
            [
                velocity - pull.phi / degree,
                [rise * (1.0 / pace - work) + power * work],
                [tangential, tangential / pull.mean, second],
            ]
        )

    def jacobian(s: float, state: Floats) -> Floats:
        rise = np.exp(s)
        phi = state[:parameters]
        pull = _pull(problem, rise, phi)
        weights = pull.shares * problem.row_labels
        bend = problem.row_net.weighted_hessian(phi, problem.inputs, weights)
        spread = (pull.rows.T * pull.shares) @ pull.rows - np.outer(pull.vector, pull.vector)
        bend = np.asarray(bend) - rise * spread
        moved = speeds * pull.vector
        pace = float(pull.vector @ moved)
        unit = moved / pace
        found = np.zeros((parameters + 1 + INTEGRALS,) * 2)
        # integrals enter nothing, and what they depend on converges without them
        inner = speeds[:, None] * bend / pace - 2.0 * np.outer(unit, unit @ bend)
        found[:parameters, :parameters] = inner - np.eye(parameters) / degree
        found[parameters, :parameters] = -2.0 * rise / pace * (unit @ bend)
        found[parameters, parameters] = power - rise
        return found

    first = np.concatenate([problem.anchor * start ** (-1.0 / degree), np.zeros(1 + INTEGRALS)])
    grid = np.atleast_1d(np.asarray(rises, dtype=np.float64))
    found = plain_flow(
        field,
        first,
        np.log(grid),
        rtol=rtol,
        method=method,
        begin=float(np.log(start)),
        jacobian=jacobian if method != "DOP853" else None,
    )
    return LateHomogeneousFlow(problem, grid, found)
