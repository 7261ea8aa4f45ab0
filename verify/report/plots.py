"""Plots as inline SVG that takes its colours and its font from the page around it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from math import ceil, floor, isfinite, log10, nan
from textwrap import fill
from typing import Any

import matplotlib as mpl
from markupsafe import Markup, escape
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter

from verify.report.words import superscript

WIDTH = 4.7
"""Inches of every plot: one size, so that text keeps its size beside other plots and on a phone."""

WIDE_DECADES = 1.5
"""A positive x that spans more than this is drawn on a logarithmic axis."""

SMALLEST, LARGEST = 1e-307, 1e307
"""Ends of any logarithmic axis."""

_INK, _MUTED, _GRID, _MEASURED, _BAND = "#010101", "#020202", "#030303", "#040404", "#050505"
_VARIABLES = {
    _INK: "var(--plot-ink,#222)",
    _MUTED: "var(--plot-muted,#777)",
    _GRID: "var(--plot-grid,#ddd)",
    _MEASURED: "var(--plot-measured,#2456a6)",
    _BAND: "var(--plot-band,#2456a6)",
}
"""Stand-in colours, replaced in the SVG by variables that the page sets for light and dark."""

_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "verify",
    "font.family": "sans-serif",
    "font.size": 8.5,
    "text.color": _INK,
    "axes.edgecolor": _MUTED,
    "axes.labelcolor": _INK,
    "axes.linewidth": 0.6,
    "axes.unicode_minus": True,
    "xtick.color": _MUTED,
    "ytick.color": _MUTED,
    "xtick.labelcolor": _INK,
    "ytick.labelcolor": _INK,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "legend.handlelength": 2.6,
}


@dataclass(frozen=True)
class Plot:
    """An SVG with the words that say what it shows."""

    title: str
    svg: Markup


def ladder_plot(ladder: dict[str, Any], key: str) -> Plot | None:
    """A measured quantity along its ladders, with the predicted courses; None without points."""
    series = [_Series.of(entry) for entry in ladder["series"] if entry["x"]]
    floor_at = _floor(series)
    if not series or floor_at is None:
        return None
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(WIDTH, 3.5), layout="constrained")
        axes = figure.add_subplot()
        _draw_courses(axes, series, floor_at)
        _set_ladder_axes(axes, ladder, series, floor_at)
        description = (
            f"{ladder['quantity']} against {ladder['x_label']} on {len(series)} instances; "
            "measured courses are solid with dots, predicted ones dashed."
        )
        return Plot(ladder["quantity"], _svg(figure, key, ladder["quantity"], description))


def rates_plot(rates: Sequence[dict[str, Any]], key: str) -> Plot | None:
    """Deviations of the fitted rates from their predictions, in tolerances; None without rates."""
    drawn = [rate for rate in rates if _finite(rate)]
    if not drawn:
        return None
    labels = [fill(rate["quantity"], 62) for rate in drawn]
    tops = _row_tops([label.count("\n") + 1 for label in labels])
    limit = _limit(drawn)
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(WIDTH, 0.6 + 0.17 * tops[-1]), layout="constrained")
        axes = figure.add_subplot()
        for rate, label, top in zip(drawn, labels, tops, strict=False):
            _draw_rate(axes, rate, label, top, limit)
        _set_rates_axes(axes, limit, tops[-1])
        title = "Fitted rates against their predictions"
        described = "; ".join(f"{rate['quantity']}: {rate['judgement']}" for rate in drawn)
        return Plot(title, _svg(figure, key, title, described))


@dataclass(frozen=True)
class _Series:
    """One instance's ladder, its points in the order of x."""

    x: list[float]
    y: list[float]
    predicted: list[float]

    @classmethod
    def of(cls, entry: dict[str, Any]) -> "_Series":
        points = sorted(zip(entry["x"], entry["y"], entry["predicted"], strict=True))
        x, y, predicted = (list(axis) for axis in zip(*points, strict=True))
        return cls(x, y, predicted)


