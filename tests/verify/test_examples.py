"""The examples of docs/adding-a-claim.md, from a folder outside, by the command line alone."""

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


def command_line(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "verify", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    for name in ("margin_monotone.py", "false_margin.py"):
        shutil.copy(ROOT / "examples" / name, tmp_path)
    return tmp_path


def results(folder: Path) -> Any:
    (claim,) = json.loads((folder / "out" / "results.json").read_text())["claims"]
    return claim


@pytest.mark.slow
def test_smoothed_margin_is_monotone_and_its_rivals_are_not(elsewhere: Path) -> None:
    ran = command_line(elsewhere, "run", "--module", "margin_monotone.py", "--report", "out")
    assert (ran.returncode, ran.stderr) == (0, "")
    claim = results(elsewhere)
    assert (claim["id"], claim["verdict"]) == ("margin-monotone", "holds")
    assert [rival["rejected"] for rival in claim["rivals"]] == [True] * 3


@pytest.mark.slow
def test_plain_margin_is_refuted_and_the_printed_command_replays_it(elsewhere: Path) -> None:
    ran = command_line(elsewhere, "run", "--module", "false_margin.py", "--report", "out")
    assert (ran.returncode, ran.stderr) == (1, "")
    claim = results(elsewhere)
    assert (claim["verdict"], claim["expected"]) == ("falsified", "holds")
    (printed,) = [line for line in ran.stdout.splitlines() if ": replay with " in line]
    command = shlex.split(printed.split(": replay with ")[1])
    assert command[:3] == ["python", "-m", "verify"]
    replayed = command_line(elsewhere, *command[3:])
    assert (replayed.returncode, replayed.stderr) == (1, "")
    assert "refuted   largest relative drop" in replayed.stdout
    assert replayed.stdout.endswith("verdict: falsified\n")


def test_counterexample_of_the_documentation_is_one(elsewhere: Path) -> None:
    """One sample against eight: the plain margin falls by a fifth, the smoothed one never."""
    for claim, module, status in (
        ("plain-margin-monotone", "false_margin.py", 1),
        ("margin-monotone", "margin_monotone.py", 0),
    ):
        instance = {
            "net": {"kind": "diagonal", "degree": 2, "input_dim": 2},
            "anchor": [-2.65625, 0.53125, -0.53125, 2.125],
            "inputs": [[1, 2]] + [[1, 1]] * 8,
            "labels": [-1] + [1] * 8,
            "regime": {"log10_alpha": 1, "decay_power": 1},
            "claim": claim,
        }
        (elsewhere / "instance.json").write_text(json.dumps(instance))
        replayed = command_line(elsewhere, "replay", "--module", module, "instance.json")
        assert replayed.returncode == status, replayed.stdout + replayed.stderr
