"""Margins of several classes as outputs of one net: q_ij = f_{y_i}(x_i) - f_j(x_i), j != y_i.

They are what classification is about, with labels +1: a problem of n samples and K classes is one
of n (K - 1) such margins, coupled by the loss alone. They come sample by sample, classes in order
without the true one.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from theory.backend import Array, Integers, zeros
from theory.nets.base import HomogeneousNet


@dataclass(frozen=True, eq=False)
class PairNet(HomogeneousNet):
    """The margins of a net of `classes` outputs on inputs of known classes `truth` `(n,)`.

    Outputs have shape `(..., n (K - 1))`, for the n inputs that the classes belong to.
    """

    net: HomogeneousNet
    truth: Integers
    classes: int

    @property
    def degree(self) -> int:
        return self.net.degree

    @property
    def parameters(self) -> int | None:
        return self.net.parameters

    @property
    def smooth(self) -> bool | None:
        return self.net.smooth

    @cached_property
    def others(self) -> Integers:
        """The class of each margin that is not the true one, shape `(n (K - 1),)`."""
        every = np.tile(np.arange(self.classes), (len(self.truth), 1))
        others: Integers = every[every != self.truth[:, None]]
        return others

    @cached_property
    def _ends(self) -> tuple[Integers, Integers]:
        """Where the outputs `(n K,)` hold the two ends of each margin."""
        samples = np.repeat(np.arange(len(self.truth)), self.classes - 1) * self.classes
        return samples + np.repeat(self.truth, self.classes - 1), samples + self.others

    def differences(self, outputs: Array, *, trailing: int = 0) -> Array:
        """Those of outputs `(..., n, K, *trailing)`, shape `(..., n (K - 1), *trailing)`."""
        shape = outputs.shape[outputs.ndim - trailing :]
        batch = outputs.shape[: outputs.ndim - trailing - 2]
        flat = outputs.reshape((*batch, -1, *shape))
        true, other = self._ends
        tail = (slice(None),) * trailing
        return flat[(..., true, *tail)] - flat[(..., other, *tail)]

    def class_weights(self, weights: Array) -> Array:
        """The weights `(..., n, K)` of outputs that amount to those of margins."""
        samples, classes = len(self.truth), self.classes
        by_class = zeros(weights, *weights.shape[:-1], samples * classes)
        by_class[..., self._ends[1]] = -weights
        sums = weights.reshape((*weights.shape[:-1], samples, classes - 1)).sum(-1)
        by_class[..., np.arange(samples) * classes + self.truth] = sums
        return by_class.reshape((*weights.shape[:-1], samples, classes))

    def forward(self, theta: Any, inputs: Any) -> Any:
        return self.differences(self.net.forward(theta, inputs))

    def outputs(self, theta: Array, inputs: Array) -> Array:
        return self.differences(self.net.outputs(theta, inputs))

    def jacobian(self, theta: Array, inputs: Array) -> Array:
        return self.differences(self.net.jacobian(theta, inputs), trailing=1)

    def weighted_hessian(self, theta: Array, inputs: Array, weights: Array) -> Array:
        if self.net.derived:
            return super().weighted_hessian(theta, inputs, weights)
        return self.net.weighted_hessian(theta, inputs, self.class_weights(weights))

    def increment(self, theta: Array, step: Array, inputs: Array) -> Array:
        return self.differences(self.net.increment(theta, step, inputs))

    def __str__(self) -> str:
        return str(self.net)
