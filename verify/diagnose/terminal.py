"""A diagnosis on a terminal: a verdict, a table, and why numbers are missing."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import fill
from typing import Any, Final

from verify.diagnose.table import at_path
from verify.report.words import counted

SHOWN: Final = (
    ("cosine", "direction_cosine"),
    ("drift", "kernel.drift"),
    ("linear", "kernel.linearized_distance"),
    ("svm", "kernel.svm_distance"),
    ("kkt", "kkt.stationarity"),
    ("slack", "kkt.complementarity"),
    ("train", "accuracy"),
    ("test", "test_accuracy"),
)
WIDTH: Final = 80
COLUMN: Final = 8


def told(data: Mapping[str, Any]) -> str:
    """All of it in at most 80 columns."""
    net, sizes = data["net"], data["data"]
    degree = "not homogeneous" if net["degree"] is None else f"degree {net['degree']:g}"
    entries = data["checkpoints"]
    shown = [
        (name, path)
        for name, path in SHOWN
        if path != "test_accuracy" or any(entry[path] is not None for entry in entries)
    ]
    width = WIDTH - COLUMN * len(shown)
    parameters, outputs = counted(net["parameters"], "parameter"), counted(net["outputs"], "output")
    lines = [
        f"{parameters}, {outputs}, {degree}; {counted(sizes['samples'], 'sample')}, "
        f"{sizes['loss']} loss",
        "",
        f"{'checkpoint':<{width}}" + "".join(f"{name:>{COLUMN}}" for name, _ in shown),
    ]
    for name, entry in zip(_names(entries), entries, strict=True):
        lines.append(
            f"{name if len(name) < width else '..' + name[3 - width :]:<{width}}"
            + "".join(f"{short(at_path(entry, path)):>{COLUMN}}" for _, path in shown)
        )
    lines += [
        "",
        "drift, linear, svm, kkt, slack: 0 perfect, 1 unrelated; cosine: 1 is the start;",
        f"{' and '.join(name for name, _ in shown[6:])}: share of the samples that are right",
        "",
        fill(data["verdict"], WIDTH),
    ]
    reasons = [(path, words) for path, words in data["reasons"].items()]
    for entry in data["checkpoints"]:
        for path, words in entry["reasons"].items():
            reasons.append((entry["file"] if path == "file" else path, words))
    if reasons:
        lines += ["", "What does not exist, and why:"]
        lines += [
            fill(f"{path}: {words}", WIDTH, initial_indent="  ", subsequent_indent="    ")
            for path, words in dict.fromkeys(reasons)
        ]
    return "\n".join(lines)


def _names(entries: Sequence[Mapping[str, Any]]) -> list[str]:
    """Of the checkpoints: those of the files without folder and ending, where these differ."""
    files = [entry["file"] for entry in entries]
    stems = [Path(name).stem for name in files]
    return stems if len(set(stems)) == len(stems) else files


def short(value: float | None) -> str:
    """Seven characters at most."""
    if value is None:
        return "-"
    if 1e-3 <= abs(value) < 1e4 or value == 0:
        return f"{value:.3g}"
    return f"{value:.0e}"
