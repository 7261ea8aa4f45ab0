"""A torch module at given weights and data: rows, and products with their Jacobian, in blocks.

Nothing here holds a matrix of samples by parameters: Phi' w is one backward pass, Phi v is the
derivative of that in w.
"""

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final

import numpy as np

from theory.errors import InvalidInput
from theory.nets.module import TorchModule, selected
from theory.observed.rows import Rows
from theory.plain_function import OTHER_GRADIENTS

BATCH: Final = 1024
"""Samples of one pass."""

AGREEMENT: Final = 1e-9
"""Relative, between two calls: sums in another order differ by 1e-13; dice and states by one."""

ROUNDING: Final = 1e-12
"""Of the terms of an output, which may cancel: a start of zero output is rounding alone."""

STEP: Final = 1e-5
"""Of differences that gradients are compared with, relative to |theta|."""

GRADIENT: Final = 1e-3
"""Relative to |grad f| / sqrt(P), what it typically says of a direction. Differences are 1e-9 to
1e-5 off; where one of few rectifiers turns within a step 0.1, but not along most directions."""

DIRECTIONS, AWAY = 3, 0.1
"""How many are tried, and how far from theta, relative to |theta|."""


@dataclass(frozen=True, eq=False)
class Observed:
    """A module at its weights theta `(P,)`, float64 and in eval mode, on inputs and rows.

    Attributes:
        net: the module, with what is not trained at the values it has.
        theta: torch, `(P,)`.
        inputs: torch, `(n, ...)`.
        rows: of the outputs.
    """

    net: TorchModule
    theta: Any
    inputs: Any
    rows: Rows

    @property
    def parameters(self) -> int:
        return len(self.theta)

    def blocks(self) -> Iterator[slice]:
        """All samples, so many at a time."""
        for first in range(0, len(self.inputs), BATCH):
            yield slice(first, first + BATCH)

    def outputs_at(self, theta: Any, inputs: Any) -> Any:
        """Of any inputs `(b, ...)`, shape `(b, K)`."""
        return as_matrix(self.net.call(self.net.parts(theta), inputs), len(inputs))

    def outputs(self, theta: Any = None) -> Any:
        """f at theta, its own for None, shape `(n, K)`."""
        import torch

        point = self.theta if theta is None else theta
        with torch.no_grad():
            return torch.cat([self.outputs_at(point, self.inputs[part]) for part in self.blocks()])

    def values(self, theta: Any = None) -> Any:
        """The rows `(n, slots)`."""
        return self.rows.of(self.outputs(theta))

    def pull(self, weights: Any, theta: Any = None) -> Any:
        """Phi' w of weights `(n, slots)`, shape `(P,)`."""
        import torch

        point = (self.theta if theta is None else theta).detach().requires_grad_()
        total = torch.zeros_like(point)
        for part in self.blocks():
            if weights[part].any():
                rows = self.rows.of(self.outputs_at(point, self.inputs[part]), part)
                total = total + _gradient(rows, point, weights[part])
        return total.detach()

    def push(self, direction: Any, theta: Any = None) -> Any:
        """Phi v of a direction `(P,)`, shape `(n, slots)`."""
        import torch

        point = (self.theta if theta is None else theta).detach().requires_grad_()
        found = []
        for part in self.blocks():
            rows = self.rows.of(self.outputs_at(point, self.inputs[part]), part)
            weights = torch.zeros_like(rows, requires_grad=True)
            pulled = _gradient(rows, point, weights, again=True)
            found.append(
                torch.autograd.grad(pulled, weights, direction, materialize_grads=True)[0].detach()
                if pulled.requires_grad
                else torch.zeros_like(rows)
            )
        return torch.cat(found)

    def curve(self, direction: Any) -> Any:
        """The Hessian of the mean loss, without weight decay, times a direction `(P,)`."""
        import torch

        point = self.theta.detach().requires_grad_()
        total = torch.zeros_like(point)
        for part in self.blocks():
            rows = self.rows.of(self.outputs_at(point, self.inputs[part]), part)
            loss = losses(self.rows, rows, part).sum() / len(self.inputs)
            first = _gradient(loss, point, None, again=True)
            if first.requires_grad:
                second = torch.autograd.grad(first, point, direction, materialize_grads=True)[0]
                total = total + second
        return total.detach()


def losses(rows: Rows, values: Any, part: slice = slice(None)) -> Any:
    """The loss of each sample `(b,)` of rows `(b, slots)`, differentiable, in their own format."""
    import torch

    if rows.kind == "targets":
        return 0.5 * (values - rows.labels[part].to(values)).square().sum(1)
    if rows.loss == "exponential":
        return torch.exp(-values).sum(1)
    falls = torch.cat([torch.zeros_like(values[:, :1]), -values], 1)
    return torch.logsumexp(falls, 1)


def as_matrix(outputs: Any, samples: int) -> Any:
    """Outputs as `(n, K)`; `InvalidInput` for any other shape than `(n,)` or `(n, K)`."""
    import torch

    if isinstance(outputs, torch.Tensor):
        if outputs.ndim == 1 and len(outputs) == samples:
            return outputs[:, None]
        if outputs.ndim == 2 and len(outputs) == samples:
            return outputs
    shape = tuple(getattr(outputs, "shape", ())) or type(outputs).__name__
    raise InvalidInput(
        f"model returns {shape} for {samples} inputs; one row of numbers for each is needed, a "
        f"tensor ({samples},) or ({samples}, classes)"
    )


