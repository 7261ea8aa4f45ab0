"""Gradient descent with momentum: the same course as without, at 1 / (1 - mu) times the pace."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import log

import numpy as np
from matplotlib.figure import Figure

from theory.lazy_rich import Setting, Training
from verify.figures.base import FigureSpec, Part, Table
from verify.figures.committee_runs import (
    LEARNED,
    Run,
    describe,
    finite,
    recorded_steps,
    runs_of,
    with_columns,
)
from verify.figures.committee_sweeps import stacked, sweep
from verify.figures.outcomes import Outcome, below, ordered

MOMENTA = (0.0, 0.9, 0.95)

DELAY = 2.0
"""Grokking: the test loss takes this many times the steps of the training loss."""

SAME = log(1.25)
"""Times that agree: within 25 %. The recorded steps resolve 12 % of a ratio."""


@dataclass(frozen=True)
class Size:
    """One preset; `steps` are those without momentum."""

    setting: Setting
    seeds: tuple[int, ...]


SIZES = {
    "quick": Size(Setting(20, 20, 100, curvature=0.1, step=0.02, steps=20_000), (0, 1, 2)),
    "paper": Size(Setting(100, 500, 550, curvature=0.02, step=0.02, steps=100_000), (0,)),
}


def _compute(size: Size, momentum: float) -> Table:
    settings = [replace(size.setting, seed=seed) for seed in size.seeds]
    training = replace(Training.of(settings), momentum=momentum)
    steps = recorded_steps(round(size.setting.steps * (1.0 - momentum)))
    table = sweep(training, stacked([setting.target() for setting in settings]), steps)
    return with_columns(table, momentum=[momentum] * len(settings))


def parts(preset: str) -> list[Part]:
    size = SIZES[preset]
    return [Part(f"momentum-{mu:g}", partial(_compute, size, mu)) for mu in MOMENTA]


def _pace(run: Run) -> float:
    return 1.0 / (1.0 - float(run["momentum"][0]))


def draw(tables: Mapping[str, Table]) -> Figure:
    figure = Figure(figsize=(8.0, 3.4), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    colours = ("0.2", "tab:orange", "tab:green")
    for colour, table in zip(colours, tables.values(), strict=True):
        for k, run in enumerate(runs_of(table)):
            mu = float(run["momentum"][0])
            for name, style in (("train", "--"), ("test", "-")):
                label = rf"$\mu$ = {mu:g}, {name}" if k == 0 else None
                losses = run[name][1:] / run[name][0]
                for axes, pace in zip(panels, (1.0, _pace(run)), strict=True):
                    axes.loglog(
                        pace * run["step"][1:],
                        losses,
                        style,
                        color=colour,
                        linewidth=1,
                        label=label,
                    )
    for axes, label in zip(panels, ("gradient steps", r"gradient steps / $(1-\mu)$"), strict=True):
        axes.axhline(LEARNED, color="0.7", linewidth=0.8, zorder=0)
        axes.set_xlabel(label)
        axes.set_ylim(3e-3, 3.0)
    panels[0].set_ylabel("loss, share of its start")
    panels[0].legend(loc="lower left")
    return figure


def outcomes(tables: Mapping[str, Table]) -> Sequence[Outcome]:
    runs = [runs_of(table) for table in tables.values()]
    plain, others = runs[0], runs[1:]
    names = tuple(f"mu = {found[0]['momentum'][0]:g}" for found in runs)
    last = [found[0].last("step") for found in runs]
    slowest = [max(run.learned("test") for run in found) for found in runs]
    ratios = [
        finite(min(run.delay_ratio for run in found), end)
        for found, end in zip(runs, last, strict=True)
    ]
    peaks = tuple(
        float(np.mean([max(run["test"]) / run["test"][0] for run in found])) for found in runs
    )
    return (
        Outcome(
            f"with and without momentum the test loss falls to a tenth, {DELAY:g} times later "
            "than the training loss, or later",
            tuple(
                below(f"{n}: steps to a tenth, against all", finite(s, 2 * end), end)
                for n, s, end in zip(names, slowest, last, strict=True)
            )
            + tuple(
                below(f"{n}: {DELAY:g}, against the ratio of steps", DELAY, ratio)
                for n, ratio in zip(names, ratios, strict=True)
            ),
            "with momentum both fall together",
            tuple(
                below(f"{n}: ratio of steps", ratio, 1.5)
                for n, ratio in zip(names[1:], ratios[1:], strict=True)
            ),
        ),
        Outcome(
            "momentum generalises 1 / (1 - mu) times earlier, within 25 %",
            tuple(
                below(f"{n}: deviation of log steps", _deviation(plain, found, True), SAME)
                for n, found in zip(names[1:], others, strict=True)
            ),
            "it takes as many steps as plain gradient descent, within 25 %",
            tuple(
                below(f"{n}: deviation of log steps", _deviation(plain, found, False), SAME)
                for n, found in zip(names[1:], others, strict=True)
            ),
        ),
        Outcome(
            "the early rise of the test loss is there at every momentum, and overshoots more at "
            "larger ones (means over the seeds)",
            (
                below("1.1, against the peak without momentum", 1.1, peaks[0]),
                *ordered(tuple(f"peak at {n}" for n in names), peaks),
            ),
            "momentum damps the rise",
            ordered(tuple(f"peak at {n}" for n in names[::-1]), peaks[::-1]),
        ),
    )


def _deviation(plain: Sequence[Run], found: Sequence[Run], rescaled: bool) -> float:
    """The largest |log ratio| over the seeds of the steps to low test loss; 9 for never."""
    ratios = [
        one.learned("test") * (_pace(one) if rescaled else 1.0) / base.learned("test")
        for base, one in zip(plain, found, strict=True)
    ]
    return max(finite(abs(log(ratio)), 9.0) if ratio > 0 else 9.0 for ratio in ratios)


FIGURE = FigureSpec(
    name="momentum",
    title="Grokking with momentum",
    caption=(
        "Committee machines on y = (beta.x)^2 / 2 under the heavy ball v <- mu v + gradient, with "
        "the same learning rate, against the number of steps and against steps / (1 - mu), in "
        "which the gradient flow is the same; test losses exact, of the population. All seeds are "
        "shown; grey: a tenth of the start. "
        + " ".join(
            f"{preset}: {describe(size.setting, 'seed', 'steps')}, seeds {size.seeds}, "
            f"{size.setting.steps} (1 - mu) steps."
            for preset, size in SIZES.items()
        )
    ),
    source="Kumar et al. (ICLR 2024), appendix figure on momentum",
    parts=parts,
    draw=draw,
    outcomes=outcomes,
)
