"""A net on fixed inputs: functions of theta alone."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from theory.backend import Floats
from theory.nets.base import HomogeneousNet


class NetOnInputs(Protocol):
    """Theta, step and points are `(P,)`, weights one for each output."""

    def outputs(self, theta: Floats) -> Floats:
        """f(theta; x_i), shape `(n,)`."""

    def jacobian(self, theta: Floats) -> Floats:
        """d f(theta; x_i) / d theta, shape `(n, P)`."""

    def increment(self, theta: Floats, step: Floats) -> Floats:
        """f(theta + step; x_i) - f(theta; x_i) without cancellation, shape `(n,)`."""

    def weighted_hessian(self, theta: Floats, weights: Floats) -> Floats:
        """sum_i weights_i d^2 f(theta; x_i) / d theta^2, shape `(P, P)`."""


@dataclass(frozen=True, eq=False)
class OnInputs:
    """A net as it is, asked about its inputs."""

    net: HomogeneousNet
    inputs: Floats

    def outputs(self, theta: Floats) -> Floats:
        return np.asarray(self.net.outputs(theta, self.inputs))

    def jacobian(self, theta: Floats) -> Floats:
        return np.asarray(self.net.jacobian(theta, self.inputs))

    def increment(self, theta: Floats, step: Floats) -> Floats:
        return np.asarray(self.net.increment(theta, step, self.inputs))

    def weighted_hessian(self, theta: Floats, weights: Floats) -> Floats:
        return np.asarray(self.net.weighted_hessian(theta, self.inputs, weights))
