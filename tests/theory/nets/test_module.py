"""Torch modules as nets: the function, its degree, and what is refused in which words."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.random import default_rng
from torch import nn
from torch.utils.checkpoint import checkpoint

from theory.errors import AssumptionError, InvalidInput
from theory.flow import gradient_flow
from theory.nets import TwoLayer
from theory.nets.module import module_net
from theory.problem import Problem, Regime

INPUTS = default_rng(0).standard_normal((5, 3))


class Square(nn.Module):  # type: ignore[misc]
    def forward(self, inputs: Any) -> Any:
        return inputs**2


def layers(*between: nn.Module, bias: bool = False) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4, bias=bias), *between, nn.Linear(4, 1, bias=False))


class Products(nn.Module):  # type: ignore[misc]
    """Several parameters of any shape, and one output of shape (n,)."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))
        self.maps = nn.ParameterList([torch.randn(3, 2), torch.randn(2)])

    def forward(self, inputs: Any) -> Any:
        return self.scale * inputs @ self.maps[0] @ self.maps[1]


class Shared(nn.Module):  # type: ignore[misc]
    """One matrix twice."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(3, 3, bias=False)
        self.second = self.first

    def forward(self, inputs: Any) -> Any:
        return self.second(self.first(inputs).pow(2)).sum(1)


class Tied(nn.Module):  # type: ignore[misc]
    """One parameter in two layers."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(3, 3, bias=False), nn.Linear(3, 3, bias=False)
        self.second.weight = self.first.weight

    def forward(self, inputs: Any) -> Any:
        return self.second(self.first(inputs)).sum(1)


def of_classes(*between: nn.Module, classes: int = 3) -> nn.Sequential:
    torch.manual_seed(0)
    last = nn.Linear(4, classes, bias=False)
    return nn.Sequential(nn.Linear(3, 4, bias=False), *between, last)


@pytest.mark.parametrize(
    ("module", "degree", "parameters"),
    [
        (of_classes(Square()), 3, 24),
        (of_classes(nn.ReLU(), classes=2), 2, 20),
        (layers(Square()), 3, 16),
        (layers(nn.ReLU(), bias=True), 2, 20),
        (layers(nn.BatchNorm1d(4, affine=False), nn.Dropout(), nn.ReLU()), 2, 16),
        (nn.Sequential(nn.Unflatten(1, (1, 3)), nn.Conv1d(1, 2, 2, bias=False), Square(),
                       nn.Flatten(), nn.Linear(4, 1, bias=False)), 3, 8),
        (Products(), 3, 9),
        (Shared(), 3, 9),
        (Tied(), 2, 9),
    ],
)  # fmt: skip
def test_degree_is_measured_and_outputs_are_the_modules(
    module: nn.Module, degree: int, parameters: int
) -> None:
    net = module_net(module, INPUTS)
    assert (net.degree, net.parameters) == (degree, parameters)
    flat = np.concatenate([p.detach().double().numpy().ravel() for p in module.parameters()])
    np.testing.assert_array_equal(net.theta, flat)
    with torch.no_grad():
        own = module.eval().double()(torch.from_numpy(INPUTS)).numpy()
    own = own[:, 0] if own.shape[1:] == (1,) else own
    assert net.output_dim == (1 if own.ndim == 1 else own.shape[1])
    np.testing.assert_allclose(net.outputs(flat, INPUTS), own, atol=1e-14)
    np.testing.assert_allclose(net.jacobian(flat, INPUTS) @ flat, degree * own, atol=1e-12)


def test_module_of_the_user_stays_as_it_was() -> None:
    module = layers(nn.BatchNorm1d(4), nn.ReLU()).train()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    module_net(module, INPUTS, trained=["3", "0"])
    assert module.training
    assert all(torch.equal(before[name], value) for name, value in module.state_dict().items())
    assert next(module.parameters()).dtype == torch.float32


