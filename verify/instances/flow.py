"""Instances of theorems on homogeneous nets: a problem in a regime, with its net."""

import importlib.util
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from math import inf
from numbers import Real
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from theory.backend import Array, Floats
from theory.errors import IntegrationFailed, InvalidInput
from theory.flow import Trajectory, gradient_flow
from theory.flow.reference import LARGEST_LOG10_ALPHA, plain_trajectory
from theory.nets import (
    ConstantFeature,
    Deep,
    Diagonal,
    Factorization,
    HomogeneousNet,
    TwoLayer,
    TwoLayerReLU,
)
from theory.nets.module import module_net
from theory.own_scale import OwnScale
from theory.problem import LOG_10, Problem, Regime
from verify.instances.base import check_keys, expect, integer
from verify.instances.with_bias import WithBias
from verify.neighbours import neighbours

DEFAULT_C = 0.3
PLAIN_RTOL = 1e-9
"""Finer, plain coordinates at alpha = 1000 spend their steps on the rounding of outputs."""

ROUNDING = 1e-12
"""Of log10 alpha, in other units and back."""

_KEYS = {"net", "anchor", "inputs", "labels", "loss", "regime"}
_OPTIONAL = {"c", "claim", "name", "plain", "classes"}


@dataclass(frozen=True)
class ModuleNet(HomogeneousNet):
    """A user's own torch net, loaded from "file.py:ClassName", that remembers where from."""

    path: str
    net: HomogeneousNet
    trained: tuple[str, ...] | None = None
    """Of a `torch.nn.Module`: the layers named in the file, None for all."""
    tested_smooth: bool | None = None
    """Whether it was found to be continuously differentiable; None where nobody looked."""

    @property
    def degree(self) -> int:
        return _plain_number(self.net.degree)  # type: ignore[return-value]

    @property
    def parameters(self) -> int | None:
        own = getattr(self.net, "parameters", None)
        return int(own) if isinstance(own, np.integer) else own

    @property
    def output_dim(self) -> int | None:
        """K of a net of several outputs; None where the class does not tell."""
        return getattr(self.net, "output_dim", None)

    @property
    def smooth(self) -> bool | None:
        return self.tested_smooth or getattr(self.net, "smooth", None)

    def known_smooth(self) -> "ModuleNet":
        """The same net, which is not tested for kinks again."""
        return replace(self, tested_smooth=True)

    @property
    def derived(self) -> bool:
        return self.net.derived

    def forward(self, theta: Any, inputs: Any) -> Any:
        return self.net.forward(theta, inputs)

    def outputs(self, theta: Array, inputs: Array) -> Array:
        return self.net.outputs(theta, inputs)

    def jacobian(self, theta: Array, inputs: Array) -> Array:
        return self.net.jacobian(theta, inputs)

    def weighted_hessian(self, theta: Array, inputs: Array, weights: Array) -> Array:
        return self.net.weighted_hessian(theta, inputs, weights)

    def increment(self, theta: Array, step: Array, inputs: Array) -> Array:
        return self.net.increment(theta, step, inputs)

    def __str__(self) -> str:
        return self.path

    def try_out(self, anchor: Floats, inputs: Floats) -> None:
        """Run it once; `InvalidInput` says what it raises on these arrays."""
        try:
            self.jacobian(anchor, inputs)
        except Exception as error:
            raise InvalidInput(
                f"path is {self.path!r}; its net fails on {anchor.size} parameters and inputs of "
                f"shape {inputs.shape}: {error!r}"
            ) from error


