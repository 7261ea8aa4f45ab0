"""Labels along one eigenvector of the lazy kernel: easy, hard, and hopeless tasks."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import inf

import numpy as np
from matplotlib.figure import Figure

from theory.lazy_rich import Linearisation, Setting, Training, gradient_descent
from verify.figures.base import FigureSpec, Part, Table
from verify.figures.committee_runs import (
    Run,
    describe,
    draw_losses,
    recorded_steps,
    runs_of,
    with_columns,
)
from verify.figures.outcomes import Outcome, below

LOW, MIDDLE, HIGH = "low", "middle", "high"


@dataclass(frozen=True)
class Size:
    setting: Setting
    seeds: tuple[int, ...]
    ranks: Mapping[str, tuple[int, ...]]
    """k, from 1 for the largest eigenvalue, by what is said of it."""


_RANKS = {LOW: (1, 5), MIDDLE: (70, 75), HIGH: (100, 150)}
_SETTING = Setting(100, 2, 100, curvature=0.25, step=0.05, steps=6000)

SIZES = {
    "quick": Size(_SETTING, (0, 1, 2), _RANKS),
    "paper": Size(replace(_SETTING, step=0.01, steps=25_000), (0, 1, 2, 3, 4), _RANKS),
}


def _compute(setting: Setting, rank: int, kind: str, seeds: Sequence[int]) -> Table:
    """Training on half of the points, test on the other half, whose labels alone are known."""
    runs = [_run(replace(setting, seed=seed), rank) for seed in seeds]
    table: Table = {"run": [k for k, run in enumerate(runs) for _ in run["step"]]}
    for name in runs[0]:
        table[name] = [value for run in runs for value in run[name]]
    count = len(seeds)
    return with_columns(table, rank=[rank] * count, kind=[kind] * count, seed=seeds)


def _run(setting: Setting, rank: int) -> Table:
    count = setting.samples
    points = replace(setting, samples=2 * count).inputs()
    overlap = points @ points.T
    _, vectors = np.linalg.eigh(overlap + setting.curvature**2 * overlap**2)
    labels = vectors[:, -rank] - vectors[:, -rank].mean()
    machine = setting.committee()
    inputs, others = points[:count], points[count:]
    targets, wanted = labels[:count], labels[count:]
    begun, norm = machine.outputs(others), float(np.mean(labels**2))
    twin = Linearisation(machine, inputs, targets, setting.step)
    kernel = machine.kernel(others, inputs)

    def linearised(at: float) -> float:
        return float(np.mean((wanted - kernel @ twin.coefficients(at)) ** 2)) / norm

    table: Table = {name: [] for name in ("step", "train", "test", "linearised_test")}
    training = Training(machine, inputs, targets, setting.step)
    for moment in gradient_descent(training, recorded_steps(setting.steps)):
        found = moment.committee.outputs(others) - begun
        table["step"].append(moment.step)
        table["train"].append(float(moment.train_loss) / norm)
        table["test"].append(float(np.mean((wanted - found) ** 2)) / norm)
        table["linearised_test"].append(linearised(moment.step))
    return table | {"kernel_regression": [linearised(inf)] * len(table["step"])}


def parts(preset: str) -> list[Part]:
    size = SIZES[preset]
    return [
        Part(f"k-{rank}", partial(_compute, size.setting, rank, kind, size.seeds))
        for kind, ranks in size.ranks.items()
        for rank in ranks
    ]


def draw(tables: Mapping[str, Table]) -> Figure:
    columns = (len(tables) + 1) // 2
    figure = Figure(figsize=(3.2 * columns, 5.4), layout="constrained")
    panels = figure.subplots(2, columns, sharex=True, squeeze=False)
    for axes, table in zip(panels.T.ravel(), tables.values(), strict=False):
        run = runs_of(table)[0]
        draw_losses(axes, run)
        axes.set_title(f"k = {run.last('rank'):g} ({run['kind'][0]})")
        curves = [run[name].max() for name in ("train", "test", "linearised_test")]
        axes.set_ylim(0, 1.1 * max(curves))
        axes.set_xlabel("")
    for axes in panels[-1]:
        axes.set_xlabel("gradient steps")
    for axes in panels[:, 0]:
        axes.set_ylabel("loss / mean squared label")
    handles, labels = panels[0, 0].get_legend_handles_labels()
    names = [label.split(" (")[0] for label in labels]
    figure.legend(handles, names, loc="outside upper center", ncols=4)
    return figure


def outcomes(tables: Mapping[str, Table]) -> Sequence[Outcome]:
    groups = {
        kind: [run for t in tables.values() for run in runs_of(t) if run["kind"][0] == kind]
        for kind in (LOW, MIDDLE, HIGH)
    }

    def median(kind: str, value: Callable[[Run], float]) -> float:
        """Over seeds and k of one kind."""
        return float(np.median([value(run) for run in groups[kind]]))

    once_trained = {kind: median(kind, _once_trained) for kind in groups}
    ends = {kind: median(kind, _end) for kind in groups}
    trained = max(run.last("train") for runs in groups.values() for run in runs)
    over_kernel = median(MIDDLE, lambda run: run.last("test") / run.last("kernel_regression"))
    return (
        Outcome(
            "low k, no grokking: once the training loss is down to a tenth, the test loss has "
            "fallen to a third",
            (below("test loss left once trained, low k", once_trained[LOW], 1 / 3),),
            "low k groks: the test loss is still above two thirds",
            (below("2/3, against the test loss left, low k", 2 / 3, once_trained[LOW]),),
        ),
        Outcome(
            "middle k, grokking: once trained the test loss is still above 0.6, later it loses a "
            "third of that",
            (
                below("0.6, against the test loss left, middle k", 0.6, once_trained[MIDDLE]),
                below("final test loss, middle k", ends[MIDDLE], once_trained[MIDDLE] * 2 / 3),
            ),
            "middle k falls together with training, to a third",
            (below("test loss left once trained, middle k", once_trained[MIDDLE], 1 / 3),),
        ),
        Outcome(
            "high k, never: the training set is learned by heart, the test loss ends above its "
            "start, by half or more",
            (
                below("largest training loss left", trained, 1e-2),
                below("1.5, against the final test loss, high k", 1.5, ends[HIGH]),
            ),
            "high k groks late: the test loss ends below half its start",
            (below("final test loss, high k", ends[HIGH], 0.5),),
        ),
        Outcome(
            "the late fall at middle k is the network's leaving the lazy regime: it ends below "
            "half of kernel regression",
            (below("final test loss over kernel regression, middle k", over_kernel, 0.5),),
            "it ends below a tenth of kernel regression",
            (below("final test loss over kernel regression, middle k", over_kernel, 0.1),),
            expected="falsified",
        ),
    )


def _once_trained(run: Run) -> float:
    return run.at("test", run.learned("train")) / float(run["test"][0])


def _end(run: Run) -> float:
    return run.last("test") / float(run["test"][0])


FIGURE = FigureSpec(
    name="eigenvector-labels",
    title="Labels along one eigenvector of the lazy kernel",
    caption=(
        "The labels are the k-th eigenvector (from the largest eigenvalue on, of unit length, its "
        "mean subtracted) of the infinite-width NTK on training and test points together. Low k is "
        "learned at once, middle k late, high k never. With labels so small the network follows "
        "its linearisation (dashed), which shows the same. Shown is seed 0; the outcomes are "
        "medians over the seeds. "
        + " ".join(
            f"{preset}: {describe(size.setting, 'signal', 'seed')}; as many test points; seeds 0 "
            f"to {size.seeds[-1]}."
            for preset, size in SIZES.items()
        )
    ),
    source="Kumar et al. (ICLR 2024), labels along eigenvectors of the initial NTK",
    parts=parts,
    draw=draw,
    outcomes=outcomes,
)
