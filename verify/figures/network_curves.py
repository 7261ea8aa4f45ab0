"""What the figures on networks with an output scale share: tables, delays, axes of curves."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import inf, isfinite, nan
from typing import Any, Generic, TypeVar

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from theory.backend import Floats
from verify.experiments.optimization import Moment
from verify.figures.base import Part, Table
from verify.figures.outcomes import Bound, below, ordered

TRAIN, TEST = "tab:blue", "tab:red"

Run = TypeVar("Run")


@dataclass(frozen=True)
class Size(Generic[Run]):
    """One preset: a run, the gradient steps at every scale, and the seeds."""

    run: Run
    steps: Mapping[float, int]
    seeds: tuple[int, ...]

    def parts(
        self, compute: Callable[["Size[Run]", float, int], Table], name: str = "scale"
    ) -> list[Part]:
        """One part a scale and seed."""
        return [
            Part(f"{name}-{scale:g}-seed-{seed}", partial(compute, self, scale, seed))
            for scale in self.steps
            for seed in self.seeds
        ]

    def steps_by(self, symbol: str) -> str:
        """For a caption."""
        return ", ".join(f"{count} at {symbol} = {scale:g}" for scale, count in self.steps.items())


def columns(rows: Sequence[Mapping[str, Any]]) -> Table:
    """A table by its rows, all of the same names."""
    return {name: [row[name] for row in rows] for name in rows[0]}


def moments_table(moments: Iterable[Moment], **added: float | int | str) -> Table:
    """One row a moment; what is added is the same in every row."""
    return columns([{**added, **vars(moment)} for moment in moments])


def numbers(table: Table, name: str) -> Floats:
    """A column as floats."""
    return np.array(table[name], dtype=float)


def after_start(table: Table) -> dict[str, Floats]:
    """The columns of numbers from step 1 on, for a logarithmic axis."""
    return {
        name: np.array(column[1:], dtype=float)
        for name, column in table.items()
        if not isinstance(column[0], str)
    }


def crossing(table: Table, name: str, level: float) -> float:
    """The first step at which a column is at `level` or above, +inf where it never is.

    Linear in log(1 + step) between records.
    """
    steps, values = np.log1p(numbers(table, "step")), numbers(table, name)
    reached = np.flatnonzero(values >= level)
    if not reached.size:
        return inf
    k = int(reached[0])
    if k == 0:
        return float(np.expm1(steps[0]))
    share = (level - values[k - 1]) / (values[k] - values[k - 1])
    return float(np.expm1(steps[k - 1] + share * (steps[k] - steps[k - 1])))


def at_least(table: Table, name: str, level: float) -> float:
    """The step of the crossing, or the last step where there is none: the crossing is not before.

    For inequalities that stay true when a run that has not crossed is continued.
    """
    return min(crossing(table, name, level), float(numbers(table, "step")[-1]))


@dataclass(frozen=True)
class Levels:
    """The accuracies at which training data count as fitted, and test data as generalised to."""

    train: float
    test: float

    def fitted(self, table: Table) -> float:
        """The step at which the training data are fitted; +inf where they never are."""
        return crossing(table, "train_accuracy", self.train)

    def generalised(self, table: Table) -> float:
        """The step at which the net generalises; +inf where it never does."""
        return crossing(table, "test_accuracy", self.test)

    def delay(self, table: Table) -> float:
        """Steps to generalise over steps to fit; nan, which decides nothing, where it never fits.

        A lower bound where it does not generalise.
        """
        fitted = self.fitted(table)
        return at_least(table, "test_accuracy", self.test) / fitted if isfinite(fitted) else nan

    def wait(self, table: Table) -> float:
        """Steps between fitting and generalising, with the same provisos."""
        fitted = self.fitted(table)
        return at_least(table, "test_accuracy", self.test) - fitted if isfinite(fitted) else nan

    @property
    def words(self) -> str:
        """For a caption."""
        return f"{self.train:g} of the training and {self.test:g} of the test data"


def runs_by_scale(tables: Mapping[str, Table]) -> dict[float, list[Table]]:
    """The runs of every scale, one table a run; scales increase."""
    runs = sorted(tables.values(), key=lambda table: (table["scale"][0], table["seed"][0]))
    found: dict[float, list[Table]] = {}
    for run in runs:
        found.setdefault(float(run["scale"][0]), []).append(run)
    return found


def mean_delays(tables: Mapping[str, Table], levels: Levels) -> dict[float, float]:
    """The geometric mean over seeds of the delays, by scale."""
    return {
        scale: float(np.exp(np.mean(np.log([levels.delay(run) for run in runs]))))
        for scale, runs in runs_by_scale(tables).items()
    }


def by_scale(values: Mapping[float, float]) -> tuple[Bound, ...]:
    """The values increase with the scale."""
    return ordered(tuple(f"at scale {scale:g}" for scale in values), tuple(values.values()))


def not_by_scale(values: Mapping[float, float], what: str) -> tuple[Bound, ...]:
    """The largest scale has no larger value than the smallest: a rival of `by_scale`."""
    smallest, largest = min(values), max(values)
    name = f"{what} at scale {largest:g}, against at {smallest:g}"
    return (below(name, values[largest], values[smallest]),)


def shade(rank: int, count: int) -> Any:
    """The colour of a run by the rank of its scale."""
    return colormaps["viridis"](0.9 * rank / max(count - 1, 1))


def draw_accuracies(axes: Axes, tables: Mapping[str, Table], symbol: str) -> None:
    """Training (dashed) and test accuracy (solid) of the first seed of every scale."""
    found = runs_by_scale(tables)
    for rank, (scale, runs) in enumerate(found.items()):
        shown, color = after_start(runs[0]), shade(rank, len(found))
        label = f"{symbol} = {scale:g}"
        axes.semilogx(shown["step"], shown["train_accuracy"], "--", lw=1.0, color=color)
        axes.semilogx(shown["step"], shown["test_accuracy"], color=color, label=label)
    axes.set_ylim(-0.03, 1.05)
    axes.set_ylabel("accuracy")
    axes.legend()


def draw_column(axes: Axes, tables: Mapping[str, Table], name: str, relative: bool = False) -> None:
    """A column of the first seed of every scale, against the steps."""
    found = runs_by_scale(tables)
    for rank, runs in enumerate(found.values()):
        shown = after_start(runs[0])
        values = shown[name] / numbers(runs[0], name)[0] if relative else shown[name]
        axes.semilogx(shown["step"], values, color=shade(rank, len(found)))


def draw_delays(axes: Axes, tables: Mapping[str, Table], levels: Levels, symbol: str) -> None:
    """The delay of every run against its scale; triangles are lower bounds."""
    for runs in runs_by_scale(tables).values():
        for run in runs:
            marker = "o" if np.isfinite(levels.generalised(run)) else "^"
            axes.loglog(run["scale"][0], levels.delay(run), marker, color="tab:red", ms=5)
    means = mean_delays(tables, levels)
    axes.plot(list(means), list(means.values()), color="tab:red", lw=1.0)
    axes.set_xticks(list(means), [f"{scale:g}" for scale in means])
    axes.xaxis.set_minor_locator(NullLocator())
    plain_ratios(axes)
    axes.set_xlabel(symbol)
    axes.set_ylabel("steps to generalise / steps to fit")


def plain_ratios(axes: Axes) -> None:
    """Ticks of a logarithmic axis of ratios, as 1, 2, 5, 10, ..."""
    low, high = axes.get_ylim()
    ticks = [tick for tick in (0.5, 1, 1.5, 2, 3, 5, 10, 20, 50, 100) if low <= tick <= high]
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
