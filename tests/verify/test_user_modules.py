"""Claims from outside: how they are found, run by workers, replayed, resumed, and refused."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from own_kind import NUMBER

from tests.support.complaints import complaints
from verify.catalogue import all_claims, claims_with
from verify.history_series import read_history
from verify.shards import code_fingerprint, plan_shards
from verify.user_modules import installed_claims, load_claims, sources_of

Make = Callable[..., Any]
ROOT = Path(__file__).parents[2]

SOURCE = """
import numpy as np
from hypothesis import strategies as st
from theory import Diagonal, Problem, Regime
from verify.language import Basis, Claim, Measurement, Rival, below, in_words
from verify.instances import FlowInstance

def build(values):
    inputs = np.array([[float(value)] for value in values])
    problem = Problem(Diagonal(1), np.array([0.5, 0.5]), inputs, np.ones(len(values)))
    return FlowInstance(problem, Regime(log10_alpha=8, decay_power=2))

def measure(instance):
    return float(instance.problem.inputs.sum())

CLAIM = Claim(
    id="sums", title="Sums are small", statement="s", source="nobody",
    measurement=Measurement(
        "sums", FlowInstance, ("all",),
        lambda families, sizes: st.lists(st.integers(1, 40), min_size=1, max_size=4).map(build),
        measure, in_words("a"), {"larger inputs": lambda instance: 1e9},
    ),
    theory=LIMIT, laws=lambda total, limit: [below("total", total, limit, Basis.DERIVED)],
    further_rivals=(Rival("lower", "at most 2", 2.0),), tolerances=("exact",),
)
"""
HOLDS = SOURCE.replace("LIMIT", "1000.0")
FALLS = SOURCE.replace("LIMIT", "3.0")

OWN_KIND = (
    NUMBER
    + """
from verify.language import Basis, Claim, Measurement, Rival, below, in_words

