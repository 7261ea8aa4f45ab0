"""The history holds every run whole or not at all, and a run never fails for want of it."""

import sqlite3
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import verify.history
from theory.errors import InvalidInput
from verify.history import HistoryError, HistoryFile, append
from verify.history_series import plot, read_history, table
from verify.origin import find_history, source_of
from verify.runner import run

Make = Callable[..., Any]
WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def results(revision: str = "abc", fitted: float = 1.0, **claim: Any) -> dict[str, Any]:
    """A run of one claim with one rate."""
    rate = {
        "quantity": "order in alpha",
        "predicted": 1.0,
        "fitted": fitted,
        "low": fitted - 0.1,
        "high": fitted + 0.1,
        "tolerance": 0.2,
        "samples": 7,
        "judgement": "kept",
    }
    entry = {
        "id": "law",
        "verdict": "holds",
        "expected": "holds",
        "examples": 8,
        "decided": 7,
        "worst": {"name": "b", "ratio": 0.25},
        "rates": [rate],
        "rivals": [{"rejected": True}, {"rejected": False}],
    }
    return {
        "environment": {"commit": revision, "python": "3.11", "packages": {"numpy": "2"}},
        "profile": "quick",
        "seed": 3,
        "seconds": 1.5,
        "exit_status": 0,
        "command": "python -m verify run",
        "claims": [{**entry, **claim}],
    }


@pytest.fixture
def history(tmp_path: Path) -> Path:
    """Three runs; the rate grows."""
    path = tmp_path / "history.sqlite"
    for revision, fitted in (("one", 1.0), ("two", 1.1), ("three", 1.2)):
        append(path, results(revision, fitted), WHEN)
    return path


def test_runs_are_told_oldest_first(history: Path) -> None:
    series = read_history(history)
    assert [row[1] for row in series.rows] == ["one", "two", "three"]
    assert series.rows[0] == (
        "2026-01-02T03:04:05+00:00",
        "one",
        "quick",
        "3",
        "1 of 1",
        "1 of 2",
        "1.5",
    )


def test_last_runs_only(history: Path) -> None:
    assert [row[1] for row in read_history(history, last=2).rows] == ["two", "three"]
    assert [row[1] for row in read_history(history, last=10**30).rows] == ["one", "two", "three"]
    with pytest.raises(InvalidInput, match="last is 0"):
        read_history(history, last=0)


def test_claim_with_its_worst_case(history: Path) -> None:
    append(history, results("four", verdict="falsified", worst=None), WHEN)
    series = read_history(history, "law")
    assert [row[4:6] for row in series.rows[2:]] == [
        ("holds", "0.25"),
        ("falsified (unexpected)", "-"),
    ]
    assert series.points[2:] == ((0.25, 0.25, 0.25, 1.0, 0.0), None)


@pytest.mark.parametrize("claim", [None, "law"])
@pytest.mark.parametrize("rate", ["order in alpha", "order"])
def test_rate_by_a_part_of_its_name(claim: str | None, rate: str, history: Path) -> None:
    series = read_history(history, claim, rate)
    assert series.title == "law: order in alpha"
    assert [point[0] for point in series.points if point] == [1.0, 1.1, 1.2]
    assert series.rows[1][4:] == ("1.1", "[1, 1.2]", "1 +- 0.2", "7", "kept")


def test_unknown_names_list_the_known(history: Path) -> None:
    with pytest.raises(InvalidInput, match="claim is 'lore'; the history has law"):
        read_history(history, "lore")
    with pytest.raises(InvalidInput, match="the history has: 'order in alpha' of law"):
        read_history(history, rate="slope")
    append(history, results(id="lemma"), WHEN)
    with pytest.raises(InvalidInput, match=r"several are meant: .*law, .*lemma"):
        read_history(history, rate="order")


def test_table_has_straight_columns(history: Path) -> None:
    lines = table(read_history(history, "law"))
    assert len(lines) == 4
    assert len({line.index("quick") for line in lines[1:]}) == 1


@pytest.mark.parametrize(("suffix", "begin"), [("svg", b"<?xml"), ("png", b"\x89PNG")])
def test_plot_of_a_rate_with_its_intervals(
    suffix: str, begin: bytes, history: Path, tmp_path: Path
) -> None:
    path = tmp_path / f"rate.{suffix}"
    plot(read_history(history, "law", "order"), path)
    assert path.read_bytes().startswith(begin)


