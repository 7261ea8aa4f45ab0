"""Legends that hide nothing: one that would lie on data goes below its axes."""

from collections.abc import Iterator

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import FillBetweenPolyCollection, PathCollection
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.path import Path
from matplotlib.transforms import Bbox

GAP = 4.0
"""Pixels between what is written below the axes and the legend."""


def clear_legends(figure: Figure) -> int:
    """Move every legend that lies on lines, points or bars below its axes; says how many."""
    figure.draw_without_rendering()
    moved = 0
    for axes in figure.axes:
        legend = axes.get_legend()
        if legend is not None and hides(axes, legend):
            _move_below(axes, legend)
            moved += 1
    return moved


def hides(axes: Axes, legend: Legend) -> bool:
    """Whether something that the axes draw lies under their legend, once the figure is drawn."""
    covered = legend.get_window_extent()
    visible = axes.get_window_extent()
    inside = Bbox.intersection(covered, visible)
    return inside is not None and any(
        path.intersects_bbox(inside, filled=False) for path in _drawn(axes)
    )


def _drawn(axes: Axes) -> Iterator[Path]:
    """Lines, points and outlines of bars, in pixels; shades are no data that could be hidden."""
    for line in axes.get_lines():
        path = line.get_transform().transform_path(line.get_path())
        joined = line.get_linestyle() not in ("None", "none", "", " ")
        yield from [path] if joined else _points(path.vertices)
    for patch in axes.patches:
        yield patch.get_transform().transform_path(patch.get_path())
    for collection in axes.collections:
        if isinstance(collection, PathCollection):
            at = np.asarray(collection.get_offsets(), dtype=float)
            yield from _points(collection.get_offset_transform().transform(at))
        elif not isinstance(collection, FillBetweenPolyCollection):
            transform = collection.get_transform()
            yield from map(transform.transform_path, collection.get_paths())


def _points(places: object) -> Iterator[Path]:
    """Each as a path of no length."""
    for x, y in np.asarray(places, dtype=float):
        if np.isfinite(x) and np.isfinite(y):
            yield Path([(x, y), (x, y + 1e-6)])


def _move_below(axes: Axes, legend: Legend) -> None:
    below = axes.xaxis.get_tightbbox()
    frame = axes.get_window_extent()
    lowest = frame.y0 if below is None else min(below.y0, frame.y0)
    legend.set_loc("upper left")
    legend.set_bbox_to_anchor((0.0, (lowest - GAP - frame.y0) / frame.height), axes.transAxes)
