"""The flow in plain coordinates: theta and t as the paper writes them, for cross-checks.

Nothing is shared with the charts but the nets, the losses and SciPy, so that an error in a chart,
in the clock or in the hand-over between charts shows as a difference.
"""

from collections.abc import Sequence
from math import exp, log

import numpy as np

from theory.assumptions import check_homogeneity
from theory.backend import Floats
from theory.errors import AssumptionError, InvalidInput
from theory.flow.state import FlowState
from theory.flow.trajectory import Trajectory
from theory.integrate import MAX_EVALUATIONS, integrate
from theory.problem import Problem, Regime, check_flow_of
from theory.requests import check_budget, check_rtol, requested_times

LARGEST_LOG10_ALPHA = 3.0
LOOSER = 100.0


def reference_flow(
    problem: Problem,
    regime: Regime,
    at: Sequence[float],
    *,
    rtol: float = 1e-12,
    max_evaluations: int = MAX_EVALUATIONS,
) -> Floats:
    """theta at the times `at`, in units of t_g, shape `(T, P)`; for alpha <= 1000.

    Integrates theta' = -lambda theta + (1/n) sum_i force_i grad f_i(theta) in t. The outputs carry
    the cancellation of plain coordinates: an absolute error near 1e-16 |theta|^L.

    Raises:
        InvalidInput: alpha above 1000, times that are negative or not finite, a bad rtol, a
            budget below 1.
        IntegrationFailed: no method finished within its budget.
    """
    check_flow_of(problem, regime)
    if regime.log10_alpha > LARGEST_LOG10_ALPHA:
        raise InvalidInput(
            f"log10_alpha is {regime.log10_alpha}; plain coordinates stop at alpha = 1000: beyond, "
            "outputs lose their digits to cancellation between terms of size alpha^L, and steps "
            "shrink with the first time scale; use gradient_flow"
        )
    requested = requested_times(at)
    check_rtol(rtol)
    check_budget("max_evaluations", max_evaluations)
    net, inputs, labels = problem.row_net, problem.inputs, problem.row_labels
    loss, mean, decay = problem.loss_function, -log(problem.samples), exp(regime.log_lambda)
    start = exp(regime.log_alpha) * problem.anchor
    times = requested * regime.log_alpha / decay
    if not times.max() > 0:
        return np.tile(start, (len(times), 1))

    def rhs(_time: float, theta: Floats) -> Floats:
        force = loss.force(mean, net.outputs(theta, inputs), labels)
        return np.asarray(force @ net.jacobian(theta, inputs) - decay * theta)

    def jacobian(_time: float, theta: Floats) -> Floats:
        outputs, gradients = net.outputs(theta, inputs), net.jacobian(theta, inputs)
        curved = loss.curved(mean, outputs, labels, gradients)
        hessian = net.weighted_hessian(theta, inputs, loss.force(mean, outputs, labels))
        return np.asarray(hessian - gradients.T @ curved - decay * np.eye(theta.size))

    solution = integrate(
        rhs,
        jacobian,
        0.0,
        float(times.max()),
        start,
        list(times),
        rtol=rtol,
        atol=rtol * exp(-problem.units.log_theta),
        max_evaluations=max_evaluations,
    )
    return solution.states


def plain_trajectory(
    problem: Problem,
    regime: Regime,
    at: Sequence[float],
    *,
    rtol: float = 1e-9,
    max_evaluations: int = MAX_EVALUATIONS,
) -> Trajectory:
    """The states of `reference_flow`, by two tolerances, for what no chart holds.

    That is a net that is not homogeneous, of a problem with gradients of order one, whose units are
    none; an output at the anchor; data that are not separable.

    Raises:
        InvalidInput: as `reference_flow`; gradients of another order, of a net without degree.
        IntegrationFailed: as `reference_flow`.
    """
    if problem.units.gradient_exponent != 0:
        try:
            check_homogeneity(problem.net, problem.parameters, problem.inputs)
        except AssumptionError as error:
            raise InvalidInput(
                f"gradients at the anchor are of order {problem.units.gradient:g}; states are read "
                f"in units in which they are of order one, and {error}"
            ) from None

    def states(accuracy: float) -> tuple[FlowState, ...]:
        flow = reference_flow(problem, regime, at, rtol=accuracy, max_evaluations=max_evaluations)
        times = zip(at, flow, strict=True)
        return tuple(FlowState.of_theta(problem, regime, t * regime.log_alpha, x) for t, x in times)

    tight, loose = states(rtol), states(LOOSER * rtol)
    pairs = zip(tight, loose, strict=True)
    errors = [float(np.linalg.norm(a.theta - b.theta) / np.linalg.norm(a.theta)) for a, b in pairs]
    return Trajectory(
        problem=problem,
        regime=regime,
        at=np.asarray(at, dtype=np.float64),
        states=tight,
        error_estimate=np.array(errors) + rtol,
        evaluations=0,
        method="plain coordinates",
        loose=loose,
    )
