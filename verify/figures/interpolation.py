"""Initial weights between random and aligned with the task."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import inf

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure

from theory.lazy_rich import Setting
from verify.figures.base import FigureSpec, Part, Table
from verify.figures.committee_runs import (
    Experiment,
    Run,
    curves,
    describe,
    finite,
    runs_of,
    with_columns,
)
from verify.figures.outcomes import Outcome, below, ordered

SHARES = (0.0, 0.05, 0.2, 0.5, 0.75, 0.95)
"""s, from random to aligned weights."""


@dataclass(frozen=True)
class Size:
    setting: Setting
    seeds: tuple[int, ...]


_SETTING = Setting(40, 2, 120, curvature=0.25, step=0.025, steps=10_000, centred=False)

SIZES = {
    "quick": Size(_SETTING, tuple(range(8))),
    "paper": Size(replace(_SETTING, steps=20_000), tuple(range(20))),
}


def _compute(setting: Setting) -> Table:
    sign = np.array([[1.0], [-1.0]])
    solution = sign * setting.direction() / np.sqrt(setting.curvature * setting.output_scale)
    weights = np.stack([s * solution + (1 - s) * setting.weights() for s in SHARES])
    experiment = Experiment.of([setting] * len(SHARES)).starting_at(weights)
    table = curves(experiment, setting.steps)
    return with_columns(table, share=SHARES, seed=[setting.seed] * len(SHARES))


def parts(preset: str) -> list[Part]:
    size = SIZES[preset]
    settings = [replace(size.setting, seed=seed) for seed in size.seeds]
    return [Part(f"seed-{s.seed}", partial(_compute, s)) for s in settings]


def _by_share(tables: Mapping[str, Table]) -> dict[float, list[Run]]:
    runs = [run for table in tables.values() for run in runs_of(table)]
    return {s: [run for run in runs if run.last("share") == s] for s in SHARES}


def _learned(run: Run, name: str) -> float:
    """The first step with a loss below a tenth; all start near 1 at s = 0, and at 0 at s = 1."""
    low = run[name] < 0.1
    return float(run["step"][np.argmax(low)]) if low.any() else inf


def _median_delay(runs: Sequence[Run]) -> float:
    learned = [_learned(run, "test") for run in runs]
    pairs = zip(learned, runs, strict=True)
    return float(np.median([t - _learned(r, "train") if t < inf else inf for t, r in pairs]))


def _median_ratio(runs: Sequence[Run]) -> float:
    """Test steps over training steps; of a run that has not learned, what it exceeds."""
    learned = [finite(_learned(run, "test"), run.last("step")) for run in runs]
    pairs = zip(learned, runs, strict=True)
    return float(np.median([test / max(_learned(run, "train"), 1.0) for test, run in pairs]))


def draw(tables: Mapping[str, Table]) -> Figure:
    groups = _by_share(tables)
    figure = Figure(figsize=(9.0, 3.8), layout="constrained")
    losses, delays = figure.subplots(1, 2, width_ratios=[1.7, 1])
    colors = colormaps["viridis"](np.linspace(0, 0.92, len(SHARES)))
    for (share, runs), color in zip(groups.items(), colors, strict=True):
        run = runs[0]
        steps = run["step"][1:]
        losses.plot(steps, run["test"][1:], color=color, label=f"s = {share:g}")
        losses.plot(steps, run["train"][1:], ":", color=color, linewidth=1)
        losses.plot(steps, run["linearised_test"][1:], "--", color=color, linewidth=0.8)
        kernel = run.last("kernel_regression")
        losses.plot(steps[-1], kernel, "_", color=color, markersize=12)
        for one in runs:
            delay = _learned(one, "test") - _learned(one, "train")
            if delay < inf:
                delays.plot(share, delay, "o", color=color, markersize=4, clip_on=False)
    medians = {s: m for s, runs in groups.items() if (m := _median_delay(runs)) < inf}
    delays.plot(list(medians), list(medians.values()), "-", color="0.35", label="median")
    losses.set_xscale("log")
    losses.set_yscale("symlog", linthresh=1.0)
    losses.set_ylim(bottom=0)
    losses.set_yticks(ticks := [0, 0.25, 0.5, 0.75, 1, 2, 4], [f"{tick:g}" for tick in ticks])
    losses.set_xlabel("gradient steps")
    losses.set_ylabel("loss (logarithmic above 1)")
    losses.set_title("solid: test, dotted: train, dashed: linearised test")
    losses.legend(loc="upper left", ncols=2)
    delays.set_yscale("symlog", linthresh=10)
    delays.set_ylim(bottom=0)
    delays.set_xlabel("share s of the aligned weights")
    delays.set_ylabel("delay, test - train, in steps")
    delays.legend()
    return figure


def outcomes(tables: Mapping[str, Table]) -> Sequence[Outcome]:
    groups = _by_share(tables)
    medians = [_median_delay(runs) for runs in groups.values()]
    names = [f"s {share:g}" for share in SHARES]
    decided = [k for k, median in enumerate(medians) if median < inf]
    kept = tuple(names[k] for k in decided)
    delays = tuple(medians[k] for k in decided)
    half_way = tuple(share for share in SHARES if share >= 0.5)
    stuck = {s: sum(_learned(run, "test") == inf for run in runs) for s, runs in groups.items()}
    ends, twins = (
        float(np.median([run.last(name) for run in groups[0.2]]))
        for name in ("test", "linearised_test")
    )
    return (
        Outcome(
            "the more aligned the initial weights, the shorter the delay (median of the seeds)",
            ordered(kept[::-1], delays[::-1]),
            "the more aligned, the longer the delay",
            ordered(kept, delays),
        ),
        Outcome(
            "from s = 1/2 on every seed generalises; of random weights some seed does not",
            (
                below("seeds that do not, s from 1/2 on", sum(stuck[s] for s in half_way), 0),
                below("1, against those at s = 0", 1, stuck[0.0]),
            ),
            "random weights generalise with every seed",
            (below("seeds that do not, s = 0", stuck[0.0], 0),),
        ),
        Outcome(
            "at s = 0.2 the network ends below a tenth of its linearisation (median of the seeds)",
            (below("final test loss, against a tenth of the linearised one", ends, twins / 10),),
            "the linearisation ends below the network",
            (below("final linearised test loss, against the network's", twins, ends),),
        ),
        Outcome(
            "a small share, s = 0.05, already removes grokking: the test loss falls within two "
            "training times (median of the seeds)",
            (below("test steps over training steps, s = 0.05", _median_ratio(groups[0.05]), 2.0),),
            "so do random weights",
            (below("test steps over training steps, s = 0", _median_ratio(groups[0.0]), 2.0),),
            expected="falsified",
        ),
    )  # fmt: skip


FIGURE = FigureSpec(
    name="interpolation",
    title="From random to aligned initial weights",
    caption=(
        "Two neurons, the predictor not centred, with initial weights (1 - s) w(0) + s w*, where "
        "w* = +-beta/sqrt(alpha eps) solves the task. Losses of the first seed, beside their "
        "linearisations (dashed) and the kernel regressions where these end (bars at the right); "
        "delays between losses of 0.1, of all seeds that generalise. "
        + " ".join(
            f"{preset}: {describe(size.setting, 'seed')}; seeds 0 to {size.seeds[-1]}."
            for preset, size in SIZES.items()
        )
    ),
    source="Kumar et al. (ICLR 2024), interpolation of initial weights",
    parts=parts,
    draw=draw,
    outcomes=outcomes,
)
