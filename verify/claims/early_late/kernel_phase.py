"""The kernel phase of one instance: ladders of flows read at (1-c) t_g, each with its lazy twin.

The displacement ladder is graded by delta = rho^-L |eta| / |anchor|, the small parameter of
everything nonlinear in this phase; the limit ladder goes to alpha = 10^10000.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from functools import cached_property, partial
from math import exp, inf, log

import numpy as np
from numpy.typing import ArrayLike

from theory.asymptotics.kernel_phase import log_inverse_decay, scale_of_displacement
from theory.backend import Floats
from theory.errors import IntegratorsDisagree, NumericalFailure
from theory.flow import FlowState
from theory.kernel import KernelSVM, LazyFlow, gram, kernel_svm, lazy_flow
from theory.kernel.lazy import initial_log_gain, tolerances
from theory.kernel.lazy_order import lazy_order
from theory.kernel.quasi_static import lag_correction, next_lag, quasi_static_dual
from theory.problem import Problem, Regime
from verify.claims.early_late.assumptions import OF_THE_THEOREMS
from verify.instances import FlowInstance
from verify.language import Basis, Kind, Law, Measurement, Quantity, below, not_applicable
from verify.language.ladder import Ladder
from verify.strategies import kernel_phase_instances
from verify.strategies.nets import FAMILIES, RESCALED
from verify.strategies.tasks import problems

RTOL = 1e-12
INDEPENDENT_RTOL = 1e-9
"""Of the other route, in Python and of a lower order, which would take ten times as long at `RTOL`;
its two tolerances tell what it knows."""
MAX_ERROR = 1e-5
"""A flow whose two integrations differ by more is not evidence of anything."""

LOOSER = 100.0
"""Tolerances of the second integration of a lazy twin, which says what the first knows. At 1e-11
LSODA is off by as much: told nothing of it, gaps of 10^-12 refuted a true law."""

RESOLVES = 3.0
"""Tolerances of the integrator, raised to the noise of its exponents, that a reading resolves."""

DISPLACEMENT_STEPS = {1: (1.0, 0.1, 0.01, 0.001), 2: (1.0, 10.0**-0.5, 0.1)}
"""Rungs by lazy order, relative to the instance's own displacement of about 10^-2: far enough down
for the leading order to show, not so far that the gap delta^k drowns in the flow's error."""

NEARLY_LAZY = 0.1
"""Relative distance of eta to the lazy flow from which on orders in delta show; a sample near a
kink, or much bent otherwise, comes to it farther down."""

TRIES = 4
"""To come there: far from it the distance is not linear in the displacement."""

FITTED = 3
"""Rungs to which a power of alpha is fitted, from the last up."""

LIMIT_SCALES = (100.0, 1000.0, 10000.0)
"""log10 alpha of the rungs on which the limit itself is judged, the first at most; the last is out
of reach of theta in float64, not of its direction."""

RESOLVED_LEVEL = 250.0
"""Lam of the first of them at most: at 1000, terms of order 1/Lam^3 drown in the flow's error."""

LAZY_DECADES = 14.0
"""Of alpha^(c L) there at least: less, and it would not be lazy to the flow's error."""

Reading = Callable[[FlowState], ArrayLike]


class Time(Enum):
    """When a theory says that the kernel phase is read."""

    EARLY = "(1-c) t_g"
    LATE = "(1+c) t_g"
    INVERSE_DECAY = "(1-c) log(1/lambda) / lambda"


@dataclass(frozen=True, eq=False)
class FlowAt:
    """A flow at one time, by two tolerances.

    Attributes:
        floor: relative, what the integrator's tolerance resolves at all.
    """

    state: FlowState
    loose: FlowState
    floor: float

    def read(self, reading: Reading) -> Quantity:
        """A reading of the flow with its error."""
        return Quantity.paired(reading, self.state, self.loose, self.floor)

    def known_to_floor(self, reading: Reading) -> Quantity:
        """The same of a relative difference, which is known to the floor of what it is between."""
        return self.read(reading).no_finer(self.floor)


