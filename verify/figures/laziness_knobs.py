"""One knob under three names: the scale of the outputs, of the weights, and of the labels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import log, sqrt

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from theory.backend import Floats
from theory.lazy_rich import QuadraticForm, Setting, Training
from theory.lazy_rich.knobs import LABELS, WEIGHTS, Knob, turned
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
from verify.figures.outcomes import Outcome, below, ordered

SAME_ETA = replace(LABELS, learning_rate=-1.0)
"""A rival of `LABELS`, which makes the step 1 / alpha^2 times as long, with 1 / alpha."""

SIGMA_SQUARE = replace(WEIGHTS, output_scale=-2.0)
"""A rival of `WEIGHTS`: sigma^2 alpha in place of sigma alpha, at eps sigma."""

EXACT = 1e-6
"""Largest |log ratio| of exact equivalents: rounding, amplified by the descent."""

COLLAPSE = 0.03
"""Largest |log ratio| of the movements at equal sigma^2 alpha, where they collapse."""

CURVED, FLAT = 0.25, 0.01
"""eps at which the collapse is looked for."""


@dataclass(frozen=True)
class Size:
    """One preset.

    Attributes:
        setting: of the sweep over output scales.
        output_scales: of the sweep, and of its exact equivalents.
        weight_scales: sigma.
        steps: of the runs compared at equal sigma^2 alpha.
    """

    setting: Setting
    output_scales: tuple[float, ...]
    weight_scales: tuple[float, ...]
    steps: int


SIZES = {
    "quick": Size(
        Setting(20, 20, 100, curvature=CURVED, step=0.05, steps=6000),
        (0.3, 0.6, 1.2, 2.4),
        (0.5, sqrt(0.5), 1.0, sqrt(2.0), 2.0),
        2000,
    ),
    "paper": Size(
        Setting(100, 500, 450, curvature=CURVED, signal=2.0, step=0.01, steps=60_000),
        (0.25, 1.0, 4.0, 16.0),
        (0.25, 0.5, 1.0, 2.0),
        50_000,
    ),
}


def _swept(size: Size) -> tuple[Training, QuadraticForm]:
    settings = [replace(size.setting, output_scale=alpha) for alpha in size.output_scales]
    return Training.of(settings), stacked([setting.target() for setting in settings])


def _compute_equivalent(size: Size, knob: Knob, power: float) -> Table:
    """The sweep with a knob turned by alpha^power, its losses in units of the labels."""
    training, target = _swept(size)
    alphas = np.array(size.output_scales)
    factor = alphas**power
    grown = factor**knob.labels
    aim = QuadraticForm(grown[:, None] * target.linear, grown[:, None, None] * target.quadratic)
    table = sweep(turned(training, knob, factor), aim, recorded_steps(size.setting.steps))
    return with_columns(table, output_scale=size.output_scales)


def _compute_collapse(size: Size, curvature: float, sweep_of: str) -> Table:
    """Movement where the weight scale, the output scale or both are swept.

    The weight scale comes with the learning rate eta / sigma^2.
    """
    sigmas = np.array(size.weight_scales)
    scales = {
        "sigma-alone": (sigmas, np.ones_like(sigmas)),
        "alpha-alone": (np.ones_like(sigmas), sigmas**2),
        "alpha-as-sigma": (np.ones_like(sigmas), sigmas),
        "both": (sigmas, sigmas**-2.0),
    }
    weight_scale, alphas = scales[sweep_of]
    setting = replace(size.setting, curvature=curvature)
    settings = [replace(setting, output_scale=float(alpha)) for alpha in alphas]
    training = Training.of(settings)
    machine = training.committee
    machine = replace(machine, weights=weight_scale[:, None, None] * machine.weights)
    training = replace(training, committee=machine, step=training.step / weight_scale**2)
    target = stacked([setting.target() for setting in settings])
    table = sweep(training, target, recorded_steps(size.steps))
    return with_columns(table, sigma=sigmas.tolist(), laziness=(weight_scale**2 * alphas).tolist())


EQUIVALENTS: dict[str, tuple[Knob, float]] = {
    "output-scale": (LABELS, 0.0),
    "label-scale": (LABELS, -1.0),
    "weight-scale": (WEIGHTS, 1.0),
    "label-scale-same-eta": (SAME_ETA, -1.0),
    "weight-scale-sigma-square": (SIGMA_SQUARE, 1.0),
}
"""The sweep over output scales alpha, the same as label scales 1 / alpha and as weight scales
alpha, and rivals of the last two."""

SWEPT = ("sigma-alone", "alpha-alone", "alpha-as-sigma", "both")


def parts(preset: str) -> list[Part]:
    size = SIZES[preset]
    exact = [
        Part(name, partial(_compute_equivalent, size, *knob)) for name, knob in EQUIVALENTS.items()
    ]
    collapse = [
        Part(f"eps-{eps:g}-{name}", partial(_compute_collapse, size, eps, name))
        for eps in (CURVED, FLAT)
        for name in SWEPT
    ]
    return exact + collapse


def draw(tables: Mapping[str, Table]) -> Figure:
    figure = Figure(figsize=(10.5, 3.6), layout="constrained")
    panels = figure.subplots(1, 3)
    _draw_equivalents(panels[0], tables)
    for axes, eps in zip(panels[1:], (CURVED, FLAT), strict=True):
        _draw_movements(axes, tables, eps)
    return figure


def _draw_equivalents(axes: Axes, tables: Mapping[str, Table]) -> None:
    marked = (("label-scale", "o", "label scale"), ("weight-scale", "x", "weight scale"))
    for k, run in enumerate(runs_of(tables["output-scale"])):
        losses = run["test"] / run["test"][0]
        label = rf"$\alpha$ = {run['output_scale'][0]:g}"
        axes.loglog(run["step"][1:], losses[1:], color=f"C{k}", label=label)
        for shift, (part, marker, _) in enumerate(marked):
            twin = runs_of(tables[part])[k]
            shown = slice(5 + 6 * shift, None, 12)
            axes.plot(
                twin["step"][shown],
                (twin["test"] / twin["test"][0])[shown],
                marker,
                color=f"C{k}",
                markersize=4,
                fillstyle="none",
            )
    for _, marker, name in marked:
        axes.plot([], [], marker, color="0.3", fillstyle="none", markersize=4, label=name)
    axes.axhline(LEARNED, color="0.7", linewidth=0.8, zorder=0)
    axes.set_xlabel("gradient steps")
    axes.set_ylabel("test loss, share of its start")
    axes.set_title("exact equivalents")
    axes.legend(loc="lower left")


def _draw_movements(axes: Axes, tables: Mapping[str, Table], eps: float) -> None:
    shown = (
        ("sigma-alone", "o-", r"$\sigma$ alone"),
        ("alpha-alone", "s--", r"$\alpha = \sigma^2$"),
        ("alpha-as-sigma", "x:", r"$\alpha = \sigma$"),
        ("both", "^", r"both, $\alpha = \sigma^{-2}$"),
    )
    ticks = [run["sigma"][0] ** 2 for run in runs_of(tables[f"eps-{eps:g}-sigma-alone"])]
    for name, style, label in shown:
        x = [1.0] * len(ticks) if name == "both" else ticks
        moved = _movements(tables, eps, name)
        axes.loglog(x, moved, style, label=label, markersize=5, fillstyle="none")
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks], minor=False)
    axes.set_xticks([], minor=True)
    axes.yaxis.set_major_locator(LogLocator(base=10.0, subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel(r"$\sigma^2$, or $\sigma^2 \alpha$ for both")
    axes.set_ylabel(r"$|\theta - \theta_0| / |\theta_0|$ at the end")
    axes.set_title(rf"$\epsilon$ = {eps:g}")
    axes.legend(loc="lower left")


def _movements(tables: Mapping[str, Table], eps: float, name: str) -> Floats:
    runs = runs_of(tables[f"eps-{eps:g}-{name}"])
    return np.array([run.last("movement") for run in runs])


def outcomes(tables: Mapping[str, Table]) -> Sequence[Outcome]:
    swept = runs_of(tables["output-scale"])
    end = swept[0].last("step")
    names = tuple(f"alpha = {run['output_scale'][0]:g}" for run in swept)
    delays = tuple(finite(run.learned("test"), 2 * end) for run in swept)
    moved = tuple(run.last("movement") for run in swept)
    flat_sigma = _apart(tables, FLAT, "alpha-as-sigma")
    return (
        Outcome(
            "label scale 1/alpha with the learning rate of alpha = 1 is output scale alpha",
            (below("largest |log ratio|", _difference(tables, "label-scale"), EXACT),),
            "it is so with the learning rate 1/alpha as well",
            (below("largest |log ratio|", _difference(tables, "label-scale-same-eta"), EXACT),),
        ),
        Outcome(
            "weight scale sigma is output scale sigma alpha at the curvature sigma eps",
            (below("largest |log ratio|", _difference(tables, "weight-scale"), EXACT),),
            "it is output scale sigma^2 alpha",
            (
                below(
                    "largest |log ratio|", _difference(tables, "weight-scale-sigma-square"), EXACT
                ),
            ),
        ),
        Outcome(
            "larger output scales move the weights less and generalise later",
            ordered(tuple(f"movement at {n}" for n in names[::-1]), moved[::-1])
            + ordered(tuple(f"steps at {n}" for n in names), delays),
            "they move them more and generalise earlier",
            ordered(tuple(f"movement at {n}" for n in names), moved)
            + ordered(tuple(f"steps at {n}" for n in names[::-1]), delays[::-1]),
        ),
        Outcome(
            f"at eps = {CURVED:g} the movement is a function of sigma^2 alpha, within 3 %",
            (
                below("sigma alone, largest |log ratio|", _apart(tables, CURVED), COLLAPSE),
                below("both at once, largest |log ratio|", _spread(tables, CURVED), COLLAPSE),
            ),
            "it is a function of sigma alpha, within 3 %",
            (below("largest |log ratio|", _apart(tables, CURVED, "alpha-as-sigma"), COLLAPSE),),
        ),
        Outcome(
            f"at eps = {FLAT:g} the movement is a function of sigma^2 alpha, within 3 %",
            (below("sigma alone, largest |log ratio|", _apart(tables, FLAT), COLLAPSE),),
            "it is a function of sigma alpha, within 3 %",
            (below("largest |log ratio|", flat_sigma, COLLAPSE),),
            expected="falsified",
        ),
    )


def _difference(tables: Mapping[str, Table], name: str) -> float:
    """The largest |log ratio| to the sweep over output scales, of losses and movements.

    Losses below a millionth of their start are left out: they are rounding.
    """
    found = 0.0
    for run, twin in zip(runs_of(tables["output-scale"]), runs_of(tables[name]), strict=True):
        for column in ("train", "test", "movement"):
            one, other = _scaled(run, column), _scaled(twin, column)
            seen = (one > 1e-6) & (other > 0)
            found = max(found, float(np.abs(np.log(other[seen] / one[seen])).max()))
    return found


def _scaled(run: Run, column: str) -> Floats:
    return run[column] if column == "movement" else run[column] / run[column][0]


def _apart(tables: Mapping[str, Table], eps: float, name: str = "alpha-alone") -> float:
    ratio = _movements(tables, eps, "sigma-alone") / _movements(tables, eps, name)
    return float(np.abs(np.log(ratio)).max())


def _spread(tables: Mapping[str, Table], eps: float) -> float:
    moved = _movements(tables, eps, "both")
    return log(moved.max() / moved.min())


FIGURE = FigureSpec(
    name="laziness-knobs",
    title="Laziness by output, weight and label scale",
    caption=(
        "Committee machines on y = (beta.x)^2 / 2, centred. Left: the sweep over the output scale "
        "alpha (lines) and the same runs as sweeps over the label scale 1/alpha (circles) and over "
        "the weight scale alpha at the curvature eps / alpha (crosses), loss in units of its "
        "start; grey: a tenth. Middle and right: how far the weights have moved, where the weight "
        "scale sigma (at the learning rate eta / sigma^2) is swept, or the output scale in its "
        "place, or both so that sigma^2 alpha stays; the collapse in sigma^2 alpha is an "
        "approximation, as the activation is not homogeneous. "
        + " ".join(
            f"{preset}: {describe(size.setting, 'output_scale')}, alpha {size.output_scales}; "
            f"middle and right {size.steps} steps."
            for preset, size in SIZES.items()
        )
    ),
    source="Kumar et al. (ICLR 2024), Figure 7 and Section 8.2",
    parts=parts,
    draw=draw,
    outcomes=outcomes,
)
