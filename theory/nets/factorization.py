"""Symmetric matrix factorization: f(U, V; (i, j)) = (U U^T - V V^T)_ij."""

from dataclasses import dataclass
from typing import Any

from theory.backend import Array, namespace, zeros
from theory.errors import InvalidInput
from theory.nets.base import HomogeneousNet


@dataclass(frozen=True)
class Factorization(HomogeneousNet):
    """Degree 2; theta is U then V, each `(size, rank)` row-major; an input is a pair (i, j) of
    indices below `size`. The product is symmetric: (i, j) and (j, i) are the same observation.
    """

    size: int
    rank: int

    def __post_init__(self) -> None:
        for name, value in (("size", self.size), ("rank", self.rank)):
            if value < 1:
                raise InvalidInput(f"{name} is {value}; it must be at least 1")

    @property
    def degree(self) -> int:
        return 2

    @property
    def parameters(self) -> int:
        return 2 * self.size * self.rank

    @property
    def smooth(self) -> bool:
        return True

    def forward(self, theta: Any, inputs: Any) -> Any:
        return self.outputs(theta, inputs)

    def factors(self, theta: Array) -> Array:
        """U and V stacked, shape `(..., 2, size, rank)`."""
        return theta.reshape((*theta.shape[:-1], 2, self.size, self.rank))

    def _pairs(self, inputs: Array) -> tuple[Array, Array]:
        """Row and column indices, each `(n,)`; every batch member observes the same pairs."""
        pairs = inputs
        while pairs.ndim > 2:
            pairs = pairs[0]
        integer = int if namespace(inputs).__name__ == "numpy" else namespace(inputs).int64
        pairs = namespace(inputs).asarray(pairs, dtype=integer)
        return pairs[:, 0], pairs[:, 1]

    def outputs(self, theta: Array, inputs: Array) -> Array:
        rows, columns = self._pairs(inputs)
        factors = self.factors(theta)
        products = (factors[..., rows, :] * factors[..., columns, :]).sum(-1)
        return products[..., 0, :] - products[..., 1, :]

    def jacobian(self, theta: Array, inputs: Array) -> Array:
        rows, columns = self._pairs(inputs)
        factors, samples = self.factors(theta), range(len(rows))
        slopes = zeros(factors, *theta.shape[:-1], 2, len(rows), self.size, self.rank)
        slopes[..., samples, rows, :] = factors[..., columns, :]
        slopes[..., samples, columns, :] += factors[..., rows, :]
        u, v = slopes[..., 0, :, :, :], -slopes[..., 1, :, :, :]
        half = self.size * self.rank
        shape = (*theta.shape[:-1], len(rows), half)
        return namespace(theta).concat([u.reshape(shape), v.reshape(shape)], -1)

    def weighted_hessian(self, theta: Array, inputs: Array, weights: Array) -> Array:
        rows, columns = self._pairs(inputs)
        observed = zeros(theta, *theta.shape[:-1], self.size, self.size)
        for sample, (row, column) in enumerate(zip(rows, columns, strict=True)):
            observed[..., row, column] += weights[..., sample]
            observed[..., column, row] += weights[..., sample]
        half = self.size * self.rank
        hessian = zeros(theta, *theta.shape, theta.shape[-1])
        for k in range(self.rank):
            block = slice(k, half, self.rank)
            hessian[..., block, block] = observed
            block = slice(half + k, 2 * half, self.rank)
            hessian[..., block, block] = -observed
        return hessian

    def increment(self, theta: Array, step: Array, inputs: Array) -> Array:
        rows, columns = self._pairs(inputs)
        factors, steps = self.factors(theta), self.factors(step)
        left = steps[..., rows, :] * (factors + steps)[..., columns, :]
        right = factors[..., rows, :] * steps[..., columns, :]
        products = (left + right).sum(-1)
        return products[..., 0, :] - products[..., 1, :]
