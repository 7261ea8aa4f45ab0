"""A `torch.nn.Module` as a homogeneous net: its parameters, flattened, are theta."""

import copy
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike

from theory.backend import Floats
from theory.errors import AssumptionError, InvalidInput
from theory.nets.base import HomogeneousNet
from theory.plain_function import check_plain_function
from theory.requests import all_finite, number_array, shortened

_ROUNDS_NOTHING: Final = 2.0
_FACTORS: Final = (0.75, 1.5, _ROUNDS_NOTHING)
"""By which theta is scaled to measure the degree."""

_PROBES: Final = 3

SPREAD: Final = 1e-5
"""Of the degrees that scalings of theta show: float32 inside a module moves them by 1e-6, which is
for another check to tell; a bias, by a part of one."""

ROUNDED, HALF = 1e-12, 0.5
"""Of the same where c = 2, which rounds nothing, and of all in formats of 8 or 11 bits."""

_SMALLEST_OUTPUT: Final = 1e-3
"""Relative to |theta| |grad f|: an output below has lost the digits that tell a degree."""


@dataclass(frozen=True, eq=False)
class TorchModule(HomogeneousNet):
    """f(theta; x) = module(x) with theta for the trained parameters, in `named_parameters()` order.

    The module is a copy, in float64 and in eval mode; buffers and the other parameters keep their
    values. Made by `module_net`, which measures the degree and counts the outputs: of K > 1 they
    have shape `(n, K)`.
    """

    module: Any
    trained: tuple[str, ...]
    measured: float
    output_dim: int = 1

    @property
    def degree(self) -> int:
        return self.measured  # type: ignore[return-value]  # a whole number wherever it is one

    @property
    def parameters(self) -> int:
        return sum(self._sizes)

    @property
    def input_dim(self) -> int | None:
        """The module's own attribute, if it has one."""
        found = getattr(self.module, "input_dim", None)
        return found if isinstance(found, int) else None

    @cached_property
    def theta(self) -> Floats:
        """The values of the trained parameters, shape `(P,)`."""
        named = dict(self.module.named_parameters())
        return np.concatenate([named[name].detach().numpy().ravel() for name in self.trained])

    @cached_property
    def _shapes(self) -> list[tuple[int, ...]]:
        named = dict(self.module.named_parameters())
        return [tuple(named[name].shape) for name in self.trained]

    @cached_property
    def _sizes(self) -> list[int]:
        return [int(np.prod(shape)) for shape in self._shapes]

    @cached_property
    def _places(self) -> dict[str, str]:
        """Where each parameter sits: other names of it, but one for a layer that is used twice.

        `functional_call` ties by itself, but leaves the new values in a layer of two names.
        """
        canonical = {id(value): name for name, value in self.module.named_parameters()}
        places: dict[tuple[int, str], tuple[str, str]] = {}
        for name, value in self.module.named_parameters(remove_duplicate=False):
            layer, _, own = name.rpartition(".")
            slot = id(self.module.get_submodule(layer)), own
            places.setdefault(slot, (name, canonical[id(value)]))
        return dict(places.values())

    @cached_property
    def _fixed(self) -> dict[str, Any]:
        parameters = {k: v.detach() for k, v in self.module.named_parameters()}
        buffers = dict(self.module.named_buffers())
        return {k: v for k, v in {**parameters, **buffers}.items() if k not in self.trained}

    def forward(self, theta: Any, inputs: Any) -> Any:
        outputs = self.call(self.parts(theta), inputs)
        samples, shape = len(inputs), tuple(outputs.shape)
        if shape not in {(samples,), (samples, 1)} and shape != (samples, self.output_dim):
            raise InvalidInput(
                f"{self} returns shape {shape} for {samples} inputs; one number for each is "
                f"needed, or one for each class: shape ({samples},), ({samples}, 1) or "
                f"({samples}, K), of the same K for all inputs"
            )
        return outputs.reshape(samples) if self.output_dim == 1 else outputs

    def parts(self, theta: Any) -> dict[str, Any]:
        """theta `(P,)` as the trained parameters, by name."""
        import torch

        if theta.shape != (self.parameters,):
            raise InvalidInput(
                f"theta has shape {tuple(theta.shape)}; {self} has {self.parameters} parameters"
            )
        parts = torch.split(theta, self._sizes)
        named = zip(self.trained, parts, self._shapes, strict=True)
        return {name: part.reshape(shape) for name, part, shape in named}

    def call(self, parts: dict[str, Any], inputs: Any) -> Any:
        """Whatever the module returns at these parameters, by name; all others keep theirs."""
        import torch

        # buffers are copied: what a module writes into them is gone after the call
        known = {**{name: value.clone() for name, value in self._fixed.items()}, **parts}
        tied = {name: known[same] for name, same in self._places.items()}
        return torch.func.functional_call(
            self.module, {**known, **tied}, (inputs,), tie_weights=False
        )

    def __str__(self) -> str:
        return type(self.module).__name__


