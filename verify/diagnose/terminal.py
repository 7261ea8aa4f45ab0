"""A diagnosis on a terminal: a verdict, a table, and why numbers are missing."""

from collections.abc import Mapping
from textwrap import fill
from typing import Any, Final

from verify.diagnose.table import at_path

SHOWN: Final = (
    ("cosine", "direction_cosine"),
    ("drift", "kernel.drift"),
    ("linear", "kernel.linearized_distance"),
    ("svm", "kernel.svm_distance"),
    ("kkt", "kkt.stationarity"),
    ("slack", "kkt.complementarity"),
    ("train", "accuracy"),
)
WIDTH: Final = 80


def told(data: Mapping[str, Any]) -> str:
    """All of it in at most 80 columns."""
    net, sizes = data["net"], data["data"]
    degree = "not homogeneous" if net["degree"] is None else f"degree {net['degree']:g}"
    lines = [
        f"{net['parameters']} parameters, {net['outputs']} outputs, {degree}; "
        f"{sizes['samples']} samples, {sizes['loss']} loss",
        "",
        f"{'checkpoint':<22}" + "".join(f"{name:>8}" for name, _ in SHOWN),
    ]
    for entry in data["checkpoints"]:
        name = entry["file"]
        lines.append(
            f"{name if len(name) <= 22 else '..' + name[-20:]:<22}"
            + "".join(f"{short(at_path(entry, path)):>8}" for _, path in SHOWN)
        )
    lines += [
        "",
        "drift, linear, svm, kkt, slack: 0 perfect, 1 unrelated; cosine: 1 is the start",
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


def short(value: float | None) -> str:
    """Seven characters at most."""
    if value is None:
        return "-"
    if 1e-3 <= abs(value) < 1e4 or value == 0:
        return f"{value:.3g}"
    return f"{value:.0e}"
