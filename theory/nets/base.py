"""The abstract homogeneous net: what every net answers, and the torch route that answers it.

A user's net subclasses `HomogeneousNet`, sets `degree` and writes `forward` in torch; everything
else is derived here by `torch.func`. The families of the package override the derived methods by
closed forms over numpy *and* torch (see `theory.backend`), with any leading batch dimensions.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import numpy as np

from theory.backend import Array, Floats

_LEGENDRE = np.polynomial.legendre.leggauss(8)
_NODES, _WEIGHTS = 0.5 * (_LEGENDRE[0] + 1.0), 0.5 * _LEGENDRE[1]
"""Eight-point Gauss-Legendre quadrature on [0, 1]."""


class HomogeneousNet(ABC):
    """A net f(theta; x) with f(c theta; x) = c^degree f(theta; x) for all c > 0.

    Shapes throughout: theta `(..., P)`, inputs `(n, d)` or `(..., n, d)`, outputs `(..., n)`.
    Arrays are numpy float64 or torch tensors; the result is of the same kind.
    """

    @property
    @abstractmethod
    def degree(self) -> int:
        """The homogeneity degree L."""

    @abstractmethod
    def forward(self, theta: Any, inputs: Any) -> Any:
        """Outputs `(n,)` in torch, of parameters `(P,)` and inputs `(n, d)`; differentiable."""

    @property
    def parameters(self) -> int | None:
        """The number P of parameters, or None when the net takes any (a user's own)."""
        return None

    @property
    def smooth(self) -> bool | None:
        """True when continuously differentiable, False when not, None to have it tested."""
        return None

    @property
    def derived(self) -> bool:
        """Whether all below is derived from `forward`, none of it overridden."""
        names = ("outputs", "jacobian", "weighted_hessian", "increment")
        return all(getattr(type(self), k) is getattr(HomogeneousNet, k) for k in names)

    def outputs(self, theta: Array, inputs: Array) -> Array:
        """f(theta; x_i), shape `(..., n)`."""
        return _through_torch(self.forward, (1, 2), theta, inputs)

    def jacobian(self, theta: Array, inputs: Array) -> Array:
        """d f(theta; x_i) / d theta, shape `(..., n, P)`."""
        import torch

        plain = isinstance(theta, np.ndarray) and theta.ndim == 1
        if plain and len(inputs) <= FEW_SAMPLES:
            return _row_by_row(self.forward, theta, inputs)
        try:
            return _through_torch(torch.func.jacrev(self.forward), (1, 2), theta, inputs)
        except RuntimeError:
            if not plain:
                raise
            return _row_by_row(self.forward, theta, inputs)

    def weighted_hessian(self, theta: Array, inputs: Array, weights: Array) -> Array:
        """sum_i weights_i d^2 f(theta; x_i) / d theta^2, shape `(..., P, P)`."""
        import torch

        def weighted(theta: Any, inputs: Any, weights: Any) -> Any:
            return weights @ self.forward(theta, inputs)

        try:
            return _through_torch(torch.func.hessian(weighted), (1, 2, 1), theta, inputs, weights)
        except RuntimeError:  # an assert, or filling in place, that no transform can follow
            if not isinstance(theta, np.ndarray) or theta.ndim > 1:
                raise
            return _hessian_row_by_row(weighted, theta, inputs, weights)

    def increment(self, theta: Array, step: Array, inputs: Array) -> Array:
        """f(theta + step; x_i) - f(theta; x_i) without cancellation, shape `(..., n)`.

        Eight-point Gauss-Legendre quadrature of the derivative along the segment: exact for
        polynomial nets up to degree 16, and relative to `step` for every net smooth on the segment.
        """

        def total(theta: Any, step: Any, inputs: Any) -> Any:
            return quadrature_increment(self.forward, theta, step, inputs)

        try:
            return _through_torch(total, (1, 1, 2), theta, step, inputs)
        except RuntimeError:
            if not isinstance(theta, np.ndarray) or theta.ndim > 1:
                raise
            return _increment_node_by_node(self.forward, theta, step, inputs)


def _increment_node_by_node(
    forward: Callable[..., Any], theta: Floats, step: Floats, inputs: Floats
) -> Floats:
    """`HomogeneousNet.increment` by passes backwards alone, one node after another."""
    slopes = [_row_by_row(forward, theta + node * step, inputs) @ step for node in _NODES]
    return np.tensordot(_WEIGHTS, np.array(slopes), axes=1)


def _hessian_row_by_row(
    weighted: Callable[..., Any], theta: Floats, inputs: Floats, weights: Floats
) -> Floats:
    """The second derivative `(P, P)` by passes backwards alone, one parameter after another."""
    import torch

    point = torch.from_numpy(np.array(theta, dtype=np.float64)).requires_grad_()
    others = [torch.from_numpy(np.array(a, dtype=np.float64)) for a in (inputs, weights)]
    with single_thread(), torch.enable_grad():
        value = weighted(point, *others)
        (gradient,) = torch.autograd.grad(
            value, point, create_graph=True, allow_unused=True, materialize_grads=True
        )
        if not gradient.requires_grad:
            return np.zeros((theta.size, theta.size))
        rows = [
            torch.autograd.grad(entry, point, retain_graph=True, materialize_grads=True)[0]
            for entry in gradient
        ]
    return np.stack([row.numpy() for row in rows])


def quadrature_increment(forward: Callable[..., Any], theta: Any, step: Any, inputs: Any) -> Any:
    """`HomogeneousNet.increment` of unbatched torch tensors."""
    import torch

    def slope(node: Any) -> Any:
        point = theta + node * step
        return torch.func.jvp(lambda t: forward(t, inputs), (point,), (step,))[1]

    slopes = torch.func.vmap(slope)(theta.new_tensor(_NODES))
    weights = theta.new_tensor(_WEIGHTS)
    return weights @ slopes if slopes.ndim == 2 else torch.tensordot(weights, slopes, dims=1)


SMALL = 100_000
"""Numbers in the largest argument, up to which a second thread only waits."""

FEW_SAMPLES = 32
"""Up to so many samples one backward pass for each is faster than `torch.func`'s batch of them."""


def _row_by_row(forward: Callable[..., Any], theta: Floats, inputs: Floats) -> Floats:
    """The Jacobian `(*outputs, P)` without `torch.func`, whose overhead is 2 ms."""
    import torch

    point = torch.from_numpy(np.array(theta, dtype=np.float64)).requires_grad_()
    with single_thread(), torch.enable_grad():
        outputs = forward(point, torch.from_numpy(np.array(inputs, dtype=np.float64)))
        if not outputs.requires_grad:
            return np.zeros((*outputs.shape, theta.size))
        rows = [
            torch.autograd.grad(output, point, retain_graph=True, materialize_grads=True)[0]
            for output in outputs.reshape(-1)
        ]
    return np.stack([row.numpy() for row in rows]).reshape((*outputs.shape, theta.size))


@contextmanager
def single_thread() -> Iterator[None]:
    """Torch on one thread, for tensors too small for two; the user's setting is restored."""
    import torch

    threads = torch.get_num_threads()
    if threads == 1:
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def complex_step_hessian(net: HomogeneousNet, theta: Array, inputs: Array, weights: Array) -> Array:
    """`weighted_hessian` from one batched complex Jacobian; exact to rounding.

    The derivative of an analytic function is Im g(theta + i h) / h up to O(h^2), without
    subtraction, so h can be 1e-30 (Squire and Trapp, SIAM Review 40, 1998).
    """
    size = theta.shape[-1]
    step = 1e-30
    identity = np.eye(size)
    if not isinstance(theta, np.ndarray):
        identity = theta.new_tensor(identity)
    points = theta[..., None, :] + 1j * step * identity
    inputs = inputs[..., None, :, :] if inputs.ndim > 2 else inputs
    jacobians = net.jacobian(points, inputs + 0j)  # torch multiplies only equal dtypes
    return (weights[..., None, :, None] * jacobians.imag).sum(-2) / step


def _through_torch(
    function: Callable[..., Any], ranks: tuple[int, ...], *arguments: Array
) -> Array:
    """Apply a torch function of unbatched tensors of the given ranks, batched, to either kind."""
    import torch

    if isinstance(arguments[0], np.ndarray):
        tensors = [torch.from_numpy(np.array(a, dtype=np.float64)) for a in arguments]
        small = max(tensor.numel() for tensor in tensors) <= SMALL
        with single_thread() if small else nullcontext():
            result: Floats = _through_torch(function, ranks, *tensors).detach().numpy()
        return result
    surplus = [a.ndim - rank for a, rank in zip(arguments, ranks, strict=True)]
    if not any(surplus):
        return function(*arguments)
    in_dims = tuple(0 if extra == max(surplus) else None for extra in surplus)
    return torch.func.vmap(lambda *one: _through_torch(function, ranks, *one), in_dims=in_dims)(
        *arguments
    )
