"""Modular addition without weight decay: late margin maximisation, to losses below float64."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from verify.figures.base import FigureSpec, Part, Table
from verify.figures.modular_runs import SIZES, Size, history_table, run_of, run_until

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
    accuracy.legend(frameon=False)
    loss.set_ylabel(r"$\log_{10}$ loss")
    margin.set_ylabel(r"margin / $\|\theta\|^2$")
    for axes in (accuracy, loss, margin):
        axes.set_xlabel(r"$\log_{10} t$")
    return figure


FIGURE = FigureSpec(
    name="modular-no-decay",
    title="Modular addition without weight decay: late margin maximisation",
    caption="Steps in proportion to 1/loss, cross-entropy in log space: the loss leaves float64, "
    "the normalised margin keeps growing.",
    source="Lyu et al. (ICLR 2024), Section 3; step rule after Lyu and Li (ICLR 2020)",
    parts=parts,
    draw=draw,
)
