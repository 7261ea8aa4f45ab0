"""`new claim --family`: what it writes is a claim of the suite as soon as the registry has it."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import verify.claims
import verify.registry
from verify.claims import suite_claims
from verify.registry import registry

Make = Callable[..., Any]


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder whose claims and registry the suite takes for more of its own."""
    folder = tmp_path / "verify" / "claims"
    folder.mkdir(parents=True)
    text = verify.registry.FILE.read_text(encoding="utf-8")
    (tmp_path / "registry.toml").write_text(text, encoding="utf-8")
    monkeypatch.setattr(verify.registry, "FILE", tmp_path / "registry.toml")
    monkeypatch.setattr(verify.claims, "__path__", [*verify.claims.__path__, str(folder)])
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("verify.claims.fresh")]:
        del sys.modules[name]
    registry.cache_clear()
    suite_claims.cache_clear()


def test_a_new_family_runs_once_it_is_registered(invoke: Make, checkout: Path) -> None:
    answer = invoke("new", "claim", "slow-decay", "--family", "fresh")
    assert (answer.status, answer.err) == (0, "")
    folder = checkout / "verify" / "claims" / "fresh"
    written = {"__init__.py", "slow_decay.py", "slow_decay_measured.py"}
    assert {path.name for path in folder.iterdir()} == written
    assert all(max(map(len, p.read_text().splitlines())) <= 100 for p in folder.iterdir())
    begin, end = answer.out.index("[families.fresh]"), answer.out.index("python -m verify.reg")
    with (checkout / "registry.toml").open("a", encoding="utf-8") as file:
        file.write(answer.out[begin:end])
    registry.cache_clear()
    suite_claims.cache_clear()
    command = answer.out.splitlines()[-1]
    ran = invoke(*command.split()[3:], "--examples", "8", "--report", "out")
    assert (ran.status, ran.err) == (0, "")
    found = json.loads((checkout / "out" / "results.json").read_text())["claims"]
    assert {entry["id"]: entry["verdict"] for entry in found} == {
        "slow-decay": "holds",
        "slow-decay-as-often-read": "falsified",
    }
    assert all(rival["rejected"] for entry in found for rival in entry["rivals"])


def test_a_family_that_there_is_needs_no_entry_of_its_own(invoke: Make, checkout: Path) -> None:
    (checkout / "verify" / "claims" / "softmax").mkdir()
    answer = invoke("new", "claim", "slow-decay", "--family", "softmax")
    assert answer.status == 0
    assert "[families." not in answer.out
    assert answer.out.count('family = "softmax"') == 2


@pytest.mark.parametrize(
    ("name", "family", "message"),
    [
        ("Decay", "softmax", "name is 'Decay'; it must be words"),
        ("kkt", "softmax", "name is 'kkt'; the suite has a claim 'kkt'"),
        ("decay", "Soft-Max", "family is 'Soft-Max'; it must be words"),
    ],
)
def test_bad_names(name: str, family: str, message: str, invoke: Make, checkout: Path) -> None:
    answer = invoke("new", "claim", name, "--family", family)
    assert answer.status == 2
    assert answer.err.startswith(f"error: {message}")
    assert list((checkout / "verify" / "claims").iterdir()) == []


def test_nothing_is_overwritten_and_nothing_written_elsewhere(
    invoke: Make, checkout: Path, tmp_path: Path
) -> None:
    invoke("new", "claim", "decay", "--family", "softmax")
    again = invoke("new", "claim", "decay", "--family", "softmax")
    assert again.status == 2
    assert "exists already; nothing was written" in again.err


def test_outside_a_checkout_it_says_so(invoke: Make, tmp_path: Path) -> None:
    answer = invoke("new", "claim", "decay", "--family", "softmax")
    assert answer.status == 2
    assert "run this in a checkout of the repository" in answer.err
    assert list(tmp_path.iterdir()) == []