@dataclass(frozen=True, eq=False)
class KernelRung:
    """One flow stopped at (1-c) t_g, with its lazy twin; `displacement` is delta of the twin.

    Attributes:
        lazily: the twin by so many times its tolerance.
    """

    instance: FlowInstance
    flow: FlowAt
    lazy: LazyFlow
    displacement: float
    lazily: Callable[[float], LazyFlow]

    @property
    def own(self) -> Regime:
        return self.instance.own

    @property
    def problem(self) -> Problem:
        return self.instance.problem

    @property
    def log_inverse_decay(self) -> float:
        """Lam at the rung, of gradients that are counted as the problem does."""
        return log_inverse_decay(self.problem, self.own, 1.0 - self.instance.c)

    @property
    def log_units(self) -> float:
        """log of the squared unit of gradients, by which Lam is less for gradients as they are."""
        return 2.0 * self.instance.scale.log_gradient

    @property
    def eta(self) -> float:
        """|eta| of the flow."""
        return float(np.linalg.norm(self.flow.state.displacement))

    @cached_property
    def lazy_loose(self) -> LazyFlow:
        """The twin by a looser tolerance, for what it knows."""
        return self.lazily(LOOSER)

    def lazy_gap(self, samples: Floats | slice = slice(None)) -> Quantity:
        """max |q - q_lazy| / max |q_lazy| over the given samples."""
        lazy, loose = (twin.margins[0, samples] for twin in (self.lazy, self.lazy_loose))
        size = float(np.abs(lazy).max())

        def gap(state: FlowState) -> float:
            return float(np.abs(state.margins[samples] - lazy).max()) / size

        of_the_twin = np.abs(lazy - loose).max() / size
        return self.flow.known_to_floor(gap) + Quantity.of(0.0, of_the_twin)

    @property
    def nearly_lazy(self) -> bool:
        return float(self.lazy_distance().values[0]) <= NEARLY_LAZY

    def lazy_distance(self) -> Quantity:
        """|eta - eta_lazy| / |eta_lazy|."""
        lazy, loose = (twin.displacement[0] for twin in (self.lazy, self.lazy_loose))
        size = float(np.linalg.norm(lazy))

        def distance(state: FlowState) -> float:
            return float(np.linalg.norm(state.displacement - lazy)) / size

        of_the_twin = np.linalg.norm(lazy - loose) / size
        return self.flow.known_to_floor(distance) + Quantity.of(0.0, of_the_twin)


