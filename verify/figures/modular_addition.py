"""Modular addition: training fits at once, the test accuracy jumps a long time later."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, isfinite, nan

import numpy as np
from matplotlib.figure import Figure

from theory.backend import Floats
from theory.descent.modular_addition import ModularTask
from verify.figures.base import FigureSpec, Part, Table
from verify.figures.modular_runs import (
    GROKKED,
    SIZES,
    WHY_SMALL,
    Size,
    described,
    history_table,
    run_of,
    run_until,
    until_decay_time,
)
from verify.figures.outcomes import Outcome, below

FITTED = 0.99
"""Training accuracy from which on pairs count as learned."""

DELAY = 100.0

UNTIL = 20.0
"""Decay time lambda t at which a run ends."""


def _compute(size: Size) -> Table:
    runs = [run_of(size, size.alpha, size.decay, seed) for seed in size.seeds]
    decays = [run.decay for run in runs]
    state = run_until("modular_addition", size, runs, until_decay_time(decays, UNTIL))
    alphas = [run.alpha for run in runs]
    known = [mirrored(size.task)] * len(runs)
    return history_table(state, {"alpha": alphas, "decay": decays, "known": known})


def mirrored(task: ModularTask) -> float:
    """The share of test pairs that a shared embedding cannot tell from training pairs."""
    train, test = task.split()
    seen = set(map(tuple, train.tolist()))
    return float(np.mean([task.shared and (b, a) in seen for a, b in test.tolist()]))


@dataclass(frozen=True)
class Course:
    """One run: accuracies and the norm by decay time."""

    alpha: float
    known: float
    time: Floats
    train: Floats
    test: Floats
    norm: Floats

    def first(self, accuracies: Floats, threshold: float) -> float:
        """The decay time at which an accuracy is first reached, or infinity."""
        reached = self.time[accuracies >= threshold]
        return float(reached[0]) if len(reached) else inf

    @property
    def fitted(self) -> float:
        return self.first(self.train, FITTED)

    @property
    def grokked(self) -> float:
        return self.first(self.test, GROKKED)

    @property
    def delay(self) -> float:
        """How often as late test pairs are learned as training pairs; NaN if either never are."""
        return self.grokked / self.fitted if isfinite(self.grokked) else nan

    @property
    def plateau(self) -> Floats:
        """Test accuracies from the fit to half of the decay time of grokking."""
        return self.test[(self.time >= self.fitted) & (self.time <= 0.5 * self.grokked)]


def courses(table: Table) -> list[Course]:
    data = {name: np.array(column) for name, column in table.items()}
    found = []
    for run in np.unique(data["run"]):
        rows = data["run"] == run
        time = data["decay"][rows] * np.exp(data["log_time"][rows])
        named = (data[name][rows] for name in ("train_accuracy", "test_accuracy", "norm"))
        found.append(Course(data["alpha"][rows][0], data["known"][rows][0], time, *named))
    return found


def outcomes(tables: Mapping[str, Table]) -> Sequence[Outcome]:
    """What is said of every run, by the one that says it worst."""
    runs = courses(tables["runs"])
    delays = np.array([run.delay for run in runs])
    plateaus = [float(np.median(run.plateau)) if len(run.plateau) else nan for run in runs]
    known = [abs(p - run.known) for p, run in zip(plateaus, runs, strict=True)]
    late = [abs(p - run.test[-1]) for p, run in zip(plateaus, runs, strict=True)]
    times = [abs(run.grokked / np.log(run.alpha) - 1.0) for run in runs]
    halved = [abs(run.grokked / np.log(2.0) - 1.0) for run in runs]
    return (
        Outcome(
            f"test pairs are learned {DELAY:g} times as late as training pairs",
            (below("allowed delay over found", DELAY / float(delays.min()), 1.0),),
            "about when training pairs are",
            (below("delay", float(delays.max()), DELAY),),
        ),
        Outcome(
            "until then as many test pairs are right as the embedding cannot tell from known ones",
            (below("accuracy off that", max(known), 0.05),),
            "as many as at the end",
            (below("accuracy off the last", max(late), 0.05),),
        ),
        Outcome(
            "lambda t of grokking is log(alpha), to a half",
            (below("share off log(alpha)", max(times), 0.5),),
            "it is log 2, when the norm has halved",
            (below("share off log 2", max(halved), 0.5),),
        ),
        Outcome(
            "up to lambda t = 0.7 the norm is alpha e^(-lambda t)",
            (below("share off", max(_off_norm(run, 1.0) for run in runs), 0.1),),
            "alpha e^(-2 lambda t)",
            (below("share off", max(_off_norm(run, 2.0) for run in runs), 0.1),),
        ),
    )


def _off_norm(run: Course, rate: float) -> float:
    early = run.time <= 0.7
    law = run.alpha * np.exp(-rate * run.time[early])
    return float(np.abs(run.norm[early] / law - 1.0).max()) if run.time.max() > 0.7 else nan


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
    left.legend(loc="upper left")
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
    right.legend()
    return figure


FIGURE = FigureSpec(
    name="modular-addition",
    title="Modular addition: grokking",
    caption="Two-layer ReLU net, cross-entropy, full-batch gradient descent with weight decay; one "
    "line a seed. Training accuracy is 1 early; test accuracy follows at about the time at which "
    "the norm has decayed to that of the max-margin solution. "
    f"{described()} {WHY_SMALL} Its plateau is of pairs whose mirror image is known.",
    source="Lyu et al. (ICLR 2024), Figure 1",
    parts=parts,
    draw=draw,
    outcomes=outcomes,
)
