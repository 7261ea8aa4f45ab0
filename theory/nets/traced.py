"""Outputs, gradients and Hessians of a user's torch net on fixed inputs, traced once.

What `theory.nets.base` derives with `torch.func` at every call is written down once, for one set of
inputs, as straight lines of numpy (`theory.nets.program`), and compared with `torch.func` before
anyone relies on it. A net whose operations depend on the values of theta cannot be written down.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from theory.backend import Floats
from theory.nets.base import HomogeneousNet, quadrature_increment, single_thread
from theory.nets.increments import growth
from theory.nets.operations import Untraceable
from theory.nets.program import Program, polynomial, traced

AGREEMENT: Final = 1e-12
"""Relative to the largest entry: sums in another order, and powers as products, differ by 1e-15."""

TOGETHER: Final = 6
"""Steps that are looked at in one pass: an integrator's stages, and where it stands."""

MOST: Final = 8
"""Sets of inputs for which a net's programs are kept."""


@dataclass(frozen=True, eq=False)
class TracedNet:
    """A net on its inputs `(n, d)`; theta, step and points are `(P,)`, weights as outputs are.

    Of several outputs `(n,)` reads `(n, K)`.
    """

    net: HomogeneousNet
    inputs: Floats
    polynomial: bool
    """In theta; of others derivatives may jump."""
    _outputs: Program
    _pull: Program
    _jacobian: Program
    _increment: Program
    _hessian: Program
    _together: Program | None

    def outputs(self, theta: Floats) -> Floats:
        """f(theta; x_i), shape `(n,)`."""
        return np.asarray(self._outputs(theta))

    def pull(self, theta: Floats, weights: Floats) -> Floats:
        """sum_i weights_i grad f(theta; x_i), shape `(P,)`: one pass, and no Jacobian."""
        return np.asarray(self._pull(theta, weights))

    def jacobian(self, theta: Floats) -> Floats:
        """Shape `(n, P)`."""
        return np.asarray(self._jacobian(theta))

    def increment(self, theta: Floats, step: Floats) -> Floats:
        """f(theta + step; x_i) - f(theta; x_i) without cancellation, shape `(n,)`."""
        return np.asarray(self._increment(theta, step))

    def weighted_hessian(self, theta: Floats, weights: Floats) -> Floats:
        """sum_i weights_i d^2 f(theta; x_i) / d theta^2, shape `(P, P)`."""
        return np.asarray(self._hessian(theta, weights))

    def grown(self, theta: Floats, steps: Floats) -> tuple[Floats, Floats]:
        """Increments along each of the steps `(b, P)` and Jacobians there, `(b, n)`, `(b, n, P)`.

        `TOGETHER` steps take one pass, where the net's operations allow it.
        """
        if self._together is not None and len(steps) == TOGETHER:
            increments, jacobians = self._together(theta, steps)
            return np.asarray(increments), np.asarray(jacobians)
        increments = [self.increment(theta, step) for step in steps]
        return np.array(increments), np.array([self.jacobian(theta + step) for step in steps])


def traced_net(net: HomogeneousNet, parameters: int, inputs: Floats) -> TracedNet | None:
    """The net written down, or None where that is not possible or not the same to 1e-12.

    Programs are kept with the net. That it is still the same function, whatever attributes its
    owner has set since, is asked each time.
    """
    kept: Kept = vars(net).setdefault("_traced", Kept())
    key = (parameters, inputs.shape, inputs.tobytes())
    if key in kept and not _still(net, kept[key], parameters, inputs):
        del kept[key]
    if key not in kept:
        if len(kept) >= MOST:
            del kept[next(iter(kept))]
        with single_thread():
            kept[key] = _written(net, parameters, inputs)
    return kept[key]


class Kept(dict[Any, TracedNet | None]):
    """Programs of a net, which neither its copies nor its pickles take along."""

    def __reduce__(self) -> Any:
        return Kept, ()


def _still(net: HomogeneousNet, known: TracedNet | None, parameters: int, inputs: Floats) -> bool:
    if known is None:
        return True
    return all(
        _agree(net.outputs(theta, inputs), known.outputs(theta))
        for theta in np.random.default_rng(0).standard_normal((2, parameters))
    )


