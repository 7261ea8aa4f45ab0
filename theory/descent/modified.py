"""What one step size costs: the leading error of gradient descent, from the flow alone.

By backward error analysis (Hairer, Lubich and Wanner, Geometric Numerical Integration, chapter IX;
for gradient descent Barrett and Dherin, ICLR 2021) descent with step h follows the gradient flow of
E + (h/4) |grad E|^2 up to O(h^2), E being the mean loss plus lambda |theta|^2 / 2. Hence

    theta_h(t) = theta(t) + h v(t) + h^2 w(t) + O(h^3),     v' = -H v - H g / 2,  v(0) = 0,

with the gradient g and the Hessian H of E along the flow. The next term of the modified equation,
h^2 (f'f'f / 3 + f''(f, f) / 12) for f = -g, gives

    w' = -H (w + H v / 2 + H g / 3) + f''(a, a) / 2 - f''(g, g) / 24,     a = v + g / 2,  w(0) = 0.
"""

from dataclasses import dataclass
from math import exp, log
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike
from scipy.integrate import solve_ivp

from theory.backend import Floats
from theory.errors import IntegrationFailed, InvalidInput
from theory.problem import Problem, Regime, _frozen_array

RTOL = 1e-10
CURVATURE_RTOL = 1e-6
"""Of w, whose third derivatives are differences."""

MAX_STIFFNESS = 1e5
"""Steps of an explicit integrator that are still affordable; the flow here is in plain theta."""

BESIDE = 1e-3
"""Of |theta|: how far to either side gradients are taken for f''; off by its square, as w is."""

SHARPNESS_TIMES = 64
"""At so many of the steps that the integrator took is the sharpness looked at."""


@dataclass(frozen=True, eq=False)
class StepError:
    """The flow and its corrections at T times; theta_h = theta + h v + h^2 w, h in units of time.

    Attributes:
        theta: the flow, shape `(T, P)`.
        slope, curvature: v and w, shape `(T, P)`.
        sharpness: the largest size of an eigenvalue of the Hessian of E up to the last time, in
            units of 1/time.
    """

    theta: Floats
    slope: Floats
    curvature: Floats
    sharpness: float


def sharpness_at_start(problem: Problem, regime: Regime) -> float:
    """A bound on the largest eigenvalue of the Hessian of E at theta(0), in units of 1/time."""
    scale, anchor, inputs = exp(regime.log_alpha), problem.anchor, problem.inputs
    theta = scale * anchor
    net, labels = problem.row_net, problem.row_labels
    jacobian = net.jacobian(theta, inputs)
    outputs = np.zeros(problem.rows)
    loss = problem.loss_function
    log_share = -log(problem.samples)
    force = loss.force(log_share, outputs, labels)
    gauss_newton = jacobian.T @ loss.curved(log_share, outputs, labels, jacobian)
    rest = net.weighted_hessian(theta, inputs, force)
    return (
        exp(regime.log_lambda)
        + float(np.linalg.norm(gauss_newton, 2))
        + float(np.linalg.norm(rest, 2))
    )