def module_net(module: Any, inputs: ArrayLike, trained: Sequence[str] | None = None) -> TorchModule:
    """The homogeneous net of a `torch.nn.Module`, its degree measured on `inputs` `(m, d)`.

    Args:
        module: takes a batch of inputs to one number for each, or K numbers. It is copied.
        inputs: any that it takes; the degree must come out the same at all of them.
        trained: names of parameters or of layers, as "0.weight" or "hidden"; None for all that
            require gradients.

    Raises:
        InvalidInput: no module, inputs that are not finite, `trained` names nothing, or the module
            fails on these inputs.
        AssumptionError: "determinism", "independent samples", "homogeneity" in the trained
            parameters, "double precision", "gradients".
    """
    import torch

    if not isinstance(module, torch.nn.Module):
        raise InvalidInput(f"module is {shortened(module)}; it must be a torch.nn.Module")
    images = all_finite("inputs", number_array("inputs", inputs))
    own = copy.deepcopy(module).double().eval()
    names = selected(own, trained)
    blank = TorchModule(own, names, 1.0)
    blank = replace(blank, output_dim=_outputs(blank, images))
    _try_out(blank, images)
    check_plain_function(blank, blank.parameters, images, precision=False)
    net = replace(blank, measured=_degree(blank, images))
    check_plain_function(net, net.parameters, images)
    return net


def _outputs(net: TorchModule, inputs: Floats) -> int:
    """How many numbers the module returns for each input; 1 where it fails, which others tell."""
    import torch

    with suppress(Exception), torch.no_grad():
        parts = net.parts(torch.from_numpy(net.theta))
        found = tuple(net.call(parts, torch.from_numpy(np.array(inputs))).shape)
        if len(found) == 2 and found[0] == len(inputs) and found[1] > 1:
            return int(found[1])
    return 1


def _try_out(net: TorchModule, inputs: Floats) -> None:
    theta = np.random.default_rng(0).standard_normal(net.parameters)
    for images in (inputs, inputs[:1]):
        try:
            net.jacobian(theta, images)
        except InvalidInput:
            raise
        except Exception as error:
            if images is inputs or len(inputs) == 1:
                raise InvalidInput(
                    f"module {net} fails on inputs of shape {images.shape}: {error!r}"
                ) from error
            raise AssumptionError(
                "independent samples",
                f"module {net} fails on one input alone, so that its output depends on the others "
                f"of a batch ({error!r}): remove batch statistics",
            ) from error


def selected(
    module: Any, trained: Sequence[str] | None, argument: str = "trained"
) -> tuple[str, ...]:
    """Names of the trained parameters, see `module_net`.

    Raises:
        InvalidInput: names of nothing; parameters that have no shape yet, or are complex.
    """
    named = dict(module.named_parameters())
    _check_kinds(module, named)
    if trained is None:
        found = [name for name, parameter in named.items() if parameter.requires_grad]
        if not found:
            raise InvalidInput(f"module {type(module).__name__} has no parameters to train")
        return tuple(found)
    if isinstance(trained, str):
        raise InvalidInput(f"{argument} is the string {trained!r}; give a list of names")
    for entry in trained:
        if not any(_names(entry, name) for name in named):
            raise InvalidInput(
                f"{argument} is {list(trained)}; {entry!r} names no parameter and no layer, there "
                f"are {', '.join(named) or 'none'}"
            )
    found = [name for name in named if any(_names(entry, name) for entry in trained)]
    if not found:
        raise InvalidInput(f"{argument} is empty; it must name a layer or a parameter")
    return tuple(found)


def _check_kinds(module: Any, named: dict[str, Any]) -> None:
    import torch

    for name, parameter in named.items():
        own = f"module {type(module).__name__} has the parameter {name}"
        if torch.nn.parameter.is_lazy(parameter):
            raise InvalidInput(f"{own} of no shape yet; call the module once on some inputs first")
        if parameter.is_complex():
            raise InvalidInput(f"{own} of complex numbers; parameters must be real")


def _names(entry: str, parameter: str) -> bool:
    return parameter == entry or parameter.startswith(f"{entry}.")


def _degree(net: TorchModule, inputs: Floats) -> float:
    """log f(c theta) / f(theta) over log c, the same for all c, theta and inputs."""
    degrees: list[float] = []
    exact: list[float] = []
    for theta in np.random.default_rng(0).standard_normal((_PROBES, net.parameters)):
        outputs = net.outputs(theta, inputs)
        lengths = np.linalg.norm(net.jacobian(theta, inputs), axis=-1) * np.linalg.norm(theta)
        told = np.abs(outputs) > _SMALLEST_OUTPUT * lengths
        for factor in _FACTORS:
            ratios = net.outputs(factor * theta, inputs)[told] / outputs[told]
            with np.errstate(divide="ignore", invalid="ignore"):
                found = np.log(ratios) / np.log(factor)
            degrees.extend(found)
            exact.extend(found if factor == _ROUNDS_NOTHING else ())
    if not degrees:
        raise InvalidInput(
            f"module {net} has no output but zero at random parameters; no degree can be measured"
        )
    low, high = float(np.min(degrees)), float(np.max(degrees))
    middle = float(np.median(degrees))
    if not (high - low <= SPREAD * max(1.0, middle) and middle > 1.0 - SPREAD):
        if np.ptp(exact) <= ROUNDED * max(1.0, middle) and high - low <= HALF:
            raise AssumptionError(
                "double precision",
                f"module {net} carries less than float64, which the flow needs: its degree is "
                f"{np.median(exact):.8g} for factors of 2 and from {low:.8g} to {high:.8g} for "
                "others; keep float64 throughout: no .half() and no .bfloat16()",
            )
        told = np.array(degrees)[np.isfinite(degrees)]
        between = f"from {told.min():.8g} to {told.max():.8g}" if told.size else "nowhere defined"
        raise AssumptionError(
            "homogeneity",
            f"module {net} is not homogeneous of a degree of at least 1 in its trained parameters: "
            f"log f(c theta) / f(theta) over log c is {between}; remove biases behind the first "
            "layer, normalisation and skip connections, or train fewer layers",
        )
    return float(round(middle)) if abs(middle - round(middle)) <= SPREAD else middle
