"""What a history tells: runs, a claim in them or one of its rates; as a table or drawn."""

import io
import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import wrap
from typing import Any

import numpy as np

from theory.errors import InvalidInput
from theory.requests import check_whole
from verify.atomic import write_bytes
from verify.history import HistoryError, opened

ABSENT = "not in this run"

ALL, MOST = -1, 2**63 - 1
"""Limits of SQLite on rows: none, and the largest that it knows."""

NARROW = 40
"""Columns that a table takes at least."""


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
    path: Path,
    claim: str | None = None,
    rate: str | None = None,
    last: int | None = None,
    sources: Collection[str] | None = None,
) -> Series:
    """The last runs, all told of each; or one claim in each of them, or one of its rates.

    Args:
        rate: a part of the rate's name; without a claim, of one that a single claim has.
        sources: files, as `verify.origin` names them: claims of others are left out.

    Raises:
        InvalidInput: there is no history, nothing of that name in it, or several files have a claim
            of that name.
    """
    if not path.is_file():
        raise InvalidInput(f"{path}: there is no history; every run appends to one")
    if last is not None:
        check_whole("last", last)
    limit = ALL if last is None else min(last, MOST)
    try:
        with opened(path, "ro") as connection:
            connection.row_factory = sqlite3.Row
            if sources is not None:
                _leave_out_others(connection, sources)
            else:
                connection.execute("CREATE TEMP VIEW chosen AS SELECT * FROM claims")
            if rate is not None:
                return _rates(connection, *_rate_named(connection, claim, rate), limit)
            if claim is not None:
                _check_claim(connection, claim)
                return _claims(connection, claim, limit)
            return _runs(connection, limit)
    except HistoryError as error:
        raise InvalidInput(str(error)) from None


def _leave_out_others(connection: sqlite3.Connection, sources: Collection[str]) -> None:
    """A table `chosen` of the claims that come from these files."""
    connection.execute("CREATE TEMP TABLE chosen AS SELECT * FROM claims WHERE 0")
    for source in sources:
        connection.execute("INSERT INTO chosen SELECT * FROM claims WHERE source = ?", (source,))
    if not connection.execute("SELECT count(*) FROM chosen").fetchone()[0]:
        known = sorted(s for (s,) in connection.execute("SELECT DISTINCT source FROM claims"))
        raise InvalidInput(
            f"module is {', '.join(sources)}; the history has claims of {', '.join(known)}"
        )


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
        "FROM runs JOIN chosen ON chosen.run = runs.id GROUP BY runs.id"
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
    query = "SELECT * FROM runs LEFT JOIN chosen ON chosen.run = runs.id AND claim = ?"
    rows = _rows(connection, query, claim, last)
    columns = (*_RUN, "verdict", "worst / bound", "decided", "rivals rejected")
    cells = tuple((*_run_cells(row), *_claim_cells(row)) for row in rows)
    points = tuple(
        None if row["ratio"] is None else (row["ratio"], row["ratio"], row["ratio"], 1.0, 0.0)
        for row in rows
    )
    return Series(f"{claim}: worst / bound", columns, cells, points, _labels(rows))


def _claim_cells(row: sqlite3.Row) -> tuple[str, ...]:
    if row["verdict"] is None:
        return ABSENT, "-", "-", "-"
    return (
        row["verdict"] + ("" if row["verdict"] == row["expected"] else " (unexpected)"),
        "-" if row["ratio"] is None else f"{row['ratio']:.3g}",
        f"{row['decided']} of {row['examples']}",
        f"{row['rejected']} of {row['rivals']}",
    )


