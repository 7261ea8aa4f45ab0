"""History: what each run found, one row after another, in an SQLite file beside the reports.

A run is appended in one transaction when it ends. The history is a convenience: where it cannot be
written the run says so and stands as it is.
"""

import io
import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from theory.errors import InvalidInput
from verify.atomic import write_bytes
from verify.events import Event, RunFinished

NAME = "history.sqlite"

VERSION = 1
"""Of the tables; kept in the file's user_version."""

PATIENCE = 5.0
"""Seconds to wait for another run that is writing."""

FORMATS = ("svg", "png", "pdf")

_TABLES = """
CREATE TABLE runs (
    id INTEGER PRIMARY KEY, date TEXT NOT NULL, revision TEXT, profile TEXT NOT NULL,
    seed INTEGER NOT NULL, seconds REAL NOT NULL, exit_status INTEGER NOT NULL,
    command TEXT NOT NULL, versions TEXT NOT NULL
);
CREATE TABLE claims (
    run INTEGER NOT NULL REFERENCES runs, claim TEXT NOT NULL, verdict TEXT NOT NULL,
    expected TEXT NOT NULL, examples INTEGER NOT NULL, decided INTEGER NOT NULL,
    worst TEXT, ratio REAL, rivals INTEGER NOT NULL, rejected INTEGER NOT NULL,
    PRIMARY KEY (run, claim)
);
CREATE TABLE rates (
    run INTEGER NOT NULL REFERENCES runs, claim TEXT NOT NULL, quantity TEXT NOT NULL,
    predicted REAL NOT NULL, fitted REAL NOT NULL, low REAL NOT NULL, high REAL NOT NULL,
    tolerance REAL NOT NULL, samples INTEGER NOT NULL, judgement TEXT NOT NULL,
    PRIMARY KEY (run, claim, quantity)
);
"""


class HistoryError(Exception):
    """The file cannot be read or written; the message says why."""


@contextmanager
def _opened(path: Path, mode: str) -> Iterator[sqlite3.Connection]:
    """One transaction, kept whole or not at all.

    Raises:
        HistoryError: the file is locked, damaged, of another version, or cannot be opened.
    """
    try:
        with (
            closing(
                sqlite3.connect(
                    f"{path.absolute().as_uri()}?mode={mode}",
                    uri=True,
                    timeout=PATIENCE,
                    isolation_level=None,
                )
            ) as connection,
            connection,
        ):
            connection.execute("BEGIN IMMEDIATE" if mode == "rwc" else "BEGIN")
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
            if version != VERSION and (version, tables, mode) != (0, 0, "rwc"):
                raise HistoryError(f"{path} is no history of version {VERSION}")
            yield connection
    except sqlite3.Error as error:
        raise HistoryError(f"{path}: {error}") from error


def append(path: Path, results: dict[str, Any], date: datetime) -> None:
    """Add a run, from what is in its results.json.

    Raises:
        HistoryError: the file cannot be written.
    """
    environment = results["environment"]
    versions = {"python": environment["python"], **environment["packages"]}
    with _opened(path, "rwc") as connection:
        if connection.execute("PRAGMA user_version").fetchone() == (0,):
            for statement in _TABLES.split(";")[:-1]:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {VERSION}")
        run = connection.execute(
            "INSERT INTO runs VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                date.astimezone(UTC).isoformat(timespec="seconds"),
                environment["commit"],
                results["profile"],
                results["seed"],
                results["seconds"],
                results["exit_status"],
                results["command"],
                json.dumps(versions, sort_keys=True),
            ),
        ).lastrowid
        claims = results["claims"]
        connection.executemany(
            "INSERT INTO claims VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [(run, *_claim_row(claim)) for claim in claims],
        )
        connection.executemany(
            "INSERT INTO rates VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [(run, claim["id"], *_rate_row(r)) for claim in claims for r in claim["rates"]],
        )


def _claim_row(claim: dict[str, Any]) -> tuple[Any, ...]:
    worst = claim["worst"] or {}
    return (
        claim["id"],
        claim["verdict"],
        claim["expected"],
        claim["examples"],
        claim["decided"],
        worst.get("name"),
        worst.get("ratio"),
        len(claim["rivals"]),
        sum(rival["rejected"] for rival in claim["rivals"]),
    )