def _written(net: HomogeneousNet, parameters: int, inputs: Floats) -> TracedNet | None:
    import torch

    images = torch.from_numpy(np.array(inputs))
    theta, other = np.random.default_rng(1).standard_normal((2, parameters))

    def forward(point: Any) -> Any:
        return net.forward(point, images)

    def single(point: Any, one: Any) -> Any:
        return net.forward(point, one[None])[0]

    def jacobian(point: Any) -> Any:
        return torch.func.vmap(torch.func.jacrev(single), in_dims=(None, 0))(point, images)

    def grown(point: Any, step: Any) -> Any:
        return growing(point, step), jacobian(point + step)

    def weighted(point: Any, force: Any) -> Any:
        return (force * forward(point)).sum()

    pull: Callable[..., Any] = torch.func.grad(weighted)
    try:
        shape = np.shape(net.outputs(theta, inputs))
        weights = np.random.default_rng(2).standard_normal(shape)
        growing = _growth(net, theta, images)
        found = TracedNet(
            net,
            inputs,
            polynomial(forward, [theta]),
            traced(forward, [theta]),
            traced(pull, [theta, weights]),
            traced(jacobian, [theta]),
            traced(growing, [theta, other]),
            traced(torch.func.jacfwd(pull), [theta, weights]),
            _side_by_side(grown, parameters),
        )
        same = _agrees(found, net, other, theta, weights)
    except Exception:  # of any kind: of tracing, of the operations, of the net under a transform
        return None
    return found if same else None


def _side_by_side(grown: Callable[..., Any], parameters: int) -> Program | None:
    """For several steps from one theta; None where an operation cannot take them together."""
    import torch

    theta, *steps = np.random.default_rng(3).standard_normal((1 + TOGETHER, parameters))
    try:
        return traced(torch.func.vmap(grown, in_dims=(None, 0)), [theta, np.array(steps)])
    except Exception:  # of any kind: of the transform, of tracing, of the operations
        return None


def _growth(net: HomogeneousNet, theta: Floats, images: Any) -> Callable[..., Any]:
    """Differences by their rules, or by quadrature where an operation has none."""
    import torch

    try:
        return growth(net.forward, torch.from_numpy(theta), images)
    except Untraceable:
        return lambda point, step: quadrature_increment(net.forward, point, step, images)


def _agrees(
    found: TracedNet, net: HomogeneousNet, theta: Floats, step: Floats, weights: Floats
) -> bool:
    inputs, short = found.inputs, 1e-3 * step
    jacobian = net.jacobian(theta, inputs)
    return (
        _agree(net.outputs(theta, inputs), found.outputs(theta))
        and _agree(jacobian, found.jacobian(theta))
        and _agree(np.tensordot(weights, jacobian, weights.ndim), found.pull(theta, weights))
        and _agree(net.increment(theta, short, inputs), found.increment(theta, short))
        and _agree_together(found, net, theta, short)
        and _agree(
            _Flat(net).weighted_hessian(theta, inputs, weights.ravel()),
            found.weighted_hessian(theta, weights),
        )
    )


def _agree_together(found: TracedNet, net: HomogeneousNet, theta: Floats, short: Floats) -> bool:
    steps = [k * short for k in range(1, TOGETHER + 1)]
    increments, jacobians = found.grown(theta, np.array(steps))
    return all(
        _agree(net.increment(theta, step, found.inputs), increment)
        and _agree(net.jacobian(theta + step, found.inputs), jacobian)
        for step, increment, jacobian in zip(steps, increments, jacobians, strict=True)
    )


@dataclass(frozen=True)
class _Flat(HomogeneousNet):
    """All outputs of a net in one row."""

    net: HomogeneousNet

    @property
    def degree(self) -> int:
        return self.net.degree

    def forward(self, theta: Any, inputs: Any) -> Any:
        return self.net.forward(theta, inputs).reshape(-1)


def _agree(known: Floats, found: Floats) -> bool:
    if np.shape(known) != np.shape(found) or np.asarray(found).dtype != np.float64:
        return False
    return bool(np.abs(known - found).max() <= AGREEMENT * np.abs(known).max())
