"""A student that seems to grok: the delay of its accuracy is made by the threshold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import isfinite, nan

import numpy as np
from matplotlib.figure import Figure

from theory.nets.base import single_thread
from verify.experiments.optimization import log_spaced
from verify.experiments.student_teacher import Errors, StudentTeacher, accuracy, train
from verify.figures.base import FigureSpec, Part, Table
from verify.figures.hardware import device
from verify.figures.network_curves import (
    TEST,
    TRAIN,
    after_start,
    at_least,
    columns,
    crossing,
    numbers,
    plain_ratios,
    shade,
)
from verify.figures.outcomes import Outcome, below, ordered

THRESHOLDS = (1e-4, 5e-4, 1e-3, 5e-3, 1e-2, 1e-1)
"""Squared errors below which a sample counts as right."""

USUAL = 1e-3
HALF = 0.5
"""The accuracy whose epoch is compared."""


@dataclass(frozen=True)
class Size:
    """One preset: networks, epochs and output scales; `run` gives the rest."""

    run: StudentTeacher
    epochs: int
    scales: tuple[float, ...]


SIZES = {
    "quick": Size(StudentTeacher(width=50, learning_rate=1e-3), 10_000, (0.5, 1.0, 2.0)),
    "paper": Size(StudentTeacher(), 100_000, (0.1, 0.25, 0.5, 0.75, 1.0, 3.0)),
}


@single_thread()
def _compute(size: Size, scale: float) -> Table:
    run = replace(size.run, output_scale=scale)
    return columns(
        [_row(errors, scale) for errors in train(run, log_spaced(size.epochs), device())]
    )


def _row(errors: Errors, scale: float) -> dict[str, float]:
    row = {
        "scale": scale,
        "step": float(errors.step),
        "train_loss": float(errors.train.mean()),
        "test_loss": float(errors.test.mean()),
        "weight_norm": errors.weight_norm,
    }
    for limit in THRESHOLDS:
        row[f"train_{limit:g}"] = accuracy(errors.train, limit)
        row[f"test_{limit:g}"] = accuracy(errors.test, limit)
    return row


def parts(preset: str) -> list[Part]:
    size = SIZES[preset]
    return [Part(f"scale-{scale:g}", partial(_compute, size, scale)) for scale in size.scales]


def delay(table: Table, limit: float) -> float:
    """Epochs to half of the test samples over epochs to half of the training samples.

    A lower bound of it where the test samples have not come so far by the last epoch, and nan,
    which decides nothing, where the training samples have not.
    """
    fitted = crossing(table, f"train_{limit:g}", HALF)
    return at_least(table, f"test_{limit:g}", HALF) / fitted if isfinite(fitted) else nan


def draw(tables: Mapping[str, Table]) -> Figure:
    figure = Figure(figsize=(10.5, 3.3), layout="constrained")
    losses, accuracies, delays = figure.subplots(1, 3)
    table = _reference(tables)
    shown = after_start(table)
    losses.loglog(shown["step"], shown["train_loss"], "--", color=TRAIN, label="training")
    losses.loglog(shown["step"], shown["test_loss"], color=TEST, label="test")
    losses.set_xlabel("epoch")
    losses.set_ylabel("loss (s = 1)")
    losses.legend()
    for rank, limit in enumerate(THRESHOLDS):
        name, color = f"{limit:g}", shade(rank, len(THRESHOLDS))
        accuracies.semilogx(shown["step"], shown[f"train_{name}"], "--", lw=0.9, color=color)
        accuracies.semilogx(shown["step"], shown[f"test_{name}"], color=color, label=name)
    accuracies.set_xlabel("epoch")
    accuracies.set_ylabel("accuracy (s = 1)")
    accuracies.legend(title="threshold")
    for table in tables.values():
        found = np.array([delay(table, limit) for limit in THRESHOLDS])
        ended = np.array([crossing(table, f"test_{t:g}", HALF) for t in THRESHOLDS]) == np.inf
        label = f"s = {numbers(table, 'scale')[0]:g}"
        (line,) = delays.loglog(THRESHOLDS, found, "o-", ms=4, label=label)
        delays.loglog(np.array(THRESHOLDS)[ended], found[ended], "^", ms=8, color=line.get_color())
    plain_ratios(delays)
    delays.set_xlabel("threshold")
    delays.set_ylabel("test epochs / training epochs")
    delays.legend(title="triangle: at least")
    return figure


def _reference(tables: Mapping[str, Table]) -> Table:
    """The run at s = 1."""
    return tables["scale-1"]


def outcomes(tables: Mapping[str, Table]) -> Sequence[Outcome]:
    table = _reference(tables)
    found = {limit: delay(table, limit) for limit in THRESHOLDS}
    test = numbers(table, "test_loss")
    half_fit = crossing(table, f"train_{USUAL:g}", HALF)
    fallen = float(np.interp(half_fit, numbers(table, "step"), test))
    risen = float((test / np.minimum.accumulate(test)).max())
    by_scale = tuple(delay(tables[name], USUAL) for name in tables)
    names = tuple(f"delay of {name}" for name in tables)
    return (
        Outcome(
            "the stricter the threshold, the longer the delay of the same run: none to fourfold",
            (
                below("delay at 0.1", found[0.1], 1.5),
                below("delay at 0.01, against at 0.001", found[0.01], found[USUAL]),
                below("4, against the delay at 0.0005", 4.0, found[5e-4]),
            ),
            "the delay is a property of the run: the same within a factor 2 at all thresholds",
            (below("delay at 0.0005, against twice at 0.1", found[5e-4], 2 * found[0.1]),),
        ),
        Outcome(
            "nothing of it in the losses: the test loss has fallen by nine tenths when half of the "
            "training samples are within 0.001, and never rises by more than a third",
            (
                below("test loss there, against a tenth of its start", fallen, test[0] / 10),
                below("largest rise of the test loss", risen, 4 / 3),
            ),
            "the test loss waits, as in grokking, above half of its start",
            (below("half of the initial test loss, against test loss there", test[0] / 2, fallen),),
        ),
        Outcome(
            "the delay at threshold 0.001 grows with the output scale",
            ordered(names, by_scale),
            "it does not: the smallest scale has the longest delay",
            (below("delay of the largest, against the smallest", by_scale[-1], by_scale[0]),),
        ),
    )


def _describe(size: Size) -> str:
    run = size.run
    return (
        f"{run.input_dim}-{run.width}-{run.width}-{run.output_dim}, {run.samples} training and "
        f"{run.test_samples} test points, student weights times {run.weight_scale:g}, AdamW with "
        f"learning rate {run.learning_rate:g} and weight decay {run.weight_decay:g}, "
        f"{size.epochs} epochs, seed {run.seed}"
    )


FIGURE = FigureSpec(
    name="student-teacher",
    title="Student and teacher: a delay made by the threshold of accuracy",
    caption=(
        "A tanh student learns a tanh teacher. A sample counts as right when its squared error is "
        "below a threshold. Dashed: training, solid: test. Left and middle: the same run. Right: "
        "epochs until half of the test samples are right over epochs until half of the training "
        "samples are, by threshold and output scale s. "
        + ". ".join(f"{preset}: {_describe(size)}" for preset, size in SIZES.items())
        + "."
    ),
    source="Kumar et al. (ICLR 2024), student and teacher networks, accuracy thresholds",
    parts=parts,
    draw=draw,
    outcomes=outcomes,
)
