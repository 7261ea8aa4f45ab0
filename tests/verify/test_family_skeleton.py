"""`new claim --family`: what it writes is a claim of the suite at once."""

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
    (tmp_path / "verify" / "registry.toml").write_text(text, encoding="utf-8")
    monkeypatch.setattr(verify.registry, "FILE", tmp_path / "verify" / "registry.toml")
    monkeypatch.setattr(verify.claims, "__path__", [*verify.claims.__path__, str(folder)])
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("verify.claims.fresh")]:
        del sys.modules[name]
    registry.cache_clear()
    suite_claims.cache_clear()


def test_a_new_family_runs_as_it_is(invoke: Make, checkout: Path) -> None:
    answer = invoke("new", "claim", "slow-decay", "--family", "fresh")
    assert (answer.status, answer.err) == (0, "")
    folder = checkout / "verify" / "claims" / "fresh"
    written = {"__init__.py", "slow_decay.py", "slow_decay_measured.py"}
    assert {path.name for path in folder.iterdir()} == written
    assert all(max(map(len, p.read_text().splitlines())) <= 100 for p in folder.iterdir())
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


def test_entries_are_added_and_nothing_else_of_the_registry_changes(
    invoke: Make, checkout: Path
) -> None:
    before = registry()
    (checkout / "verify" / "claims" / "softmax").mkdir()
    assert invoke("new", "claim", "slow-decay", "--family", "softmax").status == 0
    registry.cache_clear()
    after = registry()
    assert (after.papers, after.symbols, after.families) == (
        before.papers,
        before.symbols,
        before.families,
    )
    more = ["slow-decay", "slow-decay-as-often-read"]
    assert list(after.claims) == [*before.claims, *more]
    assert {after.claims[name].family for name in more} == {"softmax"}


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
