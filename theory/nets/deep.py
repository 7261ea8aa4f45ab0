"""Deep nets without biases: f(W_1..W_K; x) = W_K act(W_{K-1} ... act(W_1 x))."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate, pairwise
from math import prod
from typing import Any

from theory.backend import Array, Integers, namespace
from theory.errors import InvalidInput
from theory.nets.activations import ACTIVATIONS, Activation, activation_named
from theory.nets.base import HomogeneousNet, complex_step_hessian
from theory.nets.heads import (
    hessian_of_heads,
    jacobian_of_heads,
    rows_and_shared,
)
from theory.requests import is_whole


@dataclass(frozen=True)
class Deep(HomogeneousNet):
    """A bias-free net of K = len(widths) - 1 >= 3 layers.

    `widths` lists all layers, the input first and the outputs last, e.g. (3, 4, 4, 1) for a single
    one; theta is W_1, ..., W_K, row-major. With an activation of degree m the homogeneity degree is
    1 + m + ... + m^(K-1).
    """

    widths: tuple[int, ...]
    activation: str = "linear"

    def __post_init__(self) -> None:
        given = tuple(self.widths) if isinstance(self.widths, Iterable) else ()
        if len(given) < 4 or not all(is_whole(width) and width >= 1 for width in given):
            told = list(given) if isinstance(self.widths, Iterable) else self.widths
            raise InvalidInput(
                f"widths is {told!r}; a deep net needs at least three layers: the input "
                "dimension first, two or more hidden widths, the number of outputs last"
            )
        object.__setattr__(self, "widths", given)
        activation_named(self.activation, tuple(ACTIVATIONS))

    @cached_property
    def _act(self) -> Activation:
        return activation_named(self.activation)

    @cached_property
    def layer_shapes(self) -> tuple[tuple[int, int], ...]:
        """The shapes of W_1, ..., W_K."""
        return tuple((after, before) for before, after in pairwise(self.widths))

    @cached_property
    def _layer_slices(self) -> tuple[slice, ...]:
        """Where theta holds W_1, ..., W_K."""
        ends = tuple(accumulate(map(prod, self.layer_shapes), initial=0))
        return tuple(slice(start, end) for start, end in pairwise(ends))

    @property
    def output_dim(self) -> int:
        return self.widths[-1]

    @cached_property
    def head(self) -> "Deep":
        """The net of one of the outputs."""
        return replace(self, widths=(*self.widths[:-1], 1))

    @cached_property
    def heads(self) -> Integers:
        """Which entries of theta each output depends on."""
        own = self.widths[-2]
        shared = self.parameters - own * self.output_dim
        return rows_and_shared(own, self.output_dim, shared, first=False)

    @cached_property
    def degree(self) -> int:
        return sum(self._act.exponent**layer for layer in range(len(self.widths) - 1))

    @property
    def parameters(self) -> int:
        return sum(map(prod, self.layer_shapes))

    @property
    def smooth(self) -> bool:
        return self._act.continuous_derivatives >= 1

    def forward(self, theta: Any, inputs: Any) -> Any:
        return self.outputs(theta, inputs)

    def layers(self, theta: Array) -> list[Array]:
        """The weight matrices W_1, ..., W_K, each `(..., after, before)`."""
        batch = theta.shape[:-1]
        return [
            theta[..., entries].reshape((*batch, *shape))
            for entries, shape in zip(self._layer_slices, self.layer_shapes, strict=True)
        ]

    def outputs(self, theta: Array, inputs: Array) -> Array:
        *hidden_layers, last = self.layers(theta)
        signal = inputs
        for matrix in hidden_layers:
            signal = self._act.value(signal @ matrix.mT)
        found = signal @ last.mT
        return found if self.output_dim > 1 else found[..., 0]

    def jacobian(self, theta: Array, inputs: Array) -> Array:
        if self.output_dim > 1:
            return jacobian_of_heads(self, theta, inputs)
        *hidden_layers, last = self.layers(theta)
        signals, slopes = [inputs], []
        for matrix in hidden_layers:
            preactivations = signals[-1] @ matrix.mT
            slopes.append(self._act.derivative(preactivations))
            signals.append(self._act.value(preactivations))
        blocks = [signals[-1]]
        backward = last  # d f / d signal, first (..., 1, h), then (..., n, h)
        for layer in range(len(hidden_layers) - 1, -1, -1):
            sensitivities = backward * slopes[layer]
            outer = sensitivities[..., :, None] * signals[layer][..., None, :]
            blocks.append(outer.reshape((*outer.shape[:-2], prod(outer.shape[-2:]))))
            backward = sensitivities @ hidden_layers[layer]
        return namespace(theta).concat(blocks[::-1], -1)

    def weighted_hessian(self, theta: Array, inputs: Array, weights: Array) -> Array:
        if self.output_dim > 1:
            return hessian_of_heads(self, theta, inputs, weights)
        return complex_step_hessian(self, theta, inputs, weights)

    def increment(self, theta: Array, step: Array, inputs: Array) -> Array:
        layers, layer_steps = self.layers(theta), self.layers(step)
        signal, growth = inputs, 0.0 * inputs
        for matrix, matrix_step in zip(layers[:-1], layer_steps[:-1], strict=True):
            preactivations = signal @ matrix.mT
            change = growth @ matrix.mT + (signal + growth) @ matrix_step.mT
            growth = self._act.increment(preactivations, change)
            signal = self._act.value(preactivations)
        change = growth @ layers[-1].mT + (signal + growth) @ layer_steps[-1].mT
        return change if self.output_dim > 1 else change[..., 0]
