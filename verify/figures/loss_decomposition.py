"""What the test loss is made of along training: scale, alignment and linear term."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import inf, nan

import numpy as np
from matplotlib.figure import Figure

from theory.lazy_rich import Setting
from verify.figures.base import FigureSpec, Part, Table
from verify.figures.committee_runs import (
    Experiment,
    Run,
    curves,
    describe,
    draw_losses,
    runs_of,
    with_columns,
)
from verify.figures.outcomes import Outcome, below

FEWEST = 2
"""Runs of a part that must generalise for the outcomes to speak of them."""

VISIBLE = 0.01
"""Share of the initial test loss by which it must rise for the rise to be taken apart."""

TERMS = {
    "linear_term": ("linear", "tab:orange"),
    "alignment_term": ("alignment", "tab:green"),
    "scale_term": ("scale", "tab:purple"),
}


@dataclass(frozen=True)
class Size:
    fixed: Setting
    trained: Setting
    seeds: tuple[int, ...]


_FIXED = Setting(40, 2, 120, curvature=0.25, step=0.025, steps=12_000, centred=False)
_TRAINED = replace(_FIXED, step=0.01, trained_readout=True)

SIZES = {
    "quick": Size(_FIXED, _TRAINED, tuple(range(6))),
    "paper": Size(
        replace(_FIXED, steps=50_000),
        replace(_TRAINED, step=0.0025, steps=100_000),
        tuple(range(8)),
    ),
}


def _compute(setting: Setting, seeds: Sequence[int]) -> Table:
    settings = [replace(setting, seed=seed) for seed in seeds]
    return with_columns(curves(Experiment.of(settings), setting.steps), seed=seeds)


def parts(preset: str) -> list[Part]:
    size = SIZES[preset]
    return [
        Part("fixed readouts", partial(_compute, size.fixed, size.seeds)),
        Part("trained readouts", partial(_compute, size.trained, size.seeds)),
    ]


def _generalising(table: Table) -> list[Run]:
    return [run for run in runs_of(table) if run.learned("test") < inf]


def draw(tables: Mapping[str, Table]) -> Figure:
    figure = Figure(figsize=(9.0, 3.9), layout="constrained")
    for axes, (part, table) in zip(figure.subplots(1, 2), tables.items(), strict=True):
        run = (_generalising(table) or runs_of(table))[0]
        draw_losses(axes, run)
        for name, (label, color) in TERMS.items():
            axes.plot(run["step"][1:], run[name][1:], "-.", color=color, label=f"{label} term")
        axes.set_title(f"{part}, seed {run.last('seed'):g}")
        axes.set_ylim(0, 1.6 * run["test"][1:].max())
        axes.set_ylabel("loss")
        axes.legend(ncols=2, loc="upper left")
    return figure


@dataclass(frozen=True)
class Rise:
    """The largest rise of the test loss above an earlier value, by terms."""

    total: float
    terms: dict[str, float]
    peak: int


def rise(run: Run) -> Rise:
    test = run["test"]
    trough = np.minimum.accumulate(test)
    peak = int(np.argmax(test - trough))
    foot = int(np.argmin(test[: peak + 1]))
    terms = {name: float(run[name][peak] - run[name][foot]) for name in TERMS}
    return Rise(float(test[peak] - test[foot]), terms, peak)


def fall(run: Run, name: str) -> float:
    """The last step at which a term is above half its value at the end of the rise."""
    above = run[name] >= run[name][rise(run).peak] / 2
    return float(run["step"][above].max())


def outcomes(tables: Mapping[str, Table]) -> Sequence[Outcome]:
    groups = {part: _generalising(table) for part, table in tables.items()}
    runs = [run for group in groups.values() for run in group]
    fewest = min(len(group) for group in groups.values())
    rises = [found for run in runs if (found := rise(run)).total > VISIBLE * float(run["test"][0])]

    def rise_over(name: str) -> float:
        return _median([found.total / max(found.terms[name], 1e-9) for found in rises])

    def fall_over(first: str, second: str) -> float:
        return _median([fall(run, first) / fall(run, second) for run in runs])

    trained = _median([run.learned("train") / fall(run, "alignment_term") for run in runs])
    return (
        Outcome(
            "in each setting two runs or more generalise; where their test loss rises first, its "
            "linear term rises as much (in the median)",
            (
                below("2, against the number of runs that generalise", FEWEST, fewest),
                below("rise over that of the linear term", rise_over("linear_term"), 1.0),
            ),
            "the alignment term rises as much",
            (below("rise over that of the alignment term", rise_over("alignment_term"), 1.0),),
        ),
        Outcome(
            "of runs that generalise the alignment term falls last (in the median)",
            (
                below(
                    "fall of the linear term over that of the alignment term",
                    fall_over("linear_term", "alignment_term"),
                    1.0,
                ),
                below(
                    "fall of the scale term over that of the alignment term",
                    fall_over("scale_term", "alignment_term"),
                    1.0,
                ),
            ),
            "the linear term falls last",
            (
                below(
                    "fall of the alignment term over that of the linear term",
                    fall_over("alignment_term", "linear_term"),
                    1.0,
                ),
            ),
        ),
        Outcome(
            "of runs that generalise the training loss is down to a tenth before the alignment "
            "term is down to half (in the median)",
            (below("step of training over that of alignment", trained, 1.0),),
            "alignment comes before the training set is learned",
            (below("step of alignment over that of training", 1.0 / trained, 1.0),),
        ),
    )


def _median(values: Sequence[float]) -> float:
    """NaN, which the judge leaves undecided, where there are none."""
    return float(np.median(values)) if values else nan


FIGURE = FigureSpec(
    name="loss-decomposition",
    title="Scale, alignment and linear term of the test loss",
    caption=(
        "Two neurons, the predictor not centred. The test loss of the population is the sum of "
        "three squares: of the trace of the predictor's quadratic form, of the form itself, and of "
        "its linear part. The early rise is the linear part's; the alignment term falls last. "
        "Shown is the first seed that generalises. Some seeds end in local minima instead; the "
        "outcomes are medians over those that generalise. "
        + " ".join(
            f"{preset}, fixed readouts: {describe(size.fixed, 'seed')}; trained readouts: "
            f"{describe(size.trained, 'seed')}; seeds 0 to {size.seeds[-1]}."
            for preset, size in SIZES.items()
        )
    ),
    source="Kumar et al. (ICLR 2024), loss decomposition, eq. 6, 21 and 22",
    parts=parts,
    draw=draw,
    outcomes=outcomes,
)
