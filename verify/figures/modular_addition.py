"""Modular addition: training fits at once, the test accuracy jumps a long time later."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from verify.figures.base import FigureSpec, Part, Table
from verify.figures.modular_runs import (
    SIZES,
    Size,
    history_table,
    run_of,
    run_until,
    until_decay_time,
)

UNTIL = 20.0
"""Decay time lambda t at which a run ends."""


def _compute(size: Size) -> Table:
    runs = [run_of(size, size.alpha, size.decay, seed) for seed in size.seeds]
    decays = [run.decay for run in runs]
    state = run_until("modular_addition", size, runs, until_decay_time(decays, UNTIL))
    alphas = [run.alpha for run in runs]
    return history_table(state, {"alpha": alphas, "decay": decays})


def parts(preset: str) -> list[Part]:
    return [Part("runs", lambda: _compute(SIZES[preset]))]


def draw(tables: Mapping[str, Table]) -> Figure:
    data = {name: np.array(column) for name, column in tables["runs"].items()}
    figure = Figure(figsize=(7.2, 3.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    for run in np.unique(data["run"]):
        rows = data["run"] == run
        time = data["decay"][rows] * np.exp(data["log_time"][rows])
        shown = time > 1e-6
        first = run == data["run"].min()
        for axes in (left, right):
            axes.set_xscale("log")
            axes.set_xlabel(r"decay time $\lambda t$")
        left.plot(
            time[shown],
            data["train_accuracy"][rows][shown],
            color="tab:blue",
            alpha=0.8,
            label="train" if first else None,
        )
        left.plot(
            time[shown],
            data["test_accuracy"][rows][shown],
            color="tab:orange",
            alpha=0.8,
            label="test" if first else None,
        )
        right.plot(time[shown], data["norm"][rows][shown], color="tab:green", alpha=0.8)
    alpha = float(data["alpha"][0])
    left.axvline(np.log(alpha), color="0.5", linestyle=":", label=r"$\lambda t_g = \log\alpha$")
    left.set_ylabel("accuracy")
    left.legend(loc="upper left", frameon=False)
    decay_time = np.geomspace(1e-2, np.log(alpha), 200)
    right.plot(
        decay_time,
        alpha * np.exp(-decay_time),
        color="0.5",
        linestyle=":",
        label=r"$\alpha e^{-\lambda t}$",
    )
    right.set_yscale("log")
    right.set_ylim(bottom=0.5 * float(data["norm"].min()))
    right.set_ylabel(r"$\|\theta\|$")
    right.legend(frameon=False)
    return figure


FIGURE = FigureSpec(
    name="modular-addition",
    title="Modular addition: grokking",
    caption="Two-layer ReLU net, cross-entropy, full-batch gradient descent with weight decay; one "
    "line a seed. Training accuracy is 1 early; test accuracy follows at about the time at which "
    "the norm has decayed to that of the max-margin solution.",
    source="Lyu et al. (ICLR 2024), Figure 1",
    parts=parts,
    draw=draw,
)