def test_plot_of_a_worst_case_with_a_gap(history: Path, tmp_path: Path) -> None:
    append(history, results("four", worst=None), WHEN)
    plot(read_history(history, "law"), tmp_path / "worst.svg")
    assert "four" in (tmp_path / "worst.svg").read_text()


@pytest.mark.parametrize(
    ("claim", "name", "words"),
    [("law", "a.txt", "must end in"), (None, "a.svg", "nothing to draw")],
)
def test_plot_that_cannot_be(
    claim: str | None, name: str, words: str, history: Path, tmp_path: Path
) -> None:
    with pytest.raises(InvalidInput, match=words):
        plot(read_history(history, claim), tmp_path / name)
    assert not (tmp_path / name).exists()


def test_run_that_cannot_be_stored_whole_is_not_stored_at_all(history: Path) -> None:
    broken = results("four")
    broken["claims"][0]["rates"][0]["fitted"] = None
    with pytest.raises(HistoryError):
        append(history, broken, WHEN)
    assert len(read_history(history).rows) == 3


def test_locked_file_is_a_warning(
    history: Path, tiny_claim: Make, plan: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify.history, "PATIENCE", 0.1)
    warnings: list[str] = []
    other = sqlite3.connect(history, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    result = run(plan(tiny_claim()), (HistoryFile(history, warnings.append),))
    other.close()
    assert result.exit_status == 0
    (warning,) = warnings
    assert warning.startswith("warning: this run is not in the history")
    assert "locked" in warning
    run(plan(tiny_claim()), (HistoryFile(history, warnings.append),))
    assert len(warnings) == 1
    assert len(read_history(history).rows) == 4


def test_damaged_file_is_a_warning_and_stays_as_it_is(
    tmp_path: Path, tiny_claim: Make, plan: Make
) -> None:
    path = tmp_path / "history.sqlite"
    content = b"no database at all, but long enough to be one" * 40
    path.write_bytes(content)
    warnings: list[str] = []
    run(plan(tiny_claim()), (HistoryFile(path, warnings.append),))
    assert "not a database" in warnings[0]
    assert path.read_bytes() == content
    with pytest.raises(InvalidInput, match="not a database"):
        read_history(path)


def test_database_of_something_else_is_not_written_to(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE mine (x)")
    other.close()
    with pytest.raises(HistoryError, match="no history of version 2"):
        append(path, results(), WHEN)


def test_run_of_the_command_line_is_in_the_history_beside_its_report(
    invoke: Make, tmp_path: Path
) -> None:
    report = tmp_path / "reports" / "latest"
    arguments = ("--claim", "loss-decomposition", "--examples", "6", "--report", str(report))
    assert invoke("run", *arguments).status == 0
    answer = invoke("history", "--claim", "loss-decomposition", "--plot", "worst.svg")
    assert (answer.status, answer.err) == (0, "")
    lines = answer.out.splitlines()
    assert lines[0] == "loss-decomposition: worst / bound"
    assert "holds" in lines[2]
    assert lines[-1] == "plot: worst.svg"
    assert (tmp_path / "worst.svg").exists()


def test_history_that_is_not_there_is_bad_usage(invoke: Make, tmp_path: Path) -> None:
    answer = invoke("history")
    assert answer.status == 2
    assert answer.err.startswith(f"error: {tmp_path}: there is no history in reports; every run")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository of an author with two files of claims, of which both have a `law`, and a run."""
    root = tmp_path / "paper"
    for folder in (".git", "claims/deep", "reports"):
        (root / folder).mkdir(parents=True)
    path = root / "reports" / "history.sqlite"
    for revision, name, fitted in (("one", "first.py", 1.0), ("two", "second.py", 2.0)):
        module = str(root / "claims" / name)
        append(path, results(revision, fitted, module=module), WHEN)
    append(path, results("three", id="lemma"), WHEN)
    return root


@pytest.mark.parametrize("inside", [".", "claims", "claims/deep", "reports"])
def test_history_of_the_repository_is_found_from_within(
    inside: str, repository: Path, monkeypatch: pytest.MonkeyPatch, invoke: Make, tmp_path: Path
) -> None:
    monkeypatch.chdir(repository / inside)
    assert len(invoke("history").out.splitlines()) == 4
    monkeypatch.chdir(tmp_path)  # not above the repository
    assert invoke("history").status == 2
    assert find_history(["paper/claims/first.py"], Path()).samefile(
        repository / "reports" / "history.sqlite"
    )


def test_claims_of_one_id_from_two_files_are_not_mixed(
    repository: Path, monkeypatch: pytest.MonkeyPatch, invoke: Make
) -> None:
    monkeypatch.chdir(repository / "claims")
    refused = invoke("history", "--claim", "law")
    assert refused.status == 2
    assert "claims/first.py and claims/second.py have one of that id" in refused.err
    for words in (("--claim", "law"), ("--rate", "order")):
        told = invoke("history", *words, "--module", "second.py").out.splitlines()
        absent = ["not in this run" in line for line in told]
        assert absent == [False, False, True, False, True], told
    assert "[1.9, 2.1]" in invoke("history", "--rate", "order", "--module", "second.py").out
    assert "claims of claims/first.py" in invoke("history", "--module", "third.py").err


def test_claims_of_an_installed_package_are_its_own(history: Path) -> None:
    """Not the suite's, which may come to have one of that id."""
    append(history, results("four", 3.0, package="paper"), WHEN)
    with pytest.raises(InvalidInput, match="paper and theory-verify have one of that id"):
        read_history(history, "law")
    absent = [
        "not in this run" in row for row in read_history(history, "law", sources=["paper"]).rows
    ]
    assert absent == [True, True, True, False]


def test_source_is_the_same_in_a_copy_of_the_repository(repository: Path, tmp_path: Path) -> None:
    history = repository / "reports" / "history.sqlite"
    assert source_of(str(repository / "claims" / "first.py"), history) == "claims/first.py"
    outside = tmp_path / "other.py"
    assert source_of(str(outside), history) == str(outside)
    assert source_of(None, history) == "theory-verify"


def test_revision_is_that_of_the_authors_repository(tmp_path: Path) -> None:
    """Not that of this code; a file in none has no revision."""
    path = tmp_path / "history.sqlite"
    append(path, results("code", module=str(tmp_path / "mine.py")), WHEN)
    root = tmp_path / "paper"
    root.mkdir()
    who = ("-c", "user.name=a", "-c", "user.email=a@b")
    for words in (("init", "-q"), (*who, "commit", "-q", "--allow-empty", "-m", "begin")):
        subprocess.run(["git", *words], cwd=root, check=True)
    append(path, results("code", module=str(root / "mine.py")), WHEN)
    commit = subprocess.run(
        ["git", "rev-parse", "--short=12", "HEAD"], cwd=root, capture_output=True, text=True
    )
    assert [row[1] for row in read_history(path).rows] == ["-", commit.stdout.strip()]


def test_history_of_version_1_is_read_as_it_is_and_taken_over(history: Path) -> None:
    with sqlite3.connect(history) as old:
        old.execute("ALTER TABLE claims DROP COLUMN source")
        old.execute("UPDATE runs SET command = 'x run --module m.py' WHERE id > 1")
        old.execute("PRAGMA user_version = 1")
    old.close()
    before = history.read_bytes()
    with pytest.raises(InvalidInput, match=r"m\.py and theory-verify have one of that id"):
        read_history(history, "law")
    assert [row[4] for row in read_history(history, "law", sources=["m.py"]).rows] == [
        "not in this run",
        "holds",
        "holds",
    ]
    assert history.read_bytes() == before
    append(history, results("four"), WHEN)
    assert len(read_history(history, "law", sources=["theory-verify"]).rows) == 4


@pytest.mark.parametrize("width", [60, 80, 200])
@pytest.mark.parametrize("names", [(None, None), ("law", None), ("law", "order")])
def test_table_is_whole(width: int, names: tuple[str | None, str | None], history: Path) -> None:
    append(history, results("a" * 12 + "-dirty", id="lemma"), WHEN)
    series = read_history(history, *names)
    lines = table(series, width)
    assert max(map(len, lines)) <= width
    text = " ".join(" ".join(lines).split())
    for row in series.rows:
        assert all(cell in text for cell in row if cell != "-")
