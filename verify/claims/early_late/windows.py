"""Windows of time on which late claims are judged: the theorem's, and those of its rivals."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial
from math import exp, hypot
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike
from scipy.integrate import simpson

from theory.backend import Floats
from theory.flow import FlowState
from verify.claims.early_late.kernel_phase import RESOLVES
from verify.instances import FlowInstance
from verify.language import Finding, Quantity

PARTS = 4

GRID = 1.01
"""A minimum is taken over the states of a window, that of the theorem over all its times."""

RESTING = 1e-4
"""Residuals below it count as none: a difference of energies, which integrations know to 10^-9 of
themselves, tells no smaller ones. Claims here judge residuals at the level of percents."""

SADDLE = 0.03
"""A pointwise stationarity above this, three times its window's minimum, is a saddle being left."""

S = TypeVar("S")
States = Sequence[FlowState]


class Span(Enum):
    """Which window a theory speaks of."""

    AFTER = "[t_g, (1+c) t_g]"
    HALF = "[t_g, (1+c) t_g] for t_g = log(alpha) / (2 lambda)"
    INVERSE_DECAY = "[t_g, (1+c) t_g] for t_g = log(1/lambda) / lambda"
    BEFORE = "[(1-c) t_g / 2, (1-c) t_g]"

    def times(self, c: float, decay_power: float) -> tuple[float, float]:
        """Its ends in units of log(alpha) / lambda.

        For p > 1 the time log(1/lambda) / lambda comes later, where theta is KKT as well: there
        that rival is given the theorem's own window.
        """
        if self is Span.BEFORE:
            return 0.5 * (1.0 - c), 1.0 - c
        starts = {Span.HALF: 0.5, Span.INVERSE_DECAY: min(decay_power, 1.0)}
        start = starts.get(self, 1.0)
        return start, start * (1.0 + c)


@dataclass(frozen=True, eq=False)
class Window:
    """States over one span of time, in order, by two tolerances.

    Attributes:
        floor: relative, what the tighter tolerance resolves at all.
    """

    instance: FlowInstance
    states: tuple[FlowState, ...]
    loose: tuple[FlowState, ...]
    floor: float

    @property
    def last(self) -> FlowState:
        return self.states[-1]

    @property
    def log10_alpha(self) -> float:
        return self.instance.own.log10_alpha

    def read(self, reading: Callable[[States], ArrayLike]) -> Quantity:
        """A reading of all its states with its error."""
        return Quantity.paired(reading, self.states, self.loose, self.floor)

    def shares(self, energy_bound: Callable[[States], float]) -> Quantity:
        """`shares_of_energy`: a residual is a slope, known to what states are known to at best."""
        found = self.read(partial(shares_of_energy, energy_bound=energy_bound))
        return found.no_finer(self.floor / RESTING)

    def read_last(self, reading: Callable[[FlowState], ArrayLike]) -> Quantity:
        """A reading of its last state with its error."""
        return Quantity.paired(reading, self.last, self.loose[-1], self.floor)


def windows(
    instance: FlowInstance,
    grids: Mapping[S, Floats],
    *,
    rtol: float,
    method: str | None = None,
    decay: float = 1.0,
) -> dict[S, Window]:
    """One flow, read over several grids of times (in units of the problem's t_g).

    Args:
        decay: the flow, not what is said of it, is at so many times its lambda: a wrong world.
    """
    told = instance.regime
    flown = told.with_decay(decay)
    times = np.unique(np.concatenate(list(grids.values())))
    flow = replace(instance, regime=flown).flow(times.tolist(), rtol=rtol, method=method)
    runs = [flow.states, flow.loose]
    if decay != 1.0:
        runs = [tuple(replace(s, chart=replace(s.chart, regime=told)) for s in r) for r in runs]
    found = {}
    for name, grid in grids.items():
        rows = np.searchsorted(times, grid).tolist()
        tight, loose = (tuple(run[row] for row in rows) for run in runs)
        found[name] = Window(instance, tight, loose, RESOLVES * rtol)
    return found


def smallest_stationarity(states: States) -> float:
    """Of all times of a window."""
    return min(state.stationarity for state in states)


def quarters(states: Sequence[S]) -> tuple[Sequence[S], ...]:
    """Runs of states over a quarter of their time each; their number is one more than 4 k."""
    size = (len(states) - 1) // PARTS
    return tuple(states[k * size : (k + 1) * size + 1] for k in range(PARTS))


def shares_of_energy(states: States, energy_bound: Callable[[States], float]) -> list[float]:
    """The smallest stationarity over what the energy lost allows: of a window, then its quarters.

    The bound holds on any part, and is sharp on the late ones, after which little energy is left
    to lose; below `RESTING` it tells nothing.
    """
    return [
        smallest_stationarity(part) / hypot(energy_bound(part), RESTING)
        for part in (states, *quarters(states))
    ]


def energy_balance(states: States, energy: Callable[[FlowState], float]) -> tuple[float, float]:
    """Energy lost over the integral of |dtheta/ds|^2, which is 1, by Simpson's rule.

    Over equal steps, 4 k of them; then over twice the step.
    """
    times = [state.decay_time for state in states]
    powers = [exp(2.0 * state.log_norm) * state.stationarity**2 for state in states]
    lost = energy(states[0]) - energy(states[-1])
    fine, coarse = (lost / simpson(powers[::k], x=times[::k]) for k in (1, 2))
    return float(fine), float(coarse)


def saddles_being_left(found: Iterable[Window], title: str, residual: str) -> tuple[Finding, ...]:
    """Windows at whose end, (1+c) t_g, a saddle of the limit flow is being left.

    Args:
        title: of each finding.
        residual: the word for the stationarity.
    """
    told = []
    for window in found:
        last, smallest = window.last.stationarity, smallest_stationarity(window.states)
        if last > SADDLE and last > 3.0 * smallest:
            told.append(
                Finding(
                    title,
                    f"{residual} {last:.3g} at (1+c) t_g against {smallest:.3g} earlier in "
                    f"the window, at log10 alpha = {window.log10_alpha:g}, "
                    f"c = {window.instance.c:g}, degree {window.instance.problem.degree}",
                    last,
                )
            )
    return tuple(told)
