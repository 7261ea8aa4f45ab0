"""A tiny run: a homogeneous net, its data, and checkpoints of gradient descent with decay."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from verify.diagnose import Recorder

STEP, DECAY, STEPS = 0.05, 1e-3, {0, 20, 20_000, 60_000}

NET = """
import torch


def net():
    return torch.nn.Sequential(
        torch.nn.Linear(3, 16, bias=False), torch.nn.ReLU(), torch.nn.Linear(16, 1, bias=False)
    )


class Biased(torch.nn.Sequential):
    def __init__(self):
        super().__init__(torch.nn.Linear(3, 16), torch.nn.ReLU(), torch.nn.Linear(16, 3))


class Noisy(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.add_module("0", torch.nn.Linear(3, 16, bias=False))
        self.add_module("2", torch.nn.Linear(16, 1, bias=False))

    def forward(self, x):
        first, last = self.children()
        return last(first(x)) + torch.randn(len(x), 1).to(x)


NUMBER = 3
"""


@dataclass(frozen=True)
class TinyRun:
    """Files of a run: `net.py`, `data.npz` and `runs/step-*.pt`."""

    folder: Path
    inputs: Any
    labels: Any

    def arguments(self, **changes: str) -> list[str]:
        """Of the command; a changed value replaces the usual one."""
        given = {
            "model": "net.py:net",
            "data": "data.npz",
            "checkpoints": "runs/*.pt",
            "decay": str(DECAY),
            "step_size": str(STEP),
            **changes,
        }
        flat = [(f"--{key.replace('_', '-')}", value) for key, value in given.items()]
        return ["diagnose", *(word for pair in flat for word in pair)]


def descend(
    hidden: Any, inputs: Any, labels: Any, at: set[int], keep: Callable[[int, Any, Any], Any]
) -> None:
    """Gradient descent of the logistic loss on a difference of two copies of half a net."""
    hidden, readout = np.concatenate([hidden, hidden]), np.repeat([1.0, -1.0], len(hidden))
    for step in range(max(at) + 1):
        if step in at:
            keep(step, hidden, readout)
        active = np.maximum(inputs @ hidden.T, 0.0)
        forces = labels / (1.0 + np.exp(labels * (active @ readout))) / len(labels)
        slopes = (forces[:, None] * readout * (active > 0)).T @ inputs
        grown = forces @ active
        hidden = (1.0 - STEP * DECAY) * hidden + STEP * slopes
        readout = (1.0 - STEP * DECAY) * readout + STEP * grown


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> TinyRun:
    """Trained once; tests copy what they change."""
    folder = tmp_path_factory.mktemp("run")
    (folder / "net.py").write_text(NET)
    generator = np.random.default_rng(1)
    inputs = generator.standard_normal((10, 3))
    labels = np.where(inputs[:, 0] + 0.3 * generator.standard_normal(10) > 0, 1.0, -1.0)
    np.savez(folder / "data.npz", inputs=inputs, labels=labels)
    recorder = Recorder(folder / "runs")
    module = torch.nn.Sequential(
        torch.nn.Linear(3, 16, bias=False), torch.nn.ReLU(), torch.nn.Linear(16, 1, bias=False)
    ).double()

    def keep(step: int, hidden: Any, readout: Any) -> None:
        module[0].weight.data = torch.from_numpy(hidden)
        module[2].weight.data = torch.from_numpy(readout[None])
        recorder(step, module)

    descend(2.0 * generator.standard_normal((8, 3)), inputs, labels, STEPS, keep)
    return TinyRun(folder, inputs, labels)
