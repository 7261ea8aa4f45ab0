"""`diagnose` on the command line: its contract, its files, and what it says of bad input."""

import csv
import json
import re
import shutil
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from verify.diagnose.table import COLUMNS, at_path

Invoke = Callable[..., Any]

NUMBERS = (
    "norm",
    "direction_cosine",
    "min_margin",
    "normalized_margin",
    "kernel.drift",
    "kernel.alignment",
    "kernel.linearized_distance",
    "kernel.svm_distance",
    "kkt.stationarity",
    "kkt.complementarity",
    "kkt.feasibility",
    "collapsed_fraction",
)


@pytest.fixture
def run(trained: Any, tmp_path: Path, invoke: Invoke) -> Any:
    """The trained run in a folder of its own, which is the current one."""
    shutil.copytree(trained.folder, tmp_path, dirs_exist_ok=True)
    return trained


def test_json_keeps_its_contract(run: Any, invoke: Invoke) -> None:
    answer = invoke(*run.arguments(), "--json", "--quiet")
    assert (answer.status, answer.err) == (0, "")
    found = json.loads(answer.out)
    assert found["net"]["parameters"] == 64
    assert found["net"]["outputs"] == 1
    assert found["net"]["degree"] == 2.0
    assert (found["data"]["samples"], found["data"]["classes"]) == (10, 2)
    assert isinstance(found["verdict"], str)
    norm = found["checkpoints"][0]["norm"]
    assert found["t_g"] == pytest.approx(np.log(norm) / 1e-3, rel=1e-12)
    assert [Path(entry["file"]).name for entry in found["checkpoints"]] == [
        f"step-{step:09d}.pt" for step in (0, 20, 20000, 60000)
    ]
    for entry in found["checkpoints"]:
        assert "conserved" in entry
        for path in NUMBERS:
            value = at_path(entry, path)
            assert isinstance(value, float) or (value is None and entry["reasons"][path])


def test_without_decay_t_g_has_a_reason(run: Any, invoke: Invoke) -> None:
    arguments = run.arguments()
    place = arguments.index("--decay")
    del arguments[place : place + 2]
    found = json.loads(invoke(*arguments, "--json", "--quiet").out)
    assert found["t_g"] is None
    assert "decay" in found["reasons"]["t_g"]


