"""Diagonal linear nets: f(u, v; x) = <u^L - v^L, x>."""

from dataclasses import dataclass
from numbers import Integral
from typing import Any

from theory.backend import Array, namespace, zeros
from theory.errors import InvalidInput
from theory.nets.activations import power_increment
from theory.nets.base import HomogeneousNet


@dataclass(frozen=True)
class Diagonal(HomogeneousNet):
    """A diagonal linear net of integer degree L >= 2; theta is u then v, each `(input_dim,)`."""

    input_dim: int
    degree: int = 2

    def __post_init__(self) -> None:
        if self.input_dim < 1:
            raise InvalidInput(f"input_dim is {self.input_dim}; it must be at least 1")
        if not isinstance(self.degree, Integral) or self.degree < 2:
            raise InvalidInput(f"degree is {self.degree}; a diagonal net needs an integer >= 2")

    @property
    def parameters(self) -> int:
        return 2 * self.input_dim

    @property
    def smooth(self) -> bool:
        return True

    def forward(self, theta: Any, inputs: Any) -> Any:
        return self.outputs(theta, inputs)

    def linear_weights(self, theta: Array) -> Array:
        """The linear predictor w = u^L - v^L, shape `(..., input_dim)`."""
        powers = theta**self.degree
        return powers[..., : self.input_dim] - powers[..., self.input_dim :]

    def outputs(self, theta: Array, inputs: Array) -> Array:
        return (inputs @ self.linear_weights(theta)[..., None])[..., 0]

    def jacobian(self, theta: Array, inputs: Array) -> Array:
        slopes = self.degree * theta ** (self.degree - 1)
        u, v = slopes[..., : self.input_dim], slopes[..., self.input_dim :]
        return namespace(theta).concat([inputs * u[..., None, :], -inputs * v[..., None, :]], -1)

    def weighted_hessian(self, theta: Array, inputs: Array, weights: Array) -> Array:
        curvature = self.degree * (self.degree - 1) * theta ** (self.degree - 2)
        combined = (weights[..., None, :] @ inputs)[..., 0, :]
        diagonal = curvature * namespace(theta).concat([combined, -combined], -1)
        size = theta.shape[-1]
        hessian = zeros(theta, *diagonal.shape, size)
        hessian[..., range(size), range(size)] = diagonal
        return hessian

    def increment(self, theta: Array, step: Array, inputs: Array) -> Array:
        moved = power_increment(theta, step, self.degree)
        weights = moved[..., : self.input_dim] - moved[..., self.input_dim :]
        return (inputs @ weights[..., None])[..., 0]