@dataclass(frozen=True, eq=False)
class FlowInstance:
    """A problem in a regime; c fixes the times (1-c) t_g and (1+c) t_g that theorems speak of.

    Theorems are asked about alpha, lambda and t_g = log(alpha) / lambda as the problem counts them
    (`own`, see `theory.own_scale`), so that nothing depends on units; the functions of `theory`
    about those of `regime`, the ones that are told.

    Attributes:
        plain: whether its flow is integrated in plain coordinates, up to alpha = 1000, as it must
            be where no chart holds: see `theory.flow.reference`.
    """

    problem: Problem
    regime: Regime
    c: float = DEFAULT_C
    claim: str | None = None
    plain: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.c, (int, float)) or not 0 < self.c < 1:
            raise InvalidInput(f"c is {self.c!r}; it must lie strictly between 0 and 1")

    def flow(self, at: Sequence[float], *, rtol: float, method: str | None = None) -> Trajectory:
        """Its flow at times in units of the problem's t_g, by two tolerances.

        Raises:
            NumericalFailure: as the integrators; alpha is out of reach of plain coordinates.
        """
        told = [self.told(time) for time in at]
        if not self.plain:
            return gradient_flow(self.problem, self.regime, at=told, rtol=rtol, method=method)
        if self.regime.log10_alpha > LARGEST_LOG10_ALPHA:
            raise IntegrationFailed(
                f"log10 alpha = {self.regime.log10_alpha:g} is out of reach of plain coordinates"
            )
        rtol = max(rtol, PLAIN_RTOL)
        return plain_trajectory(self.problem, self.regime, told, rtol=rtol)

    def reaches(self, log10_alpha: float) -> bool:
        """Whether its flow can be integrated at that alpha as well, as the problem counts it."""
        return not self.plain or (
            log10_alpha - self.scale.log_alpha / LOG_10 <= LARGEST_LOG10_ALPHA + ROUNDING
        )

    def at_alpha(self, log10_alpha: float) -> "FlowInstance":
        """The same problem and power p at another alpha."""
        return replace(self, regime=self.regime.at_alpha(log10_alpha))

    @classmethod
    def at_own(cls, problem: Problem, own: Regime, c: float = DEFAULT_C) -> "FlowInstance":
        """The instance of an alpha and a lambda that are counted as the problem does."""
        return cls(problem, OwnScale.of(problem).told(own), c)

    @cached_property
    def scale(self) -> OwnScale:
        """What the problem makes of alpha and lambda."""
        return OwnScale.of(self.problem)

    @cached_property
    def own(self) -> Regime:
        """alpha and lambda as the problem counts them."""
        return self.scale.own(self.regime)

    def in_own(self, own: Regime) -> "FlowInstance":
        """The same problem at another alpha and lambda, counted as the problem does."""
        return replace(self, regime=self.scale.told(own))

    def at_own_alpha(self, log10_alpha: float) -> "FlowInstance":
        """The same problem at another alpha and the same power p, both counted so."""
        return self.in_own(self.own.at_alpha(log10_alpha))

    def told(self, at: float) -> float:
        """A time in units of the problem's t_g, in units of log(alpha) / lambda as told."""
        return at * self.own.log_alpha / self.regime.log_alpha

    def to_json(self) -> dict[str, Any]:
        problem, regime = self.problem, self.regime
        several = problem.classes is not None
        labels = problem.labels.astype(np.int64) if several else problem.labels
        data: dict[str, Any] = {
            "net": net_to_json(problem.net),
            "anchor": problem.anchor.tolist(),
            "inputs": problem.inputs.tolist(),
            "labels": labels.tolist(),
            "loss": problem.loss,
            "regime": {"log10_alpha": regime.log10_alpha, "log10_lambda": regime.log10_lambda},
            "c": self.c,
        }
        if several:
            data["classes"] = problem.classes
        if self.plain:
            data["plain"] = True
        return data if self.claim is None else {**data, "claim": self.claim}

    @classmethod
    def from_json(cls, data: Any, folder: Path | None = None) -> "FlowInstance":
        """Build an instance from parsed JSON.

        Raises:
            InvalidInput: naming the key that is missing, unknown or wrong.
        """
        if not isinstance(data, Mapping):
            raise InvalidInput(f"an instance is a JSON object, not {type(data).__name__}")
        check_keys("instance", data, _KEYS - {"loss"}, _OPTIONAL | {"loss"})
        net = net_from_json(data["net"], folder, _rows(data["inputs"]))
        _check_degree(net)
        problem = Problem(
            net,
            data["anchor"],
            data["inputs"],
            data["labels"],
            expect("loss", data.get("loss", "exponential"), str),
            integer(data, "classes") if "classes" in data else None,
        )
        if isinstance(problem.net, ModuleNet):
            problem.net.try_out(problem.anchor, problem.inputs)
        regime = expect("regime", data["regime"], Mapping)
        check_keys("regime", regime, {"log10_alpha"}, {"decay_power", "log10_lambda"})
        for key in {"claim", "name"} & set(data):
            expect(key, data[key], str)
        if not isinstance(plain := data.get("plain", False), bool):
            raise InvalidInput(f"plain is {plain!r}; it must be true or false")
        c = data.get("c", DEFAULT_C)
        return cls(problem, Regime(**regime), c, data.get("claim"), plain)


