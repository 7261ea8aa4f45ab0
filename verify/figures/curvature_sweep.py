"""The curvature eps, which is how aligned the kernel is with the task at initialization."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from theory.lazy_rich import Setting
from verify.figures.base import FigureSpec, Part, Table
from verify.figures.committee_runs import (
    Experiment,
    Run,
    curves,
    describe,
    runs_of,
    with_columns,
)
from verify.figures.outcomes import Outcome, below, ordered


@dataclass(frozen=True)
class Sweep:
    setting: Setting
    curvatures: tuple[float, ...]


SIZES = {
    "quick": Sweep(
        Setting(40, 100, 220, step=0.2, steps=16_000),
        (0.05, 0.1, 0.2, 0.28),
    ),
    "paper": Sweep(
        Setting(100, 500, 550, step=0.02, steps=80_000),
        (0.05, 0.1, 0.2, 0.28),
    ),
}


def _compute(setting: Setting) -> Table:
    table = curves(Experiment.of([setting]), setting.steps)
    return with_columns(table, curvature=[setting.curvature])


def parts(preset: str) -> list[Part]:
    sweep = SIZES[preset]
    settings = [replace(sweep.setting, curvature=eps) for eps in sweep.curvatures]
    return [Part(f"eps-{s.curvature:g}", partial(_compute, s)) for s in settings]


def _runs(tables: Mapping[str, Table]) -> list[Run]:
    runs = [run for table in tables.values() for run in runs_of(table)]
    return sorted(runs, key=lambda run: run.last("curvature"))


def draw(tables: Mapping[str, Table]) -> Figure:
    runs = _runs(tables)
    figure = Figure(figsize=(9.0, 3.8), layout="constrained")
    losses, times = figure.subplots(1, 2, width_ratios=[1.7, 1])
    colors = colormaps["viridis"](np.linspace(0, 0.85, len(runs)))
    for run, color in zip(runs, colors, strict=True):
        steps = run["step"][1:]
        label = rf"$\epsilon$ = {run.last('curvature'):g}"
        losses.plot(steps, run["test"][1:], color=color, label=label)
        losses.plot(steps, run["train"][1:], ":", color=color, linewidth=1)
        losses.plot(steps, run["linearised_test"][1:], "--", color=color, linewidth=0.8)
        losses.plot(
            steps[-1], run.last("kernel_regression"), "_", color=color, markersize=12, clip_on=False
        )
    losses.set_xscale("log")
    losses.set_xlabel("gradient steps")
    losses.set_ylabel("loss")
    losses.set_title("solid: test, dotted: train, dashed: linearised test")
    losses.legend(loc="lower left")

    alignments = [run["kernel_alignment"][0] for run in runs]
    times.semilogx(alignments, [run.delay for run in runs], "o-", color="tab:blue")
    times.set_xlim(min(alignments) / 2, 2 * max(alignments))
    times.xaxis.set_minor_formatter(NullFormatter())
    times.set_ylim(bottom=0)
    times.set_xlabel("kernel-task alignment at initialization")
    times.set_ylabel("delay, test - train, in steps", color="tab:blue")
    ratio = times.twinx()
    ratio.plot(alignments, [run.delay_ratio for run in runs], "s--", color="tab:red")
    ratio.set_ylim(bottom=0)
    ratio.set_ylabel("ratio, test / train", color="tab:red")
    return figure


def outcomes(tables: Mapping[str, Table]) -> Sequence[Outcome]:
    runs = _runs(tables)
    names = tuple(f"eps {run.last('curvature'):g}" for run in runs)
    ends = tuple(run.last("test") for run in runs)
    delays = tuple(run.delay for run in runs)
    ratios = tuple(run.delay_ratio for run in runs)
    return (
        Outcome(
            "the smaller eps, the smaller the final test loss",
            ordered(names, ends),
            "the smaller eps, the larger the final test loss",
            ordered(names[::-1], ends[::-1]),
        ),
        Outcome(
            "the smaller eps, the longer the delay in steps",
            ordered(names[::-1], delays[::-1]),
            "the smaller eps, the shorter the delay in steps",
            ordered(names, delays),
        ),
        Outcome(
            "relative to the time of training, the delay grows with eps",
            ordered(names, ratios),
            "relative to the time of training, the delay shrinks with eps",
            ordered(names[::-1], ratios[::-1]),
        ),
        Outcome(
            "at the largest eps the test loss falls almost at once, within 2 training times",
            (below("test steps over training steps", ratios[-1], 2.0),),
            "at the smallest eps it falls within 2 training times",
            (below("test steps over training steps", ratios[0], 2.0),),
            expected="falsified",
        ),
    )


FIGURE = FigureSpec(
    name="curvature-sweep",
    title="The initial alignment of kernel and task: curvature and delay",
    caption=(
        "Losses of committee machines of curvature eps, beside their linearisations (dashed) and "
        "the kernel regressions where these end (bars at the right). With eps grows the alignment "
        "of the kernel with the task at initialization (right). The delay shrinks in steps; over "
        "the time that training takes, it grows. "
        + " ".join(
            f"{preset}: {describe(sweep.setting, 'curvature')}." for preset, sweep in SIZES.items()
        )
    ),
    source="Kumar et al. (ICLR 2024), Figure 3b",
    parts=parts,
    draw=draw,
    outcomes=outcomes,
)