def test_people_get_a_table_of_eighty_columns(
    run: Any, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("verify.progress.SELDOM", 0.0)
    answer = invoke(*run.arguments())
    assert answer.status == 0
    assert max(map(len, answer.out.splitlines())) <= 80
    assert "each 0 perfect, 1 unrelated" in " ".join(answer.out.split())
    assert "... 1 of 4 checkpoints, " in answer.err
    assert re.search(
        r"4 of 4 checkpoints, .* about .* left; now t_g and the transition", answer.err
    )


def test_a_cache_that_cannot_be_written_is_told_once(
    run: Any, invoke: Invoke, tmp_path: Path
) -> None:
    (tmp_path / "taken").write_text("no folder")
    answer = invoke(*run.arguments(), "--json", "--quiet", "--cache", "taken/cache")
    assert answer.status == 0
    assert len(json.loads(answer.out)["checkpoints"]) == 4
    (line,) = answer.err.splitlines()
    assert line.startswith("warning: taken/cache cannot be written (")
    assert line.endswith("what is measured is not kept, and an interrupted run starts over")


def test_page_and_table_are_written(run: Any, invoke: Invoke, tmp_path: Path) -> None:
    files = {"html": "out/run.html", "csv": "out/run.csv", "plot": "out/run.svg"}
    answer = invoke(*run.arguments(**files), "--quiet", "--json")
    assert answer.status == 0
    assert "from linearised training" in (tmp_path / "out/run.svg").read_text()
    page = (tmp_path / "out/run.html").read_text()
    assert page.count("<svg") == 3
    assert "http" not in page.replace("http://www.w3.org", "")
    found = json.loads(answer.out)
    with open(tmp_path / "out/run.csv", newline="") as stream:
        lines = list(csv.DictReader(stream))
    assert len(lines) == 4
    for line, entry in zip(lines, found["checkpoints"], strict=True):
        for column in COLUMNS:
            value = at_path(entry, column)
            assert line[column] == ("" if value is None else str(value))


def test_what_was_measured_is_not_measured_again(
    run: Any, invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = invoke(*run.arguments(), "--json", "--quiet").out

    def never(*_: Any) -> None:
        raise AssertionError("measured again")

    monkeypatch.setattr("verify.diagnose.run.measure", never)
    assert invoke(*run.arguments(), "--json", "--quiet").out == first
    state = torch.load(tmp_path / "runs/step-000020000.pt", weights_only=True)
    state["state_dict"]["0.weight"] *= 1.01
    torch.save(state, tmp_path / "runs/step-000020000.pt")
    assert invoke(*run.arguments(), "--json", "--quiet").status == 4


BAD = [
    ({"model": "absent.py:net"}, "model"),
    ({"model": "net.py:absent"}, "model"),
    ({"model": "net.py:NUMBER"}, "model"),
    ({"model": "net"}, "model"),
    ({"model": "net.py:Noisy"}, "deterministic"),
    ({"data": "absent.npz"}, "data"),
    ({"data": "data.xyz"}, "data"),
    ({"data": "sklearn:absent"}, "data"),
    ({"data": "odd.npz"}, "labels"),
    ({"data": "nan.npz"}, "inputs"),
    ({"data": "short.npz"}, "labels"),
    ({"data": "wide.npz"}, "model"),
    ({"data": "nameless.npz"}, "data"),
    ({"checkpoints": "absent/*.pt"}, "checkpoints"),
    ({"checkpoints": "bad/*.pt"}, "checkpoints"),
    ({"decay": "-1"}, "decay"),
    ({"step_size": "0"}, "step_size"),
    ({"loss": "hinge"}, "loss"),
    ({"layers": "absent"}, "absent"),
    ({"device": "nowhere"}, "device"),
    ({"jobs": "0"}, "jobs"),
    ({"engine": "absent"}, "engine"),
    ({"plot": "run.doc"}, "plot"),
    ({"max_rows": "0"}, "max_rows"),
]


@pytest.mark.parametrize(("changes", "word"), BAD)
def test_bad_input_is_one_sentence_that_names_it(
    changes: dict[str, str], word: str, run: Any, invoke: Invoke, tmp_path: Path
) -> None:
    inputs, labels = run.inputs, run.labels
    np.savez("odd.npz", inputs=inputs, labels=labels + 5)
    np.savez("nan.npz", inputs=inputs * np.nan, labels=labels)
    np.savez("short.npz", inputs=inputs, labels=labels[1:])
    np.savez("wide.npz", inputs=np.ones((10, 4)), labels=labels)
    np.savez("nameless.npz", a=inputs, b=labels)
    Path("bad").mkdir()
    torch.save({"0.weight": torch.zeros(2)}, "bad/a.pt")
    given = {"loss": "logistic", **changes} if changes.get("data") == "odd.npz" else changes
    answer = invoke(*run.arguments(**given), "--quiet")
    assert answer.status == 2, answer
    assert answer.out == ""
    assert answer.err.count("\n") == 1
    assert answer.err.startswith("error: ")
    assert word in answer.err


def test_one_bad_checkpoint_does_not_end_the_rest(run: Any, invoke: Invoke) -> None:
    Path("runs/step-000000500.pt").write_bytes(b"nothing")
    state = torch.load("runs/step-000000020.pt", weights_only=True)
    state["state_dict"]["0.weight"][0, 0] = float("nan")
    torch.save({**state, "step": 30}, "runs/step-000000030.pt")
    found = json.loads(invoke(*run.arguments(), "--json", "--quiet").out)
    assert len(found["checkpoints"]) == 6
    bad = {
        Path(entry["file"]).stem: entry["reasons"]["file"]
        for entry in found["checkpoints"]
        if entry["norm"] is None
    }
    assert set(bad) == {"step-000000500", "step-000000030"}
    assert "NaN" in bad["step-000000030"]
    assert "2 of 6" in found["verdict"]


@pytest.mark.slow
def test_workers_measure_what_one_process_does(run: Any, invoke: Invoke) -> None:
    alone = json.loads(invoke(*run.arguments(), "--json", "--quiet", "--cache", "one").out)
    answer = invoke(*run.arguments(), "--json", "--quiet", "--cache", "two", "--jobs", "2")
    assert (answer.status, answer.err) == (0, "")
    spread = json.loads(answer.out)
    assert [entry["file"] for entry in spread["checkpoints"]] == [
        entry["file"] for entry in alone["checkpoints"]
    ]
    for one, other in zip(alone["checkpoints"], spread["checkpoints"], strict=True):
        for path in NUMBERS:
            assert at_path(other, path) == pytest.approx(at_path(one, path), rel=1e-6, abs=1e-9)
    assert len(list(Path("two").glob("*.json"))) == 4


def test_workers_of_another_file_are_refused(
    run: Any, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "verify.diagnose.elsewhere._measured", lambda task: ("another name", {"norm": 1.0})
    )
    monkeypatch.setattr("verify.diagnose.elsewhere.started", lambda *_: nullcontext(Here()))
    answer = invoke(*run.arguments(), "--quiet", "--engine", "dask")
    assert answer.status == 2
    assert "another model, data or checkpoint" in answer.err


class Here:
    """An engine that is this process."""

    workers = 1

    def results(self, tasks: Any, work: Any, lost: Any) -> Any:
        return map(work, tasks)


def test_lost_workers_leave_their_checkpoints_to_this_process(
    run: Any, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Losing(Here):
        def results(self, tasks: Any, work: Any, lost: Any) -> Any:
            return map(lost, tasks)

    monkeypatch.setattr("verify.diagnose.elsewhere.started", lambda *_: nullcontext(Losing()))
    answer = invoke(*run.arguments(), "--json", "--quiet", "--engine", "ray")
    assert answer.status == 0
    assert len(json.loads(answer.out)["checkpoints"]) == 4