def test_selected_layers_are_trained_and_the_rest_stays() -> None:
    module = layers(Square())
    readout = module_net(module, INPUTS, trained=["2"])
    hidden = module_net(module, INPUTS, trained=["0.weight"])
    assert (readout.degree, readout.parameters) == (1, 4)
    assert (hidden.degree, hidden.parameters) == (2, 12)
    module[2].requires_grad_(False)
    assert module_net(module, INPUTS).trained == ("0.weight",)
    whole = module_net(layers(Square()), INPUTS)
    np.testing.assert_allclose(
        hidden.outputs(hidden.theta, INPUTS), whole.outputs(whole.theta, INPUTS), atol=1e-14
    )
    with pytest.raises(InvalidInput, match=r"'1' names no parameter and no layer, there are 0\.we"):
        module_net(module, INPUTS, trained=["0", "1"])


class Noisy(nn.Module):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(3))

    def forward(self, inputs: Any) -> Any:
        return inputs @ self.weight * torch.rand(())


class Squares(nn.Module):  # type: ignore[misc]
    """A matrix for each input."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(3))

    def forward(self, inputs: Any) -> Any:
        return inputs[:, :, None] * self.weight


class SingleInside(Noisy):
    def forward(self, inputs: Any) -> Any:
        return (inputs.float() @ self.weight.float()).double()


class HalfInside(Noisy):
    def forward(self, inputs: Any) -> Any:
        return (inputs.half() @ self.weight.half()).double()


class Passing(nn.Module):  # type: ignore[misc]
    """Two layers, of which torch does not derive all."""

    def __init__(self, hidden: Callable[[Any, Any], Any]) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(3, 4, bias=False), nn.Linear(4, 1, bias=False)
        self.hidden = hidden

    def forward(self, inputs: Any) -> Any:
        return self.second(self.hidden(self.first, inputs))


def detached(layer: Any, inputs: Any) -> Any:
    return layer(inputs) * layer(inputs).detach()


def without_gradients(layer: Any, inputs: Any) -> Any:
    with torch.no_grad():
        return layer(inputs) ** 2


def computed_twice(layer: Any, inputs: Any) -> Any:
    return checkpoint(lambda x: layer(x) ** 2, inputs, use_reentrant=False)


def sideways(layer: Any, inputs: Any) -> Any:
    """What is not derived is of degree zero: Euler's identity misses it."""
    hidden = layer(inputs)
    turned = hidden[:, :1] / hidden.norm(dim=1, keepdim=True)
    return hidden**2 * (2.0 + turned.detach())


@pytest.mark.parametrize("hidden", [detached, without_gradients, computed_twice, sideways])
def test_gradients_that_are_not_those_of_the_outputs_are_refused(
    hidden: Callable[[Any, Any], Any],
) -> None:
    torch.manual_seed(0)
    with pytest.raises(AssumptionError, match="not those of its outputs, by") as raised:
        module_net(Passing(hidden), INPUTS)
    assert raised.value.assumption == "gradients"


@pytest.mark.parametrize("act", [nn.ReLU(), nn.LeakyReLU(), nn.Hardtanh(-1e9, 0.0)])
def test_kinks_do_not_look_like_other_gradients(act: nn.Module) -> None:
    for seed in range(10):
        inputs = default_rng(seed).standard_normal((30, 3))
        assert module_net(layers(act), inputs).degree == 2


@pytest.mark.parametrize(
    ("module", "assumption", "message"),
    [
        (Noisy(), "determinism", "not deterministic"),
        (
            layers(nn.BatchNorm1d(4, track_running_stats=False)),
            "independent samples",
            "fails on one",
        ),
        (SingleInside(), "double precision", "less than float64"),
        (HalfInside(), "double precision", "degree is 1 for factors of 2 and from .* to .*half"),
        (layers(nn.LayerNorm(4)), "homogeneity", r"is from 1.9999\d+ to 2.000\d+; remove"),
        (layers(nn.Tanh()), "homogeneity", "Sequential is not homogeneous of a degree.* is from"),
        (nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 1)), "homogeneity", "remove biases behind"),
    ],
)
def test_what_is_outside_the_theorems_is_refused(
    module: nn.Module, assumption: str, message: str
) -> None:
    with pytest.raises(AssumptionError, match=message) as raised:
        module_net(module, INPUTS)
    assert raised.value.assumption == assumption


