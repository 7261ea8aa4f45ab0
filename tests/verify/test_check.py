"""`check` on nets of which it is known what holds."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from theory.problem import Problem
from verify.check import CheckPlan, Told, check_net
from verify.check_task import Wanted, task_of
from verify.instances.flow import load_module_net

ROOT = Path(__file__).parents[2]

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
    return check_net(CheckPlan(net, folder / "out", **sizes), Told(said.append)), said


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


@pytest.fixture
def falsified(monkeypatch: pytest.MonkeyPatch) -> None:
    """A claim in place of the late phase, and none before: that no margin is positive."""
    from verify.catalogue import claim_named
    from verify.language import Basis, below

    def laws(measured: Any, theory: Any) -> Any:
        yield below("no sample is fitted", 1.0, 0.5, Basis.DERIVED)

    kkt = claim_named("kkt")
    quick = replace(kkt.measurement, measure=lambda instance: instance)
    false = replace(kkt, laws=laws, measurement=quick, findings=lambda measured: ())
    monkeypatch.setattr("verify.check.claim_named", lambda name: false)
    monkeypatch.setattr("verify.check.KERNEL_PHASE", ())


@pytest.mark.usefixtures("falsified")
def test_theorem_that_fails_is_saved_and_replays(nets: Path, tmp_path: Path, invoke: Make) -> None:
    """The saved instance is the net's own."""
    status, said = checked(f"{nets}:Square", tmp_path, samples=2, examples=1)
    text = "\n".join(said)
    assert status == 1, text
    assert "falsified    kkt" in text
    assert "furthest out: no sample is fitted" in text
    assert said[-1].endswith(f"replay {tmp_path / 'out' / 'kkt.json'}")
    assert invoke("evaluate", str(tmp_path / "out" / "kkt.json")).status == 0


INPUTS, ANCHOR = [[1.0, 0.5], [-0.25, 1.0], [0.5, -2.0]], [1.0, 2.0, 1.0, 2.0]


@pytest.mark.usefixtures("falsified")
@pytest.mark.parametrize(("data", "start"), [("d.json", "a.json"), ("d.npz", "a.npy")])
def test_task_is_of_ones_own_data_and_anchor(
    data: str, start: str, nets: Path, tmp_path: Path, invoke: Make, write: Make
) -> None:
    labels = [1, -1, 1]
    write("d.json", {"inputs": INPUTS, "labels": labels})
    write("a.json", ANCHOR)
    np.savez(tmp_path / "d.npz", x=INPUTS, y=[1, 0, 1])
    np.save(tmp_path / "a.npy", ANCHOR)
    net = ("check", f"{nets.name}:Square", "--report", "out", "--data", data)
    answer = invoke(*net, "--anchor", start)
    assert answer.status == 1, answer
    assert "tasks: 1, with data and anchor of your own, each of 3 samples" in answer.out
    found = json.loads((tmp_path / "out" / "kkt.json").read_text())
    assert (found["inputs"], found["anchor"]) == (INPUTS, ANCHOR)
    assert found["labels"] == labels
    assert invoke(*net).status == 1
    found = json.loads((tmp_path / "out" / "kkt.json").read_text())
    assert (found["inputs"], found["labels"]) == (INPUTS, labels)
    assert found["anchor"] != ANCHOR
    twice = invoke(*net, "--anchor", start, "--examples", "2")
    assert (twice.status, twice.out) == (2, "")
    assert "examples is 2; data and anchor of your own are one task" in twice.err


@pytest.mark.usefixtures("falsified")
def test_anchor_of_ones_own_is_checked(nets: Path, write: Make, invoke: Make) -> None:
    write("a.json", {"anchor": [1.0, 2.0, 1.0, 1.0]})
    answer = invoke("check", f"{nets.name}:Square", "--anchor", "a.json")
    assert answer.status == 1
    assert "fails    zero output: anchor has output" in answer.out


@pytest.mark.usefixtures("falsified")
def test_quick_is_one_task_of_two_samples(nets: Path, invoke: Make) -> None:
    answer = invoke("check", f"{nets.name}:Square", "--quick", "--examples", "3")
    assert "random tasks: 1, each of 2 samples" in answer.out


