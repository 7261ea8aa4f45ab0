"""Nets with biases: theta is the weights of a homogeneous net, then the biases.

A bias b_l of layer l multiplies the weights of the later layers: of a net of degree L its part is
of degree L - lag under theta -> c theta, with lag = l - 1 in linear nets and L - 1 at the output.
It is this grading that counts, since weight decay shrinks all parameters alike.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate, pairwise
from math import prod
from typing import Any

import numpy as np

from theory.backend import Array, Floats, Integers, namespace, zeros
from theory.errors import InvalidInput
from theory.nets import Deep, Diagonal, HomogeneousNet, TwoLayer
from theory.nets.constant_feature import with_constant
from theory.problem import Problem


@dataclass(frozen=True)
class OutputBias(HomogeneousNet):
    """f(theta; x) = g(weights; x) + b, with one bias for each output.

    Args:
        net: g, homogeneous; `degree` is that of g.
    """

    net: TwoLayer | Diagonal | Deep

    @property
    def degree(self) -> int:
        return self.net.degree

    @property
    def output_dim(self) -> int:
        return self.net.output_dim

    @property
    def parameters(self) -> int:
        return self.net.parameters + self.output_dim

    @property
    def smooth(self) -> bool:
        return self.net.smooth

    @cached_property
    def lags(self) -> Integers:
        """L - D of each parameter, shape `(P,)`; 0 for the weights."""
        return np.repeat([0, self.degree - 1], [self.net.parameters, self.output_dim])

    def forward(self, theta: Any, inputs: Any) -> Any:
        return self.outputs(theta, inputs)

    def _split(self, theta: Array) -> tuple[Array, Array]:
        """Weights, and biases as they are added to outputs."""
        biases = theta[..., self.net.parameters :]
        several = self.output_dim > 1
        return theta[..., : self.net.parameters], biases[..., None, :] if several else biases

    def outputs(self, theta: Array, inputs: Array) -> Array:
        weights, biases = self._split(theta)
        return self.net.outputs(weights, inputs) + biases

    def jacobian(self, theta: Array, inputs: Array) -> Array:
        by_weights = self.net.jacobian(self._split(theta)[0], inputs)
        by_biases = zeros(by_weights, *by_weights.shape[:-1], self.output_dim)
        every = range(self.output_dim)
        by_biases[(..., every, every) if self.output_dim > 1 else ...] = 1.0
        return namespace(theta).concat([by_weights, by_biases], -1)

    def weighted_hessian(self, theta: Array, inputs: Array, weights: Array) -> Array:
        size = self.net.parameters
        hessian = zeros(theta, *theta.shape, self.parameters)
        bent = self.net.weighted_hessian(self._split(theta)[0], inputs, weights)
        hessian[..., :size, :size] = bent
        return hessian

    def increment(self, theta: Array, step: Array, inputs: Array) -> Array:
        own, biases = self._split(step)
        return self.net.increment(self._split(theta)[0], own, inputs) + biases


@dataclass(frozen=True)
class LinearWithBiases(HomogeneousNet):
    """f = W_K (... (W_2 W_1 x + b_2) ...) + b_K; theta is W_1, ..., W_K, b_2, ..., b_K.

    A bias of the first layer is a constant feature, and of the degree of the net. All derivatives
    are those of a linear net without biases of one more unit a layer, which hands on the number 1.

    Args:
        widths: of all layers, the input first and 1 last.
    """

    widths: tuple[int, ...]

    output_dim = 1
    smooth = True

    def __post_init__(self) -> None:
        if Deep(self.widths).output_dim != 1:
            raise InvalidInput(f"widths is {list(self.widths)}; the last of them must be 1")

    @property
    def degree(self) -> int:
        return len(self.widths) - 1

    @cached_property
    def parameters(self) -> int:
        return Deep(self.widths).parameters + sum(self.widths[2:])

    @cached_property
    def lags(self) -> Integers:
        """L - D of each parameter, shape `(P,)`; 0 for the weights."""
        biases = np.repeat(np.arange(1, self.degree), self.widths[2:])
        return np.concatenate([np.zeros(Deep(self.widths).parameters, dtype=np.int64), biases])

    @cached_property
    def augmented(self) -> Deep:
        """The net of one more unit a layer."""
        return Deep((*(width + 1 for width in self.widths[:-1]), 1))

    @cached_property
    def _places(self) -> tuple[Integers, Floats]:
        """Where the augmented theta holds that of this net, `(P,)`, and all else that it holds."""
        shapes = self.augmented.layer_shapes
        starts = list(accumulate(map(prod, shapes), initial=0))
        rest, weights, biases = np.zeros(starts[-1]), [], []
        for start, (rows, columns), (before, after) in zip(
            starts[:-1], shapes, pairwise(self.widths), strict=True
        ):
            entries = start + np.arange(rows * columns).reshape(rows, columns)
            weights.append(entries[:after, :before].ravel())
            biases.append(entries[:after, before])
            rest[entries[after:, before]] = 1.0
        return np.concatenate(weights + biases[1:]), rest

    @property
    def places(self) -> Integers:
        """Where that net holds each parameter, shape `(P,)`."""
        return self._places[0]

    def without_biases(self, problem: Problem) -> Problem:
        """The same problem, put to that net."""
        whole, inputs = self.whole(problem.anchor), with_constant(problem.inputs)
        return replace(problem, net=self.augmented, anchor=whole, inputs=inputs)

    def _embedded(self, theta: Array, rest: Floats) -> Array:
        places = self._places[0]
        whole = zeros(theta, *theta.shape[:-1], rest.size)
        whole[..., places] = theta
        whole[..., np.flatnonzero(rest)] = 1.0
        return whole

    def forward(self, theta: Any, inputs: Any) -> Any:
        return self.outputs(theta, inputs)

    def whole(self, theta: Array) -> Array:
        """theta as the net of one more unit a layer holds it."""
        return self._embedded(theta, self._places[1])

    def outputs(self, theta: Array, inputs: Array) -> Array:
        return self.augmented.outputs(self.whole(theta), with_constant(inputs))

    def jacobian(self, theta: Array, inputs: Array) -> Array:
        whole = self.augmented.jacobian(self.whole(theta), with_constant(inputs))
        return whole[..., self._places[0]]

    def weighted_hessian(self, theta: Array, inputs: Array, weights: Array) -> Array:
        whole = self.whole(theta)
        bent = self.augmented.weighted_hessian(whole, with_constant(inputs), weights)
        places = self._places[0]
        return bent[..., places[:, None], places]

    def increment(self, theta: Array, step: Array, inputs: Array) -> Array:
        moved = self._embedded(step, 0.0 * self._places[1])
        return self.augmented.increment(self.whole(theta), moved, with_constant(inputs))


BiasedNet = OutputBias | LinearWithBiases


def with_biases(problem: Problem) -> Problem:
    """The same problem with biases that start at zero: of all layers but the first in a linear net
    of one output, at the outputs of all others.

    Raises:
        InvalidInput: a net of another family.
    """
    net = problem.net
    if not isinstance(net, (TwoLayer, Diagonal, Deep)):
        raise InvalidInput(f"net is {net}; biases are added to two_layer, diagonal and deep nets")
    linear = isinstance(net, Deep) and net.activation == "linear" and net.output_dim == 1
    biased = LinearWithBiases(net.widths) if linear else OutputBias(net)  # type: ignore[union-attr]
    anchor = np.concatenate([problem.anchor, np.zeros(biased.parameters - net.parameters)])
    return replace(problem, net=biased, anchor=anchor)