CLAIM = Claim(
    id="numbers", title="Numbers are small", statement="n", source="nobody",
    measurement=Measurement(
        "numbers", Number, ("all",), lambda families, sizes: st.integers(1, 40).map(Number),
        lambda number: float(number.value), in_words("a"), {"larger": lambda number: 1e9},
    ),
    theory=3.0, laws=lambda value, limit: [below("value", value, limit, Basis.DERIVED)],
    further_rivals=(Rival("lower", "at most 2", 2.0),), tolerances=("exact",),
)
"""
)

RECORD = "from verify.instances import Record\n" + (
    OWN_KIND.replace(NUMBER, NUMBER[: NUMBER.index("    def to_json")])
    .replace("class Number:", "class Number(Record):")
    .replace("    claim: str | None = None\n", "    sizes: tuple[int, ...] = (1, 2)\n")
)


def results(folder: Path) -> Any:
    return json.loads((folder / "results.json").read_text())


def test_only_the_claims_of_the_module_run(invoke: Make, write: Make, tmp_path: Path) -> None:
    write("mine.py", HOLDS)
    answer = invoke("run", "--module", "mine.py", "--examples", "12", "--report", "out")
    assert (answer.status, answer.err) == (0, "")
    (claim,) = results(tmp_path / "out")["claims"]
    assert (claim["id"], claim["verdict"]) == ("sums", "holds")


def test_list_knows_the_suite_and_the_module(invoke: Make, write: Make) -> None:
    write("mine.py", HOLDS)
    listed = json.loads(invoke("list", "--json", "--module", "mine.py").out)
    assert [entry["id"] for entry in listed] == [*all_claims(), "sums"]


def test_named_claims_are_looked_for_in_both(invoke: Make, write: Make) -> None:
    write("mine.py", HOLDS)
    answer = invoke("run", "--module", "mine.py", "--claim", "nobody")
    assert answer.status == 2
    assert "'theory-verify list' shows the " in answer.err
    assert "that are known" in answer.err


@pytest.mark.parametrize(
    "source", [FALLS, OWN_KIND, RECORD], ids=["flow", "own kind", "own record"]
)
def test_printed_replay_command_works_as_it_is(
    source: str, invoke: Make, write: Make, tmp_path: Path
) -> None:
    write("my claims.py", source)
    answer = invoke("run", "--module", "my claims.py", "--examples", "12", "--report", "out")
    assert answer.status == 1
    (claim,) = results(tmp_path / "out")["claims"]
    command = claim["counterexample"]["command"]
    assert command == (
        f"python -m verify replay --module 'my claims.py' out/counterexamples/{claim['id']}.json"
    )
    assert f"replay with {command}" in answer.out
    replayed = invoke("replay", "--module", "my claims.py", claim["counterexample"]["instance"])
    assert (replayed.status, replayed.err) == (1, "")
    assert replayed.out.splitlines()[-1] == "verdict: falsified"


def test_replay_without_the_module_says_what_is_known(invoke: Make, write: Make) -> None:
    write("mine.py", FALLS)
    invoke("run", "--module", "mine.py", "--examples", "12", "--report", "out")
    answer = invoke("replay", "out/counterexamples/sums.json")
    assert answer.status == 2
    assert "claim is 'sums'; 'theory-verify list' shows the " in answer.err


def test_compare_takes_results_of_a_module(invoke: Make, write: Make) -> None:
    for name, source in (("old", HOLDS), ("new", FALLS)):
        write("mine.py", source)
        invoke("run", "--module", "mine.py", "--examples", "12", "--report", name)
    answer = invoke("compare", "old/results.json", "new/results.json")
    assert answer.status == 1
    assert "verdict went from holds to falsified (regression)" in answer.out


@pytest.mark.slow
def test_workers_load_the_module_and_give_the_same(tmp_path: Path) -> None:
    """In processes of their own: by path, and by dotted name from the working directory."""
    package = tmp_path / "paper"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "limits.py").write_text("LIMIT = 1000.0\n")
    (package / "sums.py").write_text("from .limits import LIMIT\n" + SOURCE)
    (tmp_path / "mine.py").write_text(HOLDS)
    told = {}
    for reference, jobs in (("mine.py", "1"), ("mine.py", "2"), ("paper.sums", "2")):
        folder = tmp_path / f"{reference}-{jobs}"
        command = [sys.executable, "-m", "verify", "run", "--module", reference, "--jobs", jobs]
        command += ["--examples", "8", "--report", str(folder)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        ran = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert (ran.returncode, complaints(ran.stderr)) == (0, [])
        (claim,) = results(folder)["claims"]
        told[reference, jobs] = [entry["instance"] for entry in claim["instances"]]
    assert told["mine.py", "1"] == told["mine.py", "2"] == told["paper.sums", "2"]


def test_shards_name_the_module(write: Make) -> None:
    (claim,) = load_claims(str(write("mine.py", HOLDS)))
    assert {shard.module for shard in plan_shards((claim,), 12, 0)} == {claim.module}


def test_fingerprint_follows_the_module_and_what_it_imports_beside(
    write: Make, tmp_path: Path
) -> None:
    helper = write("limits_beside.py", "LIMIT = 1000.0\n")
    write("unrelated.py", "LIMIT = 5\n")
    reference = str(write("mine.py", "from limits_beside import LIMIT\n" + SOURCE))
    claims = load_claims(reference)
    sources = sources_of(claims)
    assert [path.name for path in sources] == ["limits_beside.py", "mine.py"]
    first = code_fingerprint(sources)
    helper.write_text("LIMIT = 999.0\n")
    assert code_fingerprint(sources_of(claims)) != first
    assert sources_of(all_claims().values()) == []


def test_changed_file_is_loaded_anew(write: Make) -> None:
    path = str(write("mine.py", HOLDS))
    (first,) = load_claims(path)
    assert load_claims(path)[0].measurement is first.measurement
    write("mine.py", FALLS)
    assert load_claims(path)[0].theory == 3.0


TWICE = HOLDS.replace("CLAIM =", "ONE =") + "\nCLAIMS = [ONE, ONE]\n"


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("x = (", "line 1 of mine.py: '(' was never closed"),
        ("\n\n1 / 0\n", "line 3 of mine.py raises ZeroDivisionError: division by zero"),
        ("import no_such", "line 1 of mine.py raises ModuleNotFoundError: No module named 'no_s"),
        ("raise SystemExit", "line 1 of mine.py raises SystemExit"),
        ("raise ValueError('a\\nb')", "line 1 of mine.py raises ValueError: a b"),
        ("CLAIMS = None", "CLAIMS must be a list or tuple of claims"),
        ("CLAIMS = []", "CLAIMS must be a list or tuple of claims, not empty"),
        ("CLAIMS = [3]", "CLAIMS[0] is of type int, it must be a verify.language.Claim"),
        ("CLAIM = 'x'", "CLAIM is of type str, it must be a verify.language.Claim"),
        ("x = 1", "it defines neither CLAIM nor CLAIMS"),
        (HOLDS + "\nCLAIMS = [CLAIM]", "it defines both CLAIM and CLAIMS"),
        (TWICE, "claim 'sums' of a module has the id of another claim"),
        (HOLDS.replace('"sums"', '"../sums"'), "is '../sums'; it must be at most"),
        (HOLDS.replace('"sums"', '"kkt"'), "claim 'kkt' of mine.py has the id of another claim"),
    ],
)
@pytest.mark.parametrize("command", ["run", "list", "replay"])
def test_unusable_module_is_one_sentence(
    command: str, source: str, words: str, invoke: Make, write: Make
) -> None:
    write("mine.py", source)
    write("instance.json", {"claim": "sums"})
    arguments = ["instance.json"] if command == "replay" else []
    answer = invoke(command, *arguments, "--module", "mine.py")
    assert (answer.status, answer.out) == (2, "")
    assert answer.err.startswith("error: ")
    assert answer.err.count("\n") == 1
    assert words in answer.err


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("no.py", "module is 'no.py'; there is no such file"),
        (".", "it must be a file.py or a dotted.module"),
        ("sub/", "it cannot be read"),
        ("notes/a.txt", "there is no such file"),
        ("instance.json/a", "cannot be read"),
        ("no_such.claims", "nothing of that name can be imported"),
        ("a b", "it must be a file.py or a dotted.module"),
        ("", "it must be a file.py or a dotted.module"),
        ("theory.nets", "it defines neither CLAIM nor CLAIMS"),
    ],
)
def test_missing_module_is_one_sentence(
    reference: str, words: str, invoke: Make, write: Make, tmp_path: Path
) -> None:
    (tmp_path / "sub").mkdir()
    write("instance.json", {})
    answer = invoke("list", "--module", reference)
    assert (answer.status, answer.out) == (2, "")
    assert words in answer.err


def test_same_module_twice_is_known_once(write: Make) -> None:
    path = str(write("mine.py", HOLDS))
    assert list(claims_with([path, path])) == [*all_claims(), "sums"]


def test_exception_of_a_claim_names_its_line(invoke: Make, write: Make, tmp_path: Path) -> None:
    """It leaves the claim inconclusive: a crash refutes nothing."""
    write("mine.py", HOLDS.replace("return float(", "return 1 / 0 * float("))
    answer = invoke("run", "--module", "mine.py", "--examples", "4", "--report", "out")
    assert (answer.status, answer.err) == (3, "")
    line = HOLDS[: HOLDS.index("return float(")].count("\n") + 1
    raised = f"it raised ZeroDivisionError: division by zero (mine.py, line {line})"
    assert f"sums: {raised}" in answer.out
    assert raised in results(tmp_path / "out")["claims"][0]["shortfalls"]


def distribution(folder: Path, value: str) -> None:
    """What pip would have put there for a package with an entry point."""
    info = folder / "paper-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: paper\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[theory_verify.claims]\nsums = {value}\n")


def test_installed_claims_know_their_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    distribution(tmp_path, "paper_known:CLAIM")
    (tmp_path / "paper_known.py").write_text(HOLDS)
    monkeypatch.syspath_prepend(tmp_path)
    (claim,) = installed_claims.__wrapped__()  # what is kept is of before
    assert (claim.id, claim.package, claim.module) == ("sums", "paper", None)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("value", "status", "words"),
    [
        ("paper_sums", 1, "replay with python -m verify replay out/counterexamples/sums.json"),
        ("paper_sums:CLAIM", 1, "sums: Sums are small"),
        ("paper_sums:build", 2, "its build is of type function, it must be"),
        ("paper_no", 2, "module is 'paper_no (entry point sums)'; "),
    ],
)
def test_installed_claims_join_the_suite(
    value: str, status: int, words: str, tmp_path: Path
) -> None:
    distribution(tmp_path, value)
    (tmp_path / "paper_sums.py").write_text(FALLS)
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}"}
    script = "from verify.commands import main; import sys; sys.exit(main(sys.argv[1:]))"
    run = ["run", "--claim", "sums", "--examples", "8", "--jobs", "2", "--report", "out"]
    outputs = []
    for arguments in (run, ["replay", "out/counterexamples/sums.json"]):
        ran = subprocess.run(
            [sys.executable, "-c", script, *arguments],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert ran.returncode == status, ran.stderr
        outputs.append(ran.stdout + ran.stderr)
    assert words in "".join(outputs)
    if status == 1:
        assert read_history(tmp_path / "history.sqlite", "sums", sources=["paper"]).rows
