"""Output scale, weight scale and label scale are one knob: exactly, at every step of descent."""

from dataclasses import dataclass, replace

import numpy as np

from theory.backend import Floats
from theory.errors import NumericalFailure
from theory.lazy_rich import Moment, Training, gradient_descent
from theory.lazy_rich.knobs import LABELS, WEIGHTS, WEIGHTS_AND_READOUTS, Knob, turned
from verify.claims.base import Assertions, Bound, Claim, Rival
from verify.instances.committee import CommitteeInstance
from verify.strategies.committee_training import READOUTS, knob_instances

LIMIT = 1e-10
LABEL_FACTOR = 3.0
WEIGHT_FACTOR = 1.5
DIVERGED = 1.0
"""The gap of a wrong equivalent that diverges while the run itself does not."""
HUGE = 1e100
"""Numbers of a diverging run are cut here, so that their squares are finite."""


@dataclass(frozen=True)
class Reduction:
    """Powers in (alpha, eps) to which weights of square c0 and labels of signal B reduce."""

    output_scale_of_weights: float = 0.5
    curvature_of_weights: float = 0.5
    output_scale_of_signal: float = -1.0


@dataclass(frozen=True)
class Theory:
    """The powers of each knob, and of the label scale in the loss."""

    labels: Knob = LABELS
    weights: Knob = WEIGHTS
    weights_and_readouts: Knob = WEIGHTS_AND_READOUTS
    reduction: Reduction = Reduction()
    loss: float = 2.0


@dataclass(frozen=True)
class Measured:
    """The run itself; what it is compared with depends on the powers that a theory states."""

    instance: CommitteeInstance
    training: Training
    at: tuple[int, ...]
    moments: tuple[Moment, ...]


