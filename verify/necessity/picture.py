"""A counterexample in pictures: the violating flow, and the one with the assumption restored."""

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from theory.asymptotics.kernel_phase import features_at, log_inverse_decay
from theory.backend import Floats
from theory.errors import AssumptionError, NumericalFailure
from theory.flow import FlowState
from theory.kernel import kernel_svm
from verify.claims.early_late.kernel_machines import probe_inputs
from verify.claims.early_late.kernel_phase import quasi_static_machine
from verify.instances import FlowInstance
from verify.report.svg import INK, MEASURED, MUTED, STYLE, WIDTH, Plot, clear, svg
from verify.report.trajectories import AFTER, mark_transition

SMALLEST_RESIDUAL = 1e-4

PANELS = (
    "margins; dark: the smallest",
    "cosine with the initial direction",
    "KKT residual (stationarity)",
    "distance of f / |f| from the kernel machine",
)
"""The last, on inputs and probes, where both instances have a kernel SVM."""

SMALLEST_GAP = 1e-6
RTOL = 1e-8
"""A picture shows no more."""

Flows = tuple[FlowInstance, ...]
"""The violating one, then the restored one."""


def pair_plots(assumption: str, pair: Flows, key: str) -> tuple[Plot, ...]:
    """Margins, direction and KKT residual over t / t_g, of the violating instance and the restored.

    One plot of each, on the same axes; none where a flow cannot be drawn.
    """
    try:
        return _drawn(assumption, pair, key)
    except (AssumptionError, NumericalFailure):
        return ()


def _drawn(assumption: str, pair: Flows, key: str) -> tuple[Plot, ...]:
    courses = [_course(instance, pair[-1]) for instance in pair]
    found = [_gaps(*both) for both in zip(pair, courses, strict=True)]
    gaps = found if all(gap is not None for gap in found) else [None, None]
    panels = PANELS[: 3 if gaps[0] is None else 4]
    heights = [1.3 if panel == PANELS[0] else 1.0 for panel in panels]
    description = (
        f"Against t / t_g: {'; '.join(panels)}. The dotted line is t_g, the shaded band reaches "
        "from (1 - c) t_g to (1 + c) t_g."
    )
    with mpl.rc_context(STYLE):
        figures = [Figure(figsize=(WIDTH, 1.1 * len(panels) + 0.5)) for _ in pair]
        grids = [
            figure.subplots(len(panels), 1, sharex=True, height_ratios=heights)
            for figure in figures
        ]
        spread = max(_spread(_margins(course)) for course in courses)
        for axes, instance, course, gap in zip(grids, pair, courses, gaps, strict=True):
            times = np.array([state.decay_time for state in course]) / instance.own.log_alpha
            _draw(axes, times, course, gap, pair[-1].c, spread)
        for row in zip(*grids, strict=True):
            _on_the_same_axes(row)
        plots = []
        for figure, state in zip(figures, ("violated", "restored"), strict=True):
            figure.subplots_adjust(left=0.13, right=0.985, bottom=0.09, top=0.95, hspace=0.4)
            caption = f"Assumption {state}"
            drawn = svg(figure, f"{key}-{state}", f"{caption}: {assumption}", description)
            plots.append(Plot(caption, drawn))
        return tuple(plots)


def _gaps(instance: FlowInstance, shown: Sequence[FlowState]) -> Floats | None:
    """Of f / |f| from the regularised kernel machine at that time; None where there is none."""
    problem = instance.problem
    if not problem.loss_function.classifies:
        return None
    try:
        svm = kernel_svm(problem)
    except AssumptionError:
        return None
    inputs = np.concatenate([problem.inputs, probe_inputs(problem)])
    features = features_at(problem, inputs)
    gaps = []
    for state in shown:
        level = log_inverse_decay(problem, instance.regime, state.at)
        predicted = features @ quasi_static_machine(svm, problem, level)
        outputs = state.outputs(inputs)
        size = max(float(np.linalg.norm(outputs)), 1e-300)
        gaps.append(np.linalg.norm(outputs / size - predicted / np.linalg.norm(predicted)))
    return np.array(gaps)


def _course(instance: FlowInstance, valid: FlowInstance) -> Sequence[FlowState]:
    end = 1.0 + max(AFTER, valid.c)
    even = np.linspace(0.0, end, 90)
    near = 1.0 + np.linspace(-8.0, 10.0, 60) / valid.own.log_alpha
    times = np.unique(np.concatenate([even, near[(near > 0) & (near < end)]]))
    return instance.flow(times.tolist(), rtol=RTOL).states


def _draw(
    panels: Sequence[Axes],
    times: Floats,
    shown: Sequence[FlowState],
    gaps: Floats | None,
    c: float,
    spread: float,
) -> None:
    top, middle, bottom, *last = panels
    margins = _margins(shown)
    top.plot(times, margins, color=MEASURED, linewidth=0.9, alpha=0.6)
    top.plot(times, margins.min(axis=1), color=INK, linewidth=1.5)
    top.axhline(0.0, color=MUTED, linewidth=0.7)
    if spread > 1e3:
        top.set_yscale("symlog", linthresh=1.0)
    cosines = [state.anchor_cosine for state in shown]
    middle.plot(times, cosines, color=MEASURED, linewidth=1.8)
    middle.set_ylim(-0.06, 1.06)
    residuals = [min(max(state.stationarity, SMALLEST_RESIDUAL), 1e3) for state in shown]
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
        mark_transition(axes, c)
        clear(axes)
    top.set_xlim(0.0, times[-1])
    panels[-1].set_xlabel("t / t_g")


def _on_the_same_axes(row: Sequence[Axes]) -> None:
    lowest, highest = zip(*(axes.get_ylim() for axes in row), strict=True)
    for axes in row:
        axes.set_ylim(min(lowest), max(highest))


def _margins(shown: Sequence[FlowState]) -> Floats:
    return np.array([state.margins for state in shown])


def _spread(margins: Floats) -> float:
    """How many times the typical margin the largest is."""
    sizes = np.abs(margins)
    return float(sizes.max() / max(float(np.median(sizes)), 1.0))
