"""A net of two degrees at once: what lies just outside the homogeneity assumption."""

from dataclasses import dataclass
from typing import Any

from theory.backend import Array, namespace, zeros
from theory.nets import HomogeneousNet


@dataclass(frozen=True)
class WithBias(HomogeneousNet):
    """A homogeneous net plus a trained output bias (the last parameter): of two degrees at once."""

    net: HomogeneousNet

    @property
    def degree(self) -> int:
        return self.net.degree

    @property
    def parameters(self) -> int | None:
        return None if self.net.parameters is None else self.net.parameters + 1

    @property
    def smooth(self) -> bool | None:
        return self.net.smooth

    def forward(self, theta: Any, inputs: Array) -> Any:
        return self.net.forward(theta[:-1], inputs) + theta[-1]

    def outputs(self, theta: Array, inputs: Array) -> Array:
        return self.net.outputs(theta[..., :-1], inputs) + theta[..., -1:]

    def jacobian(self, theta: Array, inputs: Array) -> Array:
        gradients = self.net.jacobian(theta[..., :-1], inputs)
        bias = zeros(gradients, *gradients.shape[:-1], 1) + 1.0
        return namespace(gradients).concat([gradients, bias], -1)

    def weighted_hessian(self, theta: Array, inputs: Array, weights: Array) -> Array:
        inner = self.net.weighted_hessian(theta[..., :-1], inputs, weights)
        size = inner.shape[-1] + 1
        hessian = zeros(inner, *inner.shape[:-2], size, size)
        hessian[..., :-1, :-1] = inner
        return hessian

    def increment(self, theta: Array, step: Array, inputs: Array) -> Array:
        return self.net.increment(theta[..., :-1], step[..., :-1], inputs) + step[..., -1:]
