"""When the direction of theta turns: on a ladder of alphas, and on one of lambdas."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import cached_property, partial
from typing import Any

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.optimize import brentq

from theory.asymptotics.transition import transition_decay_time
from theory.backend import Floats
from theory.errors import IntegrationFailed
from theory.flow import FlowState, gradient_flow
from theory.flow.gradient import LOOSER
from theory.kernel import KernelSVM, kernel_svm
from theory.problem import Regime
from verify.claims.early_late.assumptions import OF_THE_TRANSITION
from verify.instances import FlowInstance
from verify.language import Measurement, Quantity
from verify.strategies.nets import FAMILIES
from verify.strategies.regimes import late_phase_instances
from verify.strategies.tasks import problems

SCALES = (30.0, 100.0, 1000.0)
"""log10 alpha of the rungs; the instance's own comes first."""

DECAY_FACTORS = (0.5, 2.0)
"""Powers p of further runs at the first of these, relative to the instance's own."""

SHARES = (0.1, 0.5)
"""Of the whole way of the direction: where its turn begins, and where it is half done."""

RTOL = 1e-9
INDEPENDENT_RTOL = 1e-7
"""Of the other route, in Python; its two tolerances tell what it knows."""

ROOT = 3e-6
"""Crossings are bracketed to this in s; they are wanted to 1e-2."""

SPACING, FINER = 0.01, 41
"""Of times in s around a crossing, where splines through the direction's way are off by less than
`ROOT`, and into how many points a cell is divided that is wider."""

STENCIL = 4
"""Times on either side of a crossing through which a spline goes."""


@dataclass(frozen=True, eq=False)
class Turns:
    """When the direction had turned a tenth and half of its way, on k rungs, in decay times.

    Attributes:
        log_alpha, log_inverse_decay: log alpha and log(1/lambda) as the problem counts, `(k,)`.
        tenth, half: the two times.
        predicted: s*, when the kernel machine is as large as what is left of the anchor, `(k,)`.
        cosines: 1 - cos(theta, anchor) at the times, over what the inner product of the two says.
    """

    log_alpha: Floats
    log_inverse_decay: Floats
    tenth: Quantity
    half: Quantity
    predicted: Floats
    cosines: Quantity

    @property
    def shift(self) -> Floats:
        """log alpha - s*, the log-log correction."""
        return self.log_alpha - self.predicted


@dataclass(frozen=True, eq=False)
class Transition:
    """Turns on the ladder of alphas, the instance's own first, and on that of lambdas."""

    instance: FlowInstance
    by_alpha: Turns
    by_decay: Turns


def measure(
    instance: FlowInstance, *, method: str | None = None, rtol: float = RTOL, clock: float = 1.0
) -> Transition:
    """Integrate both ladders.

    Args:
        clock: the flow, not what is predicted, is read on a clock that is so much faster.
    """
    svm, own = kernel_svm(instance.problem), instance.own
    scales = [instance, *(instance.at_own_alpha(scale) for scale in SCALES)]
    powers = [own.decay_power * factor for factor in DECAY_FACTORS]
    decays = [instance.in_own(Regime(log10_alpha=SCALES[0], decay_power=p)) for p in powers]
    turn = partial(_turn, svm, method, rtol, clock)
    found = [turn(rung) for rung in scales]
    return Transition(instance, _joined(found), _joined([found[1], *map(turn, decays)]))


def _joined(parts: Sequence[Turns]) -> Turns:
    """Rung after rung."""

    def joined(name: str) -> Any:
        columns = [getattr(part, name) for part in parts]
        if isinstance(columns[0], Quantity):
            return Quantity.joined(columns)
        return np.concatenate(columns)

    return Turns(**{entry.name: joined(entry.name) for entry in fields(Turns)})


