"""Instance files whose net is a `torch.nn.Module`: classes, instances, factories, chosen layers."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from theory.errors import AssumptionError, InvalidInput
from verify.check import CheckPlan, Told, check_net
from verify.instances import FlowInstance, net_to_json

NETS = """
import torch
from torch import nn

class Square(nn.Module):
    def forward(self, z):
        return z**2

class Net(nn.Module):
    input_dim = 2
    def __init__(self):
        super().__init__()
        self.hidden, self.readout = nn.Linear(2, 4, bias=False), nn.Linear(4, 1, bias=False)
    def forward(self, x):
        return self.readout(self.hidden(x) ** 2)

def factory():
    return nn.Sequential(nn.Linear(2, 4, bias=False), Square(), nn.Linear(4, 1, bias=False))

INSTANCE = factory()

class Biased(Net):
    def forward(self, x):
        return super().forward(x) + self.readout.weight.sum()

def number():
    return 3
"""
HIDDEN = [0.5, 0.25, -0.25, 0.5, 0.5, 0.25, -0.25, 0.5]
READOUT = [1.0, 1.0, -1.0, -1.0]
INPUTS = [[1.0, 0.5], [-0.25, 1.0]]


@pytest.fixture
def folder(write: Callable[..., Path]) -> Path:
    return Path(write("nets.py", NETS)).parent


def instance(folder: Path, net: dict[str, Any], anchor: list[float]) -> FlowInstance:
    data = {
        "net": {"kind": "module", **net},
        "anchor": anchor,
        "inputs": INPUTS,
        "labels": [1, -1],
        "regime": {"log10_alpha": 8, "decay_power": 2.0},
    }
    return FlowInstance.from_json(data, folder)


@pytest.mark.parametrize("name", ["Net", "factory", "INSTANCE"])
def test_anchor_is_the_flat_vector_of_named_parameters(name: str, folder: Path) -> None:
    problem = instance(folder, {"path": f"nets.py:{name}"}, HIDDEN + READOUT).problem
    assert problem.degree == 3
    weights, readout = np.array(HIDDEN).reshape(4, 2), np.array(READOUT)
    own = (np.array(INPUTS) @ weights.T) ** 2 @ readout
    np.testing.assert_allclose(problem.net.outputs(problem.anchor, problem.inputs), own)


def test_chosen_layers_are_trained_and_come_back_from_the_file(folder: Path) -> None:
    first = instance(folder, {"path": "nets.py:Net", "trained": ["hidden"]}, HIDDEN)
    saved = json.loads(json.dumps(first.to_json()))
    assert saved["net"] == {"kind": "module", "path": "nets.py:Net", "trained": ["hidden"]}
    again = FlowInstance.from_json(
        {**saved, "regime": {"log10_alpha": 8, "decay_power": 2.0}}, folder
    )
    assert again.problem.degree == 2
    assert net_to_json(again.problem.net) == saved["net"]
    outputs = [p.net.outputs(p.anchor, p.inputs) for p in (first.problem, again.problem)]
    np.testing.assert_array_equal(*outputs)  # the readout, drawn at random, is the same


@pytest.mark.parametrize(
    ("net", "anchor", "error", "message"),
    [
        ({"path": "nets.py:Net"}, [1.0, 2.0], InvalidInput, "anchor has 2 numbers; .* has 12 para"),
        ({"path": "nets.py:number"}, [1.0], InvalidInput, "number must subclass theory.Homogeneo"),
        ({"path": "nets.py:Net", "trained": ["out"]}, [1.0], InvalidInput, "'out' names no param"),
        ({"path": "nets.py:Net", "trained": 3}, [1.0], InvalidInput, "trained is 3; it must be a"),
        ({"path": "nets.py:Biased"}, HIDDEN + READOUT, AssumptionError, "Biased is not homogeneou"),
    ],
)
def test_bad_modules_are_refused_in_one_sentence(
    net: dict[str, Any], anchor: list[float], error: type[Exception], message: str, folder: Path
) -> None:
    with pytest.raises(error, match=message):
        instance(folder, net, anchor)


def test_check_takes_a_module_and_names_what_fails(folder: Path) -> None:
    said: list[str] = []
    status = check_net(CheckPlan(f"{folder / 'nets.py'}:Biased", folder / "out"), Told(said.append))
    assert status == 1
    assert said[0].startswith("  fails    homogeneity: module Biased is not homogeneous")
    assert said[1].startswith("           mend: ")
    with pytest.raises(InvalidInput, match="length is not known; give --input-dim"):
        check_net(CheckPlan(f"{folder / 'nets.py'}:factory", folder / "out"), Told(said.append))


@pytest.mark.slow
def test_check_of_a_module_judges_the_theorems(folder: Path) -> None:
    said: list[str] = []
    plan = CheckPlan(f"{folder / 'nets.py'}:factory", folder / "out", input_dim=2, samples=2)
    assert check_net(plan, Told(said.append)) == 0, "\n".join(said)
    assert sum("  holds  " in line for line in said) == 4
