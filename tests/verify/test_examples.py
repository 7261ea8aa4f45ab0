"""The examples of docs/adding-a-claim.md, from a folder outside, by the command line alone."""

import json
import os
import shlex
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.support.complaints import complaints

ROOT = Path(__file__).parents[2]


def command_line(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "verify", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )


def run_of(folder: Path, module: str, seed: int) -> subprocess.CompletedProcess[str]:
    options = f"--module {module} --seed {seed} --jobs 1 --report out"
    return command_line(folder, "run", *options.split())


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    for name in ("margin_monotone.py", "false_margin.py"):
        shutil.copy(ROOT / "examples" / name, tmp_path)
    return tmp_path


SEEDS = pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 5))]
)
"""What a user runs first is run by default."""

OUTSIDERS = ("balancedness", "logistic_rate", "saxe_sigmoid")
"""Theorems of other papers, from the documentation alone."""


@pytest.mark.parametrize(
    ("name", "most"), [("margin_monotone", 47), *((name, 45) for name in OUTSIDERS)]
)
def test_examples_are_short(name: str, most: int) -> None:
    path = ROOT / "examples" / f"{name}.py"
    lines = [line for line in path.read_text().splitlines() if line.strip()]
    assert len(lines) <= most
    assert max(map(len, lines)) <= 100


@pytest.mark.parametrize("name", OUTSIDERS)
@SEEDS
def test_theorems_of_outsiders_hold(tmp_path: Path, name: str, seed: int) -> None:
    shutil.copy(ROOT / "examples" / f"{name}.py", tmp_path)
    ran = run_of(tmp_path, f"{name}.py", seed)
    assert (ran.returncode, complaints(ran.stderr)) == (0, [])
    claim = results(tmp_path)
    assert (claim["verdict"], claim["standing"]) == ("holds", "tested")
    assert all(rival["rejected"] for rival in claim["rivals"])
    assert all(claim["sabotages"].values())


@pytest.mark.skipif(
    find_spec("ruff") is None, reason="ruff is not installed; tox -e lint checks it"
)
def test_example_is_what_a_formatter_makes_of_it() -> None:
    path = ROOT / "examples" / "margin_monotone.py"
    formatted = subprocess.run(
        [
            sys.executable,
            "-m",
            "ruff",
            "format",
            "--check",
            "--config",
            "pyproject.toml",
            str(path),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert formatted.returncode == 0


def test_documentation_shows_the_examples() -> None:
    page = (ROOT / "docs" / "adding-a-claim.md").read_text()
    shown = [text.split("```")[0] for text in page.split("```python\n")[1:]]
    whole, after_its_docstring = shown
    assert whole == (ROOT / "examples" / "margin_monotone.py").read_text()
    assert after_its_docstring.startswith("from dataclasses")
    assert (ROOT / "examples" / "false_margin.py").read_text().endswith(after_its_docstring)


def results(folder: Path) -> Any:
    (claim,) = json.loads((folder / "out" / "results.json").read_text())["claims"]
    return claim


@SEEDS
def test_smoothed_margin_is_monotone_and_its_rivals_are_not(elsewhere: Path, seed: int) -> None:
    ran = run_of(elsewhere, "margin_monotone.py", seed)
    assert (ran.returncode, complaints(ran.stderr)) == (0, [])
    claim = results(elsewhere)
    assert (claim["id"], claim["verdict"]) == ("margin-monotone", "holds")
    assert claim["inconclusive"] == 0
    assert [rival["rejected"] for rival in claim["rivals"]] == [True] * 5


@SEEDS
def test_plain_margin_is_refuted_and_the_printed_command_replays_it(
    elsewhere: Path, seed: int
) -> None:
    ran = run_of(elsewhere, "false_margin.py", seed)
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
    """One sample against ten: the plain margin falls, the smoothed one never."""
    for claim, module, status in (
        ("plain-margin-monotone", "false_margin.py", 1),
        ("margin-monotone", "margin_monotone.py", 0),
    ):
        instance = {
            "net": {"kind": "diagonal", "degree": 3, "input_dim": 2},
            "anchor": [2.25, 2.390625, 1.40625, 2.671875],
            "inputs": [[1, 2]] + [[1, 1]] * 10,
            "labels": [-1] + [1] * 10,
            "regime": {"log10_alpha": 1, "decay_power": 1},
            "claim": claim,
        }
        (elsewhere / "instance.json").write_text(json.dumps(instance))
        replayed = command_line(elsewhere, "replay", "--module", module, "instance.json")
        assert replayed.returncode == status, replayed.stdout + replayed.stderr
