"""Sizes of the instances behind a verdict: what it rests on, at a glance."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from verify.report.svg import MEASURED, STYLE, Plot, clear, svg

BINS = 12
MOST = 6
"""Measures drawn at most, in the order in which instances give them."""


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
            found.append(_histogram(name, np.array(kept), f"{key}{k}"))
    return found


def _histogram(name: str, values: "np.ndarray[Any, np.dtype[np.float64]]", key: str) -> Plot:
    whole = bool(np.all(values == np.round(values))) and values.max() - values.min() < 4 * BINS
    edges: Any = BINS
    if whole:
        step = max(1, round((values.max() - values.min()) / BINS))
        edges = np.arange(values.min() - 0.5, values.max() + 0.5 + step, step)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(2.3, 1.5))
        figure.subplots_adjust(left=0.2, right=0.97, bottom=0.22, top=0.95)
        axes = figure.add_subplot()
        axes.hist(values, bins=edges, color=MEASURED, alpha=0.7)
        axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=whole))
        clear(axes)
        spread = f"{name} from {values.min():g} to {values.max():g}, median {np.median(values):g}"
        return Plot(spread, svg(figure, key, name, f"Histogram of {spread} over instances."))
