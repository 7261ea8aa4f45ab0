"""`check` on nets of which it is known what holds."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from verify.check import CheckPlan, check_net

Make = Callable[..., Any]

NETS = """
import torch
from theory import HomogeneousNet

class Square(HomogeneousNet):
    degree, parameters, input_dim = 2, 4, 2
    def forward(self, theta, inputs):
        return inputs @ (theta[:2] ** 2 - theta[2:] ** 2)

class WrongDegree(Square):
    degree = 3

class Kinked(Square):
    def forward(self, theta, inputs):
        return theta[2] * torch.relu(inputs @ theta[:2]) + theta[3] * (inputs @ theta[:2])

class Positive(Square):
    def forward(self, theta, inputs):
        return (inputs**2 + 1) @ (theta[:2] ** 2) + theta[2:] @ theta[2:]

class Infinite(Square):
    def forward(self, theta, inputs):
        return inputs @ theta[:2] ** 2 / 0

class Centred(Square):
    def forward(self, theta, inputs):
        return super().forward(theta, inputs - inputs.mean(0))

class Dropout(Square):
    def forward(self, theta, inputs):
        return super().forward(theta, inputs) * torch.rand(())

class Single(Square):
    def forward(self, theta, inputs):
        return super().forward(theta.float(), inputs.float()).double()

class Unsized(HomogeneousNet):
    degree = 2
    def forward(self, theta, inputs):
        return inputs @ (theta[:2] ** 2 - theta[2:] ** 2)
"""


def checked(net: str, folder: Path, **sizes: Any) -> tuple[int, list[str]]:
    said: list[str] = []
    return check_net(CheckPlan(net, folder / "out", **sizes), said.append), said


@pytest.fixture
def nets(write: Make) -> Path:
    return write("my_nets.py", NETS)


@pytest.mark.parametrize(
    ("net", "status", "assumption", "advice"),
    [
        ("WrongDegree", 1, "fails    homogeneity: net is not homogeneous", "drop biases"),
        ("Centred", 1, "fails    a function of theta and x: net's output at", "its own input"),
        ("Dropout", 1, "fails    a function of theta and x: net is not deter", "call .eval()"),
        ("Single", 1, "fails    a function of theta and x: net carries", "keep float64"),
        ("Kinked", 1, "fails    smoothness: ", "relu(z)**2"),
        ("Positive", 3, "unknown  zero output: ", "f(first half) - f(second half)"),
        ("Infinite", 1, "fails    finite values: ", "one finite number for each input"),
    ],
)
def test_what_fails_is_named_with_what_mends_it(
    net: str, status: int, assumption: str, advice: str, nets: Path, tmp_path: Path
) -> None:
    found, said = checked(f"{nets}:{net}", tmp_path)
    assert found == status
    assert said[-2].strip().startswith(assumption)
    assert said[-1].strip().startswith("mend: ")
    assert advice in said[-1]


@pytest.mark.slow
def test_net_that_is_covered_keeps_both_theorems(nets: Path, tmp_path: Path) -> None:
    status, said = checked(f"{nets}:Square", tmp_path, samples=2, examples=1)
    text = "\n".join(said)
    assert status == 0, text
    assert text.count("  met  ") == 5
    assert text.count("  holds  ") == 4
    assert not (tmp_path / "out").exists()


def test_theorem_that_fails_is_saved_and_replays(
    nets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, invoke: Make
) -> None:
    """A claim that no margin is positive: the saved instance is the net's own."""
    from verify.catalogue import claim_named
    from verify.language import Basis, below

    def laws(measured: Any, theory: Any) -> Any:
        yield below("no sample is fitted", 1.0, 0.5, Basis.DERIVED)

    kkt = claim_named("kkt")
    quick = replace(kkt.measurement, measure=lambda instance: instance)
    false = replace(kkt, laws=laws, measurement=quick, findings=lambda measured: ())
    monkeypatch.setattr("verify.check.claim_named", lambda name: false)
    monkeypatch.setattr("verify.check.KERNEL_PHASE", ())
    status, said = checked(f"{nets}:Square", tmp_path, samples=2, examples=1)
    text = "\n".join(said)
    assert status == 1, text
    assert "falsified    kkt" in text
    assert "furthest out: no sample is fitted" in text
    assert said[-1].endswith(f"replay {tmp_path / 'out' / 'kkt.json'}")
    assert invoke("evaluate", str(tmp_path / "out" / "kkt.json")).status == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["Unsized"], "parameters is not known; give --parameters, or `parameters` in the class"),
        (["Unsized", "--parameters", "4"], "input-dim is not known; give --input-dim, or `input_"),
        (["Square", "--samples", "0"], "samples is 0; it must be a whole number of at least 1"),
        (["Square", "--examples", "-1"], "examples is -1; it must be a whole number of at least"),
        (["Square", "--input-dim", "3"], "its net fails on 4 parameters"),
        (["Nothing"], "loading it failed"),
    ],
)
def test_unusable_net_is_one_sentence(
    arguments: list[str], words: str, nets: Path, invoke: Make
) -> None:
    answer = invoke("check", f"{nets.name}:{arguments[0]}", *arguments[1:])
    assert answer.status == 2
    assert answer.err.startswith("error: ")
    assert answer.err.count("\n") == 1
    assert words in answer.err
