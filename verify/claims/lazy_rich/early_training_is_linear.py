"""Lazy machines follow their linearisation, to a distance 1/alpha and for a time that grows."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial

import numpy as np
from hypothesis import strategies as st

from theory.backend import Floats
from theory.errors import AssumptionError
from theory.lazy_rich import Linearisation, Setting, Training, gradient_descent
from verify.claims.lazy_rich.plain_descent import Descent, plain_descent
from verify.instances.committee import CommitteeInstance
from verify.language import (
    Assumption,
    Claim,
    Kind,
    Ladder,
    Law,
    Measurement,
    Quantity,
    choice,
    equals,
    factor,
    in_words,
    observed_elsewhere,
    one_changed,
    ordered,
    power,
    stated,
    unresolved,
)
from verify.language.fits import RESOLVED
from verify.registry import source_of
from verify.strategies.committee_training import READOUTS, lazy_instances

MULTIPLES = (1, 4, 16, 64)
"""Of the instance's alpha."""

ROUNDING = 1e-13
"""Of residuals, relative to the labels."""
CENTRING = 8.0 * float(np.finfo(float).eps)
"""f - f0 is rounded to a few units of f0, which grows like alpha while the labels do not."""

DEPARTS = 0.5
"""Of the smallest of their largest deviations: the level at which every machine has departed."""


class Departure(Enum):
    """Which machine is first at a given distance from its linearisation."""

    LAZIER_LATER = "lazier later"
    LAZIER_EARLIER = "lazier earlier"
    TOGETHER = "together"


@dataclass(frozen=True)
class Theory:
    """The deviation falls like alpha^-order from the linearisation with `kernel` times the NTK."""

    order: float = stated(
        1.0,
        second_order=power(2.0, "the deviation falls like alpha^-2"),
        square_root=power(0.5, "the deviation falls like alpha^-1/2"),
        no_order=power(0.0, "the deviation does not depend on alpha"),
    )
    kernel: float = stated(
        1.0,
        twice_the_kernel=factor(2.0, "linearised with twice the NTK"),
        half_the_kernel=factor(0.5, "linearised with half the NTK"),
        no_learning=factor(0.0, "a lazy network keeps its initial outputs"),
    )
    departure: Departure = choice(
        Departure.LAZIER_LATER,
        earlier=(Departure.LAZIER_EARLIER, "lazier machines depart earlier"),
        same_time=(Departure.TOGETHER, "all depart at the same time"),
    )


@dataclass(frozen=True, eq=False)
class Measured:
    """Residuals of machines, relative to the labels.

    Attributes:
        setting: from which the linearised machine is made.
        scales: alpha, ascending, `(R,)`.
        residuals: y - f, shape `(steps + 1, R, P)`.
        rounding: of a deviation, `(R,)`.
    """

    setting: Setting
    scales: Floats
    residuals: Floats
    rounding: Floats

    def deviations(self, kernel: float) -> Floats:
        """|r - r_lin| / |y| from so many times the NTK, shape `(steps + 1, R)`."""
        twin = linearised(self.setting, kernel)
        linear = twin.residuals(np.arange(self.setting.steps + 1.0)) / np.linalg.norm(twin.targets)
        distance: Floats = np.linalg.norm(self.residuals - linear[:, None, :], axis=-1)
        return distance


def linearised(setting: Setting, kernel: float = 1.0) -> Linearisation:
    labels, step = setting.labels(), kernel * setting.step
    return Linearisation(setting.committee(), setting.inputs(), labels, step)


def largest_stable_step(setting: Setting) -> float:
    """2 over the sharpness of the linearised machine."""
    twin = linearised(setting)
    sharpness = float(np.linalg.eigvalsh(twin.committee.kernel(twin.inputs))[-1])
    per_step = setting.input_dim * setting.width / setting.samples
    return 2.0 * setting.output_scale**2 / (per_step * sharpness)


def steps_are_stable(instance: CommitteeInstance) -> None:
    """No step of the linearised machine is beyond 2 over its sharpness."""
    if instance.setting.step > largest_stable_step(instance.setting):
        raise AssumptionError(
            "stable-steps", "a step is beyond 2 / sharpness: the linearised machine diverges"
        )


def _unstable(valid: CommitteeInstance) -> st.SearchStrategy[CommitteeInstance]:
    """A step so many times the largest stable one."""
    setting, stable = valid.setting, largest_stable_step(valid.setting)
    return st.sampled_from((2.0, 1.2, 4.0)).map(
        lambda factor: replace(valid, setting=replace(setting, step=factor * stable))
    )


