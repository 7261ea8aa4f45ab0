"""Nets in files of one's own: neighbours, numbers of NumPy, and what a forward may do."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from theory.compiled import writable
from verify.instances.flow import load_module_net

Make = Callable[..., Any]

NETS = """
import numpy as np
import torch
from theory import HomogeneousNet
from beside_it import square

class Plain(HomogeneousNet):
    degree = np.int64(3)
    parameters = np.int64(3)
    input_dim = np.int32(2)
    def forward(self, theta, inputs):
        return theta[2] * square(inputs @ theta[:2])

class Asserting(Plain):
    def forward(self, theta, inputs):
        assert (theta == theta).all()
        return super().forward(theta, inputs)

class Filling(Plain):
    def forward(self, theta, inputs):
        found = torch.zeros(len(inputs), dtype=theta.dtype)
        for k in range(len(inputs)):
            found[k] = super().forward(theta, inputs[k:k + 1])[0]
        return found

class Numbers(Plain):
    def forward(self, theta, inputs):
        return theta[2].item() * square(inputs @ theta[:2])

class Floats(Plain):
    def forward(self, theta, inputs):
        return float(theta[2]) * square(inputs @ theta[:2])

class WeightNorm(torch.nn.Module):
    input_dim = 2
    def __init__(self):
        super().__init__()
        first = torch.nn.Linear(2, 2, bias=False)
        self.first = torch.nn.utils.parametrizations.weight_norm(first)
        self.second = torch.nn.Linear(2, 1, bias=False)
    def forward(self, inputs):
        return self.second(self.first(inputs))[:, 0]

class Huge(Plain):
    degree = 1e30
"""


@pytest.fixture
def nets(write: Make) -> Path:
    write("beside_it.py", "def square(z):\n    return z * z\n")
    return write("some nets.py", NETS)


def instance(nets: Path, name: str) -> dict[str, Any]:
    return {
        "net": {"kind": "module", "path": f"{nets.name}:{name}"},
        "anchor": [1, 0.5, 0],
        "inputs": [[1, 1], [1, -1]],
        "labels": [1, 1],
        "regime": {"log10_alpha": 3, "decay_power": 1.5},
    }


def test_numbers_of_numpy_and_a_neighbour(nets: Path, write: Make, invoke: Make) -> None:
    write("one.json", instance(nets, "Plain"))
    answer = invoke("evaluate", "one.json", "--json", "--at", "0")
    assert (answer.status, answer.err) == (0, "")
    assert json.loads(answer.out)["problem"]["degree"] == 3
    assert type(load_module_net(f"{nets}:Plain").degree) is int


@pytest.mark.parametrize("name", ["Asserting", "Filling"])
def test_what_no_transform_follows_is_derived_by_passes_backwards(name: str, nets: Path) -> None:
    plain, other = (load_module_net(f"{nets}:{n}") for n in ("Plain", name))
    theta, step = np.random.default_rng(0).standard_normal((2, 3))
    inputs = np.array([[1.0, 1.0], [1.0, -1.0]])
    weights = np.array([0.5, 2.0])
    for found, expected in (
        (other.jacobian(theta, inputs), plain.jacobian(theta, inputs)),
        (other.increment(theta, step, inputs), plain.increment(theta, step, inputs)),
        (
            other.weighted_hessian(theta, inputs, weights),
            plain.weighted_hessian(theta, inputs, weights),
        ),
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-13)


@pytest.mark.filterwarnings("ignore:Converting a tensor")
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Numbers", "forward takes numbers out of theta (float(), .item(), .detach(), no_grad)"),
        ("Floats", "forward takes numbers out of theta (float(), .item(), .detach(), no_grad)"),
        ("Huge", "degree is 1e+30; outputs scale like alpha^degree"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_integrated(
    name: str, words: str, nets: Path, write: Make, invoke: Make
) -> None:
    write("one.json", instance(nets, name))
    answer = invoke("evaluate", "one.json")
    assert (answer.status, answer.out) == (2, "")
    assert answer.err.count("\n") == 1
    assert words in answer.err


def test_diagonal_net_too_large_for_its_flow_is_refused_with_an_estimate(
    write: Make, invoke: Make
) -> None:
    size = 20000
    anchor = [2.0] + [1.0] * (size - 1)
    data = {
        "net": {"kind": "diagonal", "degree": 2, "input_dim": size},
        "anchor": [*anchor, *anchor[::-1]],
        "inputs": [[1.0] + [0.0] * (size - 2) + [-1.0]],
        "labels": [1],
        "regime": {"log10_alpha": 3, "decay_power": 1.5},
    }
    data["anchor"] = [*anchor, 2.0, *[0.5] * (size - 2), 1.0]  # balanced where an input sees it
    write("one.json", data)
    answer = invoke("evaluate", "one.json")
    assert (answer.status, answer.out) == (2, "")
    assert "net has 40000 parameters; its flow at this anchor needs a dense Jacobian" in answer.err


def test_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    assert writable(tmp_path / "new")
    (tmp_path / "file").write_text("")
    assert not writable(tmp_path / "file" / "below")


def test_weight_norm_is_followed_through_its_parametrization(nets: Path) -> None:
    """f = w . (g v / |v|) x is of degree 2 in (g, v, w), v counting nothing."""
    net = load_module_net(f"{nets}:WeightNorm")
    assert (net.degree, net.parameters) == (2, 8)
    g, v, w = np.array([0.5, -2.0]), np.array([[1.0, 2.0], [3.0, -1.0]]), np.array([0.7, 1.5])
    inputs = np.array([[1.0, 1.0], [1.0, -1.0]])
    rows = v / np.linalg.norm(v, axis=1)[:, None]
    theta = np.concatenate([g, v.ravel(), w])
    np.testing.assert_allclose(net.outputs(theta, inputs), inputs @ rows.T @ (g * w), rtol=1e-13)
    jacobian = net.jacobian(theta, inputs)
    np.testing.assert_allclose(jacobian[:, :2], (inputs @ rows.T) * w, rtol=1e-12)
    np.testing.assert_allclose(jacobian[:, 6:], (inputs @ rows.T) * g, rtol=1e-12)
    assert np.abs(np.einsum("nij,ij->ni", jacobian[:, 2:6].reshape(2, 2, 2), v)).max() < 1e-14
