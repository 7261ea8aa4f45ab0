"""The grokking time against the scale of the initialization: about log(alpha) / lambda."""

from collections.abc import Mapping
from functools import partial

import numpy as np
from matplotlib.figure import Figure

from verify.figures.base import FigureSpec, Part, Table
from verify.figures.modular_runs import (
    SIZES,
    Size,
    column_of,
    fit_lines,
    grokking_table,
    run_of,
    run_until,
    until_decay_time,
)


def _compute(size: Size, alpha: float) -> Table:
    runs = [run_of(size, alpha, size.decay, seed) for seed in size.seeds]
    # the norm reaches the late one before log(alpha); the rest is what the transition takes
    done = until_decay_time([size.decay] * len(runs), np.log(alpha) + 4.0)
    state = run_until(f"modular_scale-{alpha:g}", size, runs, done)
    return grokking_table(size, runs, state)


def parts(preset: str) -> list[Part]:
    size = SIZES[preset]
    return [Part(f"alpha-{alpha:g}", partial(_compute, size, alpha)) for alpha in size.alphas]


def draw(tables: Mapping[str, Table]) -> Figure:
    x = np.log(column_of(tables, "alpha"))
    y, seeds = column_of(tables, "grokking_decay_time"), column_of(tables, "seed")
    figure = Figure(figsize=(4.6, 3.4), layout="constrained")
    axes = figure.subplots()
    axes.plot(x, y, "o", color="tab:blue", label="runs")
    lines = fit_lines(x.tolist(), y.tolist(), seeds.tolist())
    if lines is not None:
        ends = np.array([x.min(), x.max()])
        for k, intercept in enumerate(lines.intercepts.values()):
            label = None if k else f"{lines.label}, one line a seed"
            axes.plot(ends, intercept + lines.slope * ends, color="tab:blue", label=label)
        axes.plot(ends, y.mean() + ends - x.mean(), ":", color="0.4", label="slope 1 (theorem)")
    axes.set_xlabel(r"$\log\alpha$")
    axes.set_ylabel(r"grokking time $\lambda t$")
    axes.legend(frameon=False)
    return figure


FIGURE = FigureSpec(
    name="modular-scale",
    title="Modular addition: grokking time against initialization scale",
    caption="Decay time at which the test accuracy passes 0.75, by scale of the initialization; "
    "common slope of the seeds and its "
    "95 % interval by least squares.",
    source="Lyu et al. (ICLR 2024), ablation over the initialization scale",
    parts=parts,
    draw=draw,
)