def step_error(problem: Problem, regime: Regime, at: ArrayLike) -> StepError:
    """Integrate theta, v and w together, in plain coordinates; for moderate alpha.

    Args:
        at: increasing times in units of t_g, shape `(T,)`.

    Raises:
        InvalidInput: times that are negative or do not increase.
        IntegrationFailed: too stiff for an explicit method (sharpness * time above 1e5), or the
            integrator gave up.
    """
    times = _frozen_array("at", at, 1)
    if times[0] < 0 or np.any(np.diff(times) <= 0):
        raise InvalidInput(f"at is {times.tolist()}; it must be increasing times >= 0")
    energy = _Energy(problem, exp(regime.log_lambda))
    end = float(times[-1]) * regime.log_alpha / energy.decay
    at_start = sharpness_at_start(problem, regime)
    if at_start * end > MAX_STIFFNESS:
        raise IntegrationFailed(
            f"sharpness times time is {at_start * end:.1e}; the leading error of gradient descent "
            f"is integrated explicitly up to {MAX_STIFFNESS:g}, at smaller alpha"
        )
    size = problem.parameters
    start = np.concatenate([exp(regime.log_alpha) * problem.anchor, np.zeros(2 * size)])
    scale = float(np.linalg.norm(start))
    fine, coarse = np.full(2 * size, RTOL), np.full(size, CURVATURE_RTOL)
    solution = solve_ivp(
        lambda _, state: energy.rates(*state.reshape(3, size)),
        (0.0, end),
        start,
        method="DOP853",
        dense_output=True,
        rtol=np.concatenate([fine, coarse]),
        atol=scale * np.concatenate([fine, coarse * at_start**2]),
    )
    if not solution.success:
        raise IntegrationFailed(f"the leading error of gradient descent: {solution.message}")
    theta, slope, curvature = (
        solution.sol(times * regime.log_alpha / energy.decay).T.reshape(-1, 3, size).swapaxes(0, 1)
    )
    seen = solution.y[:size, :: -(-solution.t.size // SHARPNESS_TIMES)].T
    return StepError(theta, slope, curvature, max(map(energy.sharpness, (*seen, *theta))))


_Pulls: TypeAlias = tuple[Floats, Floats, Floats]
"""Forces on outputs, gradients of outputs, outputs."""


@dataclass(frozen=True, eq=False)
class _Energy:
    """E = mean loss + decay |theta|^2 / 2, with its derivatives."""

    problem: Problem
    decay: float

    def gradient(self, theta: Floats) -> Floats:
        """g, `(P,)`."""
        return self._gradient(theta, self._pulls(theta))

    def hessian(self, theta: Floats) -> Floats:
        """H, `(P, P)`."""
        return self._hessian(theta, self._pulls(theta))

    def sharpness(self, theta: Floats) -> float:
        """The largest size of an eigenvalue of H."""
        return float(np.abs(np.linalg.eigvalsh(self.hessian(theta))).max())

    def rates(self, theta: Floats, slope: Floats, curvature: Floats) -> Floats:
        """Of theta, v and w, `(3 P,)`."""
        pulls = self._pulls(theta)
        hessian, gradient = self._hessian(theta, pulls), self._gradient(theta, pulls)
        turned = hessian @ gradient
        further = curvature + 0.5 * hessian @ slope + turned / 3.0
        bent = self._bent(theta, gradient, slope + 0.5 * gradient) / 2.0
        bent -= self._bent(theta, gradient, gradient) / 24.0
        along = hessian @ np.column_stack([slope, further])
        return np.concatenate([-gradient, -along[:, 0] - 0.5 * turned, -along[:, 1] + bent])

    def _bent(self, theta: Floats, gradient: Floats, along: Floats) -> Floats:
        """f''(along, along) for f = -g, by differences."""
        size = float(np.linalg.norm(along))
        if size == 0.0:
            return np.zeros_like(theta)
        step = BESIDE * float(np.linalg.norm(theta)) / size
        both = self.gradient(theta + step * along) + self.gradient(theta - step * along)
        return np.asarray((2.0 * gradient - both) / step**2)

    def _gradient(self, theta: Floats, pulls: _Pulls) -> Floats:
        force, jacobian, _ = pulls
        return np.asarray(self.decay * theta - force @ jacobian)

    def _hessian(self, theta: Floats, pulls: _Pulls) -> Floats:
        force, jacobian, outputs = pulls
        problem, loss = self.problem, self.problem.loss_function
        curved = loss.curved(self._log_share, outputs, problem.row_labels, jacobian)
        bent = problem.row_net.weighted_hessian(theta, problem.inputs, force)
        return np.asarray(self.decay * np.eye(theta.size) + jacobian.T @ curved - bent)

    def _pulls(self, theta: Floats) -> _Pulls:
        problem = self.problem
        outputs = problem.row_net.outputs(theta, problem.inputs)
        force = problem.loss_function.force(self._log_share, outputs, problem.row_labels)
        return force, problem.row_net.jacobian(theta, problem.inputs), outputs

    @property
    def _log_share(self) -> float:
        return -log(self.problem.samples)
