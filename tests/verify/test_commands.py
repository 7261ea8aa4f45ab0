"""The command line on what it is for: listing, running, replaying."""

import json
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

import verify.runner
from verify.catalogue import all_claims, claim_named
from verify.shards import Shard, ShardResult, run_shard

Make = Callable[..., Any]


def test_list_for_programs_holds_every_claim(invoke: Make) -> None:
    answer = invoke("list", "--json")
    assert (answer.status, answer.err) == (0, "")
    listed = json.loads(answer.out)
    assert [entry["id"] for entry in listed] == list(all_claims())
    for entry in listed:
        claim = claim_named(entry["id"])
        assert (entry["statement"], entry["source"]) == (claim.statement, claim.source)
        assert entry["assumptions"] == list(claim.assumptions)
        assert [rival["id"] for rival in entry["rivals"]] == [rival.id for rival in claim.rivals]
        assert entry["expected"] in ("holds", "falsified")


def test_list_for_people_names_the_same(invoke: Make) -> None:
    answer = invoke("list")
    assert (answer.status, answer.err) == (0, "")
    for claim in all_claims().values():
        assert f"{claim.id}: {claim.title}\n" in answer.out
        for words in (claim.statement, claim.source, *(rival.id for rival in claim.rivals)):
            assert words in answer.out


@pytest.mark.parametrize("arguments", [("--help",), ("run", "-h")])
def test_help_is_no_error(arguments: tuple[str, ...], invoke: Make) -> None:
    answer = invoke(*arguments)
    assert (answer.status, answer.err) == (0, "")
    assert answer.out.startswith("Usage: theory-verify")


RUN = ("run", "--claim", "tiny", "--examples", "12", "--report")


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"limit": 1000.0}, 0),
        ({"limit": 3.0}, 1),
        ({"limit": 1000.0, "rivals": {"higher": 2000.0}}, 1),
        ({"limit": 3.0, "expected": "falsified"}, 0),
        ({"limit": float("nan")}, 3),
    ],
)
def test_exit_status_is_that_of_the_results(
    options: dict[str, Any], status: int, tiny_claim: Make, invoke: Make, tmp_path: Path
) -> None:
    tiny_claim(**options)
    answer = invoke(*RUN, "out")
    assert (answer.status, answer.err) == (status, "")
    written = json.loads((tmp_path / "out" / "results.json").read_text())
    assert written["exit_status"] == status
    assert written["command"] == f"python -m verify {' '.join(RUN)} out"
    assert (tmp_path / "out" / "index.html").exists()
    assert not (tmp_path / "out" / "unfinished").exists()


def test_output_is_plain_lines_where_there_is_no_terminal(tiny_claim: Make, invoke: Make) -> None:
    tiny_claim(limit=3.0)
    answer = invoke(*RUN, "out[red]")  # brackets are no mark-up
    lines = answer.out.splitlines()
    assert lines[0] == "1 claim, profile quick, 12 examples each, seed 0, 1 worker"
    assert lines[1].startswith("tiny: refuted by ")
    assert (
        lines[2] == "tiny: replay with python -m verify replay 'out[red]/counterexamples/tiny.json'"
    )
    assert answer.err == ""  # what is quick needs no progress
    assert "falsified (unexpected)" in " ".join(answer.out.split())
    assert "1 of 1 rejected" in " ".join(answer.out.replace("│", " ").split())
    assert lines[-1] == "report: out[red]/index.html"
    assert "\x1b" not in answer.out
    assert "\r" not in answer.out


def test_interrupted_run_says_how_to_go_on_and_then_does(
    tiny_claim: Make, invoke: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_claim()

    def interrupted(shard: Shard) -> ShardResult:
        if shard.family == "deep":
            raise KeyboardInterrupt
        return run_shard(shard)

    monkeypatch.setattr(verify.runner, "run_shard", interrupted)
    answer = invoke(*RUN, "out")
    assert answer.status == 130
    assert answer.err.strip() == (
        "interrupted; 2 finished shards are kept in out/unfinished; the same command, with the "
        "same code, goes on from there"
    )
    monkeypatch.setattr(verify.runner, "run_shard", run_shard)
    answer = invoke(*RUN, "out")
    assert answer.status == 0
    assert answer.out.splitlines()[1] == "resuming: 2 of 4 shards are done"


def test_seed_decides_what_is_drawn(tiny_claim: Make, invoke: Make, tmp_path: Path) -> None:
    tiny_claim()
    drawn = {}
    for seed in ("0", "1", "0"):
        assert invoke(*RUN, f"out{len(drawn)}", "--seed", seed).status == 0
        written = json.loads((tmp_path / f"out{len(drawn)}" / "results.json").read_text())
        drawn[len(drawn)] = [entry["instance"] for entry in written["claims"][0]["instances"]]
        assert written["seed"] == int(seed)
    assert drawn[0] == drawn[2] != drawn[1]


def test_claim_named_twice_runs_once(tiny_claim: Make, invoke: Make, tmp_path: Path) -> None:
    tiny_claim()
    assert invoke(*RUN, "out", "--claim", "tiny").status == 0
    written = json.loads((tmp_path / "out" / "results.json").read_text())
    assert [claim["id"] for claim in written["claims"]] == ["tiny"]
    assert written["selected"] is True


def test_real_claim_runs_and_one_of_its_instances_replays(invoke: Make, tmp_path: Path) -> None:
    ran = invoke("run", "--claim", "sharp-transition", "--examples", "4", "--report", "out")
    written = json.loads((tmp_path / "out" / "results.json").read_text())
    (claim,) = written["claims"]
    assert claim["id"] == "sharp-transition"
    assert claim["examples"] >= 4  # more where four are too few to tell
    assert claim["verdict"] in ("holds", "inconclusive")
    rejected = all(rival["rejected"] for rival in claim["rivals"])
    assert ran.status == (3 if claim["verdict"] == "inconclusive" else 0 if rejected else 1)
    slow = [line.startswith("... ") for line in ran.err.splitlines()]  # progress alone
    assert all(slow)
    left = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"index.html", "results.json", "junit.xml", "report.md"} <= left

    measured = next(e for e in claim["instances"] if e["outcome"] == "measured")
    (tmp_path / "one.json").write_text(json.dumps(measured["instance"]))
    replayed = invoke("replay", "one.json")
    assert (replayed.status, replayed.err) == (0, "")
    assert replayed.out.splitlines()[0].startswith("sharp-transition: ")
    assert "within    s_tenth - s*" in replayed.out
    assert replayed.out.splitlines()[-1] == "verdict: holds"


@pytest.mark.parametrize("error", [ZeroDivisionError("z"), KeyError("k"), AssertionError("a")])
def test_a_fault_of_the_program_does_not_look_like_a_refutation(
    error: Exception, invoke: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise error

    monkeypatch.setattr("verify.runner.run", fail)
    answer = invoke("run", "--claim", "norm-law")
    assert answer.status == 4
    assert type(error).__name__ in answer.err
    assert "it says nothing of any claim" in answer.err


def test_the_version_is_that_of_the_package(invoke: Make) -> None:
    answer = invoke("--version")
    assert (answer.status, answer.err) == (0, "")
    assert answer.out == f"theory-verify, version {version('theory-verify')}\n"
