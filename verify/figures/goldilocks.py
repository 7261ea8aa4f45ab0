"""Three sample sizes: too few to generalise, enough to do it at once, and between."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from matplotlib.figure import Figure

from theory.lazy_rich import Setting
from verify.figures.base import FigureSpec, Part, Table
from verify.figures.committee_runs import (
    LEARNED,
    Experiment,
    Run,
    curves,
    describe,
    draw_losses,
    finite,
    runs_of,
    with_columns,
)
from verify.figures.outcomes import Outcome, below


@dataclass(frozen=True)
class Size:
    setting: Setting
    samples: tuple[int, int, int]
    seeds: tuple[int, ...]


_SETTING = Setting(40, 100, 120, curvature=0.5, step=0.1, steps=3000)
_SAMPLES = (50, 120, 500)

SIZES = {
    "quick": Size(_SETTING, _SAMPLES, (0, 1)),
    "paper": Size(replace(_SETTING, step=0.025, steps=50_000), _SAMPLES, (0, 1, 2, 3)),
}


def _compute(setting: Setting, seeds: Sequence[int]) -> Table:
    settings = [replace(setting, seed=seed) for seed in seeds]
    table = curves(Experiment.of(settings), setting.steps)
    return with_columns(table, samples=[setting.samples] * len(seeds), seed=seeds)


def parts(preset: str) -> list[Part]:
    size = SIZES[preset]
    settings = [replace(size.setting, samples=samples) for samples in size.samples]
    return [Part(f"P-{s.samples}", partial(_compute, s, size.seeds)) for s in settings]


def _groups(tables: Mapping[str, Table]) -> list[list[Run]]:
    """The runs of few, some and many samples."""
    groups = [runs_of(table) for table in tables.values()]
    return sorted(groups, key=lambda runs: runs[0].last("samples"))


def draw(tables: Mapping[str, Table]) -> Figure:
    figure = Figure(figsize=(10.0, 3.6), layout="constrained")
    panels = figure.subplots(1, 3, sharey=True)
    for axes, runs in zip(panels, _groups(tables), strict=True):
        run = runs[0]
        draw_losses(axes, run)
        axes.plot(
            run["step"][1:], run["linear_term"][1:], "-.", color="tab:orange", label="linear term"
        )
        axes.set_title(f"P = {run.last('samples'):g}")
    panels[0].set_ylabel("loss")
    handles, labels = panels[0].get_legend_handles_labels()
    names = [label.split(" (")[0] for label in labels]
    figure.legend(handles, names, loc="outside upper center", ncols=5)
    return figure


def outcomes(tables: Mapping[str, Table]) -> Sequence[Outcome]:
    few, some, many = _groups(tables)

    def ends(runs: Sequence[Run]) -> list[float]:
        return [run.last("test") / float(run["test"][0]) for run in runs]

    def middle(values: Sequence[float]) -> float:
        return float(np.median(values))

    fitted = max(run.last("train") / float(run["train"][0]) for run in few + some)
    limit = float(max(run["step"][-1] for run in many))
    gap = max(finite(run.delay_ratio, limit) for run in many)
    twins = [run.last("kernel_regression") / float(run["test"][0]) for run in some]
    return (
        Outcome(
            "with few samples the training set is learned by heart and half the test loss stays",
            (
                below("training loss left, few and some samples, worst run", fitted, 1e-3),
                below("half, against the test loss left, few samples", 0.5, min(ends(few))),
            ),
            "with few samples a tenth of the test loss stays",
            (below("test loss left, few samples", min(ends(few)), LEARNED),),
        ),
        Outcome(
            "with many samples the test loss falls within three training times, to a hundredth",
            (
                below("test steps over training steps, many samples, worst run", gap, 3.0),
                below("test loss left, many samples, worst run", max(ends(many)), 0.01),
            ),
            "with many samples it falls later than three training times",
            (below("3, against test steps over training steps", 3.0, gap),),
        ),
        Outcome(
            "between, the test loss falls, below that of few samples and of kernel regression, but "
            "only part of the way",
            (
                below("test loss left with some samples, against few",
                      max(ends(some)), min(ends(few))),
                below("test loss left with some samples, against kernel regression",
                      middle(ends(some)), middle(twins)),
                below("a tenth, against the test loss left with some samples",
                      LEARNED, min(ends(some))),
            ),
            "between, the test loss stays where kernel regression ends",
            (below("kernel regression, against the test loss left with some samples",
                   middle(twins), middle(ends(some))),),
        ),
        Outcome(
            "between, the network groks: the test loss falls below a tenth, late",
            (below("test loss left with some samples", middle(ends(some)), LEARNED),),
            "between, the test loss falls below a hundredth",
            (below("test loss left with some samples", middle(ends(some)), 0.01),),
            expected="falsified",
        ),
        Outcome(
            "with few samples the network ends worse than it began",
            (below("1, against the test loss left with few samples", 1.0, middle(ends(few))),),
            "with few samples the network ends twice as bad as it began",
            (below("2, against the test loss left with few samples", 2.0, middle(ends(few))),),
            expected="falsified",
        ),
    )  # fmt: skip


FIGURE = FigureSpec(
    name="goldilocks",
    title="Too few samples, enough, and between",
    caption=(
        "Losses (test: of the population, exact) for three sample sizes, beside the linearisation "
        "and kernel regression, and the linear term of the test loss. Few samples are learned by "
        "heart; many are learned without delay; between, the test loss falls only in part, so that "
        "the grokking that the literature reports there is not seen at this width. "
        + " ".join(
            f"{preset}: {describe(size.setting, 'samples', 'seed')}; outcomes over the seeds 0 to "
            f"{size.seeds[-1]}, shown is seed 0."
            for preset, size in SIZES.items()
        )
    ),
    source="Kumar et al. (ICLR 2024), sample sizes (goldilocks)",
    parts=parts,
    draw=draw,
    outcomes=outcomes,
)
