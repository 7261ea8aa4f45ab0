"""The checkpoints as CSV: a line each, numbers of a group by "group.name"."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from verify.atomic import write_text

COLUMNS: Final = (
    "file",
    "step",
    "time",
    "regime",
    "norm",
    "direction_cosine",
    "loss",
    "accuracy",
    "test_accuracy",
    "min_margin",
    "normalized_margin",
    "kernel.drift",
    "kernel.alignment",
    "kernel.linearized_distance",
    "kernel.svm_distance",
    "kkt.stationarity",
    "kkt.lower",
    "kkt.clarke",
    "kkt.complementarity",
    "kkt.feasibility",
    "conserved.deviation",
    "collapsed_fraction",
    "sharpness",
)


def at_path(entry: Mapping[str, Any], path: str) -> Any:
    """The value at "group.name"; None where a group is missing."""
    value: Any = entry
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def table_text(data: Mapping[str, Any]) -> str:
    """The table; what does not exist is empty, and the last column says why."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([*COLUMNS, "reasons"])
    for entry in data["checkpoints"]:
        values = [at_path(entry, path) for path in COLUMNS]
        reasons = "; ".join(f"{path}: {words}" for path, words in entry["reasons"].items())
        writer.writerow(["" if value is None else value for value in values] + [reasons])
    return stream.getvalue()


def write_table(data: Mapping[str, Any], path: Path) -> None:
    """Write it, whole or not at all."""
    write_text(path, table_text(data))
