"""`theory.flow.chart` for a user's torch net, which is traced once (`theory.nets.traced`)."""

from collections.abc import Callable
from dataclasses import dataclass
from math import exp

import numpy as np

from theory.backend import Floats
from theory.clock import decay_time_at, log_rate
from theory.flow.chart import Chart
from theory.flow.manifold import SlowManifold
from theory.low_rank import FEWEST_PARAMETERS, SHARE, LowRank
from theory.nets.traced import TracedNet, traced_net


@dataclass(frozen=True, eq=False)
class TracedChart:
    """Right-hand side and Jacobian of a chart, as an integrator calls them."""

    chart: Chart
    net: TracedNet

    def rhs(self, clock: float, coordinates: Floats) -> Floats:
        """dy/dtau: outputs, and one pass backwards that carries the forces."""
        chart = self.chart
        decay_time, rate = decay_time_at(clock), log_rate(clock)
        epsilon, unit = chart.epsilon(decay_time), chart.problem.units.gradient
        outputs = self._outputs(epsilon, coordinates)
        log_gain = rate + chart.log_gain(decay_time)
        force = chart.problem.loss_function.force(log_gain, outputs, chart.labels)
        if epsilon == 0.0:
            pull = force @ chart.base_jacobian
        else:
            pull = self.net.pull(chart.base + epsilon * coordinates, force / unit)
        return np.asarray(pull - (chart.decay * exp(rate)) * coordinates)

    def jacobian(self, clock: float, coordinates: Floats) -> Floats:
        """d(dy/dtau)/dy, shape `(P, P)`."""
        chart = self.chart
        decay_time, rate = decay_time_at(clock), log_rate(clock)
        epsilon, unit = chart.epsilon(decay_time), chart.problem.units.gradient
        outputs = self._outputs(epsilon, coordinates)
        log_gain = rate + chart.log_gain(decay_time)
        loss = chart.problem.loss_function
        curvature = loss.curvature(log_gain, outputs, chart.labels)
        if epsilon == 0.0:
            matrix = -(chart.base_jacobian.T * curvature) @ chart.base_jacobian
        else:
            point = chart.base + epsilon * coordinates
            gradients = self.net.jacobian(point) / unit
            force = loss.force(log_gain, outputs, chart.labels)
            matrix = self.net.weighted_hessian(point, epsilon / unit * force)
            matrix = matrix - (gradients.T * curvature) @ gradients
        matrix[np.diag_indices_from(matrix)] -= chart.decay * exp(rate)
        return np.asarray(matrix)

    @property
    def low_rank(self) -> Callable[[float, Floats], LowRank] | None:
        """The stiff part of the Jacobian, where it is of much lower rank than P; else None."""
        problem = self.chart.problem
        large = problem.parameters >= FEWEST_PARAMETERS
        return self._stiff if large and problem.samples <= SHARE * problem.parameters else None

    def _stiff(self, clock: float, coordinates: Floats) -> LowRank:
        chart = self.chart
        decay_time, rate = decay_time_at(clock), log_rate(clock)
        outputs, gradients = self.linearize(decay_time, coordinates)
        log_gain = rate + chart.log_gain(decay_time)
        curvature = chart.problem.loss_function.curvature(log_gain, outputs, chart.labels)
        return LowRank(chart.decay * exp(rate), np.sqrt(curvature)[:, None] * gradients)

    def linearize(self, decay_time: float, coordinates: Floats) -> tuple[Floats, Floats]:
        """Training outputs `(n,)` and gradients at z `(n, P)`."""
        chart = self.chart
        epsilon, unit = chart.epsilon(decay_time), chart.problem.units.gradient
        if epsilon == 0.0:
            return chart.linearize(decay_time, coordinates)
        gradients = self.net.jacobian(chart.base + epsilon * coordinates) / unit
        return self._outputs(epsilon, coordinates), gradients

    def _outputs(self, epsilon: float, coordinates: Floats) -> Floats:
        chart, unit = self.chart, self.chart.problem.units.gradient
        if not chart.comoving:
            return self.net.outputs(coordinates) / unit
        if epsilon == 0.0:
            return np.asarray(chart.base_jacobian @ coordinates)
        return self.net.increment(chart.base, epsilon * coordinates) / (unit * epsilon)


@dataclass(frozen=True, eq=False)
class TracedManifold(SlowManifold):
    """The slow manifold of the squared loss, likewise."""

    traced: TracedChart | None = None

    def linearize(self, decay_time: float, coordinates: Floats) -> tuple[Floats, Floats]:
        """As of the chart."""
        return (self.traced or self.chart).linearize(decay_time, coordinates)


def traced_chart(chart: Chart) -> TracedChart | None:
    """None for nets that answer by closed forms, and for those that cannot be traced."""
    problem = chart.problem
    if not problem.net.derived:
        return None
    net = traced_net(problem.net, problem.parameters, problem.inputs)
    return None if net is None else TracedChart(chart, net)
