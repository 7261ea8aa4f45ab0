"""What is true after Ctrl-C, command by command, and after a write that failed."""

import errno
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

NO_ROOM = {
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EFBIG,
    errno.EROFS,
    errno.EACCES,
    errno.EPERM,
    errno.EIO,
}
"""Of a disk or folder that takes nothing, which is no fault of the program."""


class Interrupted(Exception):
    """Ctrl-C; the message says what is kept, where, and how to go on."""


@contextmanager
def told_when_interrupted(kept: Callable[[], str]) -> Iterator[None]:
    """Say on Ctrl-C what `kept` finds then.

    Raises:
        Interrupted: on Ctrl-C.
    """
    try:
        yield
    except (KeyboardInterrupt, click.Abort):
        raise Interrupted(kept()) from None


def shards_kept(report: Path) -> str:
    """After a run: its finished shards."""
    folder = report / "unfinished"
    count = sum(1 for _ in folder.glob("*/[!.]*.json"))
    if not count:
        return "no shard was finished, so nothing is kept; the same command starts over"
    shards = "1 finished shard is" if count == 1 else f"{count} finished shards are"
    return f"{shards} kept in {folder}; the same command, with the same code, goes on from there"


def search_kept(report: Path) -> str:
    """After a search: the worst instances and what is known of finished claims."""
    count = sum(1 for _ in (report / "worst").glob("[!.]*.json"))
    if not count:
        return f"no instance was measured; nothing is kept but the database in {report}"
    return (
        f"{count} worst instances and the database are kept in {report}, and of the claims that "
        f"were searched to their end {report / 'search.json'}; the same command begins with them"
    )


def necessity_kept(report: Path) -> str:
    """After a search for necessity: its counterexamples alone."""
    count = sum(1 for _ in (report / "instances").glob("[!.]*.json"))
    return (
        f"{count} counterexamples are kept in {report / 'instances'}, to be replayed; "
        "necessity.json is not written, and the same command starts over"
    )


def counterexamples_kept(written: Sequence[Path]) -> str:
    """After a check: the counterexamples that it had written."""
    if not written:
        return (
            "no counterexample had been found, so nothing was written; the same command starts over"
        )
    files = ", ".join(map(str, written))
    return f"counterexamples that had been found are in {files}; the same command starts over"


def parts_kept(folder: Path) -> str:
    """After figures: finished parts of the one that was being made."""
    kept = folder / "unfinished"
    count = sum(1 for _ in kept.glob("*/[!.]*.json"))
    return (
        f"{count} finished parts are kept in {kept}, and every figure before is written to "
        f"{folder}; the same command goes on from there"
    )


def write_failed(error: OSError) -> str | None:
    """One sentence on a disk or a folder that cannot be written; None for another error."""
    if error.errno not in NO_ROOM:
        return None
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}cannot be written or read ({error.strerror}); what was finished before is kept"
