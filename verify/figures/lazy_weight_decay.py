"""Weight decay shortens the delay of grokking, laziness restores it; with trained readouts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise

import numpy as np
from matplotlib.figure import Figure

from theory.lazy_rich import Setting, Training
from verify.figures.base import FigureSpec, Part, Table
from verify.figures.committee_runs import (
    LEARNED,
    Run,
    describe,
    finite,
    recorded_steps,
    runs_of,
    with_columns,
)
from verify.figures.committee_sweeps import stacked, sweep
from verify.figures.outcomes import Outcome, below

LAZY = 8.0
"""The output scale at which weight decays are compared."""

FIXED = 2.0
"""The output scale of the runs with fixed readouts."""


@dataclass(frozen=True)
class Size:
    """One preset; the largest of `decays` is that at which output scales are compared."""

    setting: Setting
    output_scales: tuple[float, ...]
    decays: tuple[float, ...]
    seeds: tuple[int, ...]


SIZES = {
    "quick": Size(
        Setting(20, 20, 100, curvature=0.25, step=0.1, steps=8000, centred=False),
        (2.0, 4.0, 8.0),
        (0.0, 1e-3, 3e-3),
        (0, 1),
    ),
    "paper": Size(
        Setting(40, 100, 240, curvature=0.25, step=0.05, steps=40_000, centred=False),
        (2.0, 4.0, 8.0),
        (0.0, 1e-3, 3e-3),
        (0,),
    ),
}


def paired(training: Training) -> Training:
    """The second half of the neurons copies the first with opposite readouts: f is 0 at first."""
    machine = training.committee
    half = machine.width // 2
    weights = machine.weights[..., :half, :]
    readout = np.asarray(machine.readout)[..., :half]
    doubled = replace(
        machine,
        weights=np.concatenate([weights, weights], axis=-2),
        readout=np.concatenate([readout, -readout], axis=-1),
    )
    return replace(training, committee=doubled)


def _compute(size: Size, decay: float, trained: bool) -> Table:
    scales = size.output_scales if trained else (FIXED,)
    settings = [
        replace(size.setting, output_scale=s, seed=k, trained_readout=trained, centred=not trained)
        for k in size.seeds
        for s in scales
    ]
    training = replace(Training.of(settings), weight_decay=decay)
    if trained:
        training = paired(training)
    target = stacked([setting.target() for setting in settings])
    table = sweep(training, target, recorded_steps(size.setting.steps))
    return with_columns(
        table,
        seed=[setting.seed for setting in settings],
        output_scale=[setting.output_scale for setting in settings],
        decay=[decay] * len(settings),
    )


def parts(preset: str) -> list[Part]:
    size = SIZES[preset]
    trained = [
        Part(f"decay-{decay:g}", partial(_compute, size, decay, True)) for decay in size.decays
    ]
    fixed = [
        Part(f"fixed-decay-{decay:g}", partial(_compute, size, decay, False))
        for decay in (size.decays[0], size.decays[-1])
    ]
    return trained + fixed


def _runs(tables: Mapping[str, Table], trained: bool) -> list[Run]:
    chosen = [table for part, table in tables.items() if part.startswith("decay") == trained]
    return [run for table in chosen for run in runs_of(table)]


def _by_seed(runs: Sequence[Run]) -> list[list[Run]]:
    return [
        [run for run in runs if run["seed"][0] == seed]
        for seed in dict.fromkeys(float(run["seed"][0]) for run in runs)
    ]


def _lazy(tables: Mapping[str, Table]) -> list[Run]:
    """The laziest runs with trained readouts: all decays."""
    return [run for run in _runs(tables, True) if run["output_scale"][0] == LAZY]


def _decayed(tables: Mapping[str, Table]) -> list[Run]:
    """The runs with trained readouts of the largest decay: all output scales."""
    runs = _runs(tables, True)
    largest = max(run["decay"][0] for run in runs)
    return [run for run in runs if run["decay"][0] == largest]


def draw(tables: Mapping[str, Table]) -> Figure:
    figure = Figure(figsize=(10.0, 3.5), layout="constrained")
    panels = figure.subplots(1, 3, sharey=True)
    decayed = _decayed(tables)
    decay = decayed[0]["decay"][0]
    shown = (
        (rf"trained readouts, $\alpha$ = {LAZY:g}", "decay", r"$\lambda$", _lazy(tables)),
        (rf"trained readouts, $\lambda$ = {decay:g}", "output_scale", r"$\alpha$", decayed),
        (rf"fixed readouts, $\alpha$ = {FIXED:g}", "decay", r"$\lambda$", _runs(tables, False)),
    )
    for axes, (title, column, symbol, runs) in zip(panels, shown, strict=True):
        axes.set_title(title)
        for k, run in enumerate(_by_seed(runs)[0]):
            for name, style in (("train", "--"), ("test", "-")):
                label = f"{symbol} = {run[column][0]:g}" if name == "test" else None
                losses = run[name][1:] / run[name][0]
                axes.loglog(run["step"][1:], losses, style, color=f"C{k}", label=label)
        axes.axhline(LEARNED, color="0.7", linewidth=0.8, zorder=0)
        axes.set_xlabel("gradient steps")
        axes.set_ylim(1e-3, 3.0)
        axes.legend(loc="lower left")
    panels[0].set_ylabel("loss, share of its start")
    return figure


def outcomes(tables: Mapping[str, Table]) -> Sequence[Outcome]:
    lazy, decayed = _by_seed(_lazy(tables)), _by_seed(_decayed(tables))
    fixed = _by_seed(_runs(tables, False))
    end = lazy[0][0].last("step")
    decays = tuple(f"lambda = {run['decay'][0]:g}" for run in lazy[0])
    scales = tuple(f"alpha = {run['output_scale'][0]:g}" for run in decayed[0])
    times = [[finite(run.learned("test"), end) for run in one] for one in lazy]
    fitted = [[finite(run.learned("train"), end) for run in one] for one in lazy]
    delays = [[max(finite(run.delay, end), 1.0) for run in one] for one in decayed]
    return (
        Outcome(
            f"at alpha = {LAZY:g} the larger the weight decay the earlier the test loss falls, "
            "by a third or more in all, while the training loss falls when it did within a quarter",
            (
                *(
                    below(f"{b} against {a}: test steps", _most(times, k + 1, k), 1.0)
                    for k, (a, b) in enumerate(pairwise(decays))
                ),
                below(f"{decays[-1]} against {decays[0]}: test steps", _most(times, -1, 0), 2 / 3),
                below(f"{decays[-1]} against {decays[0]}: training", _most(fitted, -1, 0), 1.25),
                below(f"{decays[0]} against {decays[-1]}: training", _most(fitted, 0, -1), 1.25),
            ),
            "weight decay does not bring the test loss forward",
            (below(f"{decays[0]} against {decays[-1]}: test steps", _most(times, 0, -1), 1.0),),
        ),
        Outcome(
            "at the largest weight decay larger output scales restore the delay, in steps between "
            "the fall of the training and of the test loss (in every seed)",
            (
                *(
                    below(f"{a} against {b}", _most(delays, k, k + 1), 0.75)
                    for k, (a, b) in enumerate(pairwise(scales))
                ),
                below(f"{scales[0]} against {scales[-1]}", _most(delays, 0, -1), 0.25),
            ),
            "weight decay sets the delay, whatever the output scale, within a factor 2",
            (below(f"{scales[-1]} against {scales[0]}", _most(delays, -1, 0), 2.0),),
        ),
        Outcome(
            "with readouts fixed at 1, too, weight decay lowers the test loss at the end",
            (below("share with decay against without", _most(_ends(fixed), -1, 0), 1.0),),
            "it halves it",
            (below("share with decay against without", _most(_ends(fixed), -1, 0), 0.5),),
            expected="falsified",
        ),
    )


def _most(values: Sequence[Sequence[float]], upper: int, lower: int) -> float:
    """The largest ratio of two entries over the seeds."""
    return max(one[upper] / one[lower] for one in values)


def _ends(runs: Sequence[Sequence[Run]]) -> list[list[float]]:
    return [[run.last("test") / float(run["test"][0]) for run in one] for one in runs]


FIGURE = FigureSpec(
    name="lazy-weight-decay",
    title="Laziness against weight decay",
    caption=(
        "Committee machines on y = (beta.x)^2 / 2; every step multiplies the weights by "
        "1 - dt lambda. Left and middle: trained readouts, decayed as well, initialized in pairs "
        "of opposite sign so that f is 0 at first. Right: readouts fixed at 1, centred: all of the "
        "weights of a solution but those along beta stay where they began, and decay works against "
        "it. Dashed: train, solid: test (exact, of the population), first seed; grey: a tenth of "
        "the start. The settings of the source did not survive; these were found by measurement. "
        + " ".join(
            f"{preset}: {describe(size.setting, 'output_scale', 'seed')}, seeds {size.seeds}."
            for preset, size in SIZES.items()
        )
    ),
    source="Kumar et al. (ICLR 2024), section on weight decay",
    parts=parts,
    draw=draw,
    outcomes=outcomes,
)
