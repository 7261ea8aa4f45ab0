"""The two charts of the flow, which are one formula with different constants.

In coordinates y around a base point b, with z = b + eps y and f_b(y) = (f(z) - f(b)) / eps,

    dy/ds = -kappa y + sum_i exp(G(s)) * force_i(f_b(y)) * grad f_i(z).

Co-moving (kernel phase): theta = rho z, b = anchor, eps = rho^-L, kappa = L, rho = alpha e^-s,
G = 2 (L-1) log rho - log lambda - log n. Rich (afterwards): theta = z, b = 0, eps = 1, kappa = 1,
G = -log lambda - log n. The Jacobian is symmetric.

An `anchored` chart adds the base's own outputs f(b) / eps, which the anchors of theorems lack.

All of this is in the units of the problem (`theory.units`): net, labels, theta, alpha and the
lambda of G are those of the same flow with an anchor, gradients and targets of order one. So rho^L
is the size of outputs, whatever the sizes of anchor and inputs.
"""

from dataclasses import dataclass, field
from functools import cached_property
from math import exp, log

import numpy as np

from theory.backend import Floats
from theory.clock import decay_time_at, log_rate
from theory.low_rank import LowRankJacobian
from theory.nets.on_inputs import NetOnInputs, OnInputs
from theory.problem import Problem, Regime

LINEAR_BELOW = log(1e-60)
"""Below eps = 1e-60 the net is linear to every digit; subnormal eps would make f / eps noise."""

LARGEST_EXPONENT = 700.0
"""Of log eps; the rich chart has taken over long before."""


def stiffness(jacobian: Floats) -> float:
    """The largest entry of the kernel J J^T, by which the first time scale is told."""
    return float(np.abs(jacobian @ jacobian.T).max())


