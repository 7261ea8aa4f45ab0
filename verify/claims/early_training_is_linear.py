"""Lazy machines follow their linearisation, to a distance 1/alpha and for a time that grows."""

from dataclasses import dataclass, replace
from math import log10

import numpy as np

from theory.backend import Floats
from theory.lazy_rich import Linearisation, Training, gradient_descent
from verify.claims.base import Assertions, Bound, Claim, Ladder, Rival
from verify.claims.fits import RESOLVED, falls_like, log_slope, rate, slopes
from verify.instances.committee import CommitteeInstance
from verify.registry import source_of
from verify.strategies.committee_training import READOUTS, lazy_instances

LADDER = (1, 4, 16, 64)
"""Multiples of the instance's alpha."""

ROUNDING = 1e-13
"""Of the deviation, relative to the labels; and what centring rounds, besides."""

CENTRING = 8.0 * float(np.finfo(float).eps)
"""f - f0 is rounded to a few units of f0, which grows like alpha while the labels do not."""

DEPARTS = 0.5
"""Of the smallest of their largest deviations: the level at which every machine has departed."""


@dataclass(frozen=True)
class Theory:
    """The deviation falls like alpha^-order from the linearisation with `kernel` times the NTK.

    Attributes:
        departure: "later", "earlier" or "same" with larger alpha.
        start: "NTK", or "none" for a network that stays at its initialization.
    """

    order: float = 1.0
    kernel: float = 1.0
    departure: str = "later"
    start: str = "NTK"


@dataclass(frozen=True)
class Measured:
    """Residuals relative to the labels, of the machines and of the linearised ones.

    Attributes:
        scales: alpha, ascending.
        machines: y - f, shape `(steps + 1, scales, P)`.
        linear: y - f_lin with the NTK times each factor, shape `(steps + 1, P)`.
        rounding: of the deviation, for each scale.
    """

    scales: tuple[float, ...]
    machines: Floats
    linear: dict[float, Floats]
    rounding: tuple[float, ...]


def measure(instance: CommitteeInstance) -> Measured:
    setting = instance.setting
    scales = tuple(setting.output_scale * multiple for multiple in LADDER)
    training = Training.of([replace(setting, output_scale=scale) for scale in scales])
    steps = range(setting.steps + 1)
    labels = setting.labels()
    size = float(np.linalg.norm(labels))
    machines = np.stack([moment.residuals for moment in gradient_descent(training, steps)])
    linear = {}
    for kernel in (0.5, 1.0, 2.0):
        twin = Linearisation(setting.committee(), setting.inputs(), labels, kernel * setting.step)
        linear[kernel] = np.stack([twin.residuals(k) for k in steps]) / size
    outputs = np.linalg.norm(training.committee.outputs(training.inputs), axis=-1) / size
    rounding = tuple(float(ROUNDING + CENTRING * output) for output in outputs)
    return Measured(scales, machines / size, linear, rounding)


def deviations(measured: Measured, theory: Theory) -> Floats:
    """|r - r_lin| / |y|, shape `(steps + 1, scales)`."""
    linear = measured.linear[theory.kernel]
    if theory.start == "none":
        linear = np.broadcast_to(linear[0], linear.shape)
    distance: Floats = np.linalg.norm(measured.machines - linear[:, None, :], axis=-1)
    return distance


def assertions(measured: Measured, theory: Theory) -> Assertions:
    distances = deviations(measured, theory)
    last = tuple(map(float, distances[-1]))
    errors = measured.rounding
    inverse = tuple(1.0 / scale for scale in measured.scales)
    bounds = falls_like("deviation at the last step", inverse, last, errors, theory.order)
    fitted = log_slope([log10(scale) for scale in measured.scales], last, errors, agreement=0.3)
    rates = rate(
        "exponent of the deviation in alpha",
        -theory.order,
        fitted,
        tolerance=0.02,
        method=slopes(len(last)),
    )
    return Assertions((*bounds, *_departures(measured, distances, theory)), rates)


def _departures(measured: Measured, distances: Floats, theory: Theory) -> tuple[Bound, ...]:
    """When each machine is first at a level that all of them reach."""
    level = DEPARTS * float(distances.max(axis=0).min())
    if level < RESOLVED * max(measured.rounding):
        return ()
    times = [_first(distances[:, j], level) for j in range(len(measured.scales))]
    bounds = []
    for j in range(1, len(times)):
        sooner, later = times[j - 1], times[j]
        if theory.departure == "earlier":
            sooner, later = later, sooner
        name = f"departure at alpha = {measured.scales[j]:g} against a quarter of it"
        if theory.departure == "same":
            bounds.append(Bound(name, abs(later / sooner - 1.0), 0.1))
        else:
            bounds.append(Bound(name, sooner / later, 1.0))
    return tuple(bounds)


def _first(distance: Floats, level: float) -> float:
    """The step at which a deviation first is at the level, between steps linearly."""
    k = int(np.argmax(distance >= level))
    before, after = distance[k - 1], distance[k]
    return float(k - 1 + (level - before) / (after - before))


def ladders(measured: Measured) -> tuple[Ladder, ...]:
    last = deviations(measured, _TRUE)[-1]
    first = measured.scales[0]
    return (
        Ladder(
            "deviation of the training residuals from the linearised ones",
            "log10 alpha",
            tuple(map(log10, measured.scales)),
            tuple(max(float(value), ROUNDING) for value in last),
            tuple(max(float(last[0]), ROUNDING) * first / scale for scale in measured.scales),
        ),
    )


_TRUE = Theory()

CLAIM = Claim(
    id="early-training-is-linear",
    title="A lazy machine follows its linearisation up to 1/alpha, and longer the lazier it is",
    statement=(
        r"\frac{|\Delta(t) - \Delta_{\mathrm{lin}}(t)|}{|y|} = O(\alpha^{-1}) \text{ at fixed } t,"
        r" \quad \inf\{t : |\Delta - \Delta_{\mathrm{lin}}| \ge \delta|y|\}"
        r" \text{ increases with } \alpha"
    ),
    source=source_of("early-training-is-linear"),
    assumptions=(
        "centred predictor",
        "learning rate lr N / alpha^2",
        "alpha at least 64, the time fixed",
    ),
    instances=lazy_instances,
    measure=measure,
    theory=_TRUE,
    assertions=assertions,
    rivals=(
        Rival("second-order", "the deviation falls like alpha^-2", replace(_TRUE, order=2.0)),
        Rival("square-root", "the deviation falls like alpha^-1/2", replace(_TRUE, order=0.5)),
        Rival("no-order", "the deviation does not depend on alpha", replace(_TRUE, order=0.0)),
        Rival("twice-the-kernel", "linearised with twice the NTK", replace(_TRUE, kernel=2.0)),
        Rival("half-the-kernel", "linearised with half the NTK", replace(_TRUE, kernel=0.5)),
        Rival(
            "no-learning", "a lazy network keeps its initial outputs", replace(_TRUE, start="none")
        ),
        Rival("earlier", "lazier machines depart earlier", replace(_TRUE, departure="earlier")),
        Rival("same-time", "all depart at the same time", replace(_TRUE, departure="same")),
    ),
    tolerances=(
        "deviation: twice the constant of the first rung, whose next order is of relative 1/alpha",
        "departure: strictly later, with the step interpolated",
        "rate: 2 %; over 60 instances the fitted ones came within 0.2 % (quartiles), 1.9 % at most",
    ),
    ladders=ladders,
    families=READOUTS,
    kind=CommitteeInstance,
)