@dataclass(frozen=True, eq=False)
class KernelPhase:
    """The displacement ladder of one instance; further readings are integrated when asked for.

    Attributes:
        lazy_order: k of the lazy gap delta^k, 2 where an odd involution fixes the anchor and no
            rectifier bends within reach, else 1.
        measure_rung: by which further rungs are measured.
    """

    instance: FlowInstance
    svm: KernelSVM
    lazy_order: int
    rungs: tuple[KernelRung, ...]
    measure_rung: Callable[[FlowInstance], KernelRung]

    @property
    def degree(self) -> float:
        return self.instance.problem.degree

    @property
    def stratum(self) -> str:
        """Within which exponents are compared."""
        return f"{'with' if self.lazy_order == 2 else 'without'} an odd involution"

    @property
    def delta(self) -> Floats:
        """Of each rung."""
        return np.array([rung.displacement for rung in self.rungs])

    @property
    def floors(self) -> Floats:
        """What the flow resolves on each rung, relative."""
        return np.array([rung.flow.floor for rung in self.rungs])

    @property
    def log10_alpha(self) -> Floats:
        return np.array([rung.own.log10_alpha for rung in self.rungs])

    @property
    def eta(self) -> Floats:
        """|eta| of the lazy flow on each rung."""
        return np.array([np.linalg.norm(rung.lazy.displacement[0]) for rung in self.rungs])

    @property
    def asymptotic(self) -> slice:
        """The rungs that are nearly lazy, all of them where none is."""
        lazy = [rung.nearly_lazy for rung in self.rungs]
        return slice(lazy.index(True) if any(lazy) else 0, None)

    @property
    def expected_deviation(self) -> Floats:
        """Relative deviation that quantities quadratic in eta can have on each rung, `(R,)`.

        2 L times the distance to the lazy flow, in which it is linear; the distance itself is of
        order `lazy_order`. A deviation that is large on a rung is no longer linear in it.
        """
        distances = [float(rung.lazy_distance().values[0]) for rung in self.rungs]
        return 2.0 * self.degree * np.array(distances)

    def read(self, reading: Reading, time: Time = Time.EARLY) -> Quantity:
        """A reading on every rung; at another time than (1-c) t_g on the first of them.

        Raises:
            NumericalFailure: the flow does not reach that time.
        """
        flows = [rung.flow for rung in self.rungs]
        if time is not Time.EARLY:
            flows[0] = self._at(time, self.rungs[0].instance)
        return Quantity.joined(flow.read(reading) for flow in flows)

    @cached_property
    def limits(self) -> tuple[KernelRung, ...]:
        """The ladder to the limit, in alpha."""
        scales = self.limit_scales
        return tuple(self.measure_rung(self.instance.at_own_alpha(scale)) for scale in scales)

    @property
    def limit_scales(self) -> tuple[float, ...]:
        """log10 alpha of that ladder."""
        degree, c, first = self.degree, self.instance.c, LIMIT_SCALES[0]
        level_per_decade = log(10.0) * (2.0 * c * (degree - 1) + self.instance.own.decay_power)
        least = max(RESOLVED_LEVEL / level_per_decade, LAZY_DECADES / (c * degree))
        return min(first, least), *LIMIT_SCALES[1:]

    def limit_flows(self, time: Time) -> list[FlowAt]:
        """Along the limit ladder, its first rung at the time that a theory says.

        Raises:
            NumericalFailure: the flow does not reach that time.
        """
        flows = [rung.flow for rung in self.limits]
        if time is not Time.EARLY:
            flows[0] = self._at(time, self.limits[0].instance)
        return flows

    def quasi_static(self, rung: KernelRung, level: float) -> Floats:
        """eta of the quasi-static machine at Lam = level, with its lag, `(P,)`; computed once."""
        key = rung.own.log10_alpha, level
        if key not in self._machines:
            machine = quasi_static_machine(self.svm, rung.problem, level - rung.log_units)
            self._machines[key] = machine
        return self._machines[key]

    @cached_property
    def beyond_lag(self) -> Floats:
        """What eta is off that machine to leading order, over |eta|, on each limit rung, `(R,)`."""
        kernel, features = gram(self.svm.features), self.svm.features
        problem, sizes = self.problem, []
        for rung in self.limits:
            level = rung.log_inverse_decay - rung.log_units
            log_dual = quasi_static_dual(kernel, level, problem.loss, problem.classes)
            further = next_lag(kernel, log_dual, problem.degree)
            sizes.append(float(np.linalg.norm(further @ features)) / rung.eta)
        return np.array(sizes)

    @property
    def problem(self) -> Problem:
        return self.instance.problem

    def _at(self, time: Time, instance: FlowInstance) -> FlowAt:
        key = time, instance.own.log10_alpha
        if key not in self._elsewhere:
            self._elsewhere[key] = _read_at(instance, time)
        found = self._elsewhere[key]
        if isinstance(found, NumericalFailure):
            raise found
        return found

    @cached_property
    def _machines(self) -> dict[tuple[float, float], Floats]:
        return {}

    @cached_property
    def _elsewhere(self) -> dict[tuple[Time, float], FlowAt | NumericalFailure]:
        return {}


def quasi_static_machine(svm: KernelSVM, problem: Problem, level: float) -> Floats:
    """eta of the regularised kernel machine at Lam = level, with its lag, `(P,)`."""
    kernel = gram(svm.features)
    log_dual = quasi_static_dual(kernel, level, problem.loss, problem.classes)
    lag = lag_correction(kernel, log_dual, problem.degree)
    return np.asarray(svm.features.T @ (np.exp(log_dual) + lag))


