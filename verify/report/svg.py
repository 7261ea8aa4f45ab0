"""Figures as inline SVG that takes its colours and its font from the page around it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from math import isfinite
from pathlib import Path
from typing import Any

from markupsafe import Markup, escape
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from theory.errors import InvalidInput

WIDTH = 4.7
"""Inches of every plot: one size, so that text keeps its size beside other plots and on a phone."""

FORMATS = ("svg", "png", "pdf")
"""Of plots in files of their own."""

INK, MUTED, GRID, MEASURED, BAND = "#010101", "#020202", "#030303", "#040404", "#050505"
_VARIABLES = {
    INK: "var(--plot-ink,#222)",
    MUTED: "var(--plot-muted,#777)",
    GRID: "var(--plot-grid,#ddd)",
    MEASURED: "var(--plot-measured,#2456a6)",
    BAND: "var(--plot-band,#2456a6)",
}
"""Stand-in colours, replaced in the SVG by variables that the page sets for light and dark."""

STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "verify",
    "font.family": "sans-serif",
    "font.size": 8.5,
    "text.color": INK,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.6,
    "axes.unicode_minus": True,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "legend.handlelength": 2.6,
}


@dataclass(frozen=True)
class Plot:
    """An SVG with the words that say what it shows."""

    title: str
    svg: Markup


@dataclass(frozen=True)
class Spot:
    """Points of one instance in the coordinates of its axes: pointed at, they say where they are
    from, and they lead to `link` where there is one."""

    x: Sequence[float]
    y: Sequence[float]
    words: str
    link: str | None


def format_of(path: Path) -> str:
    """ "pdf" of "plot.pdf".

    Raises:
        InvalidInput: another format than `FORMATS`.
    """
    if (ending := path.suffix.removeprefix(".")) not in FORMATS:
        raise InvalidInput(f"plot is {path}; it must end in .{', .'.join(FORMATS)}")
    return ending


def clear(axes: Axes) -> None:
    """A light grid behind, and no frame above or to the right."""
    axes.grid(True, color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def svg(
    figure: Figure, key: str, title: str, description: str, spots: Sequence[Spot] = ()
) -> Markup:
    """The figure as an element for HTML: page colours, page font, ids of its own, no metadata.

    Args:
        key: begins every id in it; no two plots of a page may share one.
        spots: of the first axes.
    """
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
    hit = "".join(_hit(figure, spot) for spot in spots)
    return Markup(head + re.sub(r"\s*\n\s*", "\n", body) + hit + "</svg>")


def _hit(figure: Figure, spot: Spot) -> str:
    """Lines of no length whose round ends, drawn by the page's style, are the points."""
    points = zip(spot.x, spot.y, strict=True)
    places = figure.axes[0].transData.transform([p for p in points if all(map(isfinite, p))] or [])
    if not len(places):
        return ""
    # points of the SVG are 1/72 inch, from above
    at = places * 72.0 / figure.dpi
    height = figure.get_figheight() * 72.0
    path = "".join(f"M{x:.1f} {height - y:.1f}h0" for x, y in at)
    drawn = f'<path class="hit" d="{path}"><title>{escape(spot.words)}</title></path>'
    return drawn if spot.link is None else f'<a href="{escape(spot.link)}">{drawn}</a>'


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    return "0 0 1 1" if match is None else match.group(1)


def _rounded(match: re.Match[str]) -> str:
    """Coordinates to a hundredth of a point."""
    values = re.sub(r"(\.\d\d)\d+", r"\1", match.group(2))
    return f'{match.group(1)}="{values}"'
