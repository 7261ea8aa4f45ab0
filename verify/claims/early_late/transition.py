"""When the direction of theta turns: on a ladder of alphas, and on one of lambdas."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.optimize import brentq

from theory.assumptions import check_assumptions
from theory.asymptotics.transition import transition_decay_time
from theory.backend import Floats
from theory.errors import IntegrationFailed
from theory.flow import FlowState, gradient_flow
from theory.flow.gradient import LOOSER
from theory.kernel import kernel_svm
from theory.problem import Problem, Regime
from verify.claims.early_late.assumptions import OF_THE_THEOREMS
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
ROOT = 1e-6
"""Crossings are bracketed to this in s; they are wanted to 1e-2, and the direction moves by O(1)
in O(1)."""

State = Callable[[float], FlowState]


@dataclass(frozen=True, eq=False)
class Turn:
    """When the direction had turned a tenth and half of its way, in decay times.

    Attributes:
        crossings: the two times.
        predicted: s*, when the kernel machine is as large as what is left of the anchor.
        cosines: 1 - cos(theta, anchor) at the crossings, over what the inner product of the two
            says.
    """

    regime: Regime
    crossings: Quantity
    predicted: float
    cosines: Quantity

    @property
    def half(self) -> Quantity:
        return self.crossings[1:]

    @property
    def width(self) -> Quantity:
        return self.crossings[1:] - self.crossings[:1]

    @property
    def shift(self) -> float:
        """log alpha - s*, the log-log correction."""
        return self.regime.log_alpha - self.predicted


@dataclass(frozen=True, eq=False)
class Turns:
    """Turns on the ladder of alphas, the instance's own first, and on that of lambdas."""

    instance: FlowInstance
    by_alpha: tuple[Turn, ...]
    by_decay: tuple[Turn, ...]

    @property
    def degree(self) -> float:
        return self.instance.problem.degree


def measure(instance: FlowInstance, *, method: str | None = None, clock: float = 1.0) -> Turns:
    """Check the assumptions and integrate both ladders.

    Args:
        clock: the flow, not what is predicted, is read on a clock that is so much faster.
    """
    problem, regime = instance.problem, instance.regime
    check_assumptions(problem)
    scales = [regime, *(regime.at_alpha(scale) for scale in SCALES)]
    powers = [regime.decay_power * factor for factor in DECAY_FACTORS]
    decays = [Regime(log10_alpha=SCALES[0], decay_power=power) for power in powers]
    turn = partial(_turn, problem, instance.c, method, clock)
    by_alpha = tuple(map(turn, scales))
    return Turns(instance, by_alpha, (by_alpha[1], *map(turn, decays)))


def _turn(problem: Problem, c: float, method: str | None, clock: float, regime: Regime) -> Turn:
    predicted = transition_decay_time(kernel_svm(problem), problem, regime)
    grid = _grid(predicted, regime.log_alpha, c)
    tight, loose = (
        _flow(problem, c, method, regime, tolerance) for tolerance in (RTOL, LOOSER * RTOL)
    )
    times = _crossings(tight, grid)
    again = _crossings(loose, grid)
    errors = np.abs(times - again) + ROOT
    reached = [tight(s) for s in times]
    plain = np.array([1.0 - state.anchor_cosine for state in reached])
    cosines = np.array([state.direction_change for state in reached]) / plain
    return Turn(
        regime,
        Quantity.of(clock * times, errors),
        predicted,
        Quantity.rounded(cosines, 1.0 / plain, operations=64.0),
    )


def _flow(problem: Problem, c: float, method: str | None, regime: Regime, rtol: float) -> State:
    """The flow to (1+c) t_g, at any decay time."""
    flow = gradient_flow(
        problem,
        regime,
        at=[1.0 + c],
        rtol=rtol,
        method=method,
        dense=True,
        estimate_error=False,
    )
    return lambda s: flow.state(s / regime.log_alpha)


def _grid(predicted: float, log_alpha: float, c: float) -> list[float]:
    """Decay times around the predicted transition, and coarser ones to the end."""
    end = (1.0 + c) * log_alpha
    near = np.linspace(max(predicted - 8.0, 0.01 * log_alpha), min(predicted + 12.0, end), 61)
    return sorted({*near.tolist(), *np.linspace(near[-1], end, 20).tolist()})


def _crossings(state: State, grid: Sequence[float]) -> Floats:
    """The first decay times at which the direction has turned by the shares of its way.

    Raises:
        IntegrationFailed: it has so already where the grid begins.
    """
    changes = np.array([state(s).direction_change for s in grid])
    return np.array([_crossing(state, grid, changes, share * changes[-1]) for share in SHARES])


def _crossing(state: State, grid: Sequence[float], changes: Floats, level: float) -> float:
    first = int(np.argmax(changes >= level))
    if first == 0:
        raise IntegrationFailed("the direction does not cross its half-way mark on the grid")

    def excess(s: float) -> float:
        return state(s).direction_change - level

    return float(brentq(excess, grid[first - 1], grid[first], xtol=ROOT))


TRANSITION = Measurement(
    id="transition",
    kind=FlowInstance,
    families=FAMILIES,
    instances=lambda families: late_phase_instances(problems(families)),
    measure=measure,
    assumptions=OF_THE_THEOREMS,
    sabotaged={"a clock that is 1 % fast": partial(measure, clock=1.01)},
    independent=partial(measure, method="BDF"),
)
