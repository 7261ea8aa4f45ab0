"""One instance in pictures: its flow through the transition, and its data."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from theory.backend import Flags, Floats
from theory.flow import Trajectory, gradient_flow
from theory.problem import Problem
from verify.instances import FlowInstance, instance_from_json
from verify.report.svg import BAND, INK, MEASURED, MUTED, STYLE, WIDTH, Plot, clear, svg
from verify.report.words import number

RTOL = 1e-6
"""Of the integration: the curves are drawn, not judged."""

MAX_EVALUATIONS = 20_000
MOST_PARAMETERS = 400
"""A report takes no minutes: what costs more is not drawn."""

AFTER = 0.3
"""The picture ends at (1 + this) t_g, or at the instance's own (1 + c) t_g if that is later."""

MOST_MARGINS = 30
"""Samples drawn one by one at most."""

PANELS = (
    "margins of the samples; dark: the smallest",
    "log |θ| / log α; dashed: 1 − t / t_g",
    "cosine with the initial direction; dashed: share of positive margins",
)


def classification_flow(data: Mapping[str, Any]) -> FlowInstance | None:
    """The instance, where it is a flow under a classification loss that is cheap enough to draw."""
    if "net" not in data or data.get("loss") == "squared":
        return None
    try:
        instance = instance_from_json(data)
    except Exception:  # a user's net may be anywhere by now, and fail in any way
        return None
    if not isinstance(instance, FlowInstance) or instance.problem.parameters > MOST_PARAMETERS:
        return None
    return instance


def trajectory_plot(instance: FlowInstance, key: str) -> Plot | None:
    """Margins, norm, direction and accuracy over t / t_g; None where the flow does not finish."""
    end = 1.0 + max(AFTER, instance.c)
    try:
        flow = gradient_flow(
            instance.problem,
            instance.regime,
            at=[end],
            rtol=RTOL,
            dense=True,
            estimate_error=False,
            max_evaluations=MAX_EVALUATIONS,
        )
        return _drawn(course(flow), instance, key)
    except Exception:  # see above; a picture that cannot be drawn is left out
        return None


@dataclass(frozen=True)
class Course:
    """A flow at T times: what the picture shows of it.

    Attributes:
        times: in units of t_g, shape `(T,)`.
        margins: shape `(T, n)`.
        log_norms: log |theta| over log alpha, shape `(T,)`.
        cosines: with the initial direction, shape `(T,)`.
    """

    times: Floats
    margins: Floats
    log_norms: Floats
    cosines: Floats

    @property
    def accuracy(self) -> Floats:
        """The share of positive margins, shape `(T,)`."""
        return np.asarray((self.margins > 0).mean(axis=1))


def course(flow: Trajectory) -> Course:
    """Read a dense flow at even times, finer about t_g, where it turns within 1/log alpha."""
    end, log_alpha = float(flow.at.max()), flow.regime.log_alpha
    near = 1.0 + np.linspace(-10.0, 12.0, 111) / log_alpha
    every = np.concatenate([np.linspace(0.0, end, 181), near])
    times = np.unique(every[(every >= 0.0) & (every <= end)])
    states = [flow.state(t) for t in times]
    return Course(
        times,
        np.array([state.margins for state in states]),
        np.array([state.log_norm for state in states]) / log_alpha,
        np.array([state.anchor_cosine for state in states]),
    )


def _drawn(shown: Course, instance: FlowInstance, key: str) -> Plot:
    times, regime = shown.times, instance.regime
    title = (
        f"Trajectory at log₁₀ α = {number(regime.log10_alpha, 5)}, "
        f"log₁₀ λ = {number(regime.log10_lambda, 5)}"
    )
    description = (
        "Against t / t_g: the margins of the training samples; log of the norm over log α; the "
        "cosine with the initial direction, and the share of positive margins."
    )
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 4.6))
        figure.subplots_adjust(left=0.11, right=0.98, bottom=0.1, top=0.95, hspace=0.32)
        top, middle, bottom = figure.subplots(3, sharex=True, height_ratios=(1.4, 1, 1))
        _draw_margins(top, times, shown.margins)
        middle.plot(times, shown.log_norms, color=MEASURED, linewidth=1.8)
        middle.plot(times, 1.0 - times, color=INK, linewidth=1, dashes=(4, 3))
        bottom.plot(times, shown.cosines, color=MEASURED, linewidth=1.8)
        bottom.step(times, shown.accuracy, where="post", color=BAND, linewidth=1.8, dashes=(6, 1.5))
        bottom.set_ylim(min(0.0, float(shown.cosines.min())) - 0.06, 1.06)
        bottom.set_xlabel("t / t_g")
        for axes, panel in zip((top, middle, bottom), PANELS, strict=True):
            axes.set_title(panel, loc="left", fontsize=8.5, pad=3)
            mark_transition(axes, instance.c)
            clear(axes)
        bottom.set_xlim(0.0, times[-1])
        return Plot(title, svg(figure, key, title, description))


def _draw_margins(axes: Axes, times: Floats, margins: Floats) -> None:
    step = -(-margins.shape[1] // MOST_MARGINS)
    axes.plot(times, margins[:, ::step], color=MEASURED, linewidth=0.9, alpha=0.6)
    axes.plot(times, margins.min(axis=1), color=INK, linewidth=1.5)
    axes.axhline(0.0, color=MUTED, linewidth=0.7)
    axes.locator_params(axis="y", nbins=5)


def mark_transition(axes: Axes, c: float) -> None:
    """t_g, and between (1 - c) t_g and (1 + c) t_g the time of which theorems do not speak."""
    axes.axvspan(1.0 - c, 1.0 + c, color=MUTED, alpha=0.12, linewidth=0)
    axes.axvline(1.0, color=BAND, linewidth=1.2, dashes=(2, 2))


def _marks(problem: Problem) -> list[tuple[Flags, str, str]]:
    """Groups of samples with the marker and the colour of each."""
    labels = np.asarray(problem.labels)
    if problem.classes is None:
        return [(labels > 0, "+", MEASURED), (labels <= 0, "_", INK)]
    return [(labels == k, f"${k}$", INK) for k in range(problem.classes) if k in labels]


def data_plot(instance: FlowInstance, key: str) -> Plot:
    """The inputs in their first two dimensions, by label."""
    inputs = np.asarray(instance.problem.inputs, dtype=float)
    labels = np.asarray(instance.problem.labels)
    across = inputs[:, 0]
    up = inputs[:, 1] if inputs.shape[1] > 1 else np.zeros(len(inputs))
    title = "Data"
    shown = min(2, inputs.shape[1])
    description = f"{len(labels)} samples, {shown} of {inputs.shape[1]} input dimensions."
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 3.2))
        figure.subplots_adjust(left=0.12, right=0.98, bottom=0.15, top=0.92)
        axes = figure.add_subplot()
        for chosen, marker, colour in _marks(instance.problem):
            axes.plot(
                across[chosen],
                up[chosen],
                linestyle="none",
                marker=marker,
                markersize=9,
                markeredgewidth=2,
                color=colour,
            )
        axes.axhline(0.0, color=MUTED, linewidth=0.7)
        axes.axvline(0.0, color=MUTED, linewidth=0.7)
        axes.margins(0.12)
        axes.set_xlabel("first input")
        axes.set_ylabel("second input" if inputs.shape[1] > 1 else "")
        clear(axes)
        several = instance.problem.classes is not None
        told = "the digit is the class" if several else "+ label +1,  − label −1"
        axes.set_title(told, loc="left", fontsize=8.5, pad=3)
        return Plot(title, svg(figure, key, title, description))
