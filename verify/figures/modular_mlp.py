"""Modular addition without weight decay: the net groks while its weights grow; s sets the delay."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from matplotlib.figure import Figure

from theory.descent.modular_addition import ModularTask
from theory.nets.base import single_thread
from verify.experiments.modular_mlp import ModularMLP, train
from verify.experiments.optimization import log_spaced
from verify.figures.base import FigureSpec, Part, Table
from verify.figures.hardware import device
from verify.figures.network_curves import (
    Levels,
    Size,
    by_scale,
    draw_accuracies,
    draw_column,
    draw_delays,
    mean_delays,
    moments_table,
    not_by_scale,
    numbers,
    runs_by_scale,
)
from verify.figures.outcomes import Outcome, below

LEVELS = Levels(train=0.95, test=0.75)

SIZES = {
    "quick": Size(
        ModularMLP(ModularTask(13, fraction=0.85), learning_rate=400.0),
        {0.5: 1500, 0.75: 2000, 1.0: 3000, 1.5: 10_000},
        seeds=(0, 1, 2),
    ),
    "paper": Size(
        ModularMLP(ModularTask(23, fraction=0.9)),
        dict.fromkeys((0.5, 1.0, 1.5, 2.0), 100_000),
        seeds=(1,),
    ),
}


@single_thread()
def _compute(size: Size[ModularMLP], scale: float, seed: int) -> Table:
    task = replace(size.run.task, seed=seed)
    run = replace(size.run, task=task, scale=scale, seed=seed)
    moments = train(run, log_spaced(size.steps[scale]), device())
    return moments_table(moments, scale=scale, seed=seed)


def parts(preset: str) -> list[Part]:
    return SIZES[preset].parts(_compute)


def draw(tables: Mapping[str, Table]) -> Figure:
    figure = Figure(figsize=(10.5, 3.3), layout="constrained")
    accuracies, norms, delays = figure.subplots(1, 3)
    draw_accuracies(accuracies, tables, "s")
    accuracies.set_xlabel("epoch")
    draw_column(norms, tables, "weight_norm", relative=True)
    norms.set_xlabel("epoch")
    norms.set_ylabel(r"$|\theta| \, / \, |\theta(0)|$")
    draw_delays(delays, tables, LEVELS, "scale s")
    return figure


def _norm_at(run: Table, step: float) -> float:
    return float(np.interp(step, numbers(run, "step"), numbers(run, "weight_norm")))


def outcomes(tables: Mapping[str, Table]) -> Sequence[Outcome]:
    runs = [run for found in runs_by_scale(tables).values() for run in found]
    grokked = [run for run in runs if np.isfinite(LEVELS.generalised(run))]
    growth = min(run["weight_norm"][-1] / run["weight_norm"][0] for run in runs)  # type: ignore[operator]
    between = min(
        (
            _norm_at(run, LEVELS.generalised(run)) / _norm_at(run, LEVELS.fitted(run))
            for run in grokked
        ),
        default=0.0,
    )
    delays = mean_delays(tables, LEVELS)
    smallest, largest = min(delays), max(delays)
    return (
        Outcome(
            "every run ends with a larger weight norm than it began with, by half or more, and "
            "every run that generalises gains norm between fitting and generalising",
            (
                below("1.5, against the smallest final norm over the initial one", 1.5, growth),
                below("1.05, against the smallest gain between the two", 1.05, between),
            ),
            "the weight norm falls until it generalises, as with weight decay",
            (below("smallest gain between the two", between, 1.0),),
        ),
        Outcome(
            "the relative delay grows with the scale s",
            by_scale(delays),
            "the relative delay falls as s grows",
            not_by_scale(delays, "delay"),
        ),
        Outcome(
            "the scale alone makes the delay half again as long, or more",
            (
                below(
                    f"1.5 delays at scale {smallest:g}, against at {largest:g}",
                    1.5 * delays[smallest],
                    delays[largest],
                ),
            ),
            "the scale changes the pace of both alike: the same relative delay within a tenth",
            (
                below(
                    f"delay at scale {largest:g}, against 1.1 at {smallest:g}",
                    delays[largest],
                    1.1 * delays[smallest],
                ),
            ),
        ),
    )


def _describe(size: Size[ModularMLP]) -> str:
    run = size.run
    return (
        f"p = {run.task.modulus}, {run.task.fraction:.0%} of the pairs for training, "
        f"N = {run.width}, learning rate {run.learning_rate:g}/s^2, epochs "
        f"{size.steps_by('s')}, seeds {', '.join(map(str, size.seeds))}"
    )


FIGURE = FigureSpec(
    name="modular-mlp",
    title="Modular addition without weight decay: grokking with a growing weight norm",
    caption=(
        "A net of one layer of squares learns a + b mod p by full-batch gradient descent on the "
        "squared error, without weight decay; its output is multiplied by s^2. Left: training "
        "(dashed) and test (solid) accuracy; middle: weight norm; both of the first seed. Right: "
        f"epochs to {LEVELS.test:g} test accuracy over epochs to {LEVELS.train:g} training "
        "accuracy, all seeds and their geometric mean; a triangle is a lower bound. "
        + ". ".join(f"{preset}: {_describe(size)}" for preset, size in SIZES.items())
        + "."
    ),
    source="Kumar et al. (ICLR 2024), modular arithmetic without weight decay",
    parts=parts,
    draw=draw,
    outcomes=outcomes,
)
