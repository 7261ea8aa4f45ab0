"""Making a figure: compute its parts (resuming), write CSV, PNG and SVG, judge what it shows."""

import csv
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from theory.errors import InvalidInput
from verify.atomic import write_bytes, write_json, write_text
from verify.figures.base import PRESETS, FigureSpec, Part, Table
from verify.figures.outcomes import Outcome


@dataclass(frozen=True)
class Made:
    """The files of a figure, and its outcomes."""

    files: tuple[Path, ...]
    outcomes: tuple[Outcome, ...]


def make_figure(spec: FigureSpec, preset: str, folder: Path, say: Callable[[str], None]) -> Made:
    """Compute, draw and write one figure.

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
            table = _checked(part, part.compute())
            write_json(kept / f"{part.name}.json", table)
        tables[part.name] = table
        how = "resumed" if resumed else f"{perf_counter() - start:.1f} s"
        say(f"[{number}/{len(parts)}] {spec.name}: {part.name} ({how})")
    made = _write(spec, tables, folder)
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


def _write(spec: FigureSpec, tables: dict[str, Table], folder: Path) -> Made:
    figure = spec.draw(tables)
    paths = [folder / f"{spec.name}.{kind}" for kind in ("csv", "png", "svg")]
    write_text(paths[0], _csv(tables))
    for path, kind in zip(paths[1:], ("png", "svg"), strict=True):
        buffer = io.BytesIO()
        figure.savefig(buffer, format=kind, dpi=160, bbox_inches="tight")
        write_bytes(path, buffer.getvalue())
    outcomes = tuple(spec.outcomes(tables))
    if outcomes:
        paths.append(folder / f"{spec.name}.outcomes.json")
        write_json(paths[-1], [outcome.to_json() for outcome in outcomes])
    return Made(tuple(paths), outcomes)


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
