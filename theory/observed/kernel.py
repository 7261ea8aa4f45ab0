"""The neural tangent kernel of rows, without their Jacobian where layers are linear.

Of a linear layer z = W a + b that is used once, on vectors, the gradient of a row is the outer
product of its backward signal d row / d z and of a, so that its part of the kernel is

    <d_r, d_s> (<a_r, a_s> + 1):

n^2 times widths, not n^2 times parameters. All other parameters contribute through their Jacobian,
in blocks of a memory budget. That a layer's products are those of its parameters is compared with a
backward pass before anyone relies on it.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from theory.backend import Floats, Integers
from theory.errors import InvalidInput
from theory.observed.net import BATCH, Observed, as_matrix

MEMORY: Final = 1 << 30
"""Bytes of a block of a Jacobian."""

AGREEMENT: Final = 1e-9
"""Relative, of products of a layer with those of a backward pass; rounding leaves 1e-13."""


def gram(observed: Observed, rows: Integers, memory: int = MEMORY) -> Floats:
    """Phi Phi' of these rows, sample * slots + slot each, shape `(R, R)`."""
    import torch

    slots = observed.rows.slots
    samples, place = np.unique(rows // slots, return_inverse=True)
    which = torch.as_tensor(place * slots + rows % slots, device=observed.theta.device)
    layers, others = _split(observed, torch.as_tensor(samples, device=observed.theta.device))
    kernel = torch.zeros((len(rows), len(rows)), dtype=torch.float64, device=observed.theta.device)
    for layer in layers:
        signals = layer.signals[which]
        entering = layer.entering[which // slots]
        kernel += (signals @ signals.T) * (entering @ entering.T + layer.bias)
    if others:
        _add_explicit(kernel, observed, rows, others, memory)
    return np.asarray(kernel.cpu().numpy())


def jacobian(observed: Observed, rows: Integers, names: Sequence[str] | None = None) -> Any:
    """Gradients of rows in parameters of these names, all for None, torch `(R, P')`."""
    import torch

    chosen = observed.net.trained if names is None else tuple(names)
    parts = observed.net.parts(observed.theta.detach())
    fixed = {name: value for name, value in parts.items() if name not in chosen}
    moving = {name: parts[name] for name in chosen}
    slots = observed.rows.slots
    samples = torch.as_tensor(rows // slots, device=observed.theta.device)
    coefficients = torch.stack(
        [
            observed.rows.coefficients(int(row % slots), samples[k : k + 1])[0]
            for k, row in enumerate(rows)
        ]
    )
    inputs = observed.inputs[samples]

    def row(moving: dict[str, Any], one: Any, weights: Any) -> Any:
        outputs = observed.net.call({**fixed, **moving}, one[None])
        return (as_matrix(outputs, 1)[0] * weights).sum()

    try:
        every = torch.func.vmap(torch.func.grad(row), in_dims=(None, 0, 0), chunk_size=64)
        found = every(moving, inputs, coefficients)
        return torch.cat([found[name].reshape(len(rows), -1) for name in chosen], 1)
    except InvalidInput:
        raise
    except Exception:  # of any kind: modules that cannot be mapped are differentiated row by row
        pass
    leaves = {name: value.detach().requires_grad_() for name, value in moving.items()}
    lines = []
    for one, weights in zip(inputs, coefficients, strict=True):
        gradients = torch.autograd.grad(
            row(leaves, one, weights), list(leaves.values()), materialize_grads=True
        )
        lines.append(torch.cat([gradient.reshape(-1) for gradient in gradients]))
    return torch.stack(lines)


@dataclass(eq=False)
class _Layer:
    """What entered a linear layer and what came back, of all samples.

    Attributes:
        entering: a, `(n, d)`.
        signals: of each row, `(n slots, w)`.
        bias: 1 where it has one that is trained, else 0.
    """

    names: tuple[str, ...]
    bias: float
    inputs: list[Any] = field(default_factory=list)
    returned: list[Any] = field(default_factory=list)
    seen: list[tuple[Any, Any]] = field(default_factory=list)

    @property
    def entering(self) -> Any:
        import torch

        return torch.cat(self.inputs)

    @property
    def signals(self) -> Any:
        import torch

        return torch.cat(self.returned)


def _split(observed: Observed, samples: Any) -> tuple[list[_Layer], list[str]]:
    """Layers whose kernel is a product, and the names of all other parameters."""
    import torch

    layers = _linear_layers(observed)
    point = observed.theta.detach().requires_grad_()
    slots = observed.rows.slots
    check = torch.as_tensor(
        np.random.default_rng(0).standard_normal((len(samples), slots)), device=point.device
    )
    pulled = torch.zeros_like(point)
    good = dict(layers)
    for first in range(0, len(samples), BATCH):
        part = samples[first : first + BATCH]
        with _watched(observed, good):
            outputs = observed.outputs_at(point, observed.inputs[part])
        for name, layer in list(good.items()):
            if len(layer.seen) != 1 or layer.seen[0][0].ndim != 2:
                del good[name]
        points = [layer.seen[0][1] for layer in good.values()]
        columns = [(observed.rows.coefficients(s, part) * outputs).sum(1) for s in range(slots)]
        back = [
            torch.autograd.grad(column.sum(), points, retain_graph=True, materialize_grads=True)
            if points
            else []
            for column in columns
        ]
        for k, layer in enumerate(good.values()):
            layer.inputs.append(layer.seen[0][0].detach())
            stacked = torch.stack([signals[k] for signals in back], 1).detach()
            layer.returned.append(stacked.reshape(-1, stacked.shape[-1]))
        weighted = (torch.stack(columns, 1) * check[first : first + BATCH]).sum()
        if weighted.requires_grad:
            pulled += torch.autograd.grad(weighted, point, materialize_grads=True)[0]
    parts = observed.net.parts(pulled)
    weights = check.reshape(-1, 1)
    found = [layer for layer in good.values() if _agrees(layer, parts, weights, slots)]
    done = {name for layer in found for name in layer.names}
    return found, [name for name in observed.net.trained if name not in done]


def _agrees(layer: _Layer, parts: dict[str, Any], weights: Any, slots: int) -> bool:
    """Whether the products give what a backward pass gives for random weights of rows."""
    weighted = weights * layer.signals
    summed = weighted.reshape(-1, slots, weighted.shape[1]).sum(1)
    for name in layer.names:
        own = summed.T @ layer.entering if parts[name].ndim == 2 else summed.sum(0)
        if float((own - parts[name]).norm()) > AGREEMENT * float(parts[name].norm()):
            return False
    return True


def _linear_layers(observed: Observed) -> dict[str, _Layer]:
    """Linear layers whose weight is trained, by the name of the module."""
    import torch

    trained = set(observed.net.trained)
    found = {}
    for name, module in observed.net.module.named_modules():
        if type(module) is not torch.nn.Linear:
            continue
        prefix = f"{name}." if name else ""
        own = tuple(f"{prefix}{key}" for key in ("weight", "bias") if f"{prefix}{key}" in trained)
        if f"{prefix}weight" in own:
            found[name] = _Layer(own, float(len(own) == 2))
    return found


@contextmanager
def _watched(observed: Observed, layers: dict[str, _Layer]) -> Iterator[None]:
    """While the net is called, note what enters and leaves these layers."""
    modules = dict(observed.net.module.named_modules())
    handles = []
    for name, layer in layers.items():
        layer.seen = []

        def note(_: Any, inputs: Any, output: Any, layer: _Layer = layer) -> Any:
            layer.seen.append((inputs[0], output))
            return output.clone()  # what follows may write into it

        handles.append(modules[name].register_forward_hook(note))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _add_explicit(
    kernel: Any, observed: Observed, rows: Integers, names: Sequence[str], memory: int
) -> None:
    """Add the part of these parameters, two blocks of their Jacobian in memory at a time."""
    parts = observed.net.parts(observed.theta)
    size = sum(parts[name].numel() for name in names)
    step = max(1, min(len(rows), memory // (16 * size)))
    starts = range(0, len(rows), step)
    for i in starts:
        left = jacobian(observed, rows[i : i + step], names)
        kernel[i : i + step, i : i + step] += left @ left.T
        for j in starts:
            if j > i:
                block = left @ jacobian(observed, rows[j : j + step], names).T
                kernel[i : i + step, j : j + step] += block
                kernel[j : j + step, i : i + step] += block.T


def kernel_drift(kernel: Floats, start: Floats) -> float:
    """1 - <K, K_0> / |K| |K_0| in the Frobenius norm: 0 the same up to a factor, 1 unrelated.

    Source: Fort et al. (NeurIPS 2020), the kernel distance.
    """
    largest, first = float(np.abs(kernel).max()), float(np.abs(start).max())
    if not (largest and first):
        return float("nan")
    now, then = kernel / largest, start / first  # squares of large or small entries leave float64
    cosine = float(np.vdot(now, then)) / float(np.linalg.norm(now) * np.linalg.norm(then))
    return float(np.maximum(0.0, 1.0 - cosine))  # NaN stays NaN


def kernel_alignment(kernel: Floats, targets: Floats) -> float:
    """<K, y y'> / |K| |y y'|: 1 where y is the kernel's only eigenvector, 0 unrelated.

    Source: Cristianini et al. (NIPS 2001), the kernel-target alignment. Of signed rows y is one.
    """
    lengths = float(np.linalg.norm(kernel)) * float(targets @ targets)
    return float(targets @ kernel @ targets) / lengths if lengths else float("nan")
