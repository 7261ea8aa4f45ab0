"""A one-layer transformer on modular addition: the scale s of its logits sets the delay."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import nan

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from theory.descent.modular_addition import ModularTask
from theory.nets.base import single_thread
from verify.experiments.optimization import log_spaced
from verify.experiments.transformer import ModularTransformer, train
from verify.figures.base import FigureSpec, Part, Table
from verify.figures.hardware import device
from verify.figures.network_curves import (
    Levels,
    Size,
    by_scale,
    draw_accuracies,
    draw_column,
    mean_delays,
    moments_table,
    not_by_scale,
    runs_by_scale,
)
from verify.figures.outcomes import Outcome, below

LEVELS = Levels(train=0.95, test=0.9)

SIZES = {
    "quick": Size(
        ModularTransformer(ModularTask(23, fraction=0.7), width=32, hidden=128, learning_rate=1e-3),
        {0.5: 2000, 1.0: 3500, 2.0: 6000},
        seeds=(0, 1),
    ),
    "paper": Size(
        ModularTransformer(ModularTask(113, fraction=0.4)),
        {round(0.05 * k, 2): 200_000 for k in range(1, 11)},
        seeds=(0,),
    ),
}


@single_thread()
def _compute(size: Size[ModularTransformer], scale: float, seed: int) -> Table:
    run = replace(size.run, scale=scale, seed=seed)
    moments = train(run, log_spaced(size.steps[scale]), device())
    return moments_table(moments, scale=scale, seed=seed)


def parts(preset: str) -> list[Part]:
    return SIZES[preset].parts(_compute)


def draw(tables: Mapping[str, Table]) -> Figure:
    figure = Figure(figsize=(10.5, 3.3), layout="constrained")
    accuracies, losses, epochs = figure.subplots(1, 3)
    draw_accuracies(accuracies, tables, "s")
    accuracies.set_xlabel("epoch")
    draw_column(losses, tables, "test_loss")
    losses.set_yscale("log")
    losses.set_xlabel("epoch")
    losses.set_ylabel("test loss")
    _draw_epochs(epochs, tables)
    return figure


def _draw_epochs(axes: Axes, tables: Mapping[str, Table]) -> None:
    """Epochs to fit and to generalise, of every run, by scale."""
    found = runs_by_scale(tables)
    for word, of, style, color in (
        ("fit", LEVELS.fitted, "--", "tab:blue"),
        ("generalise", LEVELS.generalised, "-", "tab:red"),
    ):
        for scale, runs in found.items():
            axes.loglog([scale] * len(runs), [of(run) for run in runs], "o", ms=5, color=color)
        means = [
            float(np.exp(np.mean([np.log(of(run)) for run in runs]))) for runs in found.values()
        ]
        axes.loglog(list(found), means, style, lw=1.0, color=color, label=f"to {word}")
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticks(list(found), [f"{scale:g}" for scale in found])
    axes.set_xlabel("scale of the logits s")
    axes.set_ylabel("epochs")
    axes.legend()


def outcomes(tables: Mapping[str, Table]) -> Sequence[Outcome]:
    found = runs_by_scale(tables)
    waits = {
        scale: float(np.mean([LEVELS.wait(run) for run in runs])) for scale, runs in found.items()
    }
    # relative delays only of the scales where no run is cut off: a lower bound refutes nothing
    delays = {
        scale: delay
        for scale, delay in mean_delays(tables, LEVELS).items()
        if all(np.isfinite(LEVELS.generalised(run)) for run in found[scale])
    }
    first, last = min(delays, default=nan), max(delays, default=nan)
    growth = delays[last] / delays[first] if len(delays) > 1 else nan
    shortest = float(np.min([LEVELS.delay(run) for runs in found.values() for run in runs]))
    return (
        Outcome(
            "at every scale it generalises after five times the epochs to fit, or later",
            (below("5, against the shortest delay", 5.0, shortest),),
            "some run generalises as it fits, within twice the epochs",
            (below("shortest delay", shortest, 2.0),),
        ),
        Outcome(
            "the scale tunes the epochs between fitting and generalising: the larger, the more",
            by_scale(waits),
            "the larger the scale, the fewer",
            not_by_scale(waits, "epochs"),
        ),
        Outcome(
            "the scale does more than set the pace: from the smallest scale to the largest where "
            "all runs generalise, the delay relative to the epochs to fit grows by half or more",
            (below(f"1.5, against its growth from scale {first:g} to {last:g}", 1.5, growth),),
            "it halves",
            (below(f"its growth from scale {first:g} to {last:g}", growth, 0.5),),
            expected="falsified",
        ),
    )


def _describe(size: Size[ModularTransformer]) -> str:
    run = size.run
    return (
        f"p = {run.task.modulus}, {run.task.fraction:.0%} of the pairs for training (split of "
        f"seed {run.task.seed}), width {run.width}, {run.heads} heads, {run.hidden} ReLU units, "
        f"learning rate {run.learning_rate:g}/s^2, weight decay {run.weight_decay:g}, epochs "
        f"{size.steps_by('s')}, seeds of the weights {', '.join(map(str, size.seeds))}"
    )


FIGURE = FigureSpec(
    name="transformer",
    title="A transformer on modular addition: the scale of the logits and the delay",
    caption=(
        "A one-layer transformer learns a + b mod p by full-batch AdamW on the cross-entropy of "
        "its logits, minus those at initialization, times s. Left: training (dashed) and test "
        "(solid) accuracy; middle: test loss; both of the first seed. Right: epochs to "
        f"{LEVELS.train:g} training and to {LEVELS.test:g} test accuracy, all seeds that come so "
        "far and their geometric mean. "
        + ". ".join(f"{preset}: {_describe(size)}" for preset, size in SIZES.items())
        + "."
    ),
    source="Kumar et al. (ICLR 2024), transformers on modular addition",
    parts=parts,
    draw=draw,
    outcomes=outcomes,
)
