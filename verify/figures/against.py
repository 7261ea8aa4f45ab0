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
from verify.language.law import Law
from verify.report.plots import log_ticks, tick_label
from verify.search import draw_instances
from verify.shards import plan_shards

COUNTS = {"quick": 12, "paper": 48}
"""Instances; a measurement with a thrift gets fewer."""

FARTHEST = 1e6
"""Shares of a bound are drawn up to here; of a bound of zero they are infinite."""

NEAREST = 1e-3
"""And down to here."""

NOTHING, EQUAL, BOUNDED = 0, 1, 2
"""What a row holds: no point, a value with its prediction, or a value with its bound."""

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
        law: id of a law of equality or of an inequality, or name of a ladder.
        misread: a claim that is falsified on the same measurement, or a rival of the claim.
        effort: how many times as many instances are needed to show it.
    """

    family: str
    claim: str
    law: str
    misread: str
    effort: int = 1

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
            f"Claim {drawn.claim}. Left: {drawn.law}, on random instances: measured against "
            "predicted, on the line where the law is right, or against its bound, within the "
            f"shade where it is kept. Crosses: {reading.words}. Right: the largest share of its "
            "bound that each instance takes, or the tolerances by which a rate is off; above 1 a "
            "bound is refuted, and a rate (open circles) where the median is. What is below a "
            "thousandth of a bound is drawn there."
        ),
        source=truth.claim.source,
        parts=lambda preset: [
            Part(drawn.claim, partial(compute, drawn, drawn.effort * COUNTS[preset]))
        ],
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
                (EQUAL, predicted, measured)
                for values, course in found[:1]
                for predicted, measured in zip(course.tolist(), values.values.tolist(), strict=True)
                if isfinite(predicted) and isfinite(measured)
            ] or _bounded(laws, drawn.law)
            # an instance of which nothing can be drawn is judged all the same
            rows += [(which, number, *pair, share, off) for pair in shown or [(NOTHING, 0.0, 0.0)]]
    names = ("which", "instance", "drawn", "predicted", "measured", "share", "off")
    return {name: list(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}


def _bounded(laws: Sequence[Law], name: str) -> list[tuple[int, float, float]]:
    """Bound and value of each check of an inequality."""
    return [
        (BOUNDED, check.bound, check.value)
        for law in laws
        if law.id == name and law.compared is None
        for check in law.checks
        if isfinite(check.bound) and isfinite(check.value)
    ]


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
    figure = Figure(figsize=(8.2, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1.15, 1.0))
    bounded = BOUNDED in table["drawn"]
    _draw_pairs(left, table, bounded)
    left.set_xlabel(f"{'bound' if bounded else 'predicted'}: {drawn.law}", parse_math=False)
    left.set_ylabel("measured")
    _draw_shares(right, table)
    figure.suptitle(fill(drawn.truth.words, 90), parse_math=False)
    words = ["as stated", fill(drawn.reading.words, 100)]
    figure.legend([left.lines[1], left.lines[0]], words, loc="outside lower left")
    return figure


def _draw_pairs(axes: Axes, table: Table, bounded: bool) -> None:
    """Measured against predicted numbers, or against bounds: shaded where these are kept."""
    points = {}
    for which in ("misread", "truth"):
        rows = _rows(table, which, "drawn", "predicted", "measured")
        points[which] = rows[rows[:, 0] != NOTHING, 1:]
    told = np.concatenate(list(points.values()))
    positive = told[:, 0] if bounded else told
    every = told[told > 0.0]
    logarithmic = bool((positive > 0.0).all()) and np.log10(every.max() / every.min()) > DECADES
    least = NEAREST * float(told[:, 0].min()) if bounded and logarithmic else -inf
    for which, marker, colour in (("misread", "x", MISREAD), ("truth", "o", TRUTH)):
        x, y = points[which].T
        shown = np.maximum(y, least)
        axes.plot(x, shown, marker, color=colour, alpha=0.7, markerfacecolor="none")
    drawn = np.maximum(told, least)
    low, high = (drawn[:, 0].min(), drawn[:, 0].max()) if bounded else (drawn.min(), drawn.max())
    axes.plot([low, high], [low, high], color="0.6", linewidth=0.8, zorder=0)
    if logarithmic:
        axes.set_xscale("log")
        axes.set_yscale("log")
        for axis, numbers in ((axes.xaxis, drawn[:, 0]), (axes.yaxis, drawn[:, 1])):
            _set_ticks(axis, float(numbers.min()), float(numbers.max()))
    if bounded:
        bottom = axes.get_ylim()[0]
        axes.fill_between([low, high], [bottom] * 2, [low, high], color="0.5", alpha=0.12, lw=0)
        axes.set_ylim(bottom=bottom)


def _draw_shares(axes: Axes, table: Table) -> None:
    """The worst of each instance, in rising order, for both statements; open where it is a rate."""
    for which, marker, colour in (("misread", "x", MISREAD), ("truth", "o", TRUTH)):
        shares, off = _per_instance(table, which).T
        worst = np.maximum(shares, off)
        order = np.argsort(worst, kind="stable")
        shown, rates = np.clip(worst, NEAREST, FARTHEST)[order], (off > shares)[order]
        at = np.arange(1, len(shown) + 1)
        axes.semilogy(at[~rates], shown[~rates], marker, color=colour)
        axes.semilogy(at[rates], shown[rates], marker, color=colour, markerfacecolor="none")
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


def _per_instance(table: Table, which: str) -> Floats:
    """Share of a bound and tolerances off, one row an instance."""
    rows = _rows(table, which, "instance", "share", "off")
    first = np.unique(rows[:, 0], return_index=True)[1]
    return np.asarray(rows[first, 1:])


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
    shares, off = _per_instance(table, which).T
    return (
        below("the largest share of a bound", float(shares.max(initial=-inf)), 1.0),
        below("a rate, in tolerances", float(np.median(off)), 1.0),
    )
