"""A counterexample in pictures: the violating flow beside the one with the assumption restored."""

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from theory.asymptotics.kernel_phase import features_at, log_inverse_decay
from theory.backend import Floats
from theory.errors import AssumptionError, NumericalFailure
from theory.kernel import kernel_svm
from verify.claims.kernel_machines import probe_inputs
from verify.instances import FlowInstance, Violation
from verify.necessity.conclusions import machine_weights
from verify.necessity.moments import Moment, moments
from verify.report.svg import INK, MEASURED, MUTED, STYLE, WIDTH, Plot, clear, svg
from verify.report.trajectories import AFTER, mark_transition

SMALLEST_RESIDUAL = 1e-4

PANELS = (
    "margins; dark: the smallest",
    "cosine with the initial direction",
    "KKT residual (stationarity)",
    "distance of f / |f| from the kernel machine",
)
"""The last, on inputs and probes, where there is a kernel SVM and the kernel phase fails."""

SMALLEST_GAP = 1e-6


def pair_plot(pair: Violation, key: str) -> Plot | None:
    """Margins, direction and KKT residual over t / t_g; None where a flow cannot be drawn."""
    try:
        return _drawn(pair, key)
    except NumericalFailure:
        return None


def _drawn(pair: Violation, key: str) -> Plot:
    columns = [_course(instance, pair) for instance in (pair.violating, pair.restored)]
    gaps: list[Floats | None] = []
    if pair.conclusion != "late phase":
        instances = (pair.violating, pair.restored)
        gaps = [_gaps(*both) for both in zip(instances, columns, strict=True)]
    rows = 4 if all(gap is not None for gap in gaps) and gaps else 3
    title = f"Without and with the assumption: {pair.assumption}"
    description = (
        "Left the violating instance, right the restored one; against t / t_g: margins of the "
        "samples, cosine with the initial direction, stationarity of the max-margin problem"
        + (", distance of the outputs from the kernel machine. " if rows == 4 else ". ")
        + "The dotted line is t_g, the shaded band reaches from (1 - c) t_g to (1 + c) t_g."
    )
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(1.5 * WIDTH, 1.4 * rows + 0.8))
        figure.subplots_adjust(
            left=0.08, right=0.985, bottom=0.085, top=0.92, hspace=0.36, wspace=0.14
        )
        grid = figure.subplots(
            rows, 2, sharex=True, sharey="row", height_ratios=(1.3, *(1,) * (rows - 1))
        )
        for column, (head, shown) in enumerate(
            zip(("assumption violated", "assumption restored"), columns, strict=True)
        ):
            _draw(grid[:, column], shown, gaps[column] if rows == 4 else None, pair)
            grid[0, column].annotate(
                head, (0, 1.2), xycoords="axes fraction", fontsize=9.5, weight="bold"
            )
            grid[-1, column].set_xlabel("t / t_g")
        return Plot(title, svg(figure, key, title, description))


def _gaps(instance: FlowInstance, shown: list[Moment]) -> Floats | None:
    """Of f / |f| from the regularised kernel machine at that time; None where there is none."""
    problem = instance.problem
    try:
        svm = kernel_svm(problem)
    except AssumptionError:
        return None
    features = features_at(problem, np.concatenate([problem.inputs, probe_inputs(problem)]))
    gaps = []
    for moment in shown:
        level = log_inverse_decay(problem, instance.regime, moment.at)
        predicted = features @ machine_weights(problem, svm, level)
        size = max(float(np.linalg.norm(moment.probed)), 1e-300)
        gaps.append(np.linalg.norm(moment.probed / size - predicted / np.linalg.norm(predicted)))
    return np.array(gaps)


def _course(instance: FlowInstance, pair: Violation) -> list[Moment]:
    end = 1.0 + max(AFTER, pair.restored.c)
    even = np.linspace(0.0, end, 90)
    near = 1.0 + np.linspace(-8.0, 10.0, 60) / pair.restored.regime.log_alpha
    times = np.unique(np.concatenate([even, near[(near > 0) & (near < end)]]))
    return moments(instance, times.tolist(), probe_inputs(instance.problem), drawn=True)


def _draw(
    panels: Sequence[Axes], shown: list[Moment], gaps: Floats | None, pair: Violation
) -> None:
    top, middle, bottom, *last = panels
    times = np.array([moment.at for moment in shown])
    margins = np.array([moment.margins for moment in shown])
    top.plot(times, margins, color=MEASURED, linewidth=0.9, alpha=0.6)
    top.plot(times, margins.min(axis=1), color=INK, linewidth=1.5)
    top.axhline(0.0, color=MUTED, linewidth=0.7)
    if _spread(margins) > 1e3:
        top.set_yscale("symlog", linthresh=1.0)
    cosines = [moment.anchor_cosine for moment in shown]
    middle.plot(times, cosines, color=MEASURED, linewidth=1.8)
    middle.set_ylim(-0.06, 1.06)
    residuals = [max(moment.stationarity, SMALLEST_RESIDUAL) for moment in shown]
    bottom.plot(times, residuals, color=MEASURED, linewidth=1.8)
    bottom.set_yscale("log")
    bottom.set_ylim(0.7 * SMALLEST_RESIDUAL, 2.0)
    if gaps is not None:
        (axes,) = last
        axes.plot(times, np.maximum(gaps, SMALLEST_GAP), color=MEASURED, linewidth=1.8)
        axes.set_yscale("log")
        axes.set_ylim(0.5 * SMALLEST_GAP, 4.0)
    for axes, panel in zip(panels, PANELS, strict=False):
        axes.set_title(panel, loc="left", fontsize=8.5, pad=3)
        mark_transition(axes, pair.restored.c)
        clear(axes)
    top.set_xlim(0.0, times[-1])


def _spread(margins: Floats) -> float:
    """How many times the typical margin the largest is."""
    sizes = np.abs(margins)
    return float(sizes.max() / max(float(np.median(sizes)), 1.0))
