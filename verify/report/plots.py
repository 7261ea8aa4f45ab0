"""Ladders: what was measured along a ladder of scales, with what was predicted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, exp, floor, inf, isfinite, log, log10, nan
from textwrap import fill
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter

from verify.report.svg import BAND, INK, MEASURED, MUTED, STYLE, WIDTH, Plot, Spot, clear, svg
from verify.report.words import number, superscript, symbols

WIDE_DECADES = 1.5
"""A positive x that spans more than this is drawn on a logarithmic axis."""

SIGNED = 1e-3
"""Values below zero by more than this share of the largest are no rounding: the axis is linear."""

ROUNDING = 1e-12
"""Values nearer to zero than this may have any sign."""

SMALLEST, LARGEST = 1e-307, 1e307
"""Ends of any logarithmic axis."""

MOST_DRAWN = 48
"""Instances drawn one by one at most; the band and the median are of all."""

FEWEST_IN_BAND = 5
"""Instances that a band of their quartiles needs."""


def ladder_plot(
    ladder: dict[str, Any],
    key: str,
    shown: int | None = None,
    links: Mapping[int, str] | None = None,
) -> Plot | None:
    """A measured quantity along its ladders, with the predicted courses; None without points.

    Args:
        ladder: an entry of "ladders" in results.json.
        key: begins the ids in the SVG.
        shown: the instance drawn thick, in place of the one in the middle.
        links: where each instance is told of; its points lead there.
    """
    series = [_Series.of(entry) for entry in ladder["series"] if entry["x"]]
    floor_at = _floor(series)
    if not series or floor_at is None:
        return None
    bounded = ladder.get("role") == "upper bound"
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 3.0))
        figure.subplots_adjust(left=0.165, right=0.98, bottom=0.14, top=0.97)
        axes = figure.add_subplot()
        followed = _followed(series, floor_at, shown)
        if followed is not None and isfinite(floor_at) and not bounded:
            _draw_band(axes, series, followed, floor_at)
        drawn = _some(series)
        _draw_courses(axes, drawn, floor_at, predicted=not bounded)
        if followed is not None and len(series) > 2:
            _draw_followed(axes, followed, floor_at)
        _set_ladder_axes(axes, ladder, series, floor_at)
        if bounded:
            _shade_allowed(axes, series, floor_at)
        quantity = symbols(ladder["quantity"])
        dashed = (
            "the bound of the thick one is dashed, and shaded is what every bound allows, lighter "
            "what some do."
            if bounded
            else "predicted ones dashed; the band holds the middle half of measured over "
            "predicted, about the prediction of the thick one."
        )
        description = (
            f"{quantity} against {symbols(ladder['x_label'])} on {len(series)} instances; measured "
            f"courses are solid with dots, {dashed}"
        )
        slopes = "" if bounded else _slopes(followed, floor_at, _wide(series))
        title = f"{quantity}; shaded: within its bound" if bounded else quantity + slopes
        spots = [_spot(one, floor_at, links or {}) for one in drawn]
        return Plot(title, svg(figure, key, quantity, description, spots))


def _spot(one: "_Series", floor_at: float, links: Mapping[int, str]) -> Spot:
    """The points of an instance, where they lead, and what is said of them."""
    y = [max(value, floor_at) for value in one.y]
    told = number(one.predicted[-1]) if isfinite(one.predicted[-1]) else ""
    words = f"instance {one.example}: {number(one.y[-1])}" + (f" for {told}" if told else "")
    return Spot(one.x, y, f"{words} at {number(one.x[-1])}", links.get(one.example or 0))


def _shade_allowed(axes: Axes, series: Sequence["_Series"], floor_at: float) -> None:
    """From the bottom to the least bound at each x, and lighter on to the largest."""
    x = sorted({x for one in series for x in one.x})
    bounds = [[b for one in series if isfinite(b := _bound_at(one, at))] for at in x]
    low, high = ([pick(b) if b else nan for b in bounds] for pick in (min, max))
    bottom = axes.get_ylim()[0]
    for edge, shade in ((high, 0.08), (low, 0.14)):
        top = [max(value, floor_at) for value in edge]
        axes.fill_between(x, bottom, top, color=BAND, alpha=shade, linewidth=0)
    axes.set_ylim(bottom=bottom)


def _bound_at(one: "_Series", x: float) -> float:
    """The bound of an instance between its own rungs, nan beyond."""
    return float(np.interp(x, one.x, one.predicted, left=nan, right=nan))


@dataclass(frozen=True)
class _Series:
    """One instance's ladder, its points in the order of x."""

    x: list[float]
    y: list[float]
    predicted: list[float]
    example: int | None = None

    @classmethod
    def of(cls, entry: dict[str, Any]) -> "_Series":
        told = [nan if value is None else value for value in entry["predicted"]]
        points = sorted(zip(entry["x"], entry["y"], told, strict=True), key=lambda p: p[0])
        x, y, predicted = (list(axis) for axis in zip(*points, strict=True))
        return cls(x, y, predicted, entry.get("example"))


