"""The grokking time against the scale of the initialization: about log(alpha) / lambda."""

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
from matplotlib.figure import Figure

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


def _compute(size: Size, alpha: float) -> Table:
    runs = [run_of(size, alpha, size.decay, seed) for seed in size.seeds]
    # the norm reaches the late one before log(alpha); the rest is what the transition takes
    done = until_decay_time([size.decay] * len(runs), np.log(alpha) + 4.0)
    state = run_until(f"modular_scale-{alpha:g}", size, runs, done)
    return grokking_table(size, runs, state)


def parts(preset: str) -> list[Part]:
    size = SIZES[preset]
    return [Part(f"alpha-{alpha:g}", partial(_compute, size, alpha)) for alpha in size.alphas]


def _points(tables: Mapping[str, Table]) -> tuple[Floats, Floats, Floats]:
    """log alpha, lambda t and seeds."""
    alphas, times = column_of(tables, "alpha"), column_of(tables, "grokking_decay_time")
    return np.log(alphas), times, column_of(tables, "seed")


def _lines(tables: Mapping[str, Table]) -> Lines | None:
    return fit_lines(*(column.tolist() for column in _points(tables)))


def outcomes(tables: Mapping[str, Table]) -> Sequence[Outcome]:
    return slope_outcome(
        "lambda t of grokking grows like log(alpha)",
        _lines(tables),
        "it does not depend on alpha",
        0.0,
    )


def draw(tables: Mapping[str, Table]) -> Figure:
    x, y, _ = _points(tables)
    figure = Figure(figsize=(4.6, 3.4), layout="constrained")
    axes = figure.subplots()
    axes.plot(x, y, "o", color="tab:blue", label="runs")
    lines = _lines(tables)
    if lines is not None:
        ends = np.array([x.min(), x.max()])
        for k, intercept in enumerate(lines.intercepts.values()):
            label = None if k else f"{lines.label}, one line a seed"
            axes.plot(ends, intercept + lines.slope * ends, color="tab:blue", label=label)
        axes.plot(ends, y.mean() + ends - x.mean(), ":", color="0.4", label="slope 1 (theorem)")
    axes.set_xlabel(r"$\log\alpha$")
    axes.set_ylabel(r"grokking time $\lambda t$")
    axes.legend()
    return figure


FIGURE = FigureSpec(
    name="modular-scale",
    title="Modular addition: grokking time against initialization scale",
    caption="Decay time at which the test accuracy passes 0.75, by scale of the initialization; "
    "common slope of the seeds and its "
    f"95 % interval by least squares. {described()} alpha varies: "
    + "; ".join(f"{preset} {', '.join(f'{a:g}' for a in s.alphas)}" for preset, s in SIZES.items())
    + f". {WHY_SMALL}",
    source="Lyu et al. (ICLR 2024), ablation over the initialization scale",
    parts=parts,
    draw=draw,
    outcomes=outcomes,
)
