"""What the figures on polynomial regression share: runs of committee machines as curves.

Beside every network its linearisation at initialization takes the same steps, and the kernel
regression with its initial NTK is where that one ends. Test losses are those of the population,
exact.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf, nan

import numpy as np
from matplotlib.axes import Axes

from theory.backend import Floats
from theory.lazy_rich import QuadraticForm, Setting, Training
from theory.lazy_rich.alignment import alignment_moments
from verify.figures.base import Table
from verify.figures.committee_sweeps import by_run, linearised, predictors

LEARNED = 0.1
"""Share of its start below which a loss counts as learned."""

PER_DECADE = 40
"""Recorded steps a decade: the step of a crossing is known within 6 %."""

_SYMBOLS = {
    "input_dim": "D",
    "width": "N",
    "samples": "P",
    "output_scale": "alpha",
    "curvature": "eps",
    "signal": "B",
    "step": "dt",
    "steps": "steps",
    "seed": "seed",
}


def describe(setting: Setting, *varied: str) -> str:
    """The numbers of a setting for a caption, without those that the figure varies."""
    shown = [name for name in _SYMBOLS if name not in varied]
    return ", ".join(f"{_SYMBOLS[name]} = {getattr(setting, name):g}" for name in shown)


def recorded_steps(last: int) -> list[int]:
    """0 and log-spaced whole numbers up to `last`."""
    count = max(2, round(PER_DECADE * np.log10(last)) + 1)
    return sorted({0, *np.geomspace(1, last, count).round().astype(int).tolist()})


@dataclass(frozen=True, eq=False)
class Experiment:
    """Runs of one shape on targets y = (beta.x)^2 / 2.

    Attributes:
        training: with one leading batch axis.
        directions: beta, shape `(runs, D)`.
    """

    training: Training
    directions: Floats

    @classmethod
    def of(cls, settings: Sequence[Setting]) -> "Experiment":
        directions = np.stack([setting.direction() for setting in settings])
        return cls(Training.of(settings), directions)

    def starting_at(self, weights: Floats) -> "Experiment":
        """The same with other initial weights, shape `(runs, N, D)`."""
        machine = replace(self.training.committee, weights=weights)
        return replace(self, training=replace(self.training, committee=machine))

    def target(self) -> QuadraticForm:
        outer = self.directions[:, :, None] * self.directions[:, None, :]
        return QuadraticForm(np.zeros_like(self.directions), outer)


def curves(experiment: Experiment, last: int, *, stop: bool = False) -> Table:
    """Losses of all runs at log-spaced steps, one row a run and step.

    Args:
        last: the number of steps.
        stop: end as soon as every run has learned, in training and in test loss.
    """
    training, target = experiment.training, experiment.target()
    records: list[dict[str, Floats]] = []
    steps: list[int] = []
    for moment, predictor in predictors(training, recorded_steps(last)):
        machine = moment.committee
        test = (predictor - target).mean_square()
        found = {
            "train": moment.train_loss,
            "test": test.total,
            "scale_term": test.scale,
            "alignment_term": test.alignment,
            "linear_term": test.linear,
            "weight_norm": np.sqrt((machine.weights**2).sum((-2, -1))),
        }
        if machine.readout is None:
            aligned = alignment_moments(machine, experiment.directions)
            found["kernel_alignment"] = aligned.population()
        steps.append(moment.step)
        records.append(found)
        learned = [found[name] < LEARNED * records[0][name] for name in ("train", "test")]
        if stop and bool(np.all(learned)):
            break
    return by_run(steps, records) | linearised(training, target, steps)


def with_columns(table: Table, **values: Sequence[float | int | str]) -> Table:
    """The table with further columns first, one value for each run."""
    added: Table = {
        name: [column[int(run)] for run in table["run"]] for name, column in values.items()
    }
    return added | table


@dataclass(frozen=True, eq=False)
class Run:
    """The columns of one run, in the order of its steps."""

    columns: Mapping[str, Floats]

    def __getitem__(self, name: str) -> Floats:
        return self.columns[name]

    def learned(self, name: str, share: float = LEARNED) -> float:
        """The first recorded step with a loss below that share of its start; inf for never."""
        below = self[name] < share * self[name][0]
        return float(self["step"][np.argmax(below)]) if below.any() else inf

    @property
    def delay(self) -> float:
        """Steps between the learning of the training set and that of the task; inf for never."""
        test = self.learned("test")
        return test - self.learned("train") if test < inf else inf

    @property
    def delay_ratio(self) -> float:
        """How many times as long the test loss takes as the training loss; inf for never."""
        test = self.learned("test")
        return test / self.learned("train") if test < inf else inf

    def at(self, name: str, step: float) -> float:
        """The first record from that step on; NaN where the run has ended before."""
        later = self[name][self["step"] >= step]
        return float(later[0]) if len(later) else nan

    def last(self, name: str) -> float:
        return float(self[name][-1])


def runs_of(table: Table) -> list[Run]:
    """The runs of a table, in order."""
    numbers = np.array(table["run"])
    columns = {name: np.array(values) for name, values in table.items()}
    return [
        Run({name: column[numbers == run] for name, column in columns.items()})
        for run in dict.fromkeys(table["run"])
    ]


def finite(value: float, limit: float) -> float:
    """`value`, or `limit`, which it is known to exceed, where it is infinite."""
    return min(value, limit)


def draw_losses(axes: Axes, run: Run) -> None:
    """Training and test loss beside the linearised ones, over log-spaced steps."""
    axes.plot(run["step"][1:], run["train"][1:], color="tab:blue", label="train")
    axes.plot(run["step"][1:], run["test"][1:], color="tab:red", label="test")
    draw_twin(axes, run)
    axes.set_xscale("log")
    axes.set_xlabel("gradient steps")


def draw_twin(axes: Axes, run: Run, share: float = 1.0) -> None:
    """The linearised test loss and where kernel regression ends, divided by `share`."""
    end = run.last("kernel_regression") / share
    axes.plot(
        run["step"][1:],
        run["linearised_test"][1:] / share,
        "--",
        color="0.35",
        label="test, linearised",
    )
    axes.axhline(
        end, color="0.35", linestyle=":", linewidth=1, label=f"kernel regression ({end:.2g})"
    )
