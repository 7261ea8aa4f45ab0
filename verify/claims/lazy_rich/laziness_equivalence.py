"""Output scale, weight scale and label scale are one knob: exactly, at every step of descent."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

from theory.lazy_rich import Setting, gradient_descent
from theory.lazy_rich.knobs import LABELS, WEIGHTS, WEIGHTS_AND_READOUTS
from theory.lazy_rich.knobs import Knob as Powers
from verify.claims.lazy_rich.knob_runs import WEIGHT_FACTOR, Knobs
from verify.claims.lazy_rich.plain_descent import Descent, plain_descent
from verify.instances.committee import CommitteeInstance
from verify.language import (
    Basis,
    Claim,
    Kind,
    Law,
    Measurement,
    below,
    in_words,
    not_applicable,
    observed_elsewhere,
    power,
    stated,
)
from verify.registry import source_of
from verify.strategies.committee_training import READOUTS, knob_instances

LIMIT = 1e-10
LABEL_FACTOR = 3.0
COMPARED = ("weights", "outputs", "loss")


@dataclass(frozen=True)
class Reduction:
    """Powers in (alpha, eps) to which weights of square c0 and labels of signal B reduce."""

    output_scale_of_weights: float = 0.5
    curvature_of_weights: float = 0.5
    output_scale_of_signal: float = -1.0

    def unit(self, setting: Setting, square: float) -> Setting:
        """The setting of unit weights and signal that one of weights of that square reduces to."""
        scale = square**self.output_scale_of_weights
        return replace(
            setting,
            output_scale=setting.output_scale * scale * setting.signal**self.output_scale_of_signal,
            curvature=setting.curvature * square**self.curvature_of_weights,
            signal=1.0,
        )


_REDUCTION = Reduction()


@dataclass(frozen=True)
class Theory:
    """The powers of each knob, and of the label scale in the loss."""

    labels: Powers = stated(
        LABELS,
        labels_at_the_same_rate=(
            replace(LABELS, learning_rate=0),
            "small labels without a change of eta",
        ),
        labels_at_alpha=(
            replace(LABELS, learning_rate=-1),
            "eta takes alpha instead of alpha^2",
        ),
    )
    weights: Powers = stated(
        WEIGHTS,
        sigma_squared=(
            replace(WEIGHTS, output_scale=-2),
            "with fixed readouts alpha takes sigma^2",
        ),
        curvature_unchanged=(replace(WEIGHTS, curvature=0), "eps stays as it is"),
        curvature_inverse=(replace(WEIGHTS, curvature=1), "eps is divided by sigma"),
        same_learning_rate=(replace(WEIGHTS, learning_rate=0), "eta stays as it is"),
        learning_rate_of_alpha=(
            replace(WEIGHTS, learning_rate=1),
            "eta takes sigma instead of sigma^2",
        ),
    )
    weights_and_readouts: Powers = stated(
        WEIGHTS_AND_READOUTS,
        sigma_of_readouts=(
            replace(WEIGHTS_AND_READOUTS, output_scale=-1),
            "with trained readouts alpha takes sigma alone",
        ),
    )
    reduction: Reduction = stated(
        _REDUCTION,
        signal_of_the_square_root=(
            replace(_REDUCTION, output_scale_of_signal=-0.5),
            "the flow depends on alpha sqrt(c0 / B)",
        ),
        square_of_the_weights=(
            replace(_REDUCTION, output_scale_of_weights=1.0),
            "the flow depends on alpha c0 / B",
        ),
    )
    loss: float = stated(2.0, loss_of_alpha=power(1.0, "the loss takes alpha instead of alpha^2"))


def laws(measured: Knobs, theory: Theory) -> Iterator[Law]:
    trained = measured.setting.trained_readout
    weights = theory.weights_and_readouts if trained else theory.weights
    for name, powers, by in (
        ("labels", theory.labels, LABEL_FACTOR),
        ("weights", weights, WEIGHT_FACTOR),
    ):
        gaps = measured.turned(powers, by, theory.loss)
        for k, compared in enumerate(COMPARED):
            yield below(f"{name}: {compared}", gaps[k : k + 1], LIMIT, Basis.IDENTITY)
    reduced = "unit weights and signal: outputs"
    if trained:
        yield not_applicable(reduced, Kind.BELOW, "the reduction is that of fixed readouts")
        return
    unit = theory.reduction.unit(measured.setting, WEIGHT_FACTOR**2)
    yield below(reduced, measured.against(unit), LIMIT, Basis.IDENTITY)


def measured_by(descent: Descent, instance: CommitteeInstance) -> Knobs:
    return Knobs.measured_by(descent, instance.setting)


def _faster(instance: CommitteeInstance) -> CommitteeInstance:
    return CommitteeInstance(replace(instance.setting, step=1.01 * instance.setting.step))


measure = partial(measured_by, gradient_descent)

CLAIM = Claim(
    id="laziness-equivalence",
    title="Output scale, weight scale and label scale are the same knob, exactly",
    statement=(
        r"(\alpha, \epsilon, \sigma, \eta, y) \equiv (\alpha\sigma, \epsilon\sigma, 1,"
        r" \eta/\sigma^2, y), \quad"
        r" (\alpha, \eta, y) \equiv (1, \eta\alpha^2, y/\alpha)"
    ),
    source=source_of("laziness-equivalence"),
    measurement=Measurement(
        id="laziness-equivalence",
        kind=CommitteeInstance,
        families=READOUTS,
        instances=lambda families, _: knob_instances(families),
        measure=measure,
        assumptions=in_words(
            "phi(z) = z + (eps/2) z^2",
            "full-batch gradient descent on the squared loss",
            "readouts fixed, or trained and scaled with the weights",
        ),
        sabotaged={
            "a run of 1 % longer steps": observed_elsewhere(measure, _faster, "own", "large")
        },
        independent=partial(measured_by, plain_descent),
    ),
    theory=Theory(),
    laws=laws,
    tolerances=(
        "all bounds: 1e-10 of the movement, the labels and the first loss; exact but for rounding, "
        "which left at most 5e-13 in 168 instances",
        "numerical error: what one rounding of the first weights, up or down, does to a run, or of "
        "what is compared if that is more, times all roundings of the run; with steps beyond "
        "2 / sharpness they may be amplified without end",
    ),
)
