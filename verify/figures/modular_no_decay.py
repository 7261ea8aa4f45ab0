"""Modular addition without weight decay: late margin maximisation, to losses below float64."""

from collections.abc import Mapping, Sequence
from math import nan

import numpy as np
from matplotlib.figure import Figure

from verify.figures.base import FigureSpec, Part, Table
from verify.figures.modular_runs import (
    SIZES,
    WHY_SMALL,
    Size,
    described,
    history_table,
    run_of,
    run_until,
)
from verify.figures.outcomes import Outcome, below, ordered

STEPS = {"quick": 6000, "paper": 50_000}
ALPHA = 20.0
"""Below the norm of the max-margin solution with loss 1e-2, so that the norm grows at once."""

LOG_10 = float(np.log(10.0))


def _compute(size: Size, steps: int) -> Table:
    runs = [run_of(size, ALPHA, 0.0, seed) for seed in size.seeds]
    # theta is of order 100, its steps of order 1e-3: float32 would do, but the margins' differences
    # late in training would not
    state = run_until(
        "modular_no_decay", size, runs, lambda state: state.step >= steps, precision="float64"
    )
    return history_table(state, {"alpha": [ALPHA] * len(runs)})


def parts(preset: str) -> list[Part]:
    return [Part("runs", lambda: _compute(SIZES[preset], STEPS[preset]))]


SMALLEST = float(np.log10(5e-324))
"""The smallest number of float64, as a power of ten."""

UNIT = float(np.log10(np.finfo(np.float64).eps))
"""Where 1 + loss is 1."""


def outcomes(tables: Mapping[str, Table]) -> Sequence[Outcome]:
    """How far the loss falls, and what still moves once it is below the unit of float64."""
    data = {name: np.array(column) for name, column in tables["runs"].items()}
    last, rises, gains = [], [], []
    for run in np.unique(data["run"]):
        rows = data["run"] == run
        loss = data["log_loss"][rows] / LOG_10
        last.append(float(loss[-1]))
        beyond = loss < UNIT
        margins, accuracies = (data[name][rows][beyond] for name in ("margin", "test_accuracy"))
        rises.append(margins[:: max(1, len(margins) // 8)])
        gains.append(float(accuracies[-1] - accuracies[0]) if len(accuracies) else nan)
    slowest = min(rises, key=lambda m: np.diff(m).min(initial=np.inf) if len(m) > 1 else -np.inf)
    names = tuple(f"margin {k}" for k in range(len(slowest)))
    upwards = ordered(names, tuple(slowest.tolist()))
    downwards = ordered(names[::-1], tuple(slowest[::-1].tolist()))
    return (
        Outcome(
            "training goes on where the loss is below the smallest number of float64",
            (below("log10 of the last loss", max(last), SMALLEST),),
            "it stalls where 1 + loss is 1",
            (below("log10 of that over the last loss", UNIT - min(last), 0.0),),
        ),
        Outcome("from there on the normalised margin grows", upwards, "it falls", downwards),
        Outcome(
            "and with it, by a fifth at least, the test accuracy",
            (below("missing of a fifth", 0.2 - min(gains), 0.0),),
            "test pairs stay as they were",
            (below("accuracy gained", max(gains), 0.02),),
        ),
    )


def draw(tables: Mapping[str, Table]) -> Figure:
    data = {name: np.array(column) for name, column in tables["runs"].items()}
    figure = Figure(figsize=(9.6, 3.0), layout="constrained")
    accuracy, loss, margin = figure.subplots(1, 3)
    for run in np.unique(data["run"]):
        rows = (data["run"] == run) & (data["log_time"] > -600.0)
        time = data["log_time"][rows] / LOG_10
        first = run == data["run"].min()
        for name, color in (("train", "tab:blue"), ("test", "tab:orange")):
            label = name if first else None
            accuracy.plot(time, data[f"{name}_accuracy"][rows], color=color, label=label)
        loss.plot(time, data["log_loss"][rows] / LOG_10, color="tab:green")
        fitted = data["margin"][rows] > 0
        margin.plot(time[fitted], data["margin"][rows][fitted], color="tab:red")
    accuracy.set_ylabel("accuracy")
    accuracy.legend()
    loss.set_ylabel(r"$\log_{10}$ loss")
    margin.set_ylabel(r"margin / $\|\theta\|^2$")
    for axes in (accuracy, loss, margin):
        axes.set_xlabel(r"$\log_{10} t$")
    return figure


FIGURE = FigureSpec(
    name="modular-no-decay",
    title="Modular addition without weight decay: late margin maximisation",
    caption="Steps in proportion to 1/loss, cross-entropy in log space: the loss leaves float64, "
    "the normalised margin keeps growing. "
    f"{described()} Here alpha is {ALPHA:g} and lambda 0; steps: "
    + "; ".join(f"{preset} {steps}" for preset, steps in STEPS.items())
    + f". {WHY_SMALL}",
    source="Lyu et al. (ICLR 2024), Section 3; step rule after Lyu and Li (ICLR 2020)",
    parts=parts,
    draw=draw,
    outcomes=outcomes,
)
