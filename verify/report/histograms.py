"""Sizes of the instances behind a verdict: what it rests on, at a glance."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

import numpy as np
from markupsafe import Markup, escape

from theory.backend import Floats
from verify.report.svg import Plot
from verify.report.words import number

BINS = 12
MOST = 6
"""Measures drawn at most, in the order in which instances give them."""

WIDTH, HEIGHT, BELOW = 166.0, 92.0, 16.0
"""Of the picture, and of the line of numbers under it, in its own units."""


def histograms(instances: Sequence[Mapping[str, Any]], key: str) -> list[Plot]:
    """One plot for each measure of the instances; none for kinds without measures.

    Args:
        instances: entries of "instances" in results.json.
        key: begins the ids in the SVG.
    """
    names = list(dict.fromkeys(name for entry in instances for name in entry.get("measures", {})))
    found = []
    for k, name in enumerate(names[:MOST]):
        values = [entry["measures"][name] for entry in instances if name in entry["measures"]]
        kept = [value for value in values if value is not None and isfinite(value)]
        if kept:
            found.append(_histogram(name, np.array(kept, dtype=np.float64), f"{key}{k}"))
    return found


def _histogram(name: str, values: Floats, key: str) -> Plot:
    """A few rectangles: written out, as a page has hundreds of these."""
    edges: Any = BINS
    low, high = float(values.min()), float(values.max())
    if bool(np.all(values == np.round(values))) and high - low < 4 * BINS:
        step = max(1, round((high - low) / BINS))
        edges = np.arange(low - 0.5, high + 0.5 + step, step)
    counts, edges = np.histogram(values, bins=edges)
    spread = f"{name} from {low:g} to {high:g}, median {np.median(values):g}"
    across = (WIDTH - 2.0) / (edges[-1] - edges[0])
    up = (HEIGHT - BELOW - 12.0) / counts.max()
    base = HEIGHT - BELOW
    bars = "".join(
        f'<rect x="{1.0 + (left - edges[0]) * across:.1f}" y="{base - count * up:.1f}" '
        f'width="{(right - left) * across - 0.6:.1f}" height="{count * up:.1f}"/>'
        for left, right, count in zip(edges, edges[1:], counts, strict=False)
        if count
    )
    tallest = int(np.argmax(counts))
    middle = 1.0 + ((edges[tallest] + edges[tallest + 1]) / 2.0 - edges[0]) * across
    where = min(max(middle, 8.0), WIDTH - 8.0)
    ends = (
        f'<text x="{WIDTH / 2:.1f}" y="{HEIGHT - 3:.1f}" text-anchor="middle">{number(low)}</text>'
        if low == high
        else f'<text x="1" y="{HEIGHT - 3:.1f}">{number(low)}</text>'
        f'<text x="{WIDTH - 1:.1f}" y="{HEIGHT - 3:.1f}" text-anchor="end">{number(high)}</text>'
    )
    return Plot(
        spread,
        Markup(
            f'<svg class="histogram" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" role="img" '
            f'aria-labelledby="{key}-title"><title id="{key}-title">'
            f"{escape(f'Histogram of {spread} over instances.')}</title>{bars}"
            f'<path d="M0 {base:g}H{WIDTH:g}"/><text x="{where:.1f}" '
            f'y="{base - counts.max() * up - 3:.1f}" text-anchor="middle">{counts.max()}</text>'
            f"{ends}</svg>"
        ),
    )
