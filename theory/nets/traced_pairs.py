"""Margins of several classes (`theory.nets.pairs`) of a user's torch net, which is traced once."""

from dataclasses import dataclass

import numpy as np

from theory.backend import Floats
from theory.nets.pairs import PairNet
from theory.nets.traced import TracedNet


@dataclass(frozen=True, eq=False)
class TracedPairs:
    """The rows of a `PairNet` on its inputs; theta, step and points are `(P,)`, weights `(n,)`."""

    pairs: PairNet
    traced: TracedNet

    @property
    def polynomial(self) -> bool:
        return self.traced.polynomial

    def outputs(self, theta: Floats) -> Floats:
        """Shape `(n,)`, of n rows."""
        return np.asarray(self.pairs.differences(self.traced.outputs(theta)))

    def pull(self, theta: Floats, weights: Floats) -> Floats:
        """sum_i weights_i grad q_i(theta), shape `(P,)`."""
        return self.traced.pull(theta, np.asarray(self.pairs.class_weights(weights)))

    def jacobian(self, theta: Floats) -> Floats:
        """Shape `(n, P)`."""
        return np.asarray(self.pairs.differences(self.traced.jacobian(theta), trailing=1))

    def increment(self, theta: Floats, step: Floats) -> Floats:
        """q_i(theta + step) - q_i(theta) without cancellation, shape `(n,)`."""
        return np.asarray(self.pairs.differences(self.traced.increment(theta, step)))

    def grown(self, theta: Floats, steps: Floats) -> tuple[Floats, Floats]:
        """Increments along the steps `(b, P)` and Jacobians there, `(b, n)` and `(b, n, P)`."""
        increments, jacobians = self.traced.grown(theta, steps)
        differences = self.pairs.differences
        return differences(increments), differences(jacobians, trailing=1)

    def weighted_hessian(self, theta: Floats, weights: Floats) -> Floats:
        """sum_i weights_i d^2 q_i / d theta^2, shape `(P, P)`."""
        by_class = np.asarray(self.pairs.class_weights(weights))
        return self.traced.weighted_hessian(theta, by_class)