class Complex(nn.Module):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(3, dtype=torch.complex64))

    def forward(self, inputs: Any) -> Any:
        return (inputs.to(self.weight.dtype) @ self.weight).real


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (Squares(), r"Squares returns shape \(5, 3, 3\) for 5 inputs; one number for each is need"),
        (nn.Flatten(0), "Flatten has no parameters to train"),
        (nn.Linear(4, 1, bias=False), r"Linear fails on inputs of shape \(5, 3\)"),
        (nn.ReLU(), "module ReLU has no parameters to train"),
        (nn.LazyLinear(1, bias=False), "parameter weight of no shape yet; call the module once"),
        (Complex(), "parameter weight of complex numbers; parameters must be real"),
    ],
)
def test_modules_that_do_not_run_are_named(module: nn.Module, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        module_net(module, INPUTS)


def difference(problem_net: Any) -> Problem:
    """Two hidden copies under opposite readouts, flattened in the order of the layers."""
    rng = default_rng(1)
    hidden, readout = rng.standard_normal((2, 3)), rng.standard_normal(2)
    rows, signs = np.vstack([hidden, hidden]).ravel(), np.concatenate([readout, -readout])
    order = (signs, rows) if isinstance(problem_net, TwoLayer) else (rows, signs)
    labels = np.array([1.0, -1.0, 1.0, 1.0, -1.0])
    return Problem(problem_net, np.concatenate(order) / 3.0, INPUTS, labels)


@pytest.mark.parametrize("loss", ["cross_entropy", "exponential"])
def test_flow_of_several_classes_is_that_of_the_family(loss: str) -> None:
    rng, labels = default_rng(2), np.array([0, 1, 2, 1, 0])
    hidden, readout = rng.standard_normal((2, 3)), rng.standard_normal((3, 2))
    rows = np.vstack([hidden, hidden]).ravel() / 3.0
    signs = np.hstack([readout, -readout]).ravel() / 3.0
    net, family = module_net(of_classes(Square()), INPUTS), TwoLayer(4, 3, "square", 3)
    own = Problem(net, np.concatenate([rows, signs]), INPUTS, labels, loss, 3)
    known = Problem(family, np.concatenate([signs, rows]), INPUTS, labels, loss, 3)
    regime = Regime(log10_alpha=2.0, decay_power=1.0)
    margins = [gradient_flow(p, regime, rtol=1e-10).margins for p in (own, known)]
    np.testing.assert_allclose(margins[0], margins[1], rtol=1e-8)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "closed"),
    [
        (layers(Square()), TwoLayer(4, 3, "square")),
        (layers(nn.ReLU(), Square()), TwoLayer(4, 3, "relu_squared")),
    ],
)
def test_flow_is_that_of_the_family_of_the_same_function(module: nn.Module, closed: Any) -> None:
    regime, net = Regime(log10_alpha=3.0, decay_power=1.0), module_net(module, INPUTS)
    own, known = (gradient_flow(difference(n), regime, rtol=1e-12) for n in (net, closed))
    np.testing.assert_allclose(own.margins, known.margins, rtol=1e-10)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("x", INPUTS), "module is 'x'; it must be a torch.nn.Module"),
        ((layers(Square()), INPUTS, "0.weight"), "trained is the string '0.weight'; give a list"),
        ((layers(Square()), [[np.nan, 1.0, 1.0]]), "inputs holds NaN or infinite values"),
    ],
)
def test_meaningless_modules_are_refused(arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        module_net(*arguments)