@pytest.mark.usefixtures("falsified")
@pytest.mark.parametrize("earlier", [(), ("kkt",)])
def test_interruption_names_counterexamples_that_were_written(
    earlier: tuple[str, ...], nets: Path, invoke: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By this check, not by one before."""
    import verify.check

    assert invoke("check", f"{nets.name}:Square", "--report", "out").status == 1
    examine, left = verify.check.examine_all, [*earlier]

    def interrupted(*arguments: Any, **others: Any) -> Any:
        if not left:
            raise KeyboardInterrupt
        left.pop()
        return examine(*arguments, **others)

    monkeypatch.setattr("verify.check.KERNEL_PHASE", earlier)
    monkeypatch.setattr("verify.check.examine_all", interrupted)
    answer = invoke("check", f"{nets.name}:Square", "--report", "out")
    assert answer.status == 130
    kept = "are in out/kkt.json" if earlier else "nothing was written"
    assert kept in answer.err


def test_steps_are_told(nets: Path, tmp_path: Path, falsified: None) -> None:
    steps: list[tuple[int, int, str]] = []
    plan = CheckPlan(f"{nets}:Square", tmp_path / "out", examples=2, samples=2)
    told = Told(lambda line: None, lambda *step: steps.append(step))
    check_net(plan, told)
    assert [words for _, _, words in steps] == [
        "assumptions of task 1",
        "assumptions of task 2",
        "kkt",
        "kkt",
    ]
    assert [done for done, _, _ in steps] == [0, 1, 2, 3]


def test_smoothness_is_tested_once(nets: Path) -> None:
    """It takes hundreds of gradients."""
    net = load_module_net(f"{nets}:Square")
    assert net.smooth is None
    wanted = Wanted(net, 4, np.array(INPUTS))
    task = task_of(wanted, np.random.default_rng(0), lambda line: None)
    assert isinstance(task, Problem)
    assert task.row_net.smooth is True


MODULES = """
import torch
from torch import nn

class Square(nn.Module):
    def forward(self, inputs):
        return inputs**2

def classes(count=3):
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Linear(3, 6, bias=False), Square(), nn.Linear(6, count, bias=False)
    )

def pair():
    return classes(2)
"""


@pytest.mark.parametrize(("name", "classes"), [("classes", 3), ("pair", 2)])
def test_modules_of_several_outputs_are_asked_as_classes(
    name: str, classes: int, tmp_path: Path, invoke: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own.py").write_text(MODULES)
    labels = np.array([1.0, -1.0, 1.0]) if classes == 2 else np.array([2, 0, 1])
    np.savez(tmp_path / "data.npz", x=np.random.default_rng(1).normal(size=(3, 3)), y=labels)
    monkeypatch.setattr("verify.check.KERNEL_PHASE", ("norm-law", "kernel-svm"))
    monkeypatch.setattr("verify.check.LATE_PHASE", ())
    answer = invoke("check", f"own.py:{name}", "--data", "data.npz", "--report", "out")
    assert answer.status == 0, answer.out
    assert f"inputs of length 3, {classes} classes" in answer.out
    assert "holds        norm-law-of-classes" in answer.out
    assert "holds        kernel-svm-of-classes" in answer.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["Unsized"], "parameters is not known; give --parameters, or `parameters` in the class"),
        (["Unsized", "--parameters", "4"], "input-dim is not known; give --input-dim, or `input_"),
        (["Square", "--samples", "0"], "samples is 0; it must be a whole number, at least 1"),
        (["Square", "--examples", "-1"], "examples is -1; it must be a whole number, at least"),
        (["Square", "--input-dim", "3"], "its net fails on 4 parameters"),
        (["Nothing"], "has no Nothing; it has "),
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


def test_claims_of_a_check_are_loaded_alone() -> None:
    """All of the suite take seconds."""
    names = "('kernel-svm', 'frozen-direction', 'norm-law', 'kkt')"
    code = f"""
import sys
from verify.catalogue import claim_named
assert [claim_named(name).id for name in {names}] == [*{names}]
print(*sorted(name for name in sys.modules if name.startswith("verify.claims.")))
"""
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert loaded
    assert all(name.startswith("verify.claims.early_late") for name in loaded), loaded