def measured_by(descent: Descent, instance: CommitteeInstance) -> Measured:
    setting = instance.setting
    scales = setting.output_scale * np.array(MULTIPLES)
    training = Training.of([replace(setting, output_scale=float(scale)) for scale in scales])
    size = float(np.linalg.norm(training.targets[0]))
    moments = descent(training, range(setting.steps + 1))
    residuals = np.stack([moment.residuals for moment in moments]) / size
    outputs = np.linalg.norm(training.committee.outputs(training.inputs), axis=-1) / size
    return Measured(setting, scales, residuals, ROUNDING + CENTRING * outputs)


def laws(measured: Measured, theory: Theory) -> Iterator[Law]:
    distances, logs = measured.deviations(theory.kernel), np.log10(measured.scales)
    largest = Quantity.of(distances.max(axis=0), measured.rounding)
    inverse = 1.0 / measured.scales
    course = largest.values[0] * inverse / inverse[0]
    ladder = Ladder.of(
        "largest deviation of residuals from the linearised ones, over |y|",
        "log10 alpha",
        logs,
        largest,
        course,
        inverse,
    )
    yield ladder.falls("deviation from the linearisation", theory.order)
    yield ladder.rate(
        "exponent of the deviation in alpha", -theory.order, 0.02, along=logs, agreement=0.3
    )
    yield _departures(distances, measured.rounding, theory.departure)


def _departures(distances: Floats, rounding: Floats, departure: Departure) -> Law:
    """When each machine is first at a level that all of them reach."""
    law = "departure, the lazier the later"
    level = DEPARTS * float(distances.max(axis=0).min())
    if level < RESOLVED * rounding.max():
        return unresolved(law, Kind.ORDERED, "deviations are not above rounding")
    columns = zip(distances.T, rounding, strict=True)
    times = Quantity.joined(_first(distance, level, error) for distance, error in columns)
    if departure is Departure.TOGETHER:
        return equals(law, times[1:] / times[:-1], 1.0, 0.1)
    return ordered(law, times if departure is Departure.LAZIER_LATER else times[::-1])


def _first(distance: Floats, level: float, rounding: float) -> Quantity:
    """The step at which a deviation first is at the level, between steps linearly."""
    k = int(np.argmax(distance >= level))
    before, after = Quantity.of(distance[k - 1], rounding), Quantity.of(distance[k], rounding)
    return k - 1.0 + (level - before) / (after - before)


def _faster(instance: CommitteeInstance) -> CommitteeInstance:
    return CommitteeInstance(replace(instance.setting, step=1.1 * instance.setting.step))


measure = partial(measured_by, gradient_descent)

CLAIM = Claim(
    id="early-training-is-linear",
    title="A lazy machine follows its linearisation up to 1/alpha, and longer the lazier it is",
    statement=(
        r"\max_{t \le T} \frac{|\Delta(t) - \Delta_{\mathrm{lin}}(t)|}{|y|} = O(\alpha^{-1}),"
        r" \quad \inf\{t : |\Delta - \Delta_{\mathrm{lin}}| \ge \delta|y|\}"
        r" \text{ increases with } \alpha"
    ),
    source=source_of("early-training-is-linear"),
    measurement=Measurement(
        id="early-training-is-linear",
        kind=CommitteeInstance,
        families=READOUTS,
        instances=lambda families, _: lazy_instances(families),
        measure=measure,
        assumptions=(
            Assumption(
                "stable-steps",
                "steps at most 2 / sharpness of the linearised machine",
                steps_are_stable,
                one_changed(_unstable),
            ),
            *in_words(
                "centred predictor",
                "learning rate lr N / alpha^2",
                "alpha at least 64, times up to a fixed one",
            ),
        ),
        sabotaged={"machines at a higher rate": observed_elsewhere(measure, _faster, "residuals")},
        independent=partial(measured_by, plain_descent),
    ),
    theory=Theory(),
    laws=laws,
    tolerances=(
        "deviation: the largest up to the last step, since at a single step orders may cancel; "
        "twice the constant of the first two rungs, whose next order is of relative 1/alpha",
        "departure: strictly later, with the step interpolated",
        "rate: 2 %; over 600 instances the fitted ones came within 0.05 % (median), 0.7 % (95 of "
        "100) and 1.2 % at most",
    ),
)
