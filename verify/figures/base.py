"""What a figure is: independent parts to compute, a way to draw them, and what they show."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from matplotlib.figure import Figure

from verify.figures.outcomes import Outcome

Column: TypeAlias = Sequence[float | int | str]
Table: TypeAlias = dict[str, list[float | int | str]]
"""Columns of equal length; what a part computes, and what the CSV file holds."""

PRESETS = ("quick", "paper")
"""`quick` for a laptop with two cores, `paper` for the sizes of the paper."""


@dataclass(frozen=True)
class Part:
    """One independent piece of a figure's data; kept as soon as it is finished."""

    name: str
    compute: Callable[[], Table]


def _nothing(_: Mapping[str, Table]) -> tuple[()]:
    return ()


@dataclass(frozen=True)
class FigureSpec:
    """A figure by name.

    Attributes:
        parts: the pieces of one preset.
        draw: a matplotlib figure from the finished tables, by part name.
        source: paper and figure number.
        outcomes: what the finished tables are said to show.
    """

    name: str
    title: str
    caption: str
    source: str
    parts: Callable[[str], list[Part]]
    draw: Callable[[Mapping[str, Table]], Figure]
    outcomes: Callable[[Mapping[str, Table]], Sequence[Outcome]] = field(default=_nothing)
