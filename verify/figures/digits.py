"""Digits: the output scale alpha alone makes the delay of generalisation vanish."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from matplotlib.figure import Figure

from theory.nets.base import single_thread
from verify.experiments.digits import DigitsMLP, digits, idx_images, train
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

MNIST = "THEORY_VERIFY_MNIST"
"""The environment variable that names a folder with the IDX files of MNIST, for `paper`."""

LEVELS = Levels(train=0.95, test=0.75)

SIZES = {
    "quick": Size(
        DigitsMLP(
            samples=100,
            test_samples=1000,
            width=100,
            weight_scale=40.0,
            learning_rate=3e-3,
            weight_decay=0.03,
            batch=100,
        ),
        {0.01: 1000, 0.03: 2000, 0.1: 4000, 0.3: 8000},
        seeds=(0, 1),
    ),
    "paper": Size(
        DigitsMLP(),
        dict.fromkeys((0.001, 0.01, 0.05, 0.5), 250_000),
        seeds=(0,),
    ),
}


@single_thread()
def _compute(size: Size[DigitsMLP], scale: float, seed: int, mnist: str | None) -> Table:
    run = replace(size.run, output_scale=scale, seed=seed)
    if mnist is None:
        images = digits()
        run = replace(run, test_samples=min(run.test_samples, len(images.labels) - run.samples))
    else:
        images = idx_images(Path(mnist))
    moments = train(run, images, log_spaced(size.steps[scale]), device())
    data = "digits" if mnist is None else "MNIST"
    return moments_table(moments, scale=scale, seed=seed, data=data)


def parts(preset: str) -> list[Part]:
    mnist = os.environ.get(MNIST) if preset == "paper" else None
    name = "scale" if mnist is None else "mnist-scale"
    return SIZES[preset].parts(partial(_compute, mnist=mnist), name)


def draw(tables: Mapping[str, Table]) -> Figure:
    figure = Figure(figsize=(10.5, 3.3), layout="constrained")
    accuracies, losses, delays = figure.subplots(1, 3)
    draw_accuracies(accuracies, tables, r"$\alpha$")
    accuracies.set_title(str(next(iter(tables.values()))["data"][0]), fontsize=9)
    accuracies.set_xlabel("gradient step")
    draw_column(losses, tables, "test_loss")
    losses.set_yscale("log")
    losses.set_xlabel("gradient step")
    losses.set_ylabel("test loss")
    draw_delays(delays, tables, LEVELS, r"output scale $\alpha$")
    return figure


def outcomes(tables: Mapping[str, Table]) -> Sequence[Outcome]:
    delays = mean_delays(tables, LEVELS)
    smallest, largest = min(delays), max(delays)
    found = runs_by_scale(tables)
    fitted = min(numbers(run, "train_accuracy").max() for runs in found.values() for run in runs)
    rich = min(numbers(run, "test_accuracy")[-1] for run in found[smallest])
    return (
        Outcome(
            "a small output scale alone removes the delay: it generalises within 1.5 times the "
            "steps to fit, at a large one after twice as many or more",
            (
                below(f"delay at scale {smallest:g}", delays[smallest], 1.5),
                below(f"2, against the delay at {largest:g}", 2.0, delays[largest]),
                below("0.95, against the least training accuracy reached", LEVELS.train, fitted),
                below("0.75, against the final test accuracy at the smallest", LEVELS.test, rich),
            ),
            "the large initial weights delay it at every output scale",
            (below(f"2, against the delay at {smallest:g}", 2.0, delays[smallest]),),
        ),
        Outcome(
            "the delay grows with the output scale",
            by_scale(delays),
            "the delay falls as the output scale grows",
            not_by_scale(delays, "delay"),
        ),
    )


def _describe(size: Size[DigitsMLP]) -> str:
    run = size.run
    return (
        f"{run.hidden_layers} hidden layers of {run.width}, {run.samples} training images, "
        f"initial weights {run.weight_scale:g} times those of He, AdamW with learning rate "
        f"{run.learning_rate:g} and weight decay {run.weight_decay:g} in batches of {run.batch}, "
        f"steps {size.steps_by('alpha')}, seeds {', '.join(map(str, size.seeds))}"
    )


FIGURE = FigureSpec(
    name="digits",
    title="Digits: the output scale alone makes grokking vanish",
    caption=(
        "A ReLU net with large initial weights learns the digits of 8 x 8 pixels that scikit-learn "
        "ships, which stand in for MNIST; its output is multiplied by alpha. Left: training "
        "(dashed) and test (solid) accuracy; middle: test loss; both of the first seed. Right: "
        f"steps to {LEVELS.test:g} test accuracy over steps to {LEVELS.train:g} training accuracy, "
        "all seeds and their geometric mean; a triangle is a lower bound. "
        + ". ".join(f"{preset}: {_describe(size)}" for preset, size in SIZES.items())
        + f". Test images: {SIZES['quick'].run.test_samples} in quick; in paper 797, or with "
        f"MNIST (the folder of its IDX files in {MNIST}) {SIZES['paper'].run.test_samples}."
    ),
    source="Kumar et al. (ICLR 2024), MNIST with large initial weights",
    parts=parts,
    draw=draw,
    outcomes=outcomes,
)
