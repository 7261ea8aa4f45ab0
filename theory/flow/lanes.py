"""The lanes of a batch of flows: where each stands, how long its next step is, when it is done."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from math import inf, log
from typing import Final

import numpy as np

from theory.backend import Array, Floats
from theory.clock import SEAM, clock_of
from theory.flow.batch_chart import BatchChart
from theory.flow.chart import Chart
from theory.flow.extrapolation import ORDER, extrapolated_step, rounding_growth
from theory.flow.gradient import start_clock
from theory.flow.pieces import hand_over
from theory.kernel.lazy import tolerances
from theory.problem import Problem, Regime

_FIRST_STEP: Final = 0.5
"""In units of tau; the solution grows like e^tau at first."""

_SAFETY, _MOST_SHRINKING, _MOST_GROWTH = 0.9, 0.1, 5.0

_RICH_BELOW: Final = log(100.0)
"""The rich chart takes over once rho^L < 100, in the units of the problem. At 1e4 the tolerance of
theta, relative to rho, is coarse for eta: margins are then wrong by 100 rtol. Later turns cost
steps."""


@dataclass(frozen=True, eq=False)
class Lanes:
    """The lanes under way: A of the B of a batch, at `index` `(A,)`.

    Lanes land on each of their `stops` `(A, T)`, and go over to the rich chart at the clock `turn`
    `(A,)`. `step` `(A,)` is the length to try next; the tolerances are `(A, 1)`.
    """

    index: Array
    chart: BatchChart
    clock: Array
    coordinates: Array
    step: Array
    stops: Array
    turn: Array
    rtol: Array
    atol: Array

    @classmethod
    def at_start(
        cls,
        problems: Sequence[Problem],
        regimes: Sequence[Regime],
        at: Floats,
        rtol: float,
        device: str,
    ) -> "Lanes":
        """All B lanes after the head start of `gradient_flow`; a stop at time 0 is -inf."""
        import torch

        def tensor(rows: object) -> Array:
            return torch.tensor(np.array(rows), dtype=torch.float64, device=device)

        flows = list(zip(problems, regimes, strict=True))
        stops = [[clock_of(t * r.log_alpha) if t > 0 else -inf for t in at] for r in regimes]
        first = [min((stop for stop in row if stop > -inf), default=inf) for row in stops]
        charts = [Chart(p, r, comoving=True) for p, r in flows]
        starts = [start_clock(chart) for chart in charts]
        tolerance = [_tolerances(chart.log_gain(0.0), rtol) for chart in charts]
        chart = BatchChart.of(problems, regimes, device)
        clock = torch.minimum(tensor(starts), tensor(first) - 1.0)
        return cls(
            index=torch.arange(len(flows), device=device),
            chart=chart,
            clock=clock,
            coordinates=chart.rhs(clock, torch.zeros_like(chart.anchor)),
            step=torch.full_like(clock, _FIRST_STEP),
            stops=tensor(stops),
            turn=torch.maximum(clock, tensor([hand_over(c, _RICH_BELOW) for c in charts])),
            rtol=tensor(tolerance)[:, :1],
            atol=tensor(tolerance)[:, 1:],
        )

    @property
    def arriving(self) -> Array:
        """Which stops the lanes stand on, mask `(A, T)`."""
        return self.stops == self.clock[:, None]

    @property
    def under_way(self) -> Array:
        """Which lanes have stops ahead and steps that still move the clock, mask `(A,)`."""
        moving = self.clock + self.step > self.clock
        return moving & (self.stops > self.clock[:, None]).any(-1)

    def kept(self, mask: Array) -> "Lanes":
        """The lanes of a mask `(A,)`."""
        tensors = [field.name for field in fields(self) if field.name != "chart"]
        kept = {name: getattr(self, name)[mask] for name in tensors}
        return replace(self, chart=self.chart.lanes(mask), **kept)

    def turned(self) -> "Lanes":
        """The lanes that stand at their turn go over to the rich chart."""
        import torch

        turning = self.chart.comoving & (self.clock == self.turn)
        scale = self.chart.log_scale(self.clock).exp()[:, None]
        theta = scale * self.chart.point(self.clock, self.coordinates)
        size = theta.abs().amax(-1, keepdim=True).clip(max=1.0)
        return replace(
            self,
            chart=self.chart.turned_rich(turning),
            coordinates=torch.where(turning[:, None], theta, self.coordinates),
            atol=torch.where(turning[:, None], size * self.atol, self.atol),
        )

    def advanced(self) -> "Lanes":
        """Each lane one step further, or where it was with a shorter step to try."""
        import torch

        stop = self._next_stop()
        landing = self.clock + self.step >= stop
        step = torch.where(landing, stop - self.clock, self.step)
        increment, error = extrapolated_step(self.chart, self.clock, self.coordinates, step)
        moved = self.coordinates + increment
        size = torch.maximum(self.coordinates.abs(), moved.abs())
        relative_error = (error / (self.atol + self.rtol * size)).square().mean(-1).sqrt()
        relative_error = relative_error.nan_to_num(inf)
        accepted = relative_error <= 1.0
        factor = (_SAFETY * relative_error ** (-1.0 / ORDER)).clip(_MOST_SHRINKING, _MOST_GROWTH)
        resumed = torch.where(accepted & landing, self.step, 0.0)
        clock = torch.where(landing, stop, self.clock + step)
        return replace(
            self,
            clock=torch.where(accepted, clock, self.clock),
            coordinates=torch.where(accepted[:, None], moved, self.coordinates),
            step=torch.maximum(factor * step, resumed),
        )

    def _next_stop(self) -> Array:
        """The next clock to land on: a stop, the turn, or the seam of the clock, `(A,)`."""
        import torch

        seam = torch.full_like(self.turn, SEAM)
        clocks = torch.cat([self.stops, torch.stack([self.turn, seam], -1)], -1)
        return torch.where(clocks > self.clock[:, None], clocks, inf).amin(-1)


def march(lanes: Lanes, max_steps: int) -> tuple[Array, Array]:
    """Step the lanes to their last stops.

    Returns:
        the coordinates at the stops, `(B, T, P)`, NaN where a lane did not arrive, in the rich
        chart after the lane's turn; and the steps tried, `(B,)`.
    """
    import torch

    shape = (*lanes.stops.shape, lanes.coordinates.shape[-1])
    arrived = torch.full_like(lanes.coordinates[:, None, :], torch.nan).expand(shape).clone()
    arrived[lanes.stops == -inf] = 0.0
    steps = torch.zeros_like(lanes.index)
    lanes = lanes.kept(lanes.under_way)
    while len(lanes.index):
        steps[lanes.index] += 1
        lanes = lanes.turned().advanced()
        lane, time = torch.nonzero(lanes.arriving, as_tuple=True)
        arrived[lanes.index[lane], time] = lanes.coordinates[lane]
        going = lanes.under_way & (steps[lanes.index] < max_steps)
        lanes = lanes if going.all() else lanes.kept(going)
    return arrived, steps


def _tolerances(log_gain: float, rtol: float) -> tuple[float, float]:
    """Those of `gradient_flow`, raised to what extrapolation makes of rounded exponents.

    The factor 500 is five times that of `gradient_flow`; with less, steps stall at log10 alpha =
    10000. Up to 1000 it is below 1e-9.
    """
    noise = float(np.finfo(float).eps) * (abs(log_gain) + 10.0)
    rtol, atol = tolerances(log_gain, rtol)
    return max(rtol, 500.0 * noise), max(atol, rounding_growth() * noise)