def net_to_json(net: HomogeneousNet) -> dict[str, Any]:
    """The "net" entry of an instance file."""
    match net:
        case Diagonal():
            sizes = {"degree": net.degree, "input_dim": net.input_dim}
            return {"kind": "diagonal", **sizes, **_outputs_to_json(net)}
        case TwoLayer():
            keys = {"width": net.width, "input_dim": net.input_dim, "activation": net.activation}
            return {"kind": "two_layer", **keys, **_outputs_to_json(net)}
        case TwoLayerReLU():
            sizes = {"width": net.width, "input_dim": net.input_dim}
            return {"kind": "relu", **sizes, "slope": net.slope, "smoothing": net.smoothing}
        case Deep():
            return {"kind": "deep", "widths": list(net.widths), "activation": net.activation}
        case ConstantFeature():
            return _without_constant({**net_to_json(net.net), "bias": True})
        case Factorization():
            return {"kind": "factorization", "size": net.size, "rank": net.rank}
        case ModuleNet():
            chosen = {} if net.trained is None else {"trained": list(net.trained)}
            return {"kind": "module", "path": net.path, **chosen}
        case WithBias():
            return {"kind": "with_bias", "net": net_to_json(net.net)}
    raise InvalidInput(f"net is a {type(net).__name__}; load it as kind 'module' to save it")


def _outputs_to_json(net: Diagonal | TwoLayer) -> dict[str, Any]:
    return {"outputs": net.output_dim} if net.output_dim > 1 else {}


def _without_constant(data: dict[str, Any]) -> dict[str, Any]:
    """The entry of a net with biases: its dimension is that of the data."""
    if "widths" in data:
        return {**data, "widths": [data["widths"][0] - 1, *data["widths"][1:]]}
    return {**data, "input_dim": data["input_dim"] - 1}