def _turn(
    svm: KernelSVM, method: str | None, rtol: float, clock: float, rung: FlowInstance
) -> Turns:
    """On one rung."""
    predicted, own = transition_decay_time(svm, rung.problem, rung.regime), rung.own
    grid = _grid(predicted, own.log_alpha, rung.c)
    tight = _refined(partial(_course, rung, method, rtol), grid)
    loose = _course(rung, method, LOOSER * rtol, tight.times)
    times = np.array([tight.crossing(share) for share in SHARES])
    errors = np.abs(times - [loose.crossing(share) for share in SHARES]) + ROOT
    beside = [tight.states[tight.cell(share)] for share in SHARES]
    plain = np.array([1.0 - state.anchor_cosine for state in beside])
    cosines = np.array([state.direction_change for state in beside]) / plain
    crossings = Quantity.of(clock * times, errors)
    return Turns(
        np.array([own.log_alpha]),
        np.array([-own.log_lambda]),
        crossings[:1],
        crossings[1:],
        np.array([predicted]),
        Quantity.rounded(cosines, 1.0 / plain, operations=64.0),
    )


@dataclass(frozen=True, eq=False)
class _Course:
    """How far the direction has turned at ascending decay times."""

    times: Floats
    states: tuple[FlowState, ...]

    @cached_property
    def changes(self) -> Floats:
        """1 - cos of the angle to the anchor, at each time."""
        return np.array([state.direction_change for state in self.states])

    def cell(self, share: float) -> int:
        """The first time at which the direction has turned by a share of its way.

        Raises:
            IntegrationFailed: it has so already where the grid begins.
        """
        first = int(np.argmax(self.changes >= share * self.changes[-1]))
        if first == 0:
            raise IntegrationFailed("the direction does not cross its half-way mark on the grid")
        return first

    def crossing(self, share: float) -> float:
        """When that is, between the times."""
        first = self.cell(share)
        near = slice(max(first - STENCIL, 0), first + STENCIL)
        excess = CubicSpline(self.times[near], self.changes[near] - share * self.changes[-1])
        return float(brentq(excess, self.times[first - 1], self.times[first], xtol=0.1 * ROOT))


def _course(rung: FlowInstance, method: str | None, rtol: float, times: Floats) -> _Course:
    """The flow at decay times."""
    at = [float(s) / rung.regime.log_alpha for s in times]
    flow = gradient_flow(
        rung.problem, rung.regime, at=at, rtol=rtol, method=method, estimate_error=False
    )
    return _Course(times, flow.states)


def _refined(course: Callable[[Floats], _Course], grid: Floats) -> _Course:
    """With times as close as `SPACING` around both crossings.

    The flow is integrated anew for them: at times that are asked for it takes a tenth as long as
    with an interpolant for all.
    """
    found = course(grid)
    while True:
        cells = {found.cell(share) for share in SHARES}
        wide = [k for k in cells if found.times[k] - found.times[k - 1] > SPACING]
        if not wide:
            return found
        further = [np.linspace(found.times[k - 1], found.times[k], FINER) for k in wide]
        found = course(np.unique(np.concatenate([found.times, *further])))


def _grid(predicted: float, log_alpha: float, c: float) -> Floats:
    """Decay times around the predicted transition, and coarser ones to (1+c) t_g."""
    end = (1.0 + c) * log_alpha
    near = np.linspace(max(predicted - 8.0, 0.01 * log_alpha), min(predicted + 12.0, end), 61)
    return np.unique(np.concatenate([near, np.linspace(near[-1], end, 20)]))


TRANSITION = Measurement(
    id="transition",
    kind=FlowInstance,
    families=FAMILIES,
    instances=lambda families, sizes: late_phase_instances(problems(families, sizes=sizes)),
    measure=measure,
    assumptions=OF_THE_TRANSITION,
    sabotaged={"a clock that is 1 % fast": partial(measure, clock=1.01)},
    independent=partial(measure, method="BDF", rtol=INDEPENDENT_RTOL),
)