def measure(instance: CommitteeInstance) -> Measured:
    setting = instance.setting
    training = Training.of([setting])
    at = (setting.steps // 2, setting.steps)
    return Measured(instance, training, at, tuple(gradient_descent(training, at)))


def assertions(measured: Measured, theory: Theory) -> Assertions:
    trained = measured.instance.setting.trained_readout
    weights = theory.weights_and_readouts if trained else theory.weights
    bounds = (
        *_compared(measured, "labels", theory.labels, LABEL_FACTOR, theory.loss),
        *_compared(measured, "weights", weights, WEIGHT_FACTOR, theory.loss),
    )
    if not trained:
        bounds += (_reduced(measured, theory.reduction),)
    return Assertions(bounds)


def _compared(
    measured: Measured, name: str, knob: Knob, factor: float, loss_power: float
) -> tuple[Bound, ...]:
    """Weights relative to how far they moved, outputs to the labels, losses to the first one."""
    start = measured.training
    other = turned(start, knob, factor)
    try:
        moments = tuple(gradient_descent(other, measured.at))
    except NumericalFailure:
        return (Bound(f"{name}: run", DIVERGED, LIMIT),)
    grown, labels = factor**knob.weights, factor**knob.labels
    gaps = np.zeros(3)
    for mine, its in zip(measured.moments, moments, strict=True):
        moved = mine.committee.weights - start.committee.weights
        gap_of_weights = its.committee.weights / grown - mine.committee.weights
        gap_of_outputs = its.residuals / labels - mine.residuals
        power = factor ** (knob.labels * loss_power)
        gaps = np.maximum(
            gaps,
            (
                _size(gap_of_weights) / _size(moved),
                _size(gap_of_outputs) / _size(start.targets),
                _size(its.train_loss / power - mine.train_loss) / np.mean(start.targets**2),
            ),
        )
    kinds = ("weights", "outputs", "loss")
    return tuple(Bound(f"{name}: {k}", float(g), LIMIT) for k, g in zip(kinds, gaps, strict=True))


def _reduced(measured: Measured, reduction: Reduction) -> Bound:
    """Weights 1.5 times as large, labels of the instance's B, against unit ones at other knobs."""
    setting, factor = measured.instance.setting, WEIGHT_FACTOR
    large = replace(
        measured.training.committee, weights=factor * measured.training.committee.weights
    )
    scale = factor ** (2.0 * reduction.output_scale_of_weights)
    signal = setting.signal**reduction.output_scale_of_signal
    unit = replace(
        setting,
        output_scale=setting.output_scale * scale * signal,
        curvature=setting.curvature * factor ** (2.0 * reduction.curvature_of_weights),
        signal=1.0,
    )
    name = "unit weights and signal: outputs"
    steps = [setting.steps]
    (mine,) = gradient_descent(replace(measured.training, committee=large), steps)
    try:
        (its,) = gradient_descent(Training.of([unit]), steps)
    except NumericalFailure:
        return Bound(name, DIVERGED, LIMIT)
    gap = _size(mine.residuals / setting.signal - its.residuals) / _size(unit.labels())
    return Bound(name, gap, LIMIT)


def _size(array: Floats) -> float:
    return float(np.linalg.norm(np.clip(array, -HUGE, HUGE)))


_TRUE = Theory()


def _wrong(field: str, **powers: float) -> Theory:
    return replace(_TRUE, **{field: replace(getattr(_TRUE, field), **powers)})


CLAIM = Claim(
    id="laziness-equivalence",
    title="Output scale, weight scale and label scale are the same knob, exactly",
    statement=(
        r"(\alpha, \epsilon, \sigma, \eta, y) \equiv (\alpha\sigma, \epsilon\sigma, 1,"
        r" \eta/\sigma^2, y), \quad"
        r" (\alpha, \eta, y) \equiv (1, \eta\alpha^2, y/\alpha)"
    ),
    source=(
        "Kumar et al. (2023), on the equivalence of weight, label and output scale; "
        "with fixed readouts the power of sigma is this project's"
    ),
    assumptions=(
        "phi(z) = z + (eps/2) z^2",
        "full-batch gradient descent on the squared loss",
        "readouts fixed, or trained and scaled with the weights",
    ),
    instances=knob_instances,
    measure=measure,
    theory=_TRUE,
    assertions=assertions,
    rivals=(
        Rival(
            "sigma-squared",
            "with fixed readouts alpha takes sigma^2",
            _wrong("weights", output_scale=-2),
        ),
        Rival(
            "sigma-of-readouts",
            "with trained readouts alpha takes sigma alone",
            _wrong("weights_and_readouts", output_scale=-1),
        ),
        Rival("curvature-unchanged", "eps stays as it is", _wrong("weights", curvature=0)),
        Rival("curvature-inverse", "eps is divided by sigma", _wrong("weights", curvature=1)),
        Rival("same-learning-rate", "eta stays as it is", _wrong("weights", learning_rate=0)),
        Rival(
            "learning-rate-of-alpha",
            "eta takes sigma instead of sigma^2",
            _wrong("weights", learning_rate=1),
        ),
        Rival(
            "labels-at-the-same-rate",
            "small labels without a change of eta",
            _wrong("labels", learning_rate=0),
        ),
        Rival(
            "labels-at-alpha",
            "eta takes alpha instead of alpha^2",
            _wrong("labels", learning_rate=-1),
        ),
        Rival("loss-of-alpha", "the loss takes alpha instead of alpha^2", replace(_TRUE, loss=1.0)),
        Rival(
            "signal-of-the-square-root",
            "the flow depends on alpha sqrt(c0 / B)",
            _wrong("reduction", output_scale_of_signal=-0.5),
        ),
        Rival(
            "square-of-the-weights",
            "the flow depends on alpha c0 / B",
            _wrong("reduction", output_scale_of_weights=1.0),
        ),
    ),
    tolerances=(
        "all bounds: 1e-10 of the movement, the labels and the first loss; exact but for rounding, "
        "which left at most 5e-13 in 168 instances",
    ),
    families=READOUTS,
    kind=CommitteeInstance,
)