def _floor(series: Sequence[_Series]) -> float | None:
    """Where the logarithmic axis ends: a few zeros or roundings must not flatten all the rest.

    -inf where values below zero mean something, and the axis is linear.
    """
    values = [y for one in series for y in (*one.y, *one.predicted) if isfinite(y)]
    positive = sorted(y for y in values if y > 0)
    largest = positive[-1] if positive else 0.0
    if min(values, default=0.0) < -max(SIGNED * largest, ROUNDING):
        return -inf
    if not positive:
        return None
    return max(positive[0], positive[len(positive) // 4] * 1e-4)


def _draw_courses(axes: Axes, series: Sequence[_Series], floor_at: float, predicted: bool) -> None:
    x, y = _joined(series, "y")
    low = [floor_at if value < floor_at else nan for value in y]
    axes.plot(
        x,
        _above(y, floor_at),
        color=MEASURED,
        linewidth=0.8,
        alpha=0.55,
        marker="o",
        markersize=2.2,
    )
    if predicted:
        _, courses = _joined(series, "predicted")
        axes.plot(
            x,
            _above(courses, floor_at),
            color=INK,
            linewidth=0.7,
            alpha=0.45,
            dashes=(4, 3),
        )
    if any(isfinite(value) for value in low):
        axes.plot(
            x,
            low,
            linestyle="none",
            marker="v",
            markersize=4,
            color=MEASURED,
            clip_on=False,
        )


def _some(series: Sequence[_Series]) -> Sequence[_Series]:
    """All, or evenly chosen ones where they are too many to be told apart."""
    return series[:: ceil(len(series) / MOST_DRAWN)]


def _followed(series: Sequence[_Series], floor_at: float, shown: int | None) -> _Series | None:
    """The instance drawn thick, so that one pair of courses can be followed."""
    if shown is not None:
        return next((one for one in series if one.example == shown), None)
    ordered = sorted((one for one in series if min(one.y) >= floor_at), key=lambda one: one.y[-1])
    return ordered[len(ordered) // 2] if ordered else None


def _draw_followed(axes: Axes, one: _Series, floor_at: float) -> None:
    axes.plot(one.x, _above(one.y, floor_at), color=MEASURED, linewidth=2.2)
    predicted = _above(one.predicted, floor_at)
    axes.plot(one.x, predicted, color=INK, linewidth=1.5, dashes=(4, 3))


def _above(values: Sequence[float], floor_at: float) -> list[float]:
    """What the axis shows; the rest becomes a gap."""
    return [value if value >= floor_at else nan for value in values]


def _slopes(followed: _Series | None, floor_at: float, wide: bool) -> str:
    """Slopes of the thick courses in words, as the axes show them."""
    if followed is None:
        return ""
    x = [log10(value) for value in followed.x] if wide else followed.x
    measured, predicted = (_slope(x, y, floor_at) for y in (followed.y, followed.predicted))
    if measured is None or predicted is None:
        return ""
    return f"; thick: slope {number(measured)}, predicted {number(predicted)}"


def _slope(x: Sequence[float], y: Sequence[float], floor_at: float) -> float | None:
    """From end to end, in decades of y where its axis is logarithmic; None below the axis."""
    ends = [y[0], y[-1]]
    if not all(map(isfinite, ends)) or min(ends) < floor_at or x[-1] <= x[0]:
        return None
    if isfinite(floor_at):
        ends = [log10(value) for value in ends]
    return (ends[1] - ends[0]) / (x[-1] - x[0])


def _draw_band(axes: Axes, series: Sequence[_Series], followed: _Series, floor_at: float) -> None:
    """Where measured over predicted lies on the other instances, about one prediction."""
    low: list[float] = []
    high: list[float] = []
    some = False
    for x, predicted in zip(followed.x, followed.predicted, strict=True):
        ratios = [ratio for one in series if (ratio := _log_ratio(one, x)) is not None]
        enough = predicted >= floor_at and len(ratios) >= FEWEST_IN_BAND
        some = some or enough
        for edge, share in ((low, 0.25), (high, 0.75)):
            edge.append(_scaled(predicted, np.quantile(ratios, share)) if enough else nan)
    if some:
        axes.fill_between(
            followed.x,
            low,
            high,
            color=BAND,
            alpha=0.18,
            linewidth=0,
        )


def _scaled(predicted: float, log_ratio: float) -> float:
    exponent = min(max(log(predicted) + log_ratio, log(SMALLEST)), log(LARGEST))
    return exp(exponent)


def _log_ratio(one: _Series, x: float) -> float | None:
    """log(measured / predicted) of an instance at x, between its points where it has none there."""
    ratios = [
        log(y) - log(predicted) if y > 0 and predicted > 0 else nan
        for y, predicted in zip(one.y, one.predicted, strict=True)
    ]
    if not one.x[0] <= x <= one.x[-1]:
        return None
    found = float(np.interp(x, one.x, ratios))
    return found if isfinite(found) else None


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
    if isfinite(floor_at):
        _set_log_range(axes, series, floor_at)
    else:
        if max(y for one in series for y in one.y) > 0:
            axes.axhline(0.0, color=MUTED, linewidth=0.7)
        axes.locator_params(axis="y", nbins=6)
    xs = [x for one in series for x in one.x]
    if _wide(series):
        axes.set_xscale("log")
        _set_log_ticks(axes.xaxis, min(xs), max(xs))
    else:
        axes.locator_params(axis="x", nbins=6)
    axes.set_xlabel(symbols(ladder["x_label"]), parse_math=False)
    axes.set_ylabel(fill(symbols(ladder["quantity"]), 40), parse_math=False)
    clear(axes)


def _set_log_range(axes: Axes, series: Sequence[_Series], floor_at: float) -> None:
    top = max(y for one in series for y in (*one.y, *one.predicted) if isfinite(y))
    pad = 10.0 ** (0.05 * max(1.0, log10(top) - log10(floor_at)))
    low, high = max(floor_at / pad, SMALLEST), min(top * pad, LARGEST)
    axes.set_ylim(low, high)  # before the scale, which else would find limits of its own
    axes.set_yscale("log")
    _set_log_ticks(axes.yaxis, low, high)


def _wide(series: Sequence[_Series]) -> bool:
    """Whether x is drawn on a logarithmic axis."""
    xs = [x for one in series for x in one.x]
    return min(xs) > 0 and log10(max(xs)) - log10(min(xs)) > WIDE_DECADES


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
