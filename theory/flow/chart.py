"""The two charts of the flow, which are one formula with different constants.

In coordinates y around a base point b, with z = b + eps y and f_b(y) = (f(z) - f(b)) / eps,

    dy/ds = -kappa y + sum_i exp(G(s)) * force_i(f_b(y)) * grad f_i(z).

Co-moving (kernel phase): theta = rho z, b = anchor, eps = rho^-L, kappa = L, rho = alpha e^-s,
G = 2 (L-1) log rho - log lambda - log n. Rich (afterwards): theta = z, b = 0, eps = 1, kappa = 1,
G = -log lambda - log n. The Jacobian is symmetric.
"""

from dataclasses import dataclass
from functools import cached_property
from math import exp, log

import numpy as np

from theory.backend import Floats
from theory.clock import decay_time_at, log_rate
from theory.problem import Problem, Regime

LINEAR_BELOW = log(1e-60)
"""Below eps = 1e-60 the net is linear to every digit; subnormal eps would make f / eps noise."""


@dataclass(frozen=True, eq=False)
class Chart:
    """One chart of one flow; `coordinates` y have shape `(P,)`."""

    problem: Problem
    regime: Regime
    comoving: bool

    @property
    def name(self) -> str:
        return "co-moving" if self.comoving else "rich"

    @cached_property
    def base(self) -> Floats:
        return self.problem.anchor if self.comoving else np.zeros(self.problem.parameters)

    @cached_property
    def base_jacobian(self) -> Floats:
        return np.asarray(self.problem.net.jacobian(self.base, self.problem.inputs))

    @cached_property
    def decay(self) -> float:
        """kappa."""
        return float(self.problem.degree) if self.comoving else 1.0

    @cached_property
    def _resting_gain(self) -> float:
        return -self.regime.log_lambda - log(self.problem.samples)

    @cached_property
    def drift(self) -> float:
        """-dG/ds."""
        return 2.0 * (self.problem.degree - 1) if self.comoving else 0.0

    def log_scale(self, decay_time: float) -> float:
        """log of the factor between z and theta."""
        return self.regime.log_alpha - decay_time if self.comoving else 0.0

    def log_gain(self, decay_time: float) -> float:
        """G(s)."""
        scale = self.regime.log_alpha - decay_time
        return self._resting_gain + (self.drift * scale if self.comoving else 0.0)

    def epsilon(self, decay_time: float) -> float:
        """eps(s), and exactly 0 where the net is linear to every digit."""
        if not self.comoving:
            return 1.0
        log_epsilon = -self.problem.degree * (self.regime.log_alpha - decay_time)
        return exp(log_epsilon) if log_epsilon > LINEAR_BELOW else 0.0

    def outputs(self, decay_time: float, coordinates: Floats, inputs: Floats) -> Floats:
        """f(theta; x), shape `(m,)`."""
        net, epsilon = self.problem.net, self.epsilon(decay_time)
        if not self.comoving:
            return np.asarray(net.outputs(coordinates, inputs))
        if epsilon == 0.0:
            return np.asarray(net.jacobian(self.base, inputs) @ coordinates)
        return np.asarray(net.increment(self.base, epsilon * coordinates, inputs) / epsilon)

    def linearize(self, decay_time: float, coordinates: Floats) -> tuple[Floats, Floats]:
        """Training outputs `(n,)` and gradients at z `(n, P)`."""
        net, inputs, epsilon = self.problem.net, self.problem.inputs, self.epsilon(decay_time)
        if epsilon == 0.0:
            return self.base_jacobian @ coordinates, self.base_jacobian
        if not self.comoving:
            return net.outputs(coordinates, inputs), net.jacobian(coordinates, inputs)
        step = epsilon * coordinates
        outputs = net.increment(self.base, step, inputs) / epsilon
        return outputs, net.jacobian(self.base + step, inputs)

    def rhs(self, clock: float, coordinates: Floats) -> Floats:
        """dy/dtau."""
        decay_time, rate = decay_time_at(clock), log_rate(clock)
        outputs, gradients = self.linearize(decay_time, coordinates)
        log_gain = rate + self.log_gain(decay_time)
        force = self.problem.loss_function.force(log_gain, outputs, self.problem.labels)
        return np.asarray(force @ gradients - (self.decay * exp(rate)) * coordinates)

    def jacobian(self, clock: float, coordinates: Floats) -> Floats:
        """d(dy/dtau)/dy, shape `(P, P)`."""
        decay_time, rate = decay_time_at(clock), log_rate(clock)
        problem, epsilon = self.problem, self.epsilon(decay_time)
        outputs, gradients = self.linearize(decay_time, coordinates)
        log_gain = rate + self.log_gain(decay_time)
        curvature = problem.loss_function.curvature(log_gain, outputs, problem.labels)
        matrix = -(gradients.T * curvature) @ gradients
        if epsilon > 0.0:
            force = problem.loss_function.force(log_gain, outputs, problem.labels)
            point = self.base + epsilon * coordinates
            matrix = matrix + epsilon * problem.net.weighted_hessian(point, problem.inputs, force)
        matrix[np.diag_indices_from(matrix)] -= self.decay * exp(rate)
        return np.asarray(matrix)
