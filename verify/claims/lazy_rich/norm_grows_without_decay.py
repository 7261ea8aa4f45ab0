"""Without weight decay the weights have to grow to B / (alpha eps) before the test loss can fall.

The scale term of the test loss is (alpha eps (tr M - tr M0) - B D)^2 / (2 D)^2, so that a small
test loss fixes the mean square weight: it grows by B / (alpha eps) where the initial predictor is
subtracted, and tends to B / (alpha eps) from above or below where it is not. That is exact; what
is put to the test is that descent without decay gets there, and on which side of its start.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial

import numpy as np

from theory.backend import Floats
from theory.errors import NumericalFailure
from theory.lazy_rich import Setting, Training, gradient_descent
from verify.claims.lazy_rich.plain_descent import Descent, plain_descent
from verify.instances.committee import CommitteeInstance
from verify.language import (
    Basis,
    Claim,
    Kind,
    Ladder,
    Law,
    Measurement,
    Quantity,
    below,
    choice,
    factor,
    in_words,
    not_applicable,
    observed_elsewhere,
    power,
    stated,
)
from verify.registry import source_of
from verify.strategies.committee_training import CENTRING, generalising_instances

CHECKPOINTS = 40
LEARNED = 0.03
"""Share of the initial test loss at which the target counts as learned."""
ROUNDING = 1e-11
"""Of losses over the first one and of square weights, by the other route of descent."""


class OnTop(Enum):
    """In which runs the growth adds to the initial mean square weight."""

    CENTRED = "centred"
    ALWAYS = "always"
    NEVER = "never"


class Side(Enum):
    """On which side of their start the weights of centred runs are, once half is learned."""

    GROWN = "grown"
    SHRUNK = "shrunk"


@dataclass(frozen=True)
class Theory:
    """Mean square weight once learned: share * B / (alpha^p eps^q), on top of what was there."""

    share: float = stated(
        1.0,
        conserved=factor(0.0, "the mean square weight stays"),
        half=factor(0.5, "it grows by B / (2 alpha eps)"),
        twice=factor(2.0, "it grows by 2 B / (alpha eps)"),
    )
    output_scale: float = stated(1.0, square_of_alpha=power(2.0, "it grows by B / (alpha^2 eps)"))
    curvature: float = stated(1.0, without_curvature=power(0.0, "it grows by B / alpha"))
    on_top: OnTop = choice(
        OnTop.CENTRED,
        grows_uncentred=(OnTop.ALWAYS, "it grows without centring as well, by as much"),
        forgets_its_start=(OnTop.NEVER, "it tends to B / (alpha eps) with centring as well"),
    )
    side: Side = choice(
        Side.GROWN, shrinks=(Side.SHRUNK, "the weights shrink as the test loss falls")
    )


@dataclass(frozen=True, eq=False)
class Measured:
    """At each checkpoint: the test loss, and tr M / D = mean_i |w_i|^2 / D, `(k,)` each."""

    setting: Setting
    test: Floats
    square: Floats


def measured_by(descent: Descent, instance: CommitteeInstance) -> Measured:
    setting = instance.setting
    # rich machines sharpen like 1/(alpha eps), and train as much faster
    sharpness = max(1.0, setting.signal / (setting.output_scale * setting.curvature))
    training = replace(Training.of([setting]), step=setting.step / sharpness)
    target = setting.target()
    start = training.committee.form()
    at = np.unique(np.linspace(0, setting.steps, CHECKPOINTS).astype(int)).tolist()
    test, square = [], []
    for moment in descent(training, at):
        form = moment.committee.form()
        learned = form - start if setting.centred else form
        test.append(float((learned - target).mean_square().total[0]))
        square.append(float((moment.committee.weights**2).mean()))
    if test[-1] > LEARNED * test[0]:
        raise NumericalFailure(
            f"the test loss is at {test[-1] / test[0]:.2g} of its start after {setting.steps} steps"
        )
    return Measured(setting, np.array(test), np.array(square))


def laws(measured: Measured, theory: Theory) -> Iterator[Law | Ladder]:
    setting, square = measured.setting, Quantity.of(measured.square, ROUNDING * measured.square)
    on_top = {OnTop.ALWAYS: True, OnTop.NEVER: False, OnTop.CENTRED: setting.centred}[theory.on_top]
    total = setting.signal / (setting.output_scale * setting.curvature)
    grown = square - (measured.square[0] if on_top else 0.0)
    yield Ladder.of(
        "mean square weight, over that of the solution",
        "test loss over its start",
        measured.test / measured.test[0],
        grown / total,
        1.0,
    )
    predicted = theory.share * setting.signal
    predicted /= setting.output_scale**theory.output_scale * setting.curvature**theory.curvature
    yield below(
        "alpha eps / B times the mean square weight, once learned",
        abs(grown[-1:] - predicted) / total,
        2.0 * np.sqrt(measured.test[-1]) / setting.signal,
        Basis.DERIVED,
    )
    law = "initial mean square weight, over the least one below half of the test loss"
    if not setting.centred:
        yield not_applicable(law, Kind.BELOW, "only centred weights grow from any start")
        return
    learning = int(np.argmax(measured.test < 0.5 * measured.test[0]))
    least = learning + int(np.argmin(measured.square[learning:]))
    ratio = square[:1] / square[least : least + 1]
    yield below(law, ratio if theory.side is Side.GROWN else 1.0 / ratio, 1.0, Basis.DERIVED)


def _elsewhere(instance: CommitteeInstance) -> CommitteeInstance:
    setting = instance.setting
    return CommitteeInstance(replace(setting, output_scale=1.5 * setting.output_scale))


measure = partial(measured_by, gradient_descent)

CLAIM = Claim(
    id="norm-grows-without-decay",
    title="Without weight decay the weights grow to B / (alpha eps) as the test loss falls",
    statement=(
        r"\Bigl|\tfrac{\alpha\epsilon}{D}\,\mathrm{tr}(M - c M_0) - B\Bigr|"
        r" \le 2\sqrt{L_{\mathrm{test}}}, \quad c = 1 \text{ centred}, 0 \text{ not}"
    ),
    source=source_of("norm-grows-without-decay"),
    measurement=Measurement(
        id="norm-grows-without-decay",
        kind=CommitteeInstance,
        families=CENTRING,
        instances=lambda families, _: generalising_instances(families),
        measure=measure,
        assumptions=in_words(
            "P = D (D + 3), so that the test loss comes to vanish",
            "fixed readouts, no weight decay",
            "the test loss is below 3 % of its start at the end",
        ),
        sabotaged={
            "weights of half as much again alpha": observed_elsewhere(measure, _elsewhere, "square")
        },
        independent=partial(measured_by, plain_descent),
        thrift=3,
    ),
    theory=Theory(),
    laws=laws,
    tolerances=(
        "mean square weight: twice the root of the test loss that is left, exact by its scale term",
        "growth with centring: above the start wherever half of the test loss is gone; it is not "
        "monotone, and was seen to overshoot by 2 %",
    ),
)
