"""A diagnosis as one HTML page that needs no network: verdict, curves, table, scales, reasons."""

from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from jinja2 import PackageLoader
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from verify.atomic import write_bytes, write_text
from verify.diagnose.table import COLUMNS, at_path
from verify.report.pages import templates_of
from verify.report.svg import INK, MEASURED, MUTED, STYLE, WIDTH, Plot, clear, format_of, svg
from verify.report.words import number

INKS: Final = (MEASURED, INK, MUTED, MUTED)
PRINTED: Final = ("#2456a6", "#222222", "#777777", "#777777")
"""Where no page gives the colours."""

STYLES: Final = ("-", "--", ":", "-.")
PLOTS: Final = (
    (
        "kernel",
        "How far from the kernel regime",
        (
            ("kernel.drift", "kernel drift"),
            ("kernel.linearized_distance", "from linearised training"),
            ("kernel.svm_distance", "from the kernel machine"),
        ),
    ),
    (
        "kkt",
        "How far from a KKT point",
        (
            ("kkt.stationarity", "stationarity"),
            ("kkt.clarke", "at kinks (Clarke)"),
            ("kkt.complementarity", "complementarity"),
        ),
    ),
    (
        "turn",
        "Direction and data",
        (
            ("direction_cosine", "cosine"),
            ("accuracy", "accuracy"),
            ("test_accuracy", "on test data"),
            ("collapsed_fraction", "collapsed"),
        ),
    ),
)


def page_text(data: Mapping[str, Any]) -> str:
    """The page."""
    environment = templates_of("verify.diagnose")
    environment.filters["number"] = number
    reports = PackageLoader("verify.report")
    style = Markup(reports.get_source(environment, "style.css")[0])
    return environment.get_template("page.html.j2").render(
        data=data,
        style=style,
        plots=[plot for one in PLOTS if (plot := curves(data, *one)) is not None],
        columns=[column for column in COLUMNS if column != "file"],
        at_path=at_path,
        reasons=_reasons(data),
    )


def write_page(data: Mapping[str, Any], path: Path) -> None:
    """Write it, whole or not at all."""
    write_text(path, page_text(data))


def _reasons(data: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Path, words, and the checkpoints that they are of; those of all of them once."""
    found: dict[tuple[str, str], list[str]] = {
        (path, words): ["the run"] for path, words in data["reasons"].items()
    }
    for entry in data["checkpoints"]:
        for path, words in entry["reasons"].items():
            found.setdefault((path, words), []).append(entry["file"])
    several = len(data["checkpoints"]) > 1
    return [
        (path, words, "all checkpoints" if several and len(names) > 3 else ", ".join(names))
        for (path, words), names in found.items()
    ]


def curves(
    data: Mapping[str, Any], key: str, title: str, lines: Sequence[tuple[str, str]]
) -> Plot | None:
    """These numbers over time, steps, or the order of checkpoints; None without any."""
    drawn = _known(data, lines)
    if not drawn:
        return None
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 3.2))
        figure.subplots_adjust(left=0.11, right=0.98, bottom=0.15, top=0.86)
        _draw(figure.add_subplot(), data, drawn, INKS)
        named = ", ".join(label for label, _ in drawn)
        return Plot(title, svg(figure, f"diagnose-{key}", title, f"{named} of each checkpoint."))


def write_plot(data: Mapping[str, Any], path: Path) -> None:
    """All curves one below the other, in the format that the file's ending names.

    Raises:
        InvalidInput: another format than `verify.report.svg.FORMATS`.
    """
    all_drawn = [drawn for *_, lines in PLOTS if (drawn := _known(data, lines))]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 3.2 * len(all_drawn)), layout="constrained")
        for k, drawn in enumerate(all_drawn):
            axes = figure.add_subplot(len(all_drawn), 1, k + 1)
            _draw(axes, data, drawn, PRINTED)
            axes.grid(color="#dddddd", linewidth=0.5)
        content = BytesIO()
        figure.savefig(content, format=format_of(path), dpi=160)
    write_bytes(path, content.getvalue())


_Drawn = list[tuple[str, list[Any]]]


def _usable(data: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [entry for entry in data["checkpoints"] if entry["norm"] is not None]


def _known(data: Mapping[str, Any], lines: Sequence[tuple[str, str]]) -> _Drawn:
    """Label and values of the lines that have any."""
    courses = [(label, [at_path(entry, path) for entry in _usable(data)]) for path, label in lines]
    return [(label, y) for label, y in courses if any(value is not None for value in y)]


def _draw(axes: Axes, data: Mapping[str, Any], drawn: _Drawn, inks: Sequence[str]) -> None:
    entries = _usable(data)
    axis = next(
        (k for k in ("time", "step") if all(entry[k] is not None for entry in entries)), None
    )
    x = [entry[axis] for entry in entries] if axis else list(range(len(entries)))
    for (label, y), style, color in zip(drawn, STYLES, inks, strict=False):
        points = [(a, b) for a, b in zip(x, y, strict=True) if b is not None]
        axes.plot(
            *zip(*points, strict=True),
            style,
            color=color,
            linewidth=1.4,
            marker="o",
            markersize=2.6,
            label=label,
        )
    _mark(axes, data, axis, x)
    axes.set_ylim(-0.04, 1.08)
    if len(x) > 2 and max(x) > 0 and min(value for value in x if value > 0) * 30 < max(x):
        smallest = min(value for value in x if value > 0)
        axes.set_xscale("symlog", linthresh=smallest)
        axes.set_xlim(left=0.0)
    axes.set_xlabel({"time": "steps × learning rate", "step": "step"}.get(axis or "", "order"))
    clear(axes)
    place: dict[str, Any] = {"loc": "lower left", "bbox_to_anchor": (-0.02, 1.0), "ncols": 4}
    axes.legend(**place, columnspacing=0.9, handlelength=1.8, fontsize=7.2)


def _mark(axes: Axes, data: Mapping[str, Any], axis: str | None, x: Sequence[float]) -> None:
    """t_g and the predicted transition, where they lie in the picture."""
    if axis != "time":
        return
    marks = (("t_g", data["t_g"]), ("predicted turn", data["transition"]["predicted"]))
    for label, at in marks:
        if at is not None and at <= 1.05 * max(x):
            axes.axvline(at, color=MUTED, linewidth=0.8, linestyle=(0, (2, 2)))
            axes.text(at, 1.075, f"{label} ", ha="right", va="top", rotation=90, fontsize=7.5)