def _read_at(instance: FlowInstance, time: Time) -> FlowAt | NumericalFailure:
    """Where only rivals look: at percents, so a loose integration will do."""
    after = {
        Time.LATE: 1.0 + instance.c,
        Time.INVERSE_DECAY: (1.0 - instance.c) * instance.own.decay_power,
    }
    try:
        return flow_at(instance, after[time], rtol=1e-8, max_error=inf)
    except NumericalFailure as failure:
        return failure


def flow_at(
    instance: FlowInstance,
    at: float,
    *,
    rtol: float = RTOL,
    method: str | None = None,
    max_error: float = MAX_ERROR,
) -> FlowAt:
    """The flow at a time in units of t_g.

    Raises:
        IntegratorsDisagree: two tolerances differ by more than `max_error`.
    """
    problem, regime = instance.problem, instance.regime
    flow = instance.flow([at], rtol=rtol, method=method)
    error = float(flow.error_estimate[0])
    if not error <= max_error:
        raise IntegratorsDisagree(
            f"two tolerances differ by {error:.1e} at log10 alpha = {regime.log10_alpha:.6g}"
        )
    used = tolerances(initial_log_gain(problem, regime), rtol)[0]
    return FlowAt(flow.states[0], flow.loose[0], RESOLVES * used)


def measure_rung(
    instance: FlowInstance, *, method: str | None = None, rtol: float = RTOL, shift: float = 1.0
) -> KernelRung:
    """Integrate the flow and the lazy flow to (1-c) t_g.

    Args:
        shift: the flow alone is read at this many times its time: a wrong world.
    """
    problem, regime, at = instance.problem, instance.regime, 1.0 - instance.c
    told = instance.told(at)
    used = tolerances(initial_log_gain(problem, regime), rtol)[0]

    def lazily(times: float) -> LazyFlow:
        return lazy_flow(problem, regime, at=[told], rtol=times * used, method=method)

    lazy = lazily(1.0)
    epsilon = exp(-problem.degree * (1.0 - told) * regime.log_alpha)
    size = float(np.linalg.norm(lazy.displacement[0]))
    flow = flow_at(instance, shift * at, rtol=rtol, method=method)
    return KernelRung(instance, flow, lazy, epsilon * size / problem.anchor_norm, lazily)


def measure(
    instance: FlowInstance, rung: Callable[[FlowInstance], KernelRung] = measure_rung
) -> KernelPhase:
    """Integrate the displacement ladder of `instance`."""
    problem = instance.problem
    svm = kernel_svm(problem)
    rungs = [rung(instance)]
    start = brought_near(svm, rung, rungs[0])
    if start is not rungs[0]:
        rungs.append(start)
    far, last = start.displacement, DISPLACEMENT_STEPS[2][-1]
    net, learned = problem.row_net, start.lazy.displacement[0]
    order = lazy_order(net, problem.anchor, problem.inputs, learned, far, last * far)
    lowered = (_displaced(svm, start, step) for step in DISPLACEMENT_STEPS[order][1:])
    rungs += [rung(lower) for lower in lowered if lower is not None]
    return KernelPhase(instance, svm, order, tuple(rungs), rung)


def brought_near(
    svm: KernelSVM, rung: Callable[[FlowInstance], KernelRung], drawn: KernelRung
) -> KernelRung:
    """The rung that was drawn, or one as far down as it has to be to be nearly lazy.

    That which was drawn where `TRIES` lead to none.
    """
    found = drawn
    for _ in range(TRIES):
        if found.nearly_lazy:
            return found
        lower = _displaced(svm, found, 0.5 * NEARLY_LAZY / float(found.lazy_distance().values[0]))
        if lower is None:
            break
        found = rung(lower)
    return found if found.nearly_lazy else drawn


