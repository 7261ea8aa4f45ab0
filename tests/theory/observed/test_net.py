"""Products with Jacobian and Hessian in blocks are those with the matrices."""

import numpy as np
import pytest
import torch
from modules import dense_jacobian, observe, task, two_layers
from torch import nn
from torch.utils.checkpoint import checkpoint

import theory.observed.net
from theory.errors import InvalidInput
from theory.observed import at_state, check_function, observed_module, sharpness
from theory.observed.net import losses


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("batch", [3, 100])
def test_push_and_pull(classes: int, batch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(theory.observed.net, "BATCH", batch)
    observed = observe(two_layers(outputs=1 if classes == 2 else classes), *task(classes=classes))
    jacobian = dense_jacobian(observed)
    generator = torch.Generator().manual_seed(0)
    weights = torch.randn(*observed.values().shape, generator=generator, dtype=torch.double)
    direction = torch.randn(observed.parameters, generator=generator, dtype=torch.double)
    pulled, pushed = observed.pull(weights), observed.push(direction)
    np.testing.assert_allclose(pulled, weights.reshape(-1).numpy() @ jacobian, atol=1e-13)
    np.testing.assert_allclose(pushed.reshape(-1), jacobian @ direction.numpy(), atol=1e-13)


@pytest.mark.parametrize("loss", ["logistic", "exponential", "squared"])
def test_curve_and_sharpness_are_those_of_the_hessian(loss: str) -> None:
    inputs, labels = task(samples=9)
    smooth = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1)).double()
    observed = observe(smooth, inputs, labels, loss)

    def mean_loss(theta: torch.Tensor) -> torch.Tensor:
        rows = observed.rows.of(observed.outputs_at(theta, observed.inputs))
        return losses(observed.rows, rows).mean()

    hessian = torch.autograd.functional.hessian(mean_loss, observed.theta).numpy()
    direction = torch.ones_like(observed.theta)
    np.testing.assert_allclose(observed.curve(direction), hessian @ direction.numpy(), atol=1e-12)
    assert sharpness(observed) == pytest.approx(np.linalg.eigvalsh(hessian)[-1], rel=1e-3)


@pytest.mark.parametrize("loss", ["logistic", "exponential", "cross_entropy"])
def test_losses_are_those_of_theory(loss: str) -> None:
    classes = 2 if loss == "logistic" else 4
    observed = observe(two_layers(outputs=1 if classes == 2 else 4), *task(classes=classes), loss)
    values = observed.values()
    found = losses(observed.rows, values).sum().item()
    flat = values.reshape(-1).numpy()
    log_values = observed.rows.loss_function.log_value(flat, np.ones_like(flat))
    assert found == pytest.approx(np.exp(log_values).sum(), rel=1e-12)


def test_states_are_loaded_with_their_buffers() -> None:
    module = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2), nn.Linear(2, 1))
    state = {key: value.clone() for key, value in module.state_dict().items()}
    state["1.running_mean"] += 3.0
    net, theta = at_state(observed_module(module), state)
    points = torch.ones(1, 2, dtype=torch.double)
    module.load_state_dict(state)
    expected = module.double().eval()(points)
    assert torch.equal(net.call(net.parts(theta), points), expected)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"0.weight": torch.zeros(5, 5)}, "does not fit"),
        ({"0.weight": torch.full((6, 3), float("nan"))}, "NaN"),
        ({"more": torch.zeros(1)}, "does not fit"),
    ],
)
def test_states_that_do_not_fit_say_so(change: dict[str, torch.Tensor], words: str) -> None:
    module = two_layers()
    with pytest.raises(InvalidInput, match=words):
        at_state(observed_module(module), {**module.state_dict(), **change})


def test_layers_are_chosen_and_left_out() -> None:
    module = two_layers()
    assert observed_module(module, layers=["0"]).trained == ("0.weight",)
    assert observed_module(module, without=["0"]).trained == ("2.weight",)
    with pytest.raises(InvalidInput, match="without"):
        observed_module(module, without=["0", "2"])
    with pytest.raises(InvalidInput, match="names no parameter"):
        observed_module(module, layers=["9"])


class Noisy(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x @ self.weight + torch.randn(len(x)).to(x)


class Centred(Noisy):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x - x.mean(0)) @ self.weight


class Twice(Noisy):
    """Computes again, backwards, with the weights that the module itself has."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return checkpoint(lambda y: (y @ self.weight) ** 2, x, use_reentrant=False)


class Straight(Noisy):
    """Signs with a gradient that is not theirs."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        z = x @ self.weight
        return z + (torch.sign(z) - z).detach()


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Noisy, "deterministic"),
        (Centred, "batch"),
        (Twice, "gradients that are not its outputs' own.*checkpoint"),
        (Straight, "gradients that are not its outputs' own.*a backward of its own"),
    ],
)
def test_what_is_no_function_of_one_input_is_refused(kind: type[Noisy], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        check_function(observe(kind(), *task()))


class Cancelling(nn.Module):
    """Two equal copies, whose difference is rounding that depends on the batch."""

    def __init__(self) -> None:
        super().__init__()
        self.u, self.v = nn.Parameter(torch.ones(3)), nn.Parameter(torch.ones(3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x @ self.u - (x @ self.v) * (1.0 + 2.0**-51 * (len(x) == 1))


def test_a_start_of_zero_output_is_not_refused_for_its_rounding() -> None:
    found = observe(Cancelling(), *task())
    few = found.inputs[:1]
    assert found.outputs_at(found.theta, few) != found.outputs_at(found.theta, found.inputs)[:1]
    check_function(found)
