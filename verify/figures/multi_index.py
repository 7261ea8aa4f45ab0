"""Targets of one, two and three directions: grokking persists beyond a single index."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from statistics import median

from matplotlib.figure import Figure

from theory.lazy_rich import Setting, Training
from theory.lazy_rich.targets import multi_index_target, orthogonal_directions
from verify.figures.base import FigureSpec, Part, Table
from verify.figures.committee_runs import LEARNED, describe, finite, recorded_steps, runs_of
from verify.figures.committee_sweeps import linearised, stacked, sweep
from verify.figures.outcomes import Outcome, below, ordered

DIRECTIONS = (1, 2, 3)
STREAM = 10
"""Stream of the random directions; those of a setting are lower."""

DELAY = 2.0
"""Grokking: the test loss takes this many times the steps of the training loss."""


@dataclass(frozen=True)
class Size:
    """One preset."""

    setting: Setting
    seeds: tuple[int, ...]


SIZES = {
    "quick": Size(Setting(20, 20, 120, curvature=0.1, step=0.2, steps=8000), (0, 1, 2)),
    "paper": Size(Setting(100, 500, 550, curvature=0.05, step=0.02, steps=150_000), (0,)),
}


def _compute(size: Size, count: int) -> Table:
    settings = [replace(size.setting, seed=seed) for seed in size.seeds]
    target = stacked(
        [
            multi_index_target(orthogonal_directions(count, s.input_dim, s.random(STREAM)))
            for s in settings
        ]
    )
    training = Training.of(settings)
    training = replace(training, targets=target(training.inputs))
    steps = recorded_steps(size.setting.steps)
    return sweep(training, target, steps) | linearised(training, target, steps)


def parts(preset: str) -> list[Part]:
    size = SIZES[preset]
    return [Part(f"directions-{k}", partial(_compute, size, k)) for k in DIRECTIONS]


def _name(part: str) -> str:
    count = part.removeprefix("directions-")
    return "1 direction" if count == "1" else f"{count} directions"


def draw(tables: Mapping[str, Table]) -> Figure:
    figure = Figure(figsize=(9.0, 3.2), layout="constrained")
    panels = figure.subplots(1, len(tables), sharey=True)
    for axes, (part, table) in zip(panels, tables.items(), strict=True):
        for name, style, label in (
            ("train", {"color": "tab:blue"}, "train"),
            ("test", {"color": "tab:red"}, "test"),
            ("linearised_train", {"color": "tab:blue", "linestyle": ":"}, "train, linearised"),
            ("linearised_test", {"color": "tab:red", "linestyle": ":"}, "test, linearised"),
        ):
            for k, run in enumerate(runs_of(table)):
                losses = run[name][1:] / run[name][0]
                axes.loglog(
                    run["step"][1:], losses, linewidth=1, label=None if k else label, **style
                )
        axes.axhline(LEARNED, color="0.7", linewidth=0.8, zorder=0)
        axes.set_title(_name(part))
        axes.set_xlabel("gradient steps")
        axes.set_ylim(3e-3, 3.0)
    panels[0].set_ylabel("loss, share of its start")
    panels[0].legend(loc="lower left")
    return figure


def outcomes(tables: Mapping[str, Table]) -> Sequence[Outcome]:
    runs = {_name(part): runs_of(table) for part, table in tables.items()}
    last = {name: found[0].last("step") for name, found in runs.items()}
    slowest = {name: max(run.learned("test") for run in found) for name, found in runs.items()}
    ratios = {
        name: finite(min(run.delay_ratio for run in found), last[name])
        for name, found in runs.items()
    }
    twins = {
        name: min(min(run["linearised_test"]) / run["linearised_test"][0] for run in found)
        for name, found in runs.items()
    }
    peaks = {
        name: min(max(run["test"]) / run["test"][0] for run in found)
        for name, found in runs.items()
    }
    medians = tuple(
        finite(median(run.learned("test") for run in found), last[name])
        for name, found in runs.items()
    )
    names = tuple(runs)
    return (
        Outcome(
            f"with one, two and three directions the test loss falls to a tenth, {DELAY:g} times "
            "later than the training loss, or later",
            tuple(
                below(
                    f"{n}: steps to a tenth, against all", finite(slowest[n], 2 * last[n]), last[n]
                )
                for n in names
            )
            + tuple(
                below(f"{n}: {DELAY:g}, against the ratio of steps", DELAY, ratios[n])
                for n in names
            ),
            "both fall together",
            tuple(below(f"{n}: ratio of steps", ratios[n], 1.5) for n in names),
        ),
        Outcome(
            "no linearisation comes down to twice that level",
            tuple(
                below(f"{n}: two tenths, against the lowest", 2 * LEARNED, twins[n]) for n in names
            ),
            "the linearisations generalise as well",
            tuple(below(f"{n}: lowest linearised test loss", twins[n], LEARNED) for n in names),
        ),
        Outcome(
            "the test loss first rises, by 3 % or more",
            tuple(below(f"{n}: 1.03, against the peak", 1.03, peaks[n]) for n in names),
            "it never rises above its start",
            tuple(below(f"{n}: peak", peaks[n], 1.0) for n in names),
        ),
        Outcome(
            "the more directions, the later (medians over the seeds)",
            ordered(names, medians),
            "the more directions, the earlier",
            ordered(names[::-1], medians[::-1]),
        ),
    )


FIGURE = FigureSpec(
    name="multi-index",
    title="Grokking with several relevant directions",
    caption=(
        "Committee machines on y = sum_k (beta_k.x)^2 / (2 K) with K orthogonal directions, beside "
        "their linearisations; centred, full-batch gradient descent, test losses exact, of the "
        "population. All seeds are shown; grey: a tenth of the start. The sizes of the source are "
        "not known. "
        + " ".join(
            f"{preset}: {describe(size.setting, 'seed')}, seeds {size.seeds}."
            for preset, size in SIZES.items()
        )
    ),
    source="Kumar et al. (ICLR 2024), targets of several directions",
    parts=parts,
    draw=draw,
    outcomes=outcomes,
)
