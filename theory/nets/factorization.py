"""Symmetric matrix factorization: f(U, V; (i, j)) = (U U^T - V V^T)_ij."""

from dataclasses import dataclass
from typing import Any

from theory.backend import Array, namespace, zeros
from theory.nets.base import HomogeneousNet
from theory.requests import check_whole


@dataclass(frozen=True)
class Factorization(HomogeneousNet):
    """Degree 2; theta is U then V, each `(size, rank)` row-major; an input is a pair (i, j) of
    indices below `size`. The product is symmetric: (i, j) and (j, i) are the same observation.
    """

    size: int
    rank: int

    def __post_init__(self) -> None:
        check_whole("size", self.size)
        check_whole("rank", self.rank)

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

    def _selectors(self, theta: Array, inputs: Array) -> tuple[Array, Array]:
        """One-hot rows that pick the row and the column of each pair, each `(..., n, size)`."""
        indices = (zeros(theta, self.size) + 1.0).cumsum(0) - 1.0
        picked = (inputs[..., None] == indices) + 0.0 * indices
        return picked[..., 0, :], picked[..., 1, :]

    def outputs(self, theta: Array, inputs: Array) -> Array:
        rows, columns = self._selectors(theta, inputs)
        factors = self.factors(theta)
        at_rows = rows[..., None, :, :] @ factors
        at_columns = columns[..., None, :, :] @ factors
        products = (at_rows * at_columns).sum(-1)
        return products[..., 0, :] - products[..., 1, :]

    def jacobian(self, theta: Array, inputs: Array) -> Array:
        rows, columns = self._selectors(theta, inputs)
        rows, columns = rows[..., None, :, :], columns[..., None, :, :]
        factors = self.factors(theta)
        slopes = rows[..., None] * (columns @ factors)[..., None, :]
        slopes = slopes + columns[..., None] * (rows @ factors)[..., None, :]
        flat = slopes.reshape((*slopes.shape[:-2], self.size * self.rank))
        return namespace(theta).concat([flat[..., 0, :, :], -flat[..., 1, :, :]], -1)

    def weighted_hessian(self, theta: Array, inputs: Array, weights: Array) -> Array:
        rows, columns = self._selectors(theta, inputs)
        observed = (rows * weights[..., None]).mT @ columns
        observed = observed + observed.mT
        half = self.size * self.rank
        hessian = zeros(theta, *theta.shape, theta.shape[-1])
        for k in range(self.rank):
            block = slice(k, half, self.rank)
            hessian[..., block, block] = observed
            block = slice(half + k, 2 * half, self.rank)
            hessian[..., block, block] = -observed
        return hessian

    def increment(self, theta: Array, step: Array, inputs: Array) -> Array:
        rows, columns = self._selectors(theta, inputs)
        rows, columns = rows[..., None, :, :], columns[..., None, :, :]
        factors, steps = self.factors(theta), self.factors(step)
        left = (rows @ steps) * (columns @ (factors + steps))
        right = (rows @ factors) * (columns @ steps)
        products = (left + right).sum(-1)
        return products[..., 0, :] - products[..., 1, :]
