"""`new claim`: the file that it writes runs as it is, and nothing is ever overwritten."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from verify.catalogue import all_claims
from verify.user_modules import load_claims

Make = Callable[..., Any]


def test_new_claim_runs_holds_and_rejects_its_rivals(invoke: Make, tmp_path: Path) -> None:
    answer = invoke("new", "claim", "my-lemma-3")
    assert (answer.status, answer.err) == (0, "")
    command = answer.out.splitlines()[-1]
    assert command == "python -m verify run --module my_lemma_3.py"
    ran = invoke(*command.split()[3:], "--report", "out")
    assert (ran.status, ran.err) == (0, "")
    (claim,) = json.loads((tmp_path / "out" / "results.json").read_text())["claims"]
    assert (claim["id"], claim["verdict"]) == ("my-lemma-3", "holds")
    assert claim["rates"][0]["judgement"] == "kept"
    assert [rival["rejected"] for rival in claim["rivals"]] == [True] * 5


def test_new_claim_can_fail(invoke: Make, tmp_path: Path) -> None:
    """Editing its constant makes it false, with a counterexample."""
    invoke("new", "claim", "lemma")
    path = tmp_path / "lemma.py"
    path.write_text(path.read_text().replace("factor * measured", "factor * 3 * measured"))
    assert invoke("run", "--module", "lemma.py", "--examples", "8", "--report", "out").status == 1
    assert (tmp_path / "out" / "counterexamples" / "lemma.json").exists()


def test_nothing_is_overwritten(invoke: Make, write: Make) -> None:
    path = write("lemma.py", "precious")
    answer = invoke("new", "claim", "lemma")
    assert answer.status == 2
    assert answer.err == "error: lemma.py exists already; nothing was written\n"
    assert path.read_text() == "precious"
    assert [p.name for p in path.parent.iterdir()] == ["lemma.py"]


@pytest.mark.parametrize(
    "name", ["", "Lemma", "3-lemma", "a b", "a_b", "../a", "a-", "a--b", "lemma.py", "é", "-x"]
)
def test_names_are_ids(name: str, invoke: Make, tmp_path: Path) -> None:
    answer = invoke("new", "claim", "--", name)
    assert answer.status == 2
    assert answer.err.startswith(f"error: name is {name!r}; it must be words of lower-case")
    assert list(tmp_path.iterdir()) == []


def test_ids_of_the_suite_are_taken(invoke: Make, tmp_path: Path) -> None:
    for name in all_claims():
        answer = invoke("new", "claim", name)
        assert answer.status == 2
        assert "the suite has a claim of that id" in answer.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["random", "verify", "numpy", "json"])
def test_no_module_is_hidden(name: str, invoke: Make, tmp_path: Path) -> None:
    """`python -m verify`, typed beside a file random.py, would import that instead of Python's."""
    answer = invoke("new", "claim", name)
    assert answer.status == 2
    assert f"name is {name!r}; a file {name}.py would hide the Python module" in answer.err
    assert list(tmp_path.iterdir()) == []


def test_skeleton_says_where_to_edit(invoke: Make, tmp_path: Path) -> None:
    invoke("new", "claim", "lemma")
    source = (tmp_path / "lemma.py").read_text()
    assert all(f"# {k}. " in source.replace("    # ", "# ") for k in range(1, 7))
    assert "NAME" not in source
    assert max(map(len, source.splitlines())) <= 100
    (claim,) = load_claims(str(tmp_path / "lemma.py"))
    assert r"\nabla f" in claim.statement