@dataclass(frozen=True, eq=False)
class Chart:
    """One chart of one flow; `coordinates` y have shape `(P,)`.

    Times and the `inputs` of `outputs` are in the units of the user, all else in the problem's own.
    """

    problem: Problem
    regime: Regime
    comoving: bool
    anchored: bool = field(default=False, kw_only=True)

    @property
    def low_rank(self) -> LowRankJacobian | None:
        """The stiff part of the Jacobian, where it is of much lower rank than P and worth it."""
        return None

    @property
    def name(self) -> str:
        return "co-moving" if self.comoving else "rich"

    @cached_property
    def base(self) -> Floats:
        return self.problem.unit_anchor if self.comoving else np.zeros(self.problem.parameters)

    @property
    def rows(self) -> NetOnInputs:
        """The net of the rows on the training inputs."""
        return OnInputs(self.problem.row_net, self.problem.inputs)

    @cached_property
    def base_jacobian(self) -> Floats:
        """Of the rows."""
        if self.comoving:
            return self.problem.unit_gradients / self.problem.units.gradient
        return self._jacobian(self.rows, self.base)

    @cached_property
    def base_outputs(self) -> Floats:
        """Of the rows, `(n,)`; empty where they are not added."""
        return self._own_outputs(self.rows) if self.anchored else np.empty(0)

    @cached_property
    def labels(self) -> Floats:
        """y of the rows, shape `(n,)`."""
        return np.asarray(self.problem.row_labels / self.problem.units.target)

    @cached_property
    def _degree(self) -> int:
        return self.problem.degree

    @cached_property
    def log_alpha(self) -> float:
        """log rho at the start; negative where outputs are below order one throughout."""
        return self.regime.log_alpha + self.problem.units.log_scale

    @cached_property
    def decay(self) -> float:
        """kappa."""
        return float(self.problem.degree) if self.comoving else 1.0

    @cached_property
    def resting_gain(self) -> float:
        """-log lambda - log n."""
        resting = -self.regime.log_lambda - log(self.problem.samples)
        return resting + self.problem.units.log_gain

    @cached_property
    def drift(self) -> float:
        """-dG/ds."""
        return 2.0 * (self.problem.degree - 1) if self.comoving else 0.0

    def log_scale(self, decay_time: float) -> float:
        """log of the factor between z and theta."""
        return self.log_alpha - decay_time if self.comoving else 0.0

    def log_gain(self, decay_time: float) -> float:
        """G(s)."""
        return self.resting_gain + self.drift * self.log_scale(decay_time)

    def log_epsilon(self, decay_time: float) -> float:
        """log eps(s)."""
        return -self._degree * self.log_scale(decay_time)

    def epsilon(self, decay_time: float) -> float:
        """eps(s), and exactly 0 where the net is linear to every digit."""
        if not self.comoving:
            return 1.0
        log_epsilon = self.log_epsilon(decay_time)
        return exp(min(log_epsilon, LARGEST_EXPONENT)) if log_epsilon > LINEAR_BELOW else 0.0

    def outputs(self, decay_time: float, coordinates: Floats, inputs: Floats) -> Floats:
        """f(theta; x), shape `(m,)`, or `(m, K)` of several classes."""
        return self._outputs(OnInputs(self.problem.net, inputs), decay_time, coordinates)

    def row_outputs(self, decay_time: float, coordinates: Floats) -> Floats:
        """The rows: training outputs, or margins of several classes, shape `(n,)`."""
        return self._outputs(self.rows, decay_time, coordinates)

    def _outputs(self, net: NetOnInputs, decay_time: float, coordinates: Floats) -> Floats:
        epsilon, unit = self.epsilon(decay_time), self.problem.units.gradient
        if not self.comoving:
            return net.outputs(coordinates) / unit
        if epsilon == 0.0:
            grown = np.asarray(self._jacobian(net, self.base) @ coordinates)
        else:
            grown = net.increment(self.base, epsilon * coordinates) / unit / epsilon
        return self._from_base(net, decay_time, grown)

    def linearize(self, decay_time: float, coordinates: Floats) -> tuple[Floats, Floats]:
        """The rows `(n,)` and their gradients at z `(n, P)`."""
        epsilon = self.epsilon(decay_time)
        if epsilon == 0.0:
            grown = self.base_jacobian @ coordinates
            return self._from_base(self.rows, decay_time, grown), self.base_jacobian
        gradients = self._jacobian(self.rows, self.base + epsilon * coordinates)
        return self.row_outputs(decay_time, coordinates), gradients

    def _from_base(self, net: NetOnInputs, decay_time: float, grown: Floats) -> Floats:
        if not self.anchored:
            return grown
        return np.asarray(grown + self._own_outputs(net) * np.exp(-self.log_epsilon(decay_time)))

    def _own_outputs(self, net: NetOnInputs) -> Floats:
        return net.outputs(self.base) / self.problem.units.gradient

    def _jacobian(self, net: NetOnInputs, point: Floats) -> Floats:
        return net.jacobian(point) / self.problem.units.gradient

    def rhs(self, clock: float, coordinates: Floats) -> Floats:
        """dy/dtau."""
        decay_time, rate = decay_time_at(clock), log_rate(clock)
        outputs, gradients = self.linearize(decay_time, coordinates)
        log_gain = rate + self.log_gain(decay_time)
        force = self.problem.loss_function.force(log_gain, outputs, self.labels)
        return np.asarray(force @ gradients - (self.decay * exp(rate)) * coordinates)

    def jacobian(self, clock: float, coordinates: Floats) -> Floats:
        """d(dy/dtau)/dy, shape `(P, P)`."""
        decay_time, rate = decay_time_at(clock), log_rate(clock)
        problem, epsilon = self.problem, self.epsilon(decay_time)
        outputs, gradients = self.linearize(decay_time, coordinates)
        log_gain = rate + self.log_gain(decay_time)
        curved = problem.loss_function.curved(log_gain, outputs, self.labels, gradients)
        matrix = -gradients.T @ curved
        if epsilon > 0.0:
            force = problem.loss_function.force(log_gain, outputs, self.labels)
            point, bent = self.base + epsilon * coordinates, epsilon / problem.units.gradient
            matrix = matrix + bent * self.rows.weighted_hessian(point, force)
        matrix[np.diag_indices_from(matrix)] -= self.decay * exp(rate)
        return np.asarray(matrix)
