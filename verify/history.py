"""History: what each run found, one row after another, in an SQLite file beside the reports.

A run is appended in one transaction when it ends. The history is a convenience: where it cannot be
written the run says so and stands as it is. A claim is known by its id and the file that it comes
from, as `verify.origin` names it, or the installed package: others may have claims of the same id.
"""

import json
import shlex
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from verify.events import Event, RunFinished
from verify.origin import SUITE, revision_of_claims, source_of
from verify.registry import registry

VERSION = 2
"""Of the tables; kept in the file's user_version."""

PATIENCE = 5.0
"""Seconds to wait for another run that is writing."""

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
    source TEXT NOT NULL, PRIMARY KEY (run, claim)
);
CREATE TABLE rates (
    run INTEGER NOT NULL REFERENCES runs, claim TEXT NOT NULL, quantity TEXT NOT NULL,
    predicted REAL NOT NULL, fitted REAL NOT NULL, low REAL NOT NULL, high REAL NOT NULL,
    tolerance REAL NOT NULL, samples INTEGER NOT NULL, judgement TEXT NOT NULL,
    PRIMARY KEY (run, claim, quantity)
);
"""

_UPGRADE = """
ALTER TABLE claims ADD COLUMN source TEXT NOT NULL DEFAULT '';
UPDATE claims SET source = source_of_old(claim, (SELECT command FROM runs WHERE id = run));
PRAGMA user_version = 2;
"""
"""From version 1, which did not tell where a claim came from; the command of its run does."""


class HistoryError(Exception):
    """The file cannot be read or written; the message says why."""


@contextmanager
def opened(path: Path, mode: str) -> Iterator[sqlite3.Connection]:
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
            if version == 1 and mode == "ro":  # it stays as it is
                with closing(sqlite3.connect(":memory:", isolation_level=None)) as upgraded:
                    connection.backup(upgraded)
                    _upgrade(upgraded)
                    yield upgraded
                return
            if version == 1:
                _upgrade(connection)
            elif version != VERSION and (version, tables, mode) != (0, 0, "rwc"):
                raise HistoryError(f"{path} is no history of version {VERSION}")
            yield connection
    except sqlite3.Error as error:
        raise HistoryError(f"{path}: {error}") from error


def _upgrade(connection: sqlite3.Connection) -> None:
    connection.create_function("source_of_old", 2, _source_of_old)
    for statement in _UPGRADE.split(";")[:-1]:
        connection.execute(statement)


def _source_of_old(claim: str, command: str) -> str:
    """The module that the command names, where the suite has no such claim."""
    words = shlex.split(command)
    modules = [after for word, after in pairwise(words) if word == "--module"]
    modules += [word.partition("=")[2] for word in words if word.startswith("--module=")]
    if not modules or claim in registry().claims:
        return SUITE
    return " or ".join(modules)


def append(path: Path, results: dict[str, Any], date: datetime) -> None:
    """Add a run, from what is in its results.json, whose modules are named as from here.

    Its revision is that of the repository of the author's claims.

    Raises:
        HistoryError: the file cannot be written.
    """
    environment = results["environment"]
    versions = {"python": environment["python"], **environment["packages"]}
    claims = results["claims"]
    with opened(path, "rwc") as connection:
        if connection.execute("PRAGMA user_version").fetchone() == (0,):
            for statement in _TABLES.split(";")[:-1]:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {VERSION}")
        run = connection.execute(
            "INSERT INTO runs VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                date.astimezone(UTC).isoformat(timespec="seconds"),
                revision_of_claims(claims, environment["commit"]),
                results["profile"],
                results["seed"],
                results["seconds"],
                results["exit_status"],
                results["command"],
                json.dumps(versions, sort_keys=True),
            ),
        ).lastrowid
        connection.executemany(
            "INSERT INTO claims VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [(run, *_claim_row(claim, path)) for claim in claims],
        )
        connection.executemany(
            "INSERT INTO rates VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [(run, claim["id"], *_rate_row(r)) for claim in claims for r in claim["rates"]],
        )


def _claim_row(claim: dict[str, Any], history: Path) -> tuple[Any, ...]:
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
        claim.get("package") or source_of(claim.get("module"), history),
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