def _rates(connection: sqlite3.Connection, claim: str, quantity: str, last: int) -> Series:
    query = (
        "SELECT runs.*, verdict, fitted, low, high, predicted, tolerance, samples, judgement "
        "FROM runs LEFT JOIN chosen ON chosen.run = runs.id AND chosen.claim = ? "
        "LEFT JOIN rates ON rates.run = chosen.run AND rates.claim = chosen.claim AND quantity = ?"
    )
    rows = _rows(connection, query, claim, quantity, last)
    cells = tuple((*_run_cells(row), *_rate_cells(row)) for row in rows)
    points = tuple(
        None
        if row["fitted"] is None
        else (row["fitted"], row["low"], row["high"], row["predicted"], row["tolerance"])
        for row in rows
    )
    columns = (*_RUN, "fitted", "95 % interval", "predicted", "instances", "judgement")
    return Series(f"{claim}: {quantity}", columns, cells, points, _labels(rows))


def _rate_cells(row: sqlite3.Row) -> tuple[str, ...]:
    if row["fitted"] is None:
        return "-", "-", "-", "-", ABSENT if row["verdict"] is None else "not fitted"
    return (
        f"{row['fitted']:.5g}",
        f"[{row['low']:.5g}, {row['high']:.5g}]",
        f"{row['predicted']:.5g} +- {row['tolerance']:.2g}",
        str(row["samples"]),
        row["judgement"],
    )


def _labels(rows: Sequence[sqlite3.Row]) -> tuple[str, ...]:
    return tuple(f"{row['revision'] or row['date']}\n{row['profile']}" for row in rows)


def _check_claim(connection: sqlite3.Connection, claim: str) -> None:
    """There is such a claim, and of one file alone."""
    pairs = connection.execute("SELECT DISTINCT claim, source FROM chosen").fetchall()
    known = sorted({name for name, _ in pairs})
    if claim not in known:
        raise InvalidInput(f"claim is {claim!r}; the history has {', '.join(known)}")
    sources = sorted(source for name, source in pairs if name == claim)
    if len(sources) > 1:
        raise InvalidInput(
            f"claim is {claim!r}; {' and '.join(sources)} have one of that id: choose with --module"
        )


def _rate_named(connection: sqlite3.Connection, claim: str | None, rate: str) -> tuple[str, str]:
    if claim is not None:
        _check_claim(connection, claim)
    query = "SELECT DISTINCT claim, quantity FROM rates JOIN chosen USING (run, claim)"
    known = [
        (name, quantity) for name, quantity in connection.execute(query) if claim in (None, name)
    ]
    found = [entry for entry in known if entry[1] == rate]
    found = found or [entry for entry in known if rate in entry[1]]
    if len(found) == 1:
        _check_claim(connection, found[0][0])
        return found[0]
    names = ", ".join(f"{quantity!r} of {name}" for name, quantity in sorted(found or known))
    many = "several are meant" if found else "the history has"
    raise InvalidInput(f"rate is {rate!r}; {many}: {names or 'none'}")


def table(series: Series, width: int | None = None) -> list[str]:
    """The rows as lines of text in columns; where these take more than `width`, run after run."""
    lines = [series.columns, *series.rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    if width is not None and sum(widths) + 2 * (len(widths) - 1) > width:
        return [line for row in series.rows for line in _told(series.columns, row, width)]
    return [
        "  ".join(cell.ljust(size) for cell, size in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]


def _told(columns: Sequence[str], row: Sequence[str], width: int) -> list[str]:
    """One run on lines of its own: which it is, and below what it found."""
    run = len(_RUN)
    pairs = zip(columns[run:], row[run:], strict=True)
    found = ", ".join(f"{name} {cell}" for name, cell in pairs if cell != "-")
    room = max(width, NARROW)
    return [
        *wrap(" ".join(row[:run]), room, subsequent_indent=" ", break_on_hyphens=False),
        *wrap(found, room, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False),
    ]


def plot(series: Series, path: Path) -> None:
    """Draw a rate with its intervals, or a worst case, run after run.

    Raises:
        InvalidInput: another format than `verify.report.svg.FORMATS`, or nothing to draw.
    """
    from verify.report.svg import format_of

    ending = format_of(path)
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
    figure.savefig(content, format=ending, dpi=150)
    write_bytes(path, content.getvalue())
