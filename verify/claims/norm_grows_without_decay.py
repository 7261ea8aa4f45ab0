"""Without weight decay the weights have to grow to B / (alpha eps) before the test loss can fall.

The scale term of the test loss is (alpha eps (tr M - tr M0) - B D)^2 / (2 D)^2, so that a small
test loss fixes the mean square weight: it grows by B / (alpha eps) where the initial predictor is
subtracted, and tends to B / (alpha eps) from above or below where it is not. That is exact; what
is put to the test is that descent without decay gets there, and on which side of its start.
"""

from dataclasses import dataclass, replace
from math import sqrt

import numpy as np

from theory.errors import NumericalFailure
from theory.lazy_rich import Committee, Training, gradient_descent
from verify.claims.base import Assertions, Bound, Claim, Ladder, Rival
from verify.instances.committee import CommitteeInstance
from verify.registry import source_of
from verify.strategies.committee_training import CENTRING, generalising_instances

CHECKPOINTS = 40
LEARNED = 0.03
"""Share of the initial test loss at which the target counts as learned."""


@dataclass(frozen=True)
class Theory:
    """Mean square weight once learned: factor * B / (alpha^p eps^q), on top of what was there.

    Attributes:
        on_top: of the initial value, in "centred" runs, "always" or "never".
        shrinks: while the test loss falls the weights of centred runs shrink instead.
    """

    factor: float = 1.0
    output_scale: float = 1.0
    curvature: float = 1.0
    on_top: str = "centred"
    shrinks: bool = False


@dataclass(frozen=True)
class Measured:
    """At each checkpoint: the test loss, and tr M / D = mean_i |w_i|^2 / D."""

    instance: CommitteeInstance
    test: tuple[float, ...]
    square: tuple[float, ...]


def measure(instance: CommitteeInstance) -> Measured:
    setting = instance.setting
    # rich machines sharpen like 1/(alpha eps), and train as much faster
    sharpness = max(1.0, setting.signal / (setting.output_scale * setting.curvature))
    training = replace(Training.of([setting]), step=setting.step / sharpness)
    target = setting.target()
    start = training.committee.form()
    at = np.unique(np.linspace(0, setting.steps, CHECKPOINTS).astype(int)).tolist()
    test, square = [], []
    for moment in gradient_descent(training, at):
        form = moment.committee.form()
        learned = form - start if setting.centred else form
        test.append(float((learned - target).mean_square().total[0]))
        square.append(_mean_square(moment.committee))
    if test[-1] > LEARNED * test[0]:
        raise NumericalFailure(
            f"the test loss is at {test[-1] / test[0]:.2g} of its start after {setting.steps} steps"
        )
    return Measured(instance, tuple(test), tuple(square))


def _mean_square(machine: Committee) -> float:
    return float((machine.weights**2).sum() / machine.weights.size)


def assertions(measured: Measured, theory: Theory) -> Assertions:
    setting = measured.instance.setting
    first, last = measured.square[0], measured.square[-1]
    on_top = theory.on_top == "always" or (theory.on_top == "centred" and setting.centred)
    scale = setting.output_scale * setting.curvature / setting.signal
    predicted = theory.factor * setting.signal
    predicted /= setting.output_scale**theory.output_scale
    predicted /= setting.curvature**theory.curvature
    gap = scale * abs(last - (first if on_top else 0.0) - predicted)
    allowed = 2.0 * sqrt(measured.test[-1]) / setting.signal
    bounds = [Bound("alpha eps / B times the mean square weight, once learned", gap, allowed)]
    if setting.centred:
        learning = next(k for k, loss in enumerate(measured.test) if loss < 0.5 * measured.test[0])
        ratio = first / min(measured.square[learning:])
        name = "initial mean square weight, over the least one below half of the test loss"
        bounds.append(Bound(name, 1.0 / ratio if theory.shrinks else ratio, 1.0))
    return Assertions(tuple(bounds))


def ladders(measured: Measured) -> tuple[Ladder, ...]:
    setting = measured.instance.setting
    total = setting.signal / (setting.output_scale * setting.curvature)
    start = measured.square[0] if setting.centred else 0.0
    return (
        Ladder(
            "mean square weight, over that of the solution",
            "test loss over its start",
            tuple(loss / measured.test[0] for loss in measured.test),
            tuple((square - start) / total for square in measured.square),
            (1.0,) * len(measured.test),
        ),
    )


_TRUE = Theory()

CLAIM = Claim(
    id="norm-grows-without-decay",
    title="Without weight decay the weights grow to B / (alpha eps) as the test loss falls",
    statement=(
        r"\Bigl|\tfrac{\alpha\epsilon}{D}\,\mathrm{tr}(M - c M_0) - B\Bigr|"
        r" \le 2\sqrt{L_{\mathrm{test}}}, \quad c = 1 \text{ centred}, 0 \text{ not}"
    ),
    source=source_of("norm-grows-without-decay"),
    assumptions=(
        "P = D (D + 3), so that the test loss comes to vanish",
        "fixed readouts, no weight decay",
        "the test loss is below 3 % of its start at the end",
    ),
    instances=generalising_instances,
    measure=measure,
    theory=_TRUE,
    assertions=assertions,
    rivals=(
        Rival("shrinks", "the weights shrink as the test loss falls", replace(_TRUE, shrinks=True)),
        Rival("conserved", "the mean square weight stays", replace(_TRUE, factor=0.0)),
        Rival("half", "it grows by B / (2 alpha eps)", replace(_TRUE, factor=0.5)),
        Rival("twice", "it grows by 2 B / (alpha eps)", replace(_TRUE, factor=2.0)),
        Rival("without-curvature", "it grows by B / alpha", replace(_TRUE, curvature=0.0)),
        Rival("square-of-alpha", "it grows by B / (alpha^2 eps)", replace(_TRUE, output_scale=2.0)),
        Rival(
            "grows-uncentred",
            "it grows without centring as well, by as much",
            replace(_TRUE, on_top="always"),
        ),
        Rival(
            "forgets-its-start",
            "it tends to B / (alpha eps) with centring as well",
            replace(_TRUE, on_top="never"),
        ),
    ),
    tolerances=(
        "mean square weight: twice the root of the test loss that is left, exact by its scale term",
        "growth with centring: above the start wherever half of the test loss is gone; it is not "
        "monotone, and was seen to overshoot by 2 %",
    ),
    ladders=ladders,
    families=CENTRING,
    kind=CommitteeInstance,
    thrift=3,
)
