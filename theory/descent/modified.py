"""What one step size costs: the leading error of gradient descent, from the flow alone.

By backward error analysis (Hairer, Lubich and Wanner, Geometric Numerical Integration, chapter IX;
for gradient descent Barrett and Dherin, ICLR 2021) descent with step h follows the gradient flow of
E + (h/4) |grad E|^2 up to O(h^2), E being the mean loss plus lambda |theta|^2 / 2. Hence

    theta_h(t) = theta(t) + h v(t) + O(h^2),     v' = -H v - H g / 2,  v(0) = 0,

with the gradient g and the Hessian H of E along the flow.
"""

from dataclasses import dataclass
from math import exp, log

import numpy as np
from numpy.typing import ArrayLike
from scipy.integrate import solve_ivp

from theory.backend import Floats
from theory.errors import IntegrationFailed, InvalidInput
from theory.problem import Problem, Regime, _frozen_array

RTOL = 1e-10
MAX_STIFFNESS = 1e5
"""Steps of an explicit integrator that are still affordable; the flow here is in plain theta."""


@dataclass(frozen=True, eq=False)
class StepError:
    """The flow and its first-order correction at T times.

    Attributes:
        theta: the flow, shape `(T, P)`.
        slope: v, shape `(T, P)`; theta_h = theta + h v + O(h^2), h in units of time.
    """

    theta: Floats
    slope: Floats


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
    """Integrate theta and v together, in plain coordinates; for moderate alpha.

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
    decay = exp(regime.log_lambda)
    end = float(times[-1]) * regime.log_alpha / decay
    stiffness = sharpness_at_start(problem, regime) * end
    if stiffness > MAX_STIFFNESS:
        raise IntegrationFailed(
            f"sharpness times time is {stiffness:.1e}; the leading error of gradient descent is "
            f"integrated explicitly up to {MAX_STIFFNESS:g}, at smaller alpha"
        )
    size, log_share, loss = problem.parameters, -log(problem.samples), problem.loss_function
    net, labels = problem.row_net, problem.row_labels

    def rhs(_: float, state: Floats) -> Floats:
        theta, slope = state[:size], state[size:]
        outputs = net.outputs(theta, problem.inputs)
        jacobian = net.jacobian(theta, problem.inputs)
        force = loss.force(log_share, outputs, labels)
        gradient = decay * theta - force @ jacobian
        vector = slope + 0.5 * gradient
        bent = net.weighted_hessian(theta, problem.inputs, force) @ vector
        pulled = loss.curved(log_share, outputs, labels, (jacobian @ vector)[:, None])
        along = pulled[:, 0] @ jacobian
        return np.concatenate([-gradient, -(decay * vector + along - bent)])

    start = np.concatenate([exp(regime.log_alpha) * problem.anchor, np.zeros(size)])
    scale = float(np.linalg.norm(start))
    solution = solve_ivp(
        rhs,
        (0.0, end),
        start,
        method="DOP853",
        t_eval=times * regime.log_alpha / decay,
        rtol=RTOL,
        atol=RTOL * scale,
    )
    if not solution.success or solution.y.shape[1] != len(times):
        raise IntegrationFailed(f"the leading error of gradient descent: {solution.message}")
    return StepError(solution.y[:size].T.copy(), solution.y[size:].T.copy())
