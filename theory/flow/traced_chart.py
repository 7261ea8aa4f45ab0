"""`theory.flow.chart` for a user's torch net, which is traced once (`theory.nets.traced`)."""

from dataclasses import dataclass
from math import exp

import numpy as np

from theory.backend import Floats
from theory.clock import decay_time_at, log_rate
from theory.flow.chart import LARGEST_EXPONENT, LINEAR_BELOW, Chart
from theory.low_rank import FEWEST_PARAMETERS, SHARE, LowRank, LowRankJacobian
from theory.nets.pairs import PairNet
from theory.nets.traced import TracedNet, traced_net
from theory.nets.traced_pairs import TracedPairs


@dataclass(frozen=True, eq=False)
class TracedChart(Chart):
    """A chart whose rows are those of a traced net."""

    traced: TracedNet | TracedPairs

    @property
    def rows(self) -> TracedNet | TracedPairs:
        return self.traced

    @property
    def rectified(self) -> bool:
        """Whether some derivative of the net may jump."""
        return not self.traced.polynomial

    def rhs(self, clock: float, coordinates: Floats) -> Floats:
        """dy/dtau: outputs, and one pass backwards that carries the forces."""
        decay_time, rate = decay_time_at(clock), log_rate(clock)
        epsilon = self.epsilon(decay_time)
        if epsilon == 0.0:
            return super().rhs(clock, coordinates)
        outputs, log_gain = self.row_outputs(decay_time, coordinates), self.log_gain(decay_time)
        force = self.problem.loss_function.force(rate + log_gain, outputs, self.labels)
        weights = force / self.problem.units.gradient
        pull = self.traced.pull(self.base + epsilon * coordinates, weights)
        return np.asarray(pull - (self.decay * exp(rate)) * coordinates)

    def linearize_together(self, clocks: Floats, points: Floats) -> tuple[Floats, Floats]:
        """`linearize` at points `(b, P)` of `clocks` `(b,)`: shapes `(b, n)` and `(b, n, P)`."""
        unit = self.problem.units.gradient
        if not self.comoving:
            grown, gradients = self.traced.grown(self.base, points)
            return grown / unit, gradients / unit
        decay_times = [decay_time_at(clock) for clock in clocks.tolist()]
        log_epsilons = list(map(self.log_epsilon, decay_times))
        if min(log_epsilons) <= LINEAR_BELOW:
            pairs = list(map(self.linearize, decay_times, points))
            return np.array([rows for rows, _ in pairs]), np.array([slopes for _, slopes in pairs])
        epsilons = np.array([[exp(min(size, LARGEST_EXPONENT))] for size in log_epsilons])
        grown, gradients = self.traced.grown(self.base, epsilons * points)
        rows = grown / (unit * epsilons)
        if self.anchored:
            rows = rows + np.exp(np.negative(log_epsilons))[:, None] * self.base_outputs
        return rows, gradients / unit

    @property
    def low_rank(self) -> LowRankJacobian | None:
        problem = self.problem
        if problem.classes is not None or problem.parameters < FEWEST_PARAMETERS:
            return None
        return self._stiff if problem.samples <= SHARE * problem.parameters else None

    def _stiff(self, clock: float, coordinates: Floats) -> LowRank:
        decay_time, rate = decay_time_at(clock), log_rate(clock)
        outputs, gradients = self.linearize(decay_time, coordinates)
        log_gain = rate + self.log_gain(decay_time)
        curvature = self.problem.loss_function.curvature(log_gain, outputs, self.labels)
        return LowRank(self.decay * exp(rate), np.sqrt(curvature)[:, None] * gradients)


def traced_chart(chart: Chart) -> TracedChart | None:
    """None for nets that answer by closed forms, and for those that cannot be traced."""
    problem = chart.problem
    if not problem.net.derived:
        return None
    net = traced_net(problem.net, problem.parameters, problem.inputs)
    if net is None:
        return None
    pairs = problem.row_net
    rows = TracedPairs(pairs, net) if isinstance(pairs, PairNet) else net
    return TracedChart(problem, chart.regime, chart.comoving, rows, anchored=chart.anchored)
