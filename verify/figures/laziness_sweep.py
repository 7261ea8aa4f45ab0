"""The output scale alpha, from rich to lazy: the delay grows, until nothing is learned late."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import inf

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure

from theory.lazy_rich import Setting
from verify.figures.base import FigureSpec, Part, Table
from verify.figures.committee_runs import (
    Experiment,
    Run,
    curves,
    describe,
    draw_twin,
    runs_of,
    with_columns,
)
from verify.figures.outcomes import Outcome, below, ordered


@dataclass(frozen=True)
class Sweep:
    setting: Setting
    scales: tuple[float, ...]


SIZES = {
    "quick": Sweep(
        Setting(40, 100, 180, curvature=0.25, signal=2.0, step=0.05, steps=12_000),
        (0.125, 0.25, 0.5, 1.0, 2.0, 8.0, 64.0),
    ),
    "paper": Sweep(
        Setting(100, 500, 450, curvature=0.25, signal=2.0, step=0.01, steps=60_000),
        (1 / 32, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0),
    ),
}


def _compute(setting: Setting) -> Table:
    table = curves(Experiment.of([setting]), setting.steps)
    return with_columns(table, output_scale=[setting.output_scale])


def parts(preset: str) -> list[Part]:
    sweep = SIZES[preset]
    settings = [replace(sweep.setting, output_scale=scale) for scale in sweep.scales]
    return [Part(f"alpha-{s.output_scale:g}", partial(_compute, s)) for s in settings]


def _runs(tables: Mapping[str, Table]) -> list[Run]:
    runs = [run for table in tables.values() for run in runs_of(table)]
    return sorted(runs, key=lambda run: run.last("output_scale"))


def draw(tables: Mapping[str, Table]) -> Figure:
    runs = _runs(tables)
    figure = Figure(figsize=(9.0, 3.8), layout="constrained")
    losses, ends = figure.subplots(1, 2, width_ratios=[1.7, 1])
    colors = colormaps["viridis"](np.linspace(0, 0.92, len(runs)))
    for run, color in zip(runs, colors, strict=True):
        label = rf"$\alpha$ = {run.last('output_scale'):g}"
        losses.plot(run["step"][1:], run["test"][1:] / run["test"][0], color=color, label=label)
        train = run["train"][1:] / run["train"][0]
        losses.plot(run["step"][1:], train, ":", color=color, linewidth=1)
    draw_twin(losses, runs[-1], share=runs[-1]["test"][0])
    losses.set_xscale("log")
    losses.set_xlabel("gradient steps")
    losses.set_ylabel("loss / initial loss (dotted: train)")
    losses.legend(loc="upper left", ncols=2)
    losses.set_ylim(0, 1.75)

    scales = np.array([run.last("output_scale") for run in runs])
    delays = np.array([run.delay for run in runs])
    late = delays < inf
    ends.loglog(scales[late], delays[late], "o-", color="tab:blue")
    ends.set_xlabel(r"output scale $\alpha$")
    ends.set_ylabel("delay, test - train, in steps", color="tab:blue")
    final = ends.twinx()
    values = [run.last("test") / run["test"][0] for run in runs]
    final.plot(scales, values, "s--", color="tab:red")
    final.axhline(
        runs[-1].last("kernel_regression") / runs[-1]["test"][0], color="0.35", linestyle=":"
    )
    final.set_ylim(0, 1)
    final.set_ylabel("final test loss / initial (dotted: kernel)", color="tab:red")
    return figure


def outcomes(tables: Mapping[str, Table]) -> Sequence[Outcome]:
    runs = _runs(tables)
    late = [run for run in runs if run.delay < inf]
    names = tuple(f"alpha {run.last('output_scale'):g}" for run in late)
    delays = tuple(run.delay for run in late)
    ends = tuple(run.last("test") / float(run["test"][0]) for run in runs)
    all_names = tuple(f"alpha {run.last('output_scale'):g}" for run in runs)
    rich, lazy = runs[0], runs[-1]
    return (
        Outcome(
            "the larger alpha, the longer the delay, of the runs that generalise",
            ordered(names, delays),
            "the larger alpha, the shorter the delay",
            ordered(names[::-1], delays[::-1]),
        ),
        Outcome(
            "the larger alpha, the larger the final test loss",
            ordered(all_names, ends),
            "the larger alpha, the smaller the final test loss",
            ordered(all_names[::-1], ends[::-1]),
        ),
        Outcome(
            "the laziest net ends near kernel regression, the richest far below",
            (
                below(
                    "half of kernel regression, against the laziest",
                    0.5 * lazy.last("kernel_regression"),
                    lazy.last("test"),
                ),
                below(
                    "the richest, against a twentieth of kernel regression",
                    rich.last("test"),
                    rich.last("kernel_regression") / 20,
                ),
            ),
            "every net leaves kernel regression behind: the laziest ends below half of it",
            (below("the laziest", lazy.last("test"), 0.5 * lazy.last("kernel_regression")),),
        ),
    )


FIGURE = FigureSpec(
    name="laziness-sweep",
    title="From rich to lazy: the output scale and the delay of generalisation",
    caption=(
        "Test losses (solid; of the population, exact) and training losses (dotted) for output "
        "scales alpha, at learning rates proportional to 1/alpha^2, so that all nets begin alike "
        "in function space and have the same linearisation (dashed). Right: steps from a tenth of "
        "the training loss to a tenth of the test loss, and the final test loss. "
        + " ".join(
            f"{preset}: {describe(sweep.setting, 'output_scale')}."
            for preset, sweep in SIZES.items()
        )
    ),
    source="Kumar et al. (ICLR 2024), Figure 3a",
    parts=parts,
    draw=draw,
    outcomes=outcomes,
)
