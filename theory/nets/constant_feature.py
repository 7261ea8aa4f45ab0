"""A first layer with biases: the constant feature 1 appended to the inputs of a net."""

from dataclasses import dataclass
from typing import Any

from theory.backend import Array, namespace
from theory.nets.base import HomogeneousNet
from theory.nets.deep import Deep
from theory.nets.diagonal import Diagonal
from theory.nets.two_layer import TwoLayer
from theory.nets.two_layer_relu import TwoLayerReLU


@dataclass(frozen=True)
class ConstantFeature(HomogeneousNet):
    """f(theta; x) = g(theta; (x, 1)): <w, x> + b is <(w, b), (x, 1)>, of the same degree.

    Args:
        net: g, whose input dimension is one more than that of the data.
    """

    net: TwoLayer | TwoLayerReLU | Deep | Diagonal

    @property
    def degree(self) -> int:
        return self.net.degree

    @property
    def parameters(self) -> int:
        return self.net.parameters

    @property
    def input_dim(self) -> int:
        """Of the data."""
        return inner_input_dim(self.net) - 1

    @property
    def output_dim(self) -> int:
        return self.net.output_dim

    @property
    def smooth(self) -> bool:
        return self.net.smooth

    def forward(self, theta: Any, inputs: Any) -> Any:
        return self.outputs(theta, inputs)

    def outputs(self, theta: Array, inputs: Array) -> Array:
        return self.net.outputs(theta, with_constant(inputs))

    def jacobian(self, theta: Array, inputs: Array) -> Array:
        return self.net.jacobian(theta, with_constant(inputs))

    def weighted_hessian(self, theta: Array, inputs: Array, weights: Array) -> Array:
        return self.net.weighted_hessian(theta, with_constant(inputs), weights)

    def increment(self, theta: Array, step: Array, inputs: Array) -> Array:
        return self.net.increment(theta, step, with_constant(inputs))


def inner_input_dim(net: TwoLayer | TwoLayerReLU | Deep | Diagonal) -> int:
    """The number of numbers that a net takes for an input."""
    return net.widths[0] if isinstance(net, Deep) else net.input_dim


def with_constant(inputs: Array) -> Array:
    """(x, 1) for the rows x of `(..., n, d)`."""
    return namespace(inputs).concat([inputs, 0.0 * inputs[..., :1] + 1.0], -1)
