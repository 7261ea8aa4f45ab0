"""The grokking time against weight decay: about 1 / lambda."""

from collections.abc import Mapping
from functools import partial

import numpy as np
from matplotlib.figure import Figure

from verify.figures.base import FigureSpec, Part, Table
from verify.figures.modular_runs import (
    SIZES,
    Size,
    fit_line,
    grokking_table,
    run_of,
    run_until,
    until_decay_time,
)


def _compute(size: Size, decay: float) -> Table:
    runs = [run_of(size.alpha, decay, seed) for seed in size.seeds]
    done = until_decay_time([decay] * len(runs), np.log(size.alpha) + 4.0)
    state = run_until(f"modular_decay-{decay:g}", size, runs, done)
    return grokking_table(size, runs, state)


def parts(preset: str) -> list[Part]:
    size = SIZES[preset]
    return [Part(f"decay-{decay:g}", partial(_compute, size, decay)) for decay in size.decays]


def draw(tables: Mapping[str, Table]) -> Figure:
    rows = {
        name: np.concatenate([np.array(table[name], dtype=float) for table in tables.values()])
        for name in ("decay", "log_grokking_time", "grokking_decay_time")
    }
    grokked = rows["grokking_decay_time"] > 0
    x = -np.log(rows["decay"][grokked])
    y = rows["log_grokking_time"][grokked]
    figure = Figure(figsize=(4.6, 3.4), layout="constrained")
    axes = figure.subplots()
    if len(x):
        axes.set_xscale("log")
        axes.set_yscale("log")
    axes.plot(np.exp(x), np.exp(y), "o", color="tab:blue", label="runs")
    if len(x) >= 3:
        line = fit_line(x.tolist(), y.tolist())
        ends = np.array([x.min(), x.max()])
        label = f"slope {line.slope:.3f} [{line.low:.3f}, {line.high:.3f}]"
        fitted = np.exp(line.intercept + line.slope * ends)
        axes.plot(np.exp(ends), fitted, color="tab:blue", label=label)
        proportional = np.exp(y.mean() + ends - x.mean())
        axes.plot(np.exp(ends), proportional, ":", color="0.4", label="slope 1 (theorem)")
    axes.set_xlabel(r"$1/\lambda$")
    axes.set_ylabel(r"grokking time $t$")
    axes.legend(frameon=False)
    return figure


FIGURE = FigureSpec(
    name="modular_decay",
    title="Modular addition: grokking time against weight decay",
    caption="Time at which the test accuracy passes 0.75, by weight decay; line and 95 % interval "
    "by least squares in logarithms over all runs.",
    source="Lyu et al. (ICLR 2024), ablation over weight decay",
    parts=parts,
    draw=draw,
)
