"""A legend that would hide something is moved; one that hides nothing stays."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from verify.figures.legends import clear_legends, hides


def drawn(kind: str, loc: str) -> Figure:
    """Something in the upper left corner, with a legend."""
    figure = Figure(figsize=(4.0, 3.0), layout="constrained")
    axes = figure.subplots()
    axes.set(xlim=(0.0, 1.0), ylim=(0.0, 1.0), xlabel="x")
    if kind == "line":
        axes.plot([0.0, 0.4], [0.9, 0.9], label="shown")
    elif kind == "points":
        axes.plot([0.1], [0.92], "o", label="shown")
    elif kind == "scatter":
        axes.scatter([0.1], [0.92], label="shown")
    elif kind == "bars":
        axes.bar([0.1], [0.92], label="shown")
    else:
        axes.axvline(0.05, label="shown")
    axes.legend(loc=loc)
    return figure


@pytest.mark.parametrize("kind", ["line", "points", "scatter", "bars", "reference line"])
def test_a_legend_on_data_goes_below_its_axes(kind: str) -> None:
    figure = drawn(kind, "upper left")
    assert clear_legends(figure) == 1
    figure.draw_without_rendering()
    (axes,) = figure.axes
    legend = axes.get_legend()
    assert legend is not None
    assert not hides(axes, legend)
    assert legend.get_window_extent().y1 <= axes.get_window_extent().y0
    assert legend.get_window_extent().y0 >= 0


@pytest.mark.parametrize("kind", ["line", "points", "scatter", "bars", "reference line"])
def test_a_legend_that_hides_nothing_stays(kind: str) -> None:
    figure = drawn(kind, "lower right")
    assert clear_legends(figure) == 0


def test_shades_and_what_is_not_drawn_are_no_data() -> None:
    figure = Figure()
    axes = figure.subplots()
    axes.set(xlim=(0.0, 1.0), ylim=(0.0, 1.0))
    axes.fill_between([0.0, 1.0], 0.0, 1.0, alpha=0.1, label="shade")
    axes.plot([np.nan, np.nan], [0.9, 0.9], "o", label="none")
    axes.legend(loc="upper left")
    assert clear_legends(figure) == 0