def _rate_row(rate: dict[str, Any]) -> tuple[Any, ...]:
    names = ("quantity", "predicted", "fitted", "low", "high", "tolerance", "samples", "judgement")
    return tuple(rate[name] for name in names)


@dataclass(frozen=True)
class HistoryFile:
    """Listener that appends the run to a history; `warn` is told where that fails."""

    path: Path
    warn: Callable[[str], Any]

    def __call__(self, event: Event) -> None:
        if not isinstance(event, RunFinished):
            return
        try:
            append(self.path, event.data, datetime.now(UTC))
        except HistoryError as error:
            self.warn(f"warning: this run is not in the history ({error})")


@dataclass(frozen=True)
class Series:
    """Rows of a history, oldest first, and what there is to plot: None is a gap.

    Attributes:
        points: value, low, high, predicted and tolerance of each run.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    points: tuple[tuple[float, float, float, float, float] | None, ...]
    labels: tuple[str, ...]


def read_history(
    path: Path, claim: str | None = None, rate: str | None = None, last: int | None = None
) -> Series:
    """The last runs, all told of each; or one claim in them, or one of its rates.

    Args:
        rate: a part of the rate's name; without a claim, of one that a single claim has.

    Raises:
        InvalidInput: there is no history, or nothing of that name in it.
    """
    if not path.is_file():
        raise InvalidInput(f"{path}: there is no history; every run appends to one")
    if last is not None and last < 1:
        raise InvalidInput(f"last is {last}; it must be at least 1")
    try:
        with _opened(path, "ro") as connection:
            connection.row_factory = sqlite3.Row
            if rate is not None:
                return _rates(connection, *_rate_named(connection, claim, rate), last or -1)
            if claim is not None:
                return _claims(connection, claim, last or -1)
            return _runs(connection, last or -1)
    except HistoryError as error:
        raise InvalidInput(str(error)) from None


def _rows(connection: sqlite3.Connection, query: str, *values: Any) -> list[sqlite3.Row]:
    """The newest so many rows that a query finds, oldest first."""
    found = connection.execute(f"{query} ORDER BY runs.id DESC LIMIT ?", values).fetchall()
    return found[::-1]


def _run_cells(row: sqlite3.Row) -> tuple[str, ...]:
    return row["date"], row["revision"] or "-", row["profile"], str(row["seed"])


_RUN = ("date", "revision", "profile", "seed")


def _runs(connection: sqlite3.Connection, last: int) -> Series:
    query = (
        "SELECT runs.*, count(*) AS claims, sum(verdict = expected) AS as_expected, "
        "sum(rivals) AS rivals, sum(rejected) AS rejected "
        "FROM runs JOIN claims ON claims.run = runs.id GROUP BY runs.id"
    )
    rows = _rows(connection, query, last)
    cells = tuple(
        (
            *_run_cells(row),
            f"{row['as_expected']} of {row['claims']}",
            f"{row['rejected']} of {row['rivals']}",
            f"{row['seconds']:.1f}",
        )
        for row in rows
    )
    columns = (*_RUN, "as expected", "rivals rejected", "seconds")
    return Series("runs", columns, cells, (None,) * len(rows), _labels(rows))


def _claims(connection: sqlite3.Connection, claim: str, last: int) -> Series:
    _check_claim(connection, claim)
    query = "SELECT * FROM runs JOIN claims ON claims.run = runs.id WHERE claim = ?"
    rows = _rows(connection, query, claim, last)
    cells = tuple(
        (
            *_run_cells(row),
            row["verdict"] + ("" if row["verdict"] == row["expected"] else " (unexpected)"),
            "-" if row["ratio"] is None else f"{row['ratio']:.3g}",
            f"{row['decided']} of {row['examples']}",
            f"{row['rejected']} of {row['rivals']}",
        )
        for row in rows
    )
    points = tuple(
        None if row["ratio"] is None else (row["ratio"], row["ratio"], row["ratio"], 1.0, 0.0)
        for row in rows
    )
    columns = (*_RUN, "verdict", "worst / bound", "decided", "rivals rejected")
    return Series(f"{claim}: worst / bound", columns, cells, points, _labels(rows))


def _rates(connection: sqlite3.Connection, claim: str, quantity: str, last: int) -> Series:
    query = "SELECT * FROM runs JOIN rates ON rates.run = runs.id WHERE claim = ? AND quantity = ?"
    rows = _rows(connection, query, claim, quantity, last)
    cells = tuple(
        (
            *_run_cells(row),
            f"{row['fitted']:.5g}",
            f"[{row['low']:.5g}, {row['high']:.5g}]",
            f"{row['predicted']:.5g} +- {row['tolerance']:.2g}",
            str(row["samples"]),
            row["judgement"],
        )
        for row in rows
    )
    points = tuple(
        (row["fitted"], row["low"], row["high"], row["predicted"], row["tolerance"]) for row in rows
    )
    columns = (*_RUN, "fitted", "95 % interval", "predicted", "instances", "judgement")
    return Series(f"{claim}: {quantity}", columns, cells, points, _labels(rows))


def _labels(rows: Sequence[sqlite3.Row]) -> tuple[str, ...]:
    return tuple(f"{row['revision'] or row['date']}\n{row['profile']}" for row in rows)


def _check_claim(connection: sqlite3.Connection, claim: str) -> None:
    known = [name for (name,) in connection.execute("SELECT DISTINCT claim FROM claims")]
    if claim not in known:
        raise InvalidInput(f"claim is {claim!r}; the history has {', '.join(sorted(known))}")


def _rate_named(connection: sqlite3.Connection, claim: str | None, rate: str) -> tuple[str, str]:
    if claim is not None:
        _check_claim(connection, claim)
    known = [
        (name, quantity)
        for name, quantity in connection.execute("SELECT DISTINCT claim, quantity FROM rates")
        if claim in (None, name)
    ]
    found = [entry for entry in known if entry[1] == rate]
    found = found or [entry for entry in known if rate in entry[1]]
    if len(found) == 1:
        return found[0]
    names = ", ".join(f"{quantity!r} of {name}" for name, quantity in sorted(found or known))
    many = "several are meant" if found else "the history has"
    raise InvalidInput(f"rate is {rate!r}; {many}: {names or 'none'}")


def table(series: Series) -> list[str]:
    """The rows as lines of text in columns."""
    lines = [series.columns, *series.rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]


def plot(series: Series, path: Path) -> None:
    """Draw a rate with its intervals, or a worst case, run after run.

    Raises:
        InvalidInput: another format than `FORMATS`, or nothing to draw.
    """
    if path.suffix.removeprefix(".") not in FORMATS:
        raise InvalidInput(f"plot is {path}; it must end in .{', .'.join(FORMATS)}")
    points = [(k, *point) for k, point in enumerate(series.points) if point is not None]
    if not points:
        raise InvalidInput("plot has nothing to draw; give a claim, and a rate for its intervals")
    from matplotlib.figure import Figure

    x, value, low, high, predicted, tolerance = np.array(points).T
    figure = Figure(figsize=(max(5.0, 0.7 * len(series.labels) + 2.0), 3.6), layout="constrained")
    axes = figure.subplots()
    axes.plot(x, predicted, color="black", linewidth=1.0)
    if tolerance.any():
        within = (predicted - tolerance, predicted + tolerance)
        axes.fill_between(x, *within, color="0.88", label="predicted, with its tolerance")
        axes.legend(frameon=False, fontsize=8)
    axes.errorbar(
        x,
        value,
        yerr=(value - low, high - value),
        fmt="o",
        markersize=4,
        capsize=3,
        color="tab:blue",
    )
    axes.set_xticks(range(len(series.labels)), series.labels, rotation=90, fontsize=7)
    axes.set_title(series.title.replace("$", r"\$"), fontsize=10)
    content = io.BytesIO()
    figure.savefig(content, format=path.suffix.removeprefix("."), dpi=150)
    write_bytes(path, content.getvalue())
