"""Output that nobody reads, that has no room, or that is narrow; and Ctrl-C, command by command."""

import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

import verify.atomic
import verify.commands
from verify.language import Basis, Quantity, below
from verify.nightly import SearchPlan
from verify.nightly import search as search_plan
from verify.report.terminal import Terminal
from verify.runner import run

Make = Callable[..., Any]
ROOT = Path(__file__).parents[2]
TINY = ("--claim", "tiny", "--examples", "8", "--report", "out")


def test_close_calls_of_a_claim_that_holds_are_told(tiny_claim: Make, plan: Make) -> None:
    seen: list[float] = []

    def laws(total: float, limit: float) -> list[Any]:
        seen.append(total)
        far = max(total, 900.0) if total == seen[0] else total
        return [below("gap", Quantity.of(far, 0.0), limit, Basis.MEASURED)]

    stream = io.StringIO()
    claim = tiny_claim(laws=laws)
    (result,) = run(plan(claim), (Terminal(Console(file=stream, width=200)),)).claims
    told = "close: 1 bound that nothing proves kept by less than values scatter, the closest 0.9"
    assert result.ruling.verdict == "holds"
    assert told in " ".join(stream.getvalue().split())
    assert result.to_json()["bounds"][0]["close"]
    assert [law.close for law in result.ruling.laws] == [True]


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_table_of_a_run_is_whole(width: int, tiny_claim: Make, plan: Make) -> None:
    names = ("tiny", "a-claim-of-a-rather-long-name-with-several-words")
    stream = io.StringIO()
    console = Console(file=stream, width=width, soft_wrap=True, highlight=False)
    run(plan(*(tiny_claim(name=name) for name in names)), (Terminal(console),))
    shown = stream.getvalue()
    told = [line for line in shown.splitlines() if not line.startswith(("detects:", "judged:"))]
    rows = [line for line in told if "│" in line or line.startswith(("  ", *names))]
    assert rows
    assert max(map(len, rows)) <= width
    assert "…" not in shown
    for words in (*names, "holds", "1 of 1 rejected"):
        assert words in shown, f"{words!r} is broken at {width} columns\n{shown}"


def test_nobody_reads_it(tmp_path: Path) -> None:
    """`list | head -1`: silence, and no status of a verdict."""
    with subprocess.Popen(
        [sys.executable, "-m", "verify", "list"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith("kernel-svm")
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == verify.commands.CLOSED


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_output_has_no_room(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run(
            [sys.executable, "-m", "verify", "list", "--claim", "kkt"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert ran.returncode == verify.commands.FAULT
    assert ran.stderr.count("\n") == 1
    assert "No space left on device" in ran.stderr


def test_full_disk_is_one_sentence_and_what_was_finished_is_kept(
    tiny_claim: Make, invoke: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_claim()
    replace, written = os.replace, []

    def full(source: str, target: Any) -> None:
        if len(written) == 2:
            raise OSError(28, "No space left on device", str(target))
        written.append(target)
        replace(source, target)

    monkeypatch.setattr(verify.atomic.os, "replace", full)
    answer = invoke("run", *TINY)
    assert answer.status == verify.commands.FAULT
    assert answer.err.count("\n") == 1
    assert "cannot be written or read (No space left on device)" in answer.err
    monkeypatch.setattr(verify.atomic.os, "replace", replace)
    answer = invoke("run", *TINY)
    assert answer.status == 0
    assert "resuming: 2 of 4 shards are done" in answer.out


@pytest.mark.parametrize(
    ("where", "arguments", "words"),
    [
        ("verify.runner.run", ("run", *TINY), "no shard was finished, so nothing is kept"),
        (
            "verify.nightly.search_claim",
            ("search", "--claim", "tiny", "--report", "out"),
            "no instance was measured; nothing is kept but the database in out",
        ),
        (
            "verify.necessity.table.run_necessity",
            ("necessity", "--claim", "tiny", "--report", "out"),
            "necessity.json is not written, and the same command starts over",
        ),
        (
            "verify.figures.make.make_figure",
            ("figure", "grokking", "--out", "out"),
            "0 finished parts are kept in out/unfinished",
        ),
        ("verify.evaluate.evaluate_instance", ("evaluate", "good.json"), "nothing was written"),
    ],
)
def test_interruption_tells_what_is_kept(
    where: str,
    arguments: tuple[str, ...],
    words: str,
    tiny_claim: Make,
    invoke: Make,
    write: Make,
    instances: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    tiny_claim()
    write("good.json", instances["diagonal"])
    monkeypatch.setattr(where, interrupted)
    answer = invoke(*arguments)
    assert answer.status == verify.commands.INTERRUPTED
    assert answer.err.strip().startswith("interrupted; ")
    assert words in answer.err


def test_claim_that_cannot_be_searched_ends_no_other(tiny_claim: Make, tmp_path: Path) -> None:
    def broken(*_: Any) -> Any:
        raise ZeroDivisionError("a strategy with a bug")

    claims = (tiny_claim(name="bad", instances=broken), tiny_claim(name="good"))
    lines: list[str] = []
    bad, good = search_plan(SearchPlan(claims, 0.2, 1, 1, tmp_path), lines.append)
    assert bad.failed is not None
    assert "ZeroDivisionError: a strategy with a bug" in bad.failed
    assert lines[1].startswith("bad: could not be searched: ZeroDivisionError")
    assert good.failed is None
    assert good.examples >= 1