def _rows(inputs: Any) -> Floats | None:
    """Inputs as far as they are rows of numbers; what else they are `Problem` tells."""
    try:
        rows = np.array(inputs, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        return None
    return rows if rows.ndim == 2 and rows.size and np.all(np.isfinite(rows)) else None


def net_from_json(
    data: Any, folder: Path | None = None, inputs: Floats | None = None
) -> HomogeneousNet:
    """A net from its "net" entry; see `net_to_json` for the kinds and their keys.

    `inputs` `(n, d)` are what the degree of a `torch.nn.Module` is measured on.
    """
    data = dict(expect("net", data, Mapping))
    kind = data.pop("kind", None)
    match kind:
        case "diagonal":
            check_keys("net", data, {"input_dim"}, {"degree", "outputs", "bias"})
            bias, outputs = _bias(data), integer(data, "outputs", 1)
            dimension = integer(data, "input_dim") + bias
            return _biased(Diagonal(dimension, integer(data, "degree", 2), outputs), bias)
        case "two_layer":
            check_keys("net", data, {"width", "input_dim", "activation"}, {"outputs", "bias"})
            activation = expect("activation", data["activation"], str)
            bias, outputs = _bias(data), integer(data, "outputs", 1)
            sizes = integer(data, "width"), integer(data, "input_dim") + bias
            return _biased(TwoLayer(*sizes, activation, outputs), bias)
        case "relu":
            check_keys("net", data, {"width", "input_dim"}, {"slope", "smoothing", "bias"})
            bias = _bias(data)
            sizes = integer(data, "width"), integer(data, "input_dim") + bias
            bends = _number(data, "slope"), _number(data, "smoothing")
            return _biased(TwoLayerReLU(*sizes, *bends), bias)
        case "deep":
            check_keys("net", data, {"widths"}, {"activation", "bias"})
            listed, bias = expect("widths", data["widths"], list), _bias(data)
            widths = [integer({"widths": width}, "widths") for width in listed]
            widths[:1] = [width + bias for width in widths[:1]]
            activation = expect("activation", data.get("activation", "linear"), str)
            return _biased(Deep(tuple(widths), activation), bias)
        case "factorization":
            check_keys("net", data, {"size", "rank"})
            return Factorization(integer(data, "size"), integer(data, "rank"))
        case "module":
            check_keys("net", data, {"path"}, {"trained"})
            path = expect("path", data["path"], str)
            trained = None
            if "trained" in data:
                listed = expect("trained", data["trained"], list)
                trained = tuple(expect("trained", name, str) for name in listed)
            return load_module_net(path, folder, inputs, trained)
        case "with_bias":
            check_keys("net", data, {"net"})
            return WithBias(net_from_json(data["net"], folder, inputs))
    allowed = "diagonal, two_layer, relu, deep, factorization, module, with_bias"
    raise InvalidInput(f"net kind is {kind!r}; allowed are {allowed}")


def _number(data: Mapping[str, Any], key: str) -> float:
    value = data.get(key, 0.0)
    if isinstance(value, bool) or not isinstance(value, Real):
        raise InvalidInput(f"{key} is {value!r}; it must be a number")
    return float(value)


def _bias(data: Mapping[str, Any]) -> bool:
    if not isinstance(bias := data.get("bias", False), bool):
        raise InvalidInput(f"bias is {bias!r}; it must be true or false")
    return bias


def _biased(net: TwoLayer | TwoLayerReLU | Deep | Diagonal, bias: bool) -> HomogeneousNet:
    return ConstantFeature(net) if bias else net


def load_module_net(
    path: str,
    folder: Path | None = None,
    inputs: Floats | None = None,
    trained: tuple[str, ...] | None = None,
) -> ModuleNet:
    """A user's net from "file.py:Name", relative to the instance file or to here.

    Name is a class, a function without arguments or an instance: of a `HomogeneousNet`, or of a
    `torch.nn.Module`, whose degree is measured on `inputs` `(n, d)`. What they draw from torch's
    generator is the same at every load.

    Raises:
        InvalidInput: it cannot be loaded, or is no such net.
        AssumptionError: a module that is no homogeneous function of its trained parameters.
    """
    net, name = _loaded(path, folder)
    if _is_module(net):
        if inputs is None and isinstance(getattr(net, "input_dim", None), int):
            inputs = random_inputs(net.input_dim)
        if inputs is None:
            raise InvalidInput(
                f"path is {path!r}; the degree of a torch.nn.Module is measured on inputs, whose "
                "length is not known; give --input-dim, or `input_dim` in the class"
            )
        return ModuleNet(path, module_net(net, inputs, trained), trained)
    if not isinstance(net, HomogeneousNet):
        raise InvalidInput(
            f"path is {path!r}; {name} must subclass theory.HomogeneousNet or torch.nn.Module"
        )
    if trained is not None:
        raise InvalidInput(
            f"trained is {list(trained)}; only a torch.nn.Module has layers to choose from, and "
            f"{name} is a HomogeneousNet"
        )
    if not isinstance(net.degree, Real) or not 1 <= net.degree < inf:
        raise InvalidInput(f"path is {path!r}; degree is {net.degree!r}, it must be at least 1")
    _check_degree(net)
    return ModuleNet(path, net)


def _loaded(path: str, folder: Path | None) -> tuple[Any, str]:
    """What the file makes, an instance, and what it calls it; as `load_module_net`."""
    file_name, _, name = path.rpartition(":")
    if not file_name.endswith(".py") or not name:
        raise InvalidInput(f"path is {path!r}; it must read file.py:ClassName")
    places = [folder / file_name] if folder else []
    found = next((p for p in [*places, Path(file_name)] if p.is_file()), None)
    if found is None:
        raise InvalidInput(f"path is {path!r}; there is no file {file_name}")
    own = f"theory_verify_user_{found.stem}"
    spec = importlib.util.spec_from_file_location(own, found)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[own] = module
    try:
        with _seeded(), neighbours(found.resolve().parent):
            spec.loader.exec_module(module)
        with _seeded():
            net = _named(module, name, found)
            if not isinstance(net, HomogeneousNet) and not _is_module(net):
                net = net()
    except InvalidInput:
        raise
    except (Exception, SystemExit) as error:
        raise InvalidInput(f"path is {path!r}; loading it failed: {error!r}") from error
    return net, name


def _named(module: ModuleType, name: str, file: Path) -> Any:
    """What a file calls so; `InvalidInput` names the classes and functions that it has."""
    if hasattr(module, name):
        return getattr(module, name)
    own = [
        key
        for key, value in vars(module).items()
        if callable(value) and getattr(value, "__module__", None) == module.__name__
    ]
    has = ", ".join(own) or "no class"
    raise InvalidInput(f"{file.name} has no {name}; it has {has}")


def _check_degree(net: HomogeneousNet) -> None:
    if net.degree > LARGEST_DEGREE:
        raise InvalidInput(
            f"degree is {float(net.degree):g}; outputs scale like alpha^degree, whose logarithm "
            f"float64 then holds to no more than {float(net.degree) * 2e-16:.1g}; it must be at "
            f"most {LARGEST_DEGREE:g}"
        )


def _plain_number(degree: Any) -> int | float:
    """A number as Python has it: those of NumPy go into no JSON."""
    number = float(degree)
    return int(number) if number.is_integer() else number


LARGEST_DEGREE = 1e6
"""Outputs beyond have scales of more than a million digits in any alpha, which no float64 holds."""


def random_inputs(dimension: int) -> Floats:
    """Three Gaussian inputs, always the same."""
    return np.random.default_rng(0).standard_normal((3, dimension))


def _is_module(net: Any) -> bool:
    torch = sys.modules.get("torch")  # there is no module where nobody has imported it
    return torch is not None and isinstance(net, torch.nn.Module)


@contextmanager
def _seeded() -> Iterator[None]:
    """A fixed state of torch's generator inside, and the user's own again afterwards."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield
