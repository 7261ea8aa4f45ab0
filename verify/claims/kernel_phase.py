"""What the claims on the kernel phase measure in common: one flow per rung of a ladder of alphas.

The ladder is graded by the relative displacement delta = rho^-L |eta| / |anchor| at (1-c) t_g, the
small parameter of everything nonlinear in this phase.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp

import numpy as np

from theory.anchors import has_odd_involution
from theory.assumptions import check_assumptions
from theory.asymptotics.kernel_phase import scale_of_displacement
from theory.backend import Floats
from theory.errors import IntegratorsDisagree, NumericalFailure
from theory.flow import FlowState, gradient_flow
from theory.kernel import KernelSVM, LazyFlow, kernel_svm, lazy_flow
from theory.problem import Regime
from verify.claims.base import RateSample
from verify.claims.fits import log_slope, rate, slopes
from verify.instances import FlowInstance

RTOL = 1e-12
MAX_ERROR = 1e-5
"""A flow whose two integrations differ by more is not evidence of anything."""

DISPLACEMENT_STEPS = {1: (1.0, 0.1, 0.01, 0.001), 2: (1.0, 10.0**-0.5, 0.1)}
"""Rungs by lazy order, relative to the instance's own displacement of about 10^-2: far enough down
for the leading order to show, not so far that the gap delta^k drowns in the flow's error."""


@dataclass(frozen=True, eq=False)
class KernelRung:
    """One flow stopped at (1-c) t_g, with its lazy twin.

    Attributes:
        displacement: delta of the lazy flow.
        error: estimated relative error of the flow.
    """

    instance: FlowInstance
    state: FlowState
    lazy: LazyFlow
    displacement: float
    error: float

    @property
    def regime(self) -> Regime:
        return self.instance.regime

    def lazy_gap(self, samples: Floats | slice = slice(None)) -> float:
        """max |q - q_lazy| / max |q_lazy| over the given samples."""
        reference = self.lazy.margins[0, samples]
        gap = np.abs(self.state.margins[samples] - reference)
        return float(gap.max() / np.abs(reference).max())

    @property
    def lazy_distance(self) -> float:
        """|eta - eta_lazy| / |eta_lazy|."""
        reference = self.lazy.displacement[0]
        distance = np.linalg.norm(self.state.displacement - reference)
        return float(distance / np.linalg.norm(reference))


@dataclass(frozen=True, eq=False)
class KernelPhase:
    """The displacement ladder of one instance.

    Attributes:
        lazy_order: k of the lazy gap delta^k, 2 where an odd involution fixes the anchor, else 1.
        late: the first rung's flow at (1+c) t_g, for rivals that exchange early and late; None
            where that far flow cannot be integrated, which is no fault of the claim's.
    """

    instance: FlowInstance
    svm: KernelSVM
    lazy_order: int
    rungs: tuple[KernelRung, ...]
    late: FlowState | None

    @property
    def expected_deviation(self) -> float:
        """Relative deviation that quantities quadratic in eta can have on the first rung.

        2 L times the distance to the lazy flow, in which it is linear; the distance itself is of
        order `lazy_order`. A deviation that is large on this rung is no longer linear in it.
        """
        return 2.0 * self.instance.problem.degree * self.rungs[0].lazy_distance


def measure_kernel_phase(instance: FlowInstance) -> KernelPhase:
    """Check the assumptions and integrate the displacement ladder of `instance`."""
    problem = instance.problem
    check_assumptions(problem)
    svm = kernel_svm(problem)
    order = 2 if has_odd_involution(problem.net, problem.anchor, problem.inputs) else 1
    first = measure_rung(instance)
    rungs = [first]
    for step in DISPLACEMENT_STEPS[order][1:]:
        scale = scale_of_displacement(
            svm,
            problem,
            instance.regime.decay_power,
            1.0 - instance.c,
            first.displacement * step,
        )
        rungs.append(measure_rung(instance.at_alpha(max(scale, instance.regime.log10_alpha))))
    late = states_for_rivals(instance, {"late": 1.0 + instance.c}).get("late")
    return KernelPhase(instance, svm, order, tuple(rungs), late)


def states_for_rivals(instance: FlowInstance, times: dict[str, float]) -> dict[str, FlowState]:
    """The flow at other times than the claim's (in units of t_g); empty if it does not finish."""
    try:
        flow = gradient_flow(
            instance.problem,
            instance.regime,
            at=list(times.values()),
            rtol=1e-8,
            estimate_error=False,
        )
    except NumericalFailure:
        return {}
    return dict(zip(times, flow.states, strict=True))


def measure_rung(instance: FlowInstance) -> KernelRung:
    """Integrate the flow and the lazy flow to (1-c) t_g."""
    problem, regime, c = instance.problem, instance.regime, instance.c
    flow = gradient_flow(problem, regime, at=[1.0 - c], rtol=RTOL)
    error = float(flow.error_estimate[0])
    if not error <= MAX_ERROR:
        raise IntegratorsDisagree(
            f"two tolerances differ by {error:.1e} at log10 alpha = {regime.log10_alpha:.6g}"
        )
    lazy = lazy_flow(problem, regime, at=[1.0 - c])
    epsilon = exp(-problem.degree * c * regime.log_alpha)
    size = float(np.linalg.norm(lazy.displacement[0]))
    return KernelRung(instance, flow.states[0], lazy, epsilon * size / problem.anchor_norm, error)


def quadratic_order(
    quantity: str,
    phase: KernelPhase,
    values: Sequence[float],
    errors: Sequence[float],
    order: float,
    degree_offset: int,
) -> tuple[RateSample, ...]:
    """The exponent in alpha, over c L, of what is quadratic in eta; predicted order (1 - offset/L).

    Dividing by |eta|^2 takes the logarithms out: what is left is the power of alpha. `errors` are
    relative.
    """
    degree, c = phase.instance.problem.degree, phase.instance.c
    normalised = [
        value / float(np.linalg.norm(rung.lazy.displacement[0])) ** 2
        for value, rung in zip(values, phase.rungs, strict=True)
    ]
    relative = [n * e for n, e in zip(normalised, errors, strict=True)]
    logs = [rung.regime.log10_alpha for rung in phase.rungs]
    fitted = log_slope(logs, normalised, relative, agreement=0.2 * c * degree)
    power = order * c * (degree - degree_offset)
    return rate(
        quantity,
        power / (c * degree),
        None if fitted is None else -fitted / (c * degree),
        tolerance=0.02,
        method=slopes(len(phase.rungs)),
    )
