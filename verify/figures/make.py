"""Making a figure: compute its parts (resuming), draw and write it, judge what it shows."""

import csv
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import matplotlib as mpl

from theory.errors import InvalidInput
from verify.atomic import write_bytes, write_json, write_text
from verify.figures.base import PRESETS, FigureSpec, Part, Table
from verify.figures.legends import clear_legends
from verify.figures.outcomes import Outcome
from verify.figures.style import STYLE

PICTURES = ("png", "svg", "pdf")
RESOLUTION = 160
"""Dots per inch of what is not made of lines."""


@dataclass(frozen=True)
class Made:
    """The files of a figure, and its outcomes."""

    files: tuple[Path, ...]
    outcomes: tuple[Outcome, ...]


def _quiet(_: str) -> None:
    pass


def make_figure(
    spec: FigureSpec,
    preset: str,
    folder: Path,
    say: Callable[[str], None],
    running: Callable[[str], None] = _quiet,
) -> Made:
    """Compute, draw and write one figure; `running` is told of each part that begins.

    Finished parts are kept below `folder`/unfinished until the files are written, so that an
    interrupted figure resumes.

    Raises:
        InvalidInput: an unknown preset.
    """
    if preset not in PRESETS:
        raise InvalidInput(f"preset is {preset!r}; allowed are {', '.join(PRESETS)}")
    parts = spec.parts(preset)
    kept = folder / "unfinished" / f"{spec.name}-{preset}"
    tables: dict[str, Table] = {}
    for number, part in enumerate(parts, start=1):
        start = perf_counter()
        table = _load(kept / f"{part.name}.json")
        resumed = table is not None
        if table is None:
            running(f"{spec.name}: {part.name}")
            table = _checked(part, part.compute())
            write_json(kept / f"{part.name}.json", table)
        tables[part.name] = table
        how = "resumed" if resumed else f"{perf_counter() - start:.1f} s"
        say(f"[{number}/{len(parts)}] {spec.name}: {part.name} ({how})")
    made = _write(spec, preset, tables, folder)
    for path in kept.glob("*.json"):
        path.unlink()
    for empty in (kept, kept.parent):
        if empty.exists() and not any(empty.iterdir()):
            empty.rmdir()
    return made


def _load(path: Path) -> Table | None:
    try:
        table: Table = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return table


def _checked(part: Part, table: Table) -> Table:
    lengths = {name: len(column) for name, column in table.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"part {part.name} has columns of unequal lengths: {lengths}")
    return table


def _write(spec: FigureSpec, preset: str, tables: dict[str, Table], folder: Path) -> Made:
    """CSV, pictures, and as JSON what is said of them."""
    pictures = _pictures(spec, tables)
    outcomes = tuple(spec.outcomes(tables))
    told = {
        "name": spec.name,
        "title": spec.title,
        "caption": spec.caption,
        "source": spec.source,
        "preset": preset,
        "outcomes": [outcome.to_json() for outcome in outcomes],
    }
    paths = [folder / f"{spec.name}.{kind}" for kind in ("csv", *PICTURES, "json")]
    write_text(paths[0], _csv(tables))
    for path, picture in zip(paths[1:-1], pictures, strict=True):
        write_bytes(path, picture)
    write_json(paths[-1], told)
    return Made(tuple(paths), outcomes)


def _pictures(spec: FigureSpec, tables: dict[str, Table]) -> list[bytes]:
    """The figure in every format, the same bytes for the same tables."""
    undated = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
    drawn = []
    with mpl.rc_context(STYLE):
        figure = spec.draw(tables)
        clear_legends(figure)
        for kind in PICTURES:
            buffer = io.BytesIO()
            figure.savefig(
                buffer,
                format=kind,
                dpi=RESOLUTION,
                bbox_inches="tight",
                metadata=undated.get(kind),
            )
            drawn.append(buffer.getvalue())
    return drawn


def _csv(tables: dict[str, Table]) -> str:
    """All parts in one table, with the part's name in the first column."""
    names = list(dict.fromkeys(name for table in tables.values() for name in table))
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["part", *names])
    for part, table in tables.items():
        length = len(next(iter(table.values()), []))
        for row in range(length):
            writer.writerow([part, *(table[n][row] if n in table else "" for n in names)])
    return stream.getvalue()
