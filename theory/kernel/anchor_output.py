"""The kernel phase from an anchor whose output is not zero.

By Euler's identity f(anchor; x) = <grad f(anchor; x), anchor> / L, so that in the kernel phase f is
linear in H = eta + rho^L anchor / L, which obeys the equation of eta, from another start: H and the
eta of zero output differ by what decays like e^(-Ls), as rho^L does. Where all samples support the
machine its pulls take back what the anchor's output is there, and

    f(x) = <grad f(anchor; x), eta_0> + rho^L (f(anchor; x) - k(x, X) K^-1 f(anchor; X)).

Against Lam this grows like alpha^(cL). Source: this project.
"""

from dataclasses import dataclass

import numpy as np

from theory.backend import Floats
from theory.clock import clock_of, first_clock
from theory.errors import AssumptionError, InvalidInput
from theory.flow.chart import Chart, stiffness
from theory.flow.fastest_chart import fastest_chart
from theory.integrate import integrate
from theory.kernel.lazy import tolerances
from theory.kernel.ntk import cross_kernel
from theory.problem import Problem, Regime

LARGEST_OUTPUT = 1e9
"""Of alpha^L times the anchor's output: exponents of that size leave seven digits to forces."""


@dataclass(frozen=True, eq=False)
class AnchorOutputFlow:
    """The flow at one time.

    Attributes:
        outputs: f(theta; x) at the inputs, `(m,)`.
        rtol: of the integrator: what was asked for, raised to the noise of its exponents.
    """

    outputs: Floats
    rtol: float


def flow_with_anchor_output(
    problem: Problem,
    regime: Regime,
    at: float,
    inputs: Floats,
    *,
    rtol: float = 1e-11,
    method: str | None = None,
) -> AnchorOutputFlow:
    """f(theta; x) at the inputs `(m, d)` and the time 0 < `at` < 1 in units of t_g.

    Raises:
        InvalidInput: a time outside; alpha^L times the output beyond `LARGEST_OUTPUT`.
        IntegrationFailed: no method finished within its budget.
    """
    if not 0.0 < at < 1.0:
        raise InvalidInput(f"at is {at}; the kernel phase lies between 0 and 1")
    chart = Chart(problem, regime, comoving=True, anchored=True)
    zero = np.zeros(problem.parameters)
    margins = chart.labels * chart.linearize(0.0, zero)[0]
    if not np.abs(margins).max() <= LARGEST_OUTPUT:
        raise InvalidInput(
            f"the anchor's output amounts to {np.abs(margins).max():.1e} at the start; float64 "
            f"resolves forces of margins up to {LARGEST_OUTPUT:g}"
        )
    # the first time scale is that of the smallest margin
    gain = chart.log_gain(0.0) + max(-float(margins.min()), 0.0)
    first = first_clock(gain, stiffness(chart.base_jacobian))
    stop = clock_of(at * regime.log_alpha)
    rtol, atol = tolerances(gain, rtol)
    fastest = fastest_chart(chart)
    found = integrate(
        fastest.rhs,
        fastest.jacobian,
        min(first, stop - 1.0),
        stop,
        zero,
        [],
        rtol=rtol,
        atol=atol,
        method=method,
    )
    asked = np.asarray(inputs, dtype=np.float64)
    return AnchorOutputFlow(chart.outputs(at * regime.log_alpha, found.final, asked), rtol)


def anchor_deviation(problem: Problem, inputs: Floats) -> Floats:
    """f(anchor; x) - k(x, X) K^-1 f(anchor; X): what is left of the output, over rho^L.

    Shape `(m,)`, or `(m, K)` of K outputs.

    It is that of the anchor's part across the span of the gradients at the samples.

    Raises:
        AssumptionError: as `taken_back`.
    """
    return np.asarray(problem.net.outputs(problem.anchor, inputs) - taken_back(problem, inputs))


def taken_back(problem: Problem, inputs: Floats) -> Floats:
    """k(x, X) K^-1 f(anchor; X), shape `(m,)`, or `(m, K)` of K outputs.

    Raises:
        AssumptionError: the kernel of the samples has no inverse ("independent gradients").
    """
    own = problem.net.outputs(problem.anchor, problem.inputs)
    kernel = cross_kernel(problem, problem.inputs).reshape(own.size, own.size)
    asked = cross_kernel(problem, inputs)
    try:
        dual = np.linalg.solve(kernel, own.ravel())
    except np.linalg.LinAlgError:
        raise AssumptionError(
            "independent gradients",
            "gradients of the samples at the anchor depend on one another; K^-1 does not exist",
        ) from None
    back = asked.reshape(-1, own.size) @ dual
    return np.asarray(back.reshape(asked.shape[: own.ndim]))