def observed_module(
    module: Any,
    layers: Sequence[str] | None = None,
    without: Sequence[str] = (),
    device: str = "cpu",
) -> TorchModule:
    """A copy of a module in float64 and eval mode; `layers` and `without` choose what is theta.

    Raises:
        InvalidInput: names of nothing, or nothing left.
    """
    own = copy.deepcopy(module).to(device).double().eval()
    names = selected(own, list(layers) if layers else None, "layers")
    if without:
        gone = set(selected(own, list(without), "without"))
        names = tuple(name for name in names if name not in gone)
    if not names:
        raise InvalidInput(f"without is {list(without)}; no parameters are left")
    return TorchModule(own, names, float("nan"))


def at_state(net: TorchModule, state: Mapping[str, Any]) -> tuple[TorchModule, Any]:
    """The net with all parameters and buffers of a state, and its theta `(P,)`.

    Raises:
        InvalidInput: names or shapes that do not fit; NaN or infinite weights.
    """
    import torch

    own = copy.deepcopy(net.module)
    try:
        own.load_state_dict(dict(state))
    except RuntimeError as error:
        words = "; ".join(line.strip() for line in str(error).splitlines()[1:]) or str(error)
        raise InvalidInput(f"it does not fit the model: {words[:300]}") from None
    named = dict(own.named_parameters())
    theta = torch.cat([named[name].detach().reshape(-1) for name in net.trained])
    everything = [*named.values(), *own.buffers()]
    if not all(bool(torch.isfinite(value.detach()).all()) for value in everything):
        raise InvalidInput("it holds NaN or infinite weights")
    return TorchModule(own, net.trained, net.measured), theta


def check_function(observed: Observed) -> None:
    """The same outputs again, finite, the same for a sample alone, and with their own gradients.

    Raises:
        InvalidInput: naming the model.
    """
    import torch

    few = observed.inputs[:8]
    with torch.no_grad():
        found = [observed.outputs_at(observed.theta, few) for _ in range(3)]
        alone = observed.outputs_at(observed.theta, few[:1])
    if not torch.isfinite(found[0]).all():
        raise InvalidInput("model returns NaN or infinite outputs on the data")
    scale = float(found[0].abs().max()) or 1.0
    rounding = rounding_of(observed)
    allowed = AGREEMENT * scale + rounding
    if any(float((again - found[0]).abs().max()) > allowed for again in found[1:]):
        raise InvalidInput(
            "model is not deterministic: equal weights and inputs gave other outputs; forward "
            "draws random numbers or keeps a state"
        )
    if float((alone - found[0][:1]).abs().max()) > 1e-6 * scale + rounding:
        raise InvalidInput(
            "model gives a sample another output when others join its batch; one output of one "
            "input is needed, so no statistics over a batch in eval mode"
        )
    _check_gradients(observed, few, rounding)


def _check_gradients(observed: Observed, inputs: Any, rounding: float) -> None:
    """A mix of outputs changes along a random direction as its gradient says, for most of a few.

    At weights near theta: at its own, the module computes twice what it should. `rounding` is that
    of the mix.
    """
    import torch

    theta, errors = observed.theta.detach(), []
    length = float(theta.norm()) or 1.0
    generator = np.random.default_rng(0)
    for _ in range(DIRECTIONS):
        drawn = torch.from_numpy(generator.standard_normal((2, len(theta)))).to(theta)
        away, direction = drawn / drawn.norm(dim=1, keepdim=True)
        point = (theta + AWAY * length * away).requires_grad_()
        outputs = observed.outputs_at(point, inputs)
        mix, step = mixed(outputs), STEP * length
        gradient = _gradient(outputs, point, mix)
        with torch.no_grad():
            ahead, behind = (
                (mix * observed.outputs_at(point + side * step * direction, inputs)).sum()
                for side in (1.0, -1.0)
            )
        typical = float(gradient.norm()) / len(theta) ** 0.5
        error = abs(float(ahead - behind) / (2.0 * step) - float(gradient @ direction))
        errors.append(error - (GRADIENT * typical + rounding / step))
    if np.median(errors) > 0.0:
        raise InvalidInput(f"model has gradients that are not its outputs' own: {OTHER_GRADIENTS}")


def rounding_of(observed: Observed) -> float:
    """What an output may be off by: `ROUNDING` of the sum of |theta_i df/dtheta_i|.

    f is a mix of the outputs of a few inputs; 0 where that is not finite.
    """
    point = observed.theta.detach().requires_grad_()
    outputs = observed.outputs_at(point, observed.inputs[:8])
    size = float((_gradient(outputs, point, mixed(outputs)) * observed.theta).abs().sum())
    return ROUNDING * size if isfinite(size) else 0.0


def mixed(outputs: Any) -> Any:
    """Weights of outputs `(b, K)` in a mix of them all, of the same shape."""
    import torch

    return torch.linspace(1.0, 2.0, outputs.numel()).to(outputs).reshape(outputs.shape)


def _gradient(value: Any, point: Any, weights: Any, again: bool = False) -> Any:
    import torch

    if not value.requires_grad:
        return torch.zeros_like(point)
    return torch.autograd.grad(value, point, weights, create_graph=again, materialize_grads=True)[0]
