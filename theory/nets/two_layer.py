"""Two-layer nets without biases: f(a, W; x) = sum_k a_k act(w_k . x)."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from theory.backend import Array, Integers, namespace, zeros
from theory.nets.activations import Activation, activation_named
from theory.nets.base import HomogeneousNet
from theory.nets.heads import (
    check_output_dim,
    hessian_of_heads,
    jacobian_of_heads,
    rows_and_shared,
)
from theory.requests import check_whole

TWO_LAYER_ACTIVATIONS = ("square", "cube", "relu", "relu_squared", "relu_cubed")


@dataclass(frozen=True)
class TwoLayer(HomogeneousNet):
    """A two-layer net; theta is the readout, then the rows of W `(width, input_dim)`.

    The readout a is `(width,)`; of several outputs its rows follow one another, `(K, width)`.

    `relu` is outside the smoothness assumption: its flow slides along kinks (a Filippov solution),
    where integrators stall.
    """

    width: int
    input_dim: int
    activation: str
    output_dim: int = 1

    def __post_init__(self) -> None:
        check_output_dim(self.output_dim)
        check_whole("width", self.width)
        check_whole("input_dim", self.input_dim)
        activation_named(self.activation, TWO_LAYER_ACTIVATIONS)

    @property
    def _act(self) -> Activation:
        return activation_named(self.activation)

    @property
    def degree(self) -> int:
        return 1 + self._act.exponent

    @property
    def parameters(self) -> int:
        return self.width * (self.output_dim + self.input_dim)

    @cached_property
    def head(self) -> "TwoLayer":
        """The net of one of the outputs."""
        return replace(self, output_dim=1)

    @cached_property
    def heads(self) -> Integers:
        """Which entries of theta each output depends on."""
        shared = self.width * self.input_dim
        return rows_and_shared(self.width, self.output_dim, shared, first=True)

    @property
    def smooth(self) -> bool:
        return self._act.continuous_derivatives >= 1

    def forward(self, theta: Any, inputs: Any) -> Any:
        return self.outputs(theta, inputs)

    def split(self, theta: Array) -> tuple[Array, Array]:
        """The readout `(..., width)`, `(..., K, width)` of several outputs, and the hidden weights
        `(..., width, input_dim)`.
        """
        size = self.output_dim * self.width
        readout, hidden = theta[..., :size], theta[..., size:]
        if self.output_dim > 1:
            readout = readout.reshape((*readout.shape[:-1], self.output_dim, self.width))
        return readout, hidden.reshape((*hidden.shape[:-1], self.width, self.input_dim))

    def _readouts(self, theta: Array) -> Array:
        """That of each output, `(..., K, width)`."""
        readout = self.split(theta)[0]
        return readout if self.output_dim > 1 else readout[..., None, :]

    def outputs(self, theta: Array, inputs: Array) -> Array:
        _, hidden = self.split(theta)
        found = self._act.value(inputs @ hidden.mT) @ self._readouts(theta).mT
        return found if self.output_dim > 1 else found[..., 0]

    def jacobian(self, theta: Array, inputs: Array) -> Array:
        if self.output_dim > 1:
            return jacobian_of_heads(self, theta, inputs)
        readout, hidden = self.split(theta)
        preactivations = inputs @ hidden.mT
        slopes = self._act.derivative(preactivations) * readout[..., None, :]
        by_hidden = slopes[..., None] * inputs[..., None, :]
        flat = by_hidden.reshape((*by_hidden.shape[:-2], self.width * self.input_dim))
        return namespace(theta).concat([self._act.value(preactivations), flat], -1)

    def weighted_hessian(self, theta: Array, inputs: Array, weights: Array) -> Array:
        if self.output_dim > 1:
            return hessian_of_heads(self, theta, inputs, weights)
        readout, hidden = self.split(theta)
        preactivations = inputs @ hidden.mT
        m, d = self.width, self.input_dim
        mixed = (weights[..., None] * self._act.derivative(preactivations)).mT @ inputs
        curvature = weights[..., None] * self._act.second_derivative(preactivations)
        scaled = (curvature * readout[..., None, :]).mT[..., None] * inputs[..., None, :, :]
        blocks = scaled.mT @ inputs[..., None, :, :]
        hessian = zeros(theta, *theta.shape, theta.shape[-1])
        for k in range(m):
            rows = slice(m + k * d, m + (k + 1) * d)
            hessian[..., k, rows] = mixed[..., k, :]
            hessian[..., rows, k] = mixed[..., k, :]
            hessian[..., rows, rows] = blocks[..., k, :, :]
        return hessian

    def increment(self, theta: Array, step: Array, inputs: Array) -> Array:
        preactivations = inputs @ self.split(theta)[1].mT
        grown = self._act.increment(preactivations, inputs @ self.split(step)[1].mT)
        readouts, readout_steps = self._readouts(theta), self._readouts(step)
        by_hidden = grown @ (readouts + readout_steps).mT
        found = by_hidden + self._act.value(preactivations) @ readout_steps.mT
        return found if self.output_dim > 1 else found[..., 0]
