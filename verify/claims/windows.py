"""Windows of time on which late claims are judged: the theorem's, and those of its rivals."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import exp, hypot, sqrt
from typing import TypeVar

from theory.flow import FlowState
from verify.claims.base import Bound, Finding
from verify.instances import FlowInstance

SADDLE = 0.03
"""A pointwise stationarity above this, three times its window's minimum, is a saddle being left."""


S = TypeVar("S")

PARTS = 4

GRID = 1.01
"""A minimum is taken over the states of a window, that of the theorem over all its times."""


@dataclass(frozen=True, eq=False)
class Window:
    """States over one window of time, in order, and the estimated error of the flow there."""

    states: tuple[FlowState, ...]
    error: float

    @property
    def last(self) -> FlowState:
        return self.states[-1]

    @property
    def smallest_stationarity(self) -> float:
        return min(state.stationarity for state in self.states)

    @property
    def parts(self) -> tuple[tuple[FlowState, ...], ...]:
        """Quarters of the window, of neighbours that share a state."""
        return quarters(self.states)


def quarters(states: Sequence[S]) -> tuple[tuple[S, ...], ...]:
    """Runs of states over a quarter of their time each; their number is one more than 4 k."""
    size = (len(states) - 1) // PARTS
    return tuple(tuple(states[k * size : (k + 1) * size + 1]) for k in range(PARTS))


def part_bound(
    states: Sequence[FlowState], energy_bound: Callable[[Sequence[FlowState]], float], error: float
) -> float:
    """The energy bound on the smallest stationarity over a part of a window.

    It holds on any part, and is sharp on the late ones, after which little energy is left to lose:
    there it rests on a difference of energies, about |theta|^2 / 2, that are known to `error`.
    """
    logs = [state.log_norm for state in states]
    lasts = states[-1].decay_time - states[0].decay_time
    blurred = sqrt(error / lasts) * exp(max(logs) - min(logs))
    return GRID * hypot(energy_bound(states), blurred)


def part_bounds(
    window: Window,
    energy_bound: Callable[[Sequence[FlowState]], float],
    scale: str,
    error: float,
) -> tuple[Bound, ...]:
    """Some time of each quarter of the window is as stationary as the energy lost in it says."""
    return tuple(
        Bound(
            f"energy bound on quarter {k}, {scale}",
            min(state.stationarity for state in part),
            part_bound(part, energy_bound, error),
            error,
        )
        for k, part in enumerate(window.parts, 1)
    )


def spans_to_judge(c: float, decay_power: float) -> dict[str, tuple[float, float]]:
    """The window "after" t_g = log(alpha)/lambda, then those that rivals put in its place.

    In units of t_g. For p > 1 the time log(1/lambda)/lambda comes later, where theta is KKT as
    well: there that rival is given the theorem's own window.
    """
    starts = {"after": 1.0, "half": 0.5, "inverse-decay": min(decay_power, 1.0)}
    spans = {name: (start, start * (1.0 + c)) for name, start in starts.items()}
    return {**spans, "before": (0.5 * (1.0 - c), 1.0 - c)}


def saddles_being_left(
    rungs: Iterable[tuple[FlowInstance, Window]], title: str, residual: str
) -> tuple[Finding, ...]:
    """Windows at whose end, (1+c) t_g, a saddle of the limit flow is being left.

    Args:
        title: of each finding.
        residual: the word for the stationarity.
    """
    found = []
    for instance, window in rungs:
        last, smallest = window.last.stationarity, window.smallest_stationarity
        if last > SADDLE and last > 3.0 * smallest:
            found.append(
                Finding(
                    title,
                    f"{residual} {last:.3g} at (1+c) t_g against {smallest:.3g} earlier in "
                    f"the window, at log10 alpha = {instance.regime.log10_alpha:g}, "
                    f"c = {instance.c:g}, degree {instance.problem.degree}",
                    last,
                )
            )
    return tuple(found)
