"""The grokking time against weight decay: about 1 / lambda."""

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from theory.backend import Floats
from verify.figures.base import FigureSpec, Part, Table
from verify.figures.modular_runs import (
    SIZES,
    WHY_SMALL,
    Lines,
    Size,
    column_of,
    described,
    fit_lines,
    grokking_table,
    run_of,
    run_until,
    slope_outcome,
    until_decay_time,
)
from verify.figures.outcomes import Outcome


def _compute(size: Size, decay: float) -> Table:
    runs = [run_of(size, size.alpha, decay, seed) for seed in size.seeds]
    done = until_decay_time([decay] * len(runs), np.log(size.alpha) + 4.0)
    state = run_until(f"modular_decay-{decay:g}", size, runs, done)
    return grokking_table(size, runs, state)


def parts(preset: str) -> list[Part]:
    size = SIZES[preset]
    return [Part(f"decay-{decay:g}", partial(_compute, size, decay)) for decay in size.decays]


def _points(tables: Mapping[str, Table]) -> tuple[Floats, Floats, Floats]:
    """log(1/lambda), log t and seeds."""
    decays, times = column_of(tables, "decay"), column_of(tables, "log_grokking_time")
    return -np.log(decays), times, column_of(tables, "seed")


def _lines(tables: Mapping[str, Table]) -> Lines | None:
    return fit_lines(*(column.tolist() for column in _points(tables)))


def outcomes(tables: Mapping[str, Table]) -> Sequence[Outcome]:
    return slope_outcome(
        "the time of grokking is like 1 / lambda",
        _lines(tables),
        "like 1 / sqrt(lambda)",
        0.5,
    )


def draw(tables: Mapping[str, Table]) -> Figure:
    x, y, _ = _points(tables)
    figure = Figure(figsize=(4.6, 3.4), layout="constrained")
    axes = figure.subplots()
    if len(x):
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_ylim(0.3 * float(np.exp(y.min())), 1.5 * float(np.exp(y.max())))
    axes.plot(np.exp(x), np.exp(y), "o", color="tab:blue", label="runs")
    lines = _lines(tables)
    if lines is not None:
        ends = np.array([x.min(), x.max()])
        for k, intercept in enumerate(lines.intercepts.values()):
            label = None if k else f"{lines.label}, one line a seed"
            fitted = np.exp(intercept + lines.slope * ends)
            axes.plot(np.exp(ends), fitted, color="tab:blue", label=label)
        proportional = np.exp(y.mean() + ends - x.mean())
        axes.plot(np.exp(ends), proportional, ":", color="0.4", label="slope 1 (theorem)")
    axes.set_xlabel(r"$1/\lambda$")
    axes.set_ylabel(r"grokking time $t$")
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.legend(loc="lower right")
    return figure


FIGURE = FigureSpec(
    name="modular-decay",
    title="Modular addition: grokking time against weight decay",
    caption="Time at which the test accuracy passes 0.75, by weight decay; common slope of the "
    "seeds and its 95 % interval by least squares in logarithms. "
    f"{described()} lambda varies: "
    + "; ".join(f"{preset} {', '.join(f'{d:g}' for d in s.decays)}" for preset, s in SIZES.items())
    + f". {WHY_SMALL}",
    source="Lyu et al. (ICLR 2024), ablation over weight decay",
    parts=parts,
    draw=draw,
    outcomes=outcomes,
)
