"""Gradient flow without weight decay, on the clock of its own loss.

In time t the flow of a loss with exponential tail slows down: the loss falls about like 1/t. Its
curve does not depend on the clock, so it is integrated in log(1/loss),

    d theta / d log(1/loss) = g / |g|^2,      g = -grad log loss,

which takes the same effort for every factor by which the loss falls. Lyu and Li (ICLR 2020) state
their theorems on this flow.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import logsumexp

from theory.assumptions import check_finite
from theory.backend import Floats
from theory.errors import InvalidInput
from theory.integrate import MAX_EVALUATIONS, Integration, integrate
from theory.problem import Problem
from theory.requests import check_increasing, check_rtol

LOOSER = 100.0
"""Ratio of the two tolerances whose difference is the error."""


@dataclass(frozen=True, eq=False)
class UndecayedTrajectory:
    """A flow without weight decay at T moments.

    Attributes:
        at: by how much log(1/loss) has risen since the start, shape `(T,)`.
        theta: shape `(T, P)`.
        evaluations: right-hand sides evaluated, both integrations together.
        method: the SciPy method that finished.
        looser: the same flow at a hundred times the tolerance; None for that one itself.
    """

    problem: Problem
    at: Floats
    theta: Floats
    evaluations: int
    method: str
    looser: "UndecayedTrajectory | None" = None

    @property
    def degree(self) -> int:
        """The homogeneity degree L of the net."""
        return self.problem.degree

    @property
    def samples(self) -> int:
        return self.problem.samples

    @cached_property
    def norm(self) -> Floats:
        """|theta|, shape `(T,)`."""
        return np.asarray(np.linalg.norm(self.theta, axis=1))

    @cached_property
    def margins(self) -> Floats:
        """q_i = y_i f(theta; x_i), or of several classes f_y - f_j, shape `(T, rows)`."""
        net, inputs = self.problem.row_net, self.problem.inputs
        outputs = [net.outputs(theta, inputs) for theta in self.theta]
        return np.asarray(self.problem.row_labels * np.array(outputs))

    @cached_property
    def log_loss(self) -> Floats:
        """log of the loss summed over samples (not their mean), from theta, shape `(T,)`."""
        return np.array([log_total_loss(self.problem, theta) for theta in self.theta])

    @cached_property
    def mean_margin(self) -> Floats:
        """Mean of the margins by their weight in the gradient of log loss, shape `(T,)`.

        With the exponential loss sum_i q_i e^-q_i / sum_i e^-q_i; L times it is <theta, g>.
        """
        found = [_forces(self.problem, theta) for theta in self.theta]
        return np.array([forces @ outputs for _, outputs, forces in found])

    def normalized(self, values: Floats, order: float = 2.0) -> Floats:
        """`values`, shape `(T,)` or `(T, rows)`, over |theta|^L in the norm of that order."""
        scale = np.linalg.norm(self.theta, order, axis=1) ** self.degree
        return np.asarray((values.T / scale).T)

    def error_of(self, quantity: Callable[["UndecayedTrajectory"], Floats]) -> float:
        """How far off a quantity of the flow may be, at most over all moments.

        Its largest difference between the two integrations: the error of the looser one, hence a
        safe one of this. NaN where there is only one.
        """
        if self.looser is None:
            return float("nan")
        return float(np.abs(quantity(self) - quantity(self.looser)).max())


def undecayed_flow(
    problem: Problem,
    at: Sequence[float] | Floats,
    *,
    rtol: float = 1e-11,
    method: str | None = None,
    estimate_error: bool = True,
    max_evaluations: int = MAX_EVALUATIONS,
) -> UndecayedTrajectory:
    """Follow theta' = -grad sum_i l(f_i(theta), y_i) from the anchor itself, at scale 1.

    Of several classes l is a sample's loss in its margins f_y - f_j.

    Args:
        at: by how much log(1/loss) has risen since the start; increasing, from 0 or more. The loss
            is then e^-at of what it was, be it a sum over samples or a mean.
        rtol: relative tolerance of the integrator.
        method: "LSODA", "BDF" or "Radau"; None tries them in this order.
        estimate_error: integrate again at 100 rtol, for `UndecayedTrajectory.error_of`.
        max_evaluations: budget of right-hand sides for each method.

    Raises:
        InvalidInput: `at` does not increase from 0 or more, a bad rtol, an unknown method, the
            squared loss, or a start at which the loss is stationary.
        AssumptionError: values at the anchor are not finite.
        IntegrationFailed: no method finished within its budget, as where the flow runs into a
            stationary point before the loss has fallen so far.
    """
    moments = np.asarray(at, dtype=np.float64)
    if moments.ndim != 1 or not np.all(np.isfinite(moments)):
        raise InvalidInput(f"at is {at!r}; it must be a list of finite rises of log(1/loss)")
    check_increasing("at", moments)
    check_rtol(rtol)
    if not problem.loss_function.classifies:
        raise InvalidInput(
            f"loss is {problem.loss!r}; log(1/loss) is the clock of losses that fall to zero at "
            "infinity, the exponential and the logistic"
        )
    check_finite(problem)
    if not np.any(_uphill(problem, problem.anchor)):
        raise InvalidInput("anchor is a stationary point of the loss; the flow would stay there")

    def run(tolerance: float, looser: UndecayedTrajectory | None = None) -> UndecayedTrajectory:
        solution = _integrate(problem, moments, tolerance, method, max_evaluations)
        evaluations = solution.evaluations + (0 if looser is None else looser.evaluations)
        return UndecayedTrajectory(
            problem, moments, solution.states, evaluations, solution.method, looser
        )

    return run(rtol, run(LOOSER * rtol) if estimate_error else None)


def log_total_loss(problem: Problem, theta: Floats) -> float:
    """log sum_i l(f_i(theta), y_i), taken in log space."""
    outputs = problem.row_net.outputs(theta, problem.inputs)
    return float(logsumexp(problem.loss_function.log_value(outputs, problem.row_labels)))


def _forces(problem: Problem, theta: Floats) -> tuple[float, Floats, Floats]:
    """log(1/loss), the rows, and -dl/d row over the loss, shape `(rows,)` each."""
    outputs = np.asarray(problem.row_net.outputs(theta, problem.inputs))
    loss = problem.loss_function
    rise = -float(logsumexp(loss.log_value(outputs, problem.row_labels)))
    return rise, outputs, np.asarray(loss.force(rise, outputs, problem.row_labels))


def _uphill(problem: Problem, theta: Floats) -> Floats:
    """g = -grad log loss, shape `(P,)`."""
    return np.asarray(_forces(problem, theta)[2] @ problem.row_net.jacobian(theta, problem.inputs))


def _velocity(problem: Problem, theta: Floats) -> Floats:
    """g / |g|^2."""
    uphill = _uphill(problem, theta)
    return uphill / (uphill @ uphill)


def _velocity_jacobian(problem: Problem, theta: Floats) -> Floats:
    """d (g / |g|^2) / d theta, shape `(P, P)`."""
    rise, outputs, forces = _forces(problem, theta)
    gradients = np.asarray(problem.row_net.jacobian(theta, problem.inputs))
    curved = problem.loss_function.curved(rise, outputs, problem.row_labels, gradients)
    uphill = forces @ gradients
    # weights are relative to the loss, which falls as theta moves: hence + g g^T
    change = problem.row_net.weighted_hessian(theta, problem.inputs, forces)
    change = change - gradients.T @ curved + np.outer(uphill, uphill)
    square = uphill @ uphill
    velocity = uphill / square
    return np.asarray(change / square - 2.0 * np.outer(velocity, velocity @ change))


def _integrate(
    problem: Problem, at: Floats, rtol: float, method: str | None, max_evaluations: int
) -> Integration:
    """From the anchor to the last of the moments."""
    start = np.asarray(problem.anchor)
    if at[-1] == 0.0:
        return Integration(start[None, :], start, 0, "none", None, ())
    return integrate(
        lambda _, theta: _velocity(problem, theta),
        lambda _, theta: _velocity_jacobian(problem, theta),
        0.0,
        float(at[-1]),
        start,
        at.tolist(),
        rtol=rtol,
        atol=rtol * float(np.abs(start).max()),
        method=method,
        max_evaluations=max_evaluations,
    )
