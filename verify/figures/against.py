"""A law as a figure: what was measured against what is predicted, with a false reading beside it.

Everything comes from a claim: its instances, its measurement, its laws, and either a rival or the
claim of the false reading, judged on the same record.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import inf, isfinite
from textwrap import fill
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter

from theory.backend import Floats
from theory.errors import InvalidInput, NumericalFailure
from verify.alone import estimates, largest
from verify.catalogue import claim_named
from verify.examine import measure, stated_laws
from verify.figures.base import FigureSpec, Part, Table
from verify.figures.outcomes import Bound, Outcome, below
from verify.language.claim import AnyClaim
from verify.report.plots import log_ticks, tick_label
from verify.search import draw_instances
from verify.shards import plan_shards

COUNTS = {"quick": 12, "paper": 48}
"""Instances; a measurement with a thrift gets fewer."""

FARTHEST = 1e6
"""Shares of a bound are drawn up to here; of a bound of zero they are infinite."""

NEAREST = 1e-3
"""And down to here."""

TRUTH, MISREAD = "tab:blue", "tab:orange"
DECADES = 1.5
"""Positive numbers that span more are drawn on logarithmic axes."""


@dataclass(frozen=True)
class Statement:
    """One theory with the laws that it is judged by, and how it is named."""

    claim: AnyClaim
    theory: Any
    words: str


@dataclass(frozen=True)
class Against:
    """Which law of a claim is drawn, and which false reading.

    Attributes:
        family: names the figure.
        claim: that holds.
        law: id of a law of equality, or name of a ladder.
        misread: a claim that is falsified on the same measurement, or a rival of the claim.
    """

    family: str
    claim: str
    law: str
    misread: str

    @property
    def truth(self) -> Statement:
        claim = claim_named(self.claim)
        return Statement(claim, claim.theory, claim.title)

    @property
    def reading(self) -> Statement:
        """Raises `InvalidInput` where the claim has no such rival and nothing else is named so."""
        claim = claim_named(self.claim)
        for rival in claim.rivals:
            if rival.id == self.misread:
                return Statement(claim, rival.theory, rival.description)
        other = claim_named(self.misread)
        if other.measurement is not claim.measurement:
            raise InvalidInput(f"{self.misread} is measured otherwise than {self.claim}")
        return Statement(other, other.theory, other.title)


def figure_of(drawn: Against) -> FigureSpec:
    """The figure of one family, `law-FAMILY`."""
    truth, reading = drawn.truth, drawn.reading
    return FigureSpec(
        name=f"law-{drawn.family.replace('_', '-')}",
        title=truth.claim.title,
        caption=(
            f"Claim {drawn.claim}. Left: {drawn.law}, measured against predicted, on random "
            f"instances; on the line where the law is right. Orange: {reading.words}. Right: the "
            "largest share of its bound that each instance takes, or the tolerances by which a "
            "rate is off; above 1 a bound is refuted, and a rate where the median is. At "
            f"{NEAREST:g} or below is drawn alike."
        ),
        source=truth.claim.source,
        parts=lambda preset: [Part(drawn.claim, partial(compute, drawn, COUNTS[preset]))],
        draw=partial(draw, drawn),
        outcomes=partial(outcomes, drawn),
    )


def compute(drawn: Against, count: int) -> Table:
    """One row a number: what is stated, on which instance, predicted, measured, and how far off."""
    rows: list[tuple[str, int, int, float, float, float, float]] = []
    for number, record in enumerate(records(drawn.truth.claim, count)):
        for which, stated in (("truth", drawn.truth), ("misread", drawn.reading)):
            laws, ladders = stated_laws(stated.claim, record, stated.theory)
            share = min(max((largest(law) for law in laws), default=0.0), FARTHEST)
            off = max((abs(e.off) for _, e in estimates(laws)), default=0.0)
            pairs = [(law.id, law.compared) for law in laws if law.compared is not None]
            pairs += [(ladder.name, (ladder.measured, ladder.predicted)) for ladder in ladders]
            found = [pair for name, pair in pairs if name == drawn.law and pair is not None]
            shown = [
                (1, predicted, measured)
                for values, course in found[:1]
                for predicted, measured in zip(course.tolist(), values.values.tolist(), strict=True)
                if isfinite(predicted) and isfinite(measured)
            ]
            # an instance of which nothing can be drawn is judged all the same
            rows += [(which, number, *pair, share, off) for pair in shown or [(0, 0.0, 0.0)]]
    names = ("which", "instance", "drawn", "predicted", "measured", "share", "off")
    return {name: list(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}


def records(claim: AnyClaim, count: int) -> Iterator[Any]:
    """What is measured on random instances, leaving out those where numerics fail."""
    for shard in plan_shards((claim,), count, seed=0):
        drawn: list[Any] = []
        strategy = claim.measurement.instances((shard.family,), shard.sizes)
        draw_instances(strategy, shard.seed, shard.count, drawn.append)
        for instance in drawn:
            try:
                yield measure(claim.measurement, instance)
            except NumericalFailure:
                continue


def draw(drawn: Against, tables: Mapping[str, Table]) -> Figure:
    (table,) = tables.values()
    figure = Figure(figsize=(8.2, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1.15, 1.0))
    _draw_pairs(left, table)
    left.set_xlabel(f"predicted: {drawn.law}", parse_math=False)
    left.set_ylabel("measured")
    _draw_shares(right, table)
    figure.suptitle(fill(drawn.truth.words, 90), fontsize=9, parse_math=False)
    left.legend(
        [left.lines[1], left.lines[0]],
        ["as stated", fill(drawn.reading.words, 34)],
        frameon=False,
        fontsize=7.5,
        loc="best",
    )
    return figure


def _draw_pairs(axes: Axes, table: Table) -> None:
    """Predicted and measured numbers of both statements, about the line where they agree."""
    points = {}
    for which in ("misread", "truth"):
        rows = _rows(table, which, "drawn", "predicted", "measured")
        points[which] = rows[rows[:, 0] == 1, 1:]
    every = np.concatenate(list(points.values()))
    logarithmic = bool((every > 0.0).all()) and np.log10(every.max() / every.min()) > DECADES
    for which, marker, colour in (("misread", "x", MISREAD), ("truth", "o", TRUTH)):
        x, y = points[which].T
        axes.plot(x, y, marker, color=colour, markersize=4, alpha=0.7, markerfacecolor="none")
    ends = [float(every.min()), float(every.max())]
    axes.plot(ends, ends, color="0.6", linewidth=0.8, zorder=0)
    if logarithmic:
        axes.set_xscale("log")
        axes.set_yscale("log")
        for axis, numbers in ((axes.xaxis, every[:, 0]), (axes.yaxis, every[:, 1])):
            _set_ticks(axis, float(numbers.min()), float(numbers.max()))


def _draw_shares(axes: Axes, table: Table) -> None:
    """The worst of each instance, in rising order, for both statements."""
    for which, marker, colour in (("misread", "x", MISREAD), ("truth", "o", TRUTH)):
        worst = np.sort(_worst(table, which))
        shown = np.clip(worst, NEAREST, FARTHEST)
        axes.semilogy(np.arange(1, len(shown) + 1), shown, marker, color=colour, markersize=4)
    _set_ticks(axes.yaxis, *axes.get_ylim())
    axes.axhline(1.0, color="0.4", linewidth=0.8, linestyle="--")
    axes.set_xlabel("instances, in rising order")
    axes.set_ylabel("share of bound or tolerance")


def _set_ticks(axis: Axis, low: float, high: float) -> None:
    """Few, and none between them."""
    axis.set_major_locator(FixedLocator(log_ticks(low, high)))
    axis.set_major_formatter(FuncFormatter(tick_label))
    axis.set_minor_locator(FixedLocator([]))


def _rows(table: Table, which: str, *names: str) -> Floats:
    kept = [k for k, name in enumerate(table["which"]) if name == which]
    return np.array([[float(table[name][k]) for name in names] for k in kept])


def _worst(table: Table, which: str) -> Floats:
    """The larger of share and tolerances off, instance by instance."""
    rows = _rows(table, which, "instance", "share", "off")
    first = np.unique(rows[:, 0], return_index=True)[1]
    return np.asarray(rows[first, 1:].max(axis=1))


def outcomes(drawn: Against, tables: Mapping[str, Table]) -> Sequence[Outcome]:
    """The claim keeps its bounds on every instance and the reading does not."""
    (table,) = tables.values()
    return (
        Outcome(
            drawn.truth.words,
            _bounds(table, "truth"),
            drawn.reading.words,
            _bounds(table, "misread"),
        ),
    )


def _bounds(table: Table, which: str) -> tuple[Bound, ...]:
    """Bounds hold on every instance, rates in the median."""
    rows = _rows(table, which, "instance", "share", "off")
    first = np.unique(rows[:, 0], return_index=True)[1]
    worst = float(rows[first, 1].max(initial=-inf))
    return (
        below("the largest share of a bound", worst, 1.0),
        below("a rate, in tolerances", float(np.median(rows[first, 2])), 1.0),
    )
