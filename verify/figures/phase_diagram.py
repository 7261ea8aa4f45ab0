"""Where grokking is: the delay of generalisation over the two knobs, alpha and eps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from theory.backend import Floats
from theory.lazy_rich import Setting
from verify.figures.base import FigureSpec, Part, Table
from verify.figures.committee_runs import Experiment, curves, describe, runs_of
from verify.figures.outcomes import Outcome, below

NEVER = -1.0
"""The delay of a run that has not generalised within its steps."""


@dataclass(frozen=True)
class Grid:
    setting: Setting
    scales: tuple[float, ...]
    curvatures: tuple[float, ...]


SIZES = {
    "quick": Grid(
        Setting(30, 60, 165, step=0.4, steps=12_000),
        (0.4, 1.2, 2.0, 2.8, 4.0),
        (0.02, 0.05, 0.1, 0.18, 0.28),
    ),
    "paper": Grid(
        Setting(100, 500, 550, step=0.4, steps=110_000),
        tuple(0.4 * k for k in range(1, 15)),
        tuple(0.02 * k for k in range(1, 15)),
    ),
}


def _compute(settings: Sequence[Setting]) -> Table:
    runs = runs_of(curves(Experiment.of(settings), settings[0].steps, stop=True))
    return {
        "output_scale": [setting.output_scale for setting in settings],
        "curvature": [setting.curvature for setting in settings],
        "train_step": [_or_never(run.learned("train")) for run in runs],
        "test_step": [_or_never(run.learned("test")) for run in runs],
        "delay": [_or_never(run.delay) for run in runs],
        "final_test": [run.last("test") / float(run["test"][0]) for run in runs],
        "linearised_test": [run.last("linearised_test") / float(run["test"][0]) for run in runs],
        "kernel_regression": [
            run.last("kernel_regression") / float(run["test"][0]) for run in runs
        ],
    }


def _or_never(value: float) -> float:
    return value if np.isfinite(value) else NEVER


def parts(preset: str) -> list[Part]:
    grid = SIZES[preset]
    return [
        Part(
            f"alpha-{scale:g}",
            partial(
                _compute,
                [
                    replace(grid.setting, output_scale=scale, curvature=eps)
                    for eps in grid.curvatures
                ],
            ),
        )
        for scale in grid.scales
    ]


def _column(tables: Mapping[str, Table], name: str) -> Floats:
    """One number a cell, shape `(alphas, epsilons)`, both increasing."""
    rows = sorted(tables.values(), key=lambda table: float(table["output_scale"][0]))
    return np.array([table[name] for table in rows], dtype=float)


def draw(tables: Mapping[str, Table]) -> Figure:
    figure = Figure(figsize=(9.6, 3.8), layout="constrained")
    scales, curvatures = _column(tables, "output_scale"), _column(tables, "curvature")
    delays = _column(tables, "delay")
    panels: tuple[tuple[str, Floats, dict[str, object]], ...] = (
        (
            "grokking delay in steps (grey: never)",
            np.where(delays < 0, np.nan, delays),
            {"norm": LogNorm(), "cmap": "viridis"},
        ),
        (
            "linearised test loss / initial, at the last step",
            _column(tables, "linearised_test"),
            {"vmin": 0.0, "vmax": 1.5, "cmap": "magma"},
        ),
    )
    for axes, (title, values, style) in zip(figure.subplots(1, 2), panels, strict=True):
        axes.set_facecolor("0.8")
        image = axes.imshow(values, origin="lower", aspect="auto", **style)
        figure.colorbar(image, ax=axes)
        axes.set_title(title)
        axes.set_xticks(range(values.shape[1]), [f"{eps:g}" for eps in curvatures[0]])
        axes.set_yticks(range(values.shape[0]), [f"{scale:g}" for scale in scales[:, 0]])
        axes.tick_params(axis="x", labelrotation=45 if values.shape[1] > 6 else 0)
        axes.set_xlabel(r"curvature $\epsilon$")
        axes.set_ylabel(r"output scale $\alpha$")
    return figure


def outcomes(tables: Mapping[str, Table]) -> Sequence[Outcome]:
    delays = _column(tables, "delay")
    late = delays > 0
    numbers = [np.log(_column(tables, name)[late]) for name in ("output_scale", "curvature")]
    design = np.column_stack([np.ones(late.sum()), *numbers])
    fitted = np.linalg.lstsq(design, np.log(delays[late]), rcond=None)[0]
    by_scale, by_curvature = float(fitted[1]), float(fitted[2])
    longest = float(delays.max())
    twin = float(_column(tables, "linearised_test").min())
    corner = {name: float(_column(tables, name)[-1, -1]) for name in ("train_step", "final_test")}
    return (
        Outcome(
            "the delay grows with alpha, by a power of at least 1/2",
            (below("1/2, against the power of alpha", 0.5, by_scale),),
            "the delay shrinks with alpha",
            (below("power of alpha", by_scale, 0.0),),
        ),
        Outcome(
            "the delay shrinks with eps, by a power of at least 1/4",
            (below("1/4, against the power of 1/eps", 0.25, -by_curvature),),
            "the delay does not shrink with eps",
            (below("power of 1/eps", -by_curvature, 0.0),),
        ),
        Outcome(
            "the longest delay lies at the lowest eps, at the middle alpha or above",
            (
                below(
                    "the longest delay, against that of this corner",
                    longest,
                    float(delays[len(delays) // 2 :, 0].max()),
                ),
            ),
            "it lies at the highest eps",
            (below("the longest delay, against that there", longest, float(delays[:, -1].max())),),
        ),
        Outcome(
            "at the highest alpha and eps the training set is learned and the task never is",
            (
                below("1, against the step of training", 1.0, corner["train_step"]),
                below("a tenth, against the test loss left", 0.1, corner["final_test"]),
            ),
            "the task is learned there as well",
            (below("test loss left", corner["final_test"], 0.1),),
        ),
        Outcome(
            "no linearisation generalises",
            (below("half the initial test loss, against the lowest linearised one", 0.5, twin),),
            "some linearisation generalises, below a tenth",
            (below("the lowest linearised test loss", twin, 0.1),),
        ),
    )


FIGURE = FigureSpec(
    name="phase-diagram",
    title="The phase diagram of grokking: laziness and alignment",
    caption=(
        "Gradient steps from a tenth of the training loss to a tenth of the test loss (of the "
        "population, exact), over the output scale alpha and the curvature eps, at learning rates "
        "proportional to 1/alpha^2; the linearised nets, on the right, generalise nowhere. "
        + " ".join(
            f"{preset}: {describe(grid.setting, 'output_scale', 'curvature')}."
            for preset, grid in SIZES.items()
        )
    ),
    source="Kumar et al. (ICLR 2024), phase diagram over laziness and alignment",
    parts=parts,
    draw=draw,
    outcomes=outcomes,
)
