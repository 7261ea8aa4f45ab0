"""Diagonal linear nets: f(u, v; x) = <u^L - v^L, x>; of several outputs <u_c^L - v_c^L, x>."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from theory.backend import Array, Integers, namespace, zeros
from theory.nets.activations import power_increment
from theory.nets.base import HomogeneousNet
from theory.nets.heads import (
    check_output_dim,
    hessian_of_heads,
    jacobian_of_heads,
)
from theory.requests import check_whole


@dataclass(frozen=True)
class Diagonal(HomogeneousNet):
    """A diagonal linear net of integer degree L >= 2; theta is u then v, each `(input_dim,)`;
    of several outputs each `(K, input_dim)`, row by row.
    """

    input_dim: int
    degree: int = 2
    output_dim: int = 1

    def __post_init__(self) -> None:
        check_output_dim(self.output_dim)
        check_whole("input_dim", self.input_dim)
        check_whole("degree", self.degree, 2)

    @property
    def parameters(self) -> int:
        return 2 * self.output_dim * self.input_dim

    @cached_property
    def head(self) -> "Diagonal":
        """The net of one of the outputs."""
        return replace(self, output_dim=1)

    @cached_property
    def heads(self) -> Integers:
        """Which entries of theta each output depends on."""
        half = self.output_dim * self.input_dim
        rows = np.arange(half).reshape(self.output_dim, self.input_dim)
        return np.concatenate([rows, half + rows], axis=1).astype(np.int64)

    @property
    def smooth(self) -> bool:
        return True

    def forward(self, theta: Any, inputs: Any) -> Any:
        return self.outputs(theta, inputs)

    def linear_weights(self, theta: Array) -> Array:
        """The linear predictor w = u^L - v^L, `(..., input_dim)`; `(..., K * input_dim)` of
        several outputs, row by row.
        """
        return self._difference(theta**self.degree)

    def _difference(self, powers: Array) -> Array:
        """Of what belongs to u and to v."""
        half = self.output_dim * self.input_dim
        return powers[..., :half] - powers[..., half:]

    def _apply(self, weights: Array, inputs: Array) -> Array:
        """The outputs of linear predictors."""
        rows = weights.reshape((*weights.shape[:-1], self.output_dim, self.input_dim))
        found = inputs @ rows.mT
        return found if self.output_dim > 1 else found[..., 0]

    def outputs(self, theta: Array, inputs: Array) -> Array:
        return self._apply(self.linear_weights(theta), inputs)

    def jacobian(self, theta: Array, inputs: Array) -> Array:
        if self.output_dim > 1:
            return jacobian_of_heads(self, theta, inputs)
        slopes = self.degree * theta ** (self.degree - 1)
        u, v = slopes[..., : self.input_dim], slopes[..., self.input_dim :]
        return namespace(theta).concat([inputs * u[..., None, :], -inputs * v[..., None, :]], -1)

    def weighted_hessian(self, theta: Array, inputs: Array, weights: Array) -> Array:
        if self.output_dim > 1:
            return hessian_of_heads(self, theta, inputs, weights)
        curvature = self.degree * (self.degree - 1) * theta ** (self.degree - 2)
        combined = (weights[..., None, :] @ inputs)[..., 0, :]
        diagonal = curvature * namespace(theta).concat([combined, -combined], -1)
        size = theta.shape[-1]
        hessian = zeros(theta, *diagonal.shape, size)
        hessian[..., range(size), range(size)] = diagonal
        return hessian

    def increment(self, theta: Array, step: Array, inputs: Array) -> Array:
        return self._apply(self._difference(power_increment(theta, step, self.degree)), inputs)