def _displaced(svm: KernelSVM, rung: KernelRung, step: float) -> FlowInstance | None:
    """The instance at the alpha of so many times the displacement; None out of its reach."""
    instance, displacement = rung.instance, rung.displacement * step
    decay_power, at = instance.own.decay_power, 1.0 - instance.c
    scale = scale_of_displacement(svm, rung.problem, decay_power, at, displacement)
    scale = max(scale, instance.own.log10_alpha)
    return instance.at_own_alpha(scale) if instance.reaches(scale) else None


KERNEL_PHASE = Measurement(
    id="kernel-phase",
    kind=FlowInstance,
    families=(*FAMILIES, *RESCALED),
    instances=lambda families, sizes: kernel_phase_instances(problems(families, sizes=sizes)),
    measure=measure,
    assumptions=OF_THE_THEOREMS,
    sabotaged={
        "a flow read 2 % late": partial(measure, rung=partial(measure_rung, shift=1.02)),
    },
    independent=partial(measure, rung=partial(measure_rung, method="BDF", rtol=INDEPENDENT_RTOL)),
)


def quadratic_order(
    law: str, ladder: Ladder, phase: KernelPhase, order: float, degree_offset: float
) -> Law:
    """The exponent in alpha, over c L, of what is quadratic in eta: order (1 - offset / L).

    Dividing by |eta|^2 takes the logarithms out: what is left is the power of alpha. It is read off
    the three rungs farthest down: without an odd involution the first is a percent off its power.
    """
    degree, c = phase.degree, phase.instance.c
    deep = slice(-FITTED, None)
    found = ladder.part(deep).rate(
        law,
        order * (degree - degree_offset) / degree,
        tolerance=0.02,
        along=phase.log10_alpha[deep],
        unit=-c * degree,
        per=phase.eta[deep] ** 2,
        agreement=0.2 * c * degree,
        stratum=phase.stratum,
    )
    return replace(found, ladder=ladder)


def starts_lazily(law: str, ladder: Ladder, phase: KernelPhase, bends: float = 0.0) -> Law:
    """On the first rung what is quadratic in eta is within a factor of its prediction, either way.

    Where |eta| is a share d off that of the lazy flow, its square is between (1 - d)^2 and
    (1 + d)^2 times as large; a factor 2, and `expected_deviation`, are always allowed.

    Args:
        bends: b where another factor 1 + b d is due.
    """
    distance = float(phase.rungs[0].lazy_distance().values[0])
    if distance >= 1.0:
        return not_applicable(law, Kind.BELOW, "eta is off that of the lazy flow by all of it")
    ratio = (ladder.measured / ladder.predicted)[:1]
    short = 0.0 < ratio.values[0] < 1.0
    factor = Quantity.of(1.0, 0.0) / ratio if short else ratio
    square = (1.0 - distance) ** -2 if short else (1.0 + distance) ** 2
    beyond = square * (1.0 + bends * distance) - 1.0
    allowed = max(1.0, float(phase.expected_deviation[0]), beyond)
    found = below(law, abs(factor - 1.0), allowed, Basis.MEASURED, at=ladder.x[:1])
    return replace(found, ladder=ladder)


def approaches_lazily(law: str, ladder: Ladder, phase: KernelPhase) -> Law:
    """What is quadratic in eta comes to its prediction at least like delta^k, once it is lazy.

    The constant is that of the first rung that is nearly lazy: on a rung that is not, the deviation
    saturates, and delta^k carries too small a constant from it to the others.
    """
    judged = phase.asymptotic
    found = ladder.part(judged).approaches(
        law,
        phase.lazy_order,
        factor=3.0,
        at_least=float(phase.expected_deviation[judged][0]),
        calibrated_on=1,
    )
    return replace(found, ladder=ladder)


def delta_ladder(
    name: str, phase: KernelPhase, measured: Quantity, predicted: Sequence[float] | Floats
) -> Ladder:
    """A quantity along the displacement ladder."""
    axis = np.log10(phase.delta)
    return Ladder.of(
        name, "log10 of relative displacement", axis, measured, predicted, small=phase.delta
    )
