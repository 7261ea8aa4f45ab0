"""Instance files that a person could have written, and the command line as that person sees it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from stated import tiny

import verify.catalogue
from verify.commands import main
from verify.language import Claim
from verify.profiles import Profile
from verify.runner import RunPlan

DIAGONAL: Final[dict[str, Any]] = {
    "net": {"kind": "diagonal", "degree": 2, "input_dim": 3},
    "anchor": [0.408248, 0.408248, 0.408248, 0.408248, 0.408248, 0.408248],
    "inputs": [[1, 1, -1], [1, -1, 1]],
    "labels": [1, -1],
    "loss": "exponential",
    "regime": {"log10_alpha": 12, "decay_power": 2.0},
}
"""The example of the documentation, digit by digit."""

INSTANCES: Final[dict[str, dict[str, Any]]] = {
    "diagonal": DIAGONAL,
    "two_layer": {
        **DIAGONAL,
        "net": {"kind": "two_layer", "width": 2, "input_dim": 2, "activation": "square"},
        "anchor": [0.5, -0.5, 1, 0.5, 1, 0.5],
        "inputs": [[1, 1], [1, -1]],
        "labels": [1, 1],
    },
    "deep": {
        **DIAGONAL,
        "net": {"kind": "deep", "widths": [2, 2, 1, 1]},
        "anchor": [1, 0, 0.5, 1, 1, -1, 0],
        "inputs": [[1, 1], [1, -1]],
    },
    "factorization": {
        **DIAGONAL,
        "net": {"kind": "factorization", "size": 2, "rank": 1},
        "anchor": [1, 0.5, 1, 0.5],
        "inputs": [[0, 1], [0, 0]],
    },
    "module": {
        **DIAGONAL,
        "net": {"kind": "module", "path": "nets.py:Cubic"},
        "anchor": [1, 0.5, 0],
        "inputs": [[1, 1], [1, -1]],
        "labels": [1, 1],
    },
}

MODULE_SOURCE: Final = """
import torch
from theory import HomogeneousNet


class Cubic(HomogeneousNet):
    degree = 3

    def forward(self, theta, inputs):
        return theta[2] * (inputs @ theta[:2]) ** 2


class Biased(HomogeneousNet):
    degree = 2

    def forward(self, theta, inputs):
        return theta[2] * (inputs @ theta[:2]) + theta[2]


class Rectified(HomogeneousNet):
    degree = 2

    def forward(self, theta, inputs):
        return theta[2] * torch.relu(inputs @ theta[:2])


class Raising(HomogeneousNet):
    degree = 2

    def forward(self, theta, inputs):
        raise RuntimeError("no such layer")


class TooLong(HomogeneousNet):
    degree = 2

    def forward(self, theta, inputs):
        return theta[2] * (inputs @ theta[:3])


class WrongShape(HomogeneousNet):
    degree = 2

    def forward(self, theta, inputs):
        return theta[2] * inputs @ theta[:2].sum()


class Flat(HomogeneousNet):
    degree = 2

    def forward(self, theta, inputs):
        return (theta[2] * (inputs @ theta[:2])).sum()


class NoNumber(HomogeneousNet):
    degree = "three"

    def forward(self, theta, inputs):
        return theta[2] * (inputs @ theta[:2]) ** 2


class NotANet:
    degree = 2
"""


@dataclass(frozen=True)
class Answer:
    """What a command gave back."""

    status: int
    out: str
    err: str


@pytest.fixture
def invoke(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., Answer]:
    """`invoke("evaluate", "file.json")`, run in `tmp_path`."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> Answer:
        capfd.readouterr()
        status = main(list(arguments))
        return Answer(status, *capfd.readouterr())

    return call


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """`write("file.json", data)` in `tmp_path`; strings are written as they are."""

    def put(name: str, content: Any) -> Path:
        path = tmp_path / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return put


@pytest.fixture
def instances(tmp_path: Path) -> dict[str, dict[str, Any]]:
    """A valid instance of each family, as JSON; the module net's file lies in `tmp_path`."""
    (tmp_path / "nets.py").write_text(MODULE_SOURCE)
    return {family: json.loads(json.dumps(data)) for family, data in INSTANCES.items()}


@pytest.fixture
def tiny_claim(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Claim[Any, Any]]:
    """`stated.tiny`, and the claim is known by its id as long as the test runs."""
    known = dict(verify.catalogue.all_claims())
    monkeypatch.setattr(verify.catalogue, "all_claims", lambda: known)

    def make(*arguments: Any, **options: Any) -> Claim[Any, Any]:
        claim = tiny(*arguments, **options)
        known[claim.id] = claim
        return claim

    return make


@pytest.fixture
def plan(tmp_path: Path) -> Callable[..., RunPlan]:
    """`plan(claim, examples=.., seed=.., jobs=.., folder=..)`."""

    def make(*claims: Claim[Any, Any], **changes: Any) -> RunPlan:
        given = {
            "claims": claims,
            "profile": Profile("tiny", 40, 200),
            "examples": 40,
            "seed": 0,
            "jobs": 1,
            "folder": tmp_path / "report",
            "command": "python -m verify run",
        }
        return RunPlan(**{**given, **changes})

    return make
