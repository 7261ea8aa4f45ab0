"""The late phase of rectifiers that are bent over d, d/2 and d/4, all by one flow each."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from functools import cached_property, partial

import numpy as np

from theory.asymptotics.kinks import bent
from theory.backend import Floats
from theory.flow import FlowState
from theory.margin.clarke import clarke_residual, rectifiers_of, smoothing_allowance
from verify.claims.early_late.assumptions import OF_THE_THEOREMS
from verify.claims.early_late.late_phase import LateRung
from verify.claims.early_late.windows import Span, Window, windows
from verify.instances import FlowInstance
from verify.language import Measurement, Quantity
from verify.strategies.rectifiers import FAMILIES, after_the_transition

RTOL = 1e-10
POINTS = 17

WITHIN = 30.0
"""Bends that count as on the kink: the rest has the slopes of the rectifier to e^-30."""


class Slopes(Enum):
    """Which slopes a reading allows on a kink; all others take one, a + (1 - a) share."""

    BETWEEN = "any between off and on"
    OF_THE_SIGN = "that of the sign, as for a differentiable net"
    OFF = 0.0
    QUARTER = 0.25
    MIDDLE = 0.5
    THREE_QUARTERS = 0.75
    ON = 1.0


@dataclass(frozen=True, eq=False)
class LateRectifiers:
    """Windows of the sharpest net, and where the others end.

    Attributes:
        windows: of all theories, of the net that is bent over d/4.
        ends: directions at (1+c) t_g for d, d/2, d/4, by two tolerances, `(3, P)` each.
    """

    instance: FlowInstance
    windows: Mapping[Span, LateRung]
    ends: tuple[Floats, Floats]

    @cached_property
    def differences(self) -> Quantity:
        """|u(d) - u(d/2)| and |u(d/2) - u(d/4)| of the directions."""

        def read(ends: Floats) -> Floats:
            return np.asarray(np.linalg.norm(np.diff(ends, axis=0), axis=1))

        return Quantity.paired(read, *self.ends, 0.0).no_finer(10.0 * RTOL)

    @property
    def widest(self) -> float:
        """d of the net that is bent most."""
        return rectifiers_of(self.instance.problem)[0].smoothing

    @property
    def speed_floor(self) -> float:
        """To what |dtheta/ds| / |theta| is known: a bend of width d pulls at a rate of 1 / d."""
        last = self.windows[Span.AFTER].window.last
        return RTOL / rectifiers_of(last.problem)[0].smoothing

    def excess(self, span: Span, slopes: Slopes) -> Quantity:
        """The residual of the rectifiers less the stationarity of the flow, at the span's end."""
        found = self.windows[span].window.read_last(partial(_excess, slopes=slopes))
        return found.no_finer(self.speed_floor)

    def allowance(self, span: Span) -> float:
        """What smoothing may add to it."""
        state = self.windows[span].window.last
        multipliers = np.exp(state.log_multipliers)
        return smoothing_allowance(state.problem, multipliers, _tolerance(state))


def _tolerance(state: FlowState) -> float:
    return WITHIN * rectifiers_of(state.problem)[0].smoothing


def _excess(state: FlowState, slopes: Slopes) -> float:
    problem = state.problem
    off = rectifiers_of(problem)[0].slope
    tolerance = 0.0 if slopes is Slopes.OF_THE_SIGN else _tolerance(state)
    allowed = None
    if isinstance(slopes.value, float):
        allowed = (off + (1.0 - off) * slopes.value,) * 2
    found = clarke_residual(problem, state.direction, tolerance, allowed)
    return found.stationarity - state.stationarity


def measure(
    instance: FlowInstance, *, method: str | None = None, decay: float = 1.0
) -> LateRectifiers:
    """Three flows, of which the sharpest is read over all windows."""
    widest = rectifiers_of(instance.problem)[0].smoothing
    flow = partial(windows, rtol=RTOL, method=method, decay=decay)
    grids = {
        span: np.linspace(*span.times(instance.c, instance.own.decay_power), POINTS)
        for span in Span
    }
    last = grids[Span.AFTER][-1:]
    ends: list[Window] = []
    for smoothing in (widest, widest / 2.0):
        other = replace(instance, problem=bent(instance.problem, smoothing))
        ends.append(flow(other, {None: last})[None])
    sharpest = replace(instance, problem=bent(instance.problem, widest / 4.0))
    found = flow(sharpest, grids)
    ends.append(found[Span.AFTER])
    tight = np.array([window.last.direction for window in ends])
    loose = np.array([window.loose[-1].direction for window in ends])
    return LateRectifiers(instance, {s: LateRung(found[s]) for s in Span}, (tight, loose))


LATE_RECTIFIERS = Measurement(
    id="late-rectifiers",
    kind=FlowInstance,
    families=FAMILIES,
    instances=after_the_transition,
    measure=measure,
    assumptions=tuple(replace(assumption, violated=None) for assumption in OF_THE_THEOREMS),
    sabotaged={"a flow at 1.05 lambda": partial(measure, decay=1.05)},
    independent=partial(measure, method="BDF"),
    thrift=2,
)