def _floor(series: Sequence[_Series]) -> float | None:
    """Where the logarithmic axis ends: a few zeros or roundings must not flatten all the rest."""
    positive = sorted(y for one in series for y in (*one.y, *one.predicted) if y > 0)
    if not positive:
        return None
    return max(positive[0], positive[len(positive) // 4] * 1e-4)


def _draw_courses(axes: Axes, series: Sequence[_Series], floor_at: float) -> None:
    x, y = _joined(series, "y")
    _, predicted = _joined(series, "predicted")
    low = [floor_at if value < floor_at else nan for value in y]
    y = [value if value >= floor_at else nan for value in y]
    predicted = [value if value >= floor_at else nan for value in predicted]
    axes.plot(
        x,
        y,
        color=_MEASURED,
        linewidth=0.8,
        alpha=0.55,
        marker="o",
        markersize=2.2,
        label="measured, each instance",
    )
    axes.plot(
        x,
        predicted,
        color=_INK,
        linewidth=0.7,
        alpha=0.45,
        dashes=(4, 3),
        label="predicted, each instance",
    )
    if len(series) > 2:
        _draw_middle(axes, series, floor_at)
    if any(isfinite(value) for value in low):
        axes.plot(
            x,
            low,
            linestyle="none",
            marker="v",
            markersize=4,
            color=_MEASURED,
            clip_on=False,
            label="measured below the axis, or 0",
        )


def _draw_middle(axes: Axes, series: Sequence[_Series], floor_at: float) -> None:
    """The instance in the middle, drawn so that one pair of courses can be followed."""
    ordered = sorted((one for one in series if min(one.y) >= floor_at), key=lambda one: one.y[-1])
    if not ordered:
        return
    middle = ordered[len(ordered) // 2]
    axes.plot(middle.x, middle.y, color=_MEASURED, linewidth=2.2, label="measured, median instance")
    axes.plot(
        middle.x,
        [value if value >= floor_at else nan for value in middle.predicted],
        color=_INK,
        linewidth=1.5,
        dashes=(4, 3),
        label="predicted, median instance",
    )


def _joined(series: Sequence[_Series], name: str) -> tuple[list[float], list[float]]:
    """All courses as one line with gaps: one SVG path, however many instances."""
    x: list[float] = []
    y: list[float] = []
    for one in series:
        x += [*one.x, nan]
        y += [*getattr(one, name), nan]
    return x, y


def _set_ladder_axes(
    axes: Axes, ladder: dict[str, Any], series: Sequence[_Series], floor_at: float
) -> None:
    top = max(y for one in series for y in (*one.y, *one.predicted))
    pad = 10.0 ** (0.05 * max(1.0, log10(top) - log10(floor_at)))
    low, high = max(floor_at / pad, SMALLEST), min(top * pad, LARGEST)
    axes.set_ylim(low, high)  # before the scale, which else would find limits of its own
    axes.set_yscale("log")
    _set_log_ticks(axes.yaxis, low, high)
    xs = [x for one in series for x in one.x]
    if min(xs) > 0 and log10(max(xs)) - log10(min(xs)) > WIDE_DECADES:
        axes.set_xscale("log")
        _set_log_ticks(axes.xaxis, min(xs), max(xs))
    else:
        axes.locator_params(axis="x", nbins=6)
    axes.set_xlabel(ladder["x_label"], parse_math=False)
    axes.set_ylabel(fill(ladder["quantity"], 46), parse_math=False)
    axes.grid(True, color=_GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.figure.legend(loc="outside upper left", ncols=2, columnspacing=1.5, borderpad=0.1)


def _set_log_ticks(axis: Axis, low: float, high: float) -> None:
    axis.set_major_locator(FixedLocator(log_ticks(low, high)))
    axis.set_major_formatter(FuncFormatter(tick_label))
    axis.set_minor_locator(FixedLocator([]))
    axis.set_minor_formatter(NullFormatter())


def log_ticks(low: float, high: float) -> list[float]:
    """Three to about seven ticks between low and high: powers of ten, or finer where few fit."""
    first, last = log10(low), log10(high)
    step = max(1, ceil((last - first) / 6))
    for parts in ((1,), (1, 3), (1, 2, 5), tuple(range(1, 10))):
        powers = range(floor(first / step) * step, floor(last) + 1, step)
        ticks = [part * 10.0**power for power in powers for part in parts]
        inside = [tick for tick in ticks if low * 0.999 <= tick <= high * 1.001]
        if len(inside) >= 3:
            return inside
        step = 1
    return [float(f"{low + share * (high - low):.3g}") for share in (0.15, 0.5, 0.85)]


def tick_label(value: float, _: object = None) -> str:
    """10⁻³, 2·10⁻³, 200: plain text, which needs no positioning in the SVG."""
    if value <= 0:
        return ""
    exponent = floor(log10(value) + 1e-9)
    if -2 <= exponent < 5:
        return f"{value:.4g}" if value < 1e4 else f"{value:.0f}"
    mantissa = f"{value / 10.0**exponent:.3g}"
    return ("" if mantissa == "1" else f"{mantissa}·") + "10" + superscript(exponent)


def _finite(rate: dict[str, Any]) -> bool:
    values = [rate[key] for key in ("predicted", "fitted", "low", "high")]
    return all(value is not None and isfinite(value) for value in values)


def _deviations(rate: dict[str, Any]) -> tuple[float, float, float]:
    """Low, fitted and high less the prediction, in tolerances."""
    unit = rate["tolerance"] or max(abs(rate["high"] - rate["low"]), 1e-300)
    low, fitted, high = (
        (rate[key] - rate["predicted"]) / unit for key in ("low", "fitted", "high")
    )
    return low, fitted, high


def _limit(rates: Sequence[dict[str, Any]]) -> float:
    furthest = max(abs(value) for rate in rates for value in _deviations(rate))
    return min(max(1.15 * furthest, 1.6), 6.0)


def _row_tops(heights: Sequence[int]) -> list[float]:
    """Where each row begins, in lines of text; the last entry is where the plot ends."""
    tops = [0.0]
    for height in heights:
        tops.append(tops[-1] + height + 1.3)
    return tops


_MARKERS = {"kept": ("o", True), "refuted": ("X", True), "undecided": ("o", False)}


def _draw_rate(axes: Axes, rate: dict[str, Any], label: str, top: float, limit: float) -> None:
    lines = label.count("\n") + 1
    at = top + lines + 0.65
    axes.text(-limit, top + 0.15, label, va="top", ha="left", parse_math=False)
    axes.fill_between([-1, 1], at - 0.5, at + 0.5, color=_BAND, alpha=0.16, linewidth=0)
    axes.plot([0, 0], [at - 0.5, at + 0.5], color=_INK, linewidth=1.1, dashes=(3, 1.5))
    low, fitted, high = _deviations(rate)
    for edge in (low, high):
        _draw_edge(axes, edge, at, limit)
    shown = [_clipped(low, limit), _clipped(high, limit)]
    axes.plot(shown, [at, at], color=_MEASURED, linewidth=1.8, solid_capstyle="butt")
    marker, filled = _MARKERS.get(rate["judgement"], _MARKERS["undecided"])
    axes.plot(
        _clipped(fitted, 0.95 * limit),
        at,
        marker=marker,
        markersize=7 if marker == "X" else 5.5,
        color=_MEASURED,
        markerfacecolor=_MEASURED if filled else "none",
    )


def _draw_edge(axes: Axes, edge: float, at: float, limit: float) -> None:
    """An end of the interval, or an arrow where it lies beyond the axis."""
    marker = "|" if abs(edge) <= limit else "<" if edge < 0 else ">"
    axes.plot(
        _clipped(edge, limit), at, marker=marker, color=_MEASURED, markersize=6, clip_on=False
    )


def _clipped(value: float, limit: float) -> float:
    return min(max(value, -limit), limit)


def _set_rates_axes(axes: Axes, limit: float, bottom: float) -> None:
    axes.set_xlim(-limit, limit)
    axes.set_ylim(bottom, 0)
    axes.set_yticks([])
    step = 1 if limit < 4 else 2
    ticks = range(-floor(limit / step) * step, floor(limit / step) * step + 1, step)
    axes.set_xticks(list(ticks), ["0" if t == 0 else f"{t:+d}".replace("-", "−") for t in ticks])
    axes.set_xlabel("deviation from the prediction, in tolerances")
    axes.spines[["top", "left", "right"]].set_visible(False)


def _svg(figure: Figure, key: str, title: str, description: str) -> Markup:
    """The figure as an element for HTML: page colours, page font, ids of its own, no metadata."""
    stream = StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    figure.savefig(stream, format="svg", transparent=True, metadata=nothing)
    text = stream.getvalue()
    view_box = _found(r'viewBox="([^"]*)"', text)
    body = text[text.index(">", text.index("<svg")) + 1 : text.rindex("</svg>")]
    body = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->", "", body, flags=re.S)
    body = re.sub(r'(<g|<path) id="[a-z_]+\.?[a-z_]*_?\d+"', r"\1", body)
    body = re.sub(r'( id="|url\(#|xlink:href="#)', rf"\g<1>{key}-", body)
    body = body.replace("xlink:href", "href")
    body = re.sub(r'\b(d|x|y|transform)="([^"]*)"', _rounded, body)
    body = re.sub(r"font: ([\d.]+px) [^;\"]*", r"font-size: \1", body)
    body = re.sub(r"font-family: [^;\"]*;? ?", "", body)
    for stand_in, variable in _VARIABLES.items():
        body = body.replace(stand_in, variable)
    head = (
        f'<svg viewBox="{view_box}" role="img" aria-labelledby="{key}-title {key}-desc">'
        f'<title id="{key}-title">{escape(title)}</title>'
        f'<desc id="{key}-desc">{escape(description)}</desc>'
    )
    return Markup(head + re.sub(r"\s*\n\s*", "\n", body) + "</svg>")


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    return "0 0 1 1" if match is None else match.group(1)


def _rounded(match: re.Match[str]) -> str:
    """Coordinates to a hundredth of a point."""
    values = re.sub(r"(\.\d\d)\d+", r"\1", match.group(2))
    return f'{match.group(1)}="{values}"'
