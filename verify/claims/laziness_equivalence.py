"""Output scale, weight scale and label scale are one knob: exactly, at every step of descent."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from theory.backend import Floats
from theory.errors import NumericalFailure
from theory.lazy_rich import Moment, Setting, Training, gradient_descent
from theory.lazy_rich.knobs import LABELS, WEIGHTS, WEIGHTS_AND_READOUTS, Knob, turned
from verify.claims.base import Assertions, Bound, Claim, Rival
from verify.instances.committee import CommitteeInstance
from verify.registry import source_of
from verify.strategies.committee_training import READOUTS, knob_instances

LIMIT = 1e-10
LABEL_FACTOR = 3.0
WEIGHT_FACTOR = 1.5
DIVERGED = 1.0
"""The gap of a wrong equivalent that diverges while the run itself does not."""
GROWN = 1e3
"""Outputs over labels beyond which a run has diverged: its roundings are relative to its outputs,
what is asserted is relative to the labels."""
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
class Run:
    """A run, and the same from weights that are one rounding larger: how it amplifies roundings."""

    training: Training
    moments: tuple[Moment, ...]
    nudged: tuple[Moment, ...]

    @classmethod
    def of(cls, training: Training, at: tuple[int, ...]) -> "Run":
        committee = training.committee
        larger = replace(committee, weights=np.nextafter(committee.weights, np.inf))
        nudged = replace(training, committee=larger)
        found = cls(training, *(tuple(gradient_descent(run, at)) for run in (training, nudged)))
        grown = max(_size(moment.residuals) for moment in found.moments) / _size(training.targets)
        if not grown <= GROWN:
            raise NumericalFailure(
                f"descent diverges: outputs are {grown:.1e} times the labels, roundings likewise"
            )
        return found


@dataclass(frozen=True)
class Measured:
    """The run itself; what it is compared with depends on the powers that a theory states.

    Attributes:
        large: the run from weights 1.5 times as large; None where readouts are trained.
    """

    instance: CommitteeInstance
    at: tuple[int, ...]
    own: Run
    large: Run | None


def measure(instance: CommitteeInstance) -> Measured:
    setting = instance.setting
    training = Training.of([setting])
    at = (setting.steps // 2, setting.steps)
    large = None
    if not setting.trained_readout:
        committee = training.committee
        larger = replace(committee, weights=WEIGHT_FACTOR * committee.weights)
        large = Run.of(replace(training, committee=larger), at)
    return Measured(instance, at, Run.of(training, at), large)


def assertions(measured: Measured, theory: Theory) -> Assertions:
    trained = measured.instance.setting.trained_readout
    weights = theory.weights_and_readouts if trained else theory.weights
    bounds = (
        *_compared(measured, "labels", theory.labels, LABEL_FACTOR, theory.loss),
        *_compared(measured, "weights", weights, WEIGHT_FACTOR, theory.loss),
    )
    if measured.large is not None:
        bounds += (_reduced(measured, measured.large, theory.reduction),)
    return Assertions(bounds)


def _compared(
    measured: Measured, name: str, knob: Knob, factor: float, loss_power: float
) -> tuple[Bound, ...]:
    """Weights relative to how far they moved, outputs to the labels, losses to the first one."""
    own = measured.own
    try:
        moments = tuple(gradient_descent(turned(own.training, knob, factor), measured.at))
    except NumericalFailure:
        return (Bound(f"{name}: run", DIVERGED, LIMIT),)
    weights, labels = factor**knob.weights, factor**knob.labels
    loss = factor ** (knob.labels * loss_power)
    gaps = _gaps(own, moments, weights, labels, loss)
    errors = _roundings(measured.instance.setting) * _gaps(own, own.nudged)
    kinds = ("weights", "outputs", "loss")
    return tuple(
        Bound(f"{name}: {kind}", float(gap), LIMIT, float(error))
        for kind, gap, error in zip(kinds, gaps, errors, strict=True)
    )


def _gaps(
    own: Run,
    moments: Sequence[Moment],
    weights: float = 1.0,
    labels: float = 1.0,
    loss: float = 1.0,
) -> Floats:
    """Of other moments, in units of such factors, the largest difference of each kind, `(3,)`."""
    start, gaps = own.training, np.zeros(3)
    for mine, its in zip(own.moments, moments, strict=True):
        moved = mine.committee.weights - start.committee.weights
        gaps = np.maximum(
            gaps,
            (
                _size(its.committee.weights / weights - mine.committee.weights) / _size(moved),
                _size(its.residuals / labels - mine.residuals) / _size(start.targets),
                _size(its.train_loss / loss - mine.train_loss) / np.mean(start.targets**2),
            ),
        )
    return gaps


def _reduced(measured: Measured, large: Run, reduction: Reduction) -> Bound:
    """Weights 1.5 times as large, labels of the instance's B, against unit ones at other knobs."""
    setting, factor = measured.instance.setting, WEIGHT_FACTOR
    scale = factor ** (2.0 * reduction.output_scale_of_weights)
    signal = setting.signal**reduction.output_scale_of_signal
    unit = replace(
        setting,
        output_scale=setting.output_scale * scale * signal,
        curvature=setting.curvature * factor ** (2.0 * reduction.curvature_of_weights),
        signal=1.0,
    )
    name = "unit weights and signal: outputs"
    try:
        (its,) = gradient_descent(Training.of([unit]), [setting.steps])
    except NumericalFailure:
        return Bound(name, DIVERGED, LIMIT)
    mine, nudged = large.moments[-1].residuals, large.nudged[-1].residuals
    labels = setting.signal * _size(unit.labels())
    gap = _size(mine - setting.signal * its.residuals) / labels
    return Bound(name, gap, LIMIT, _roundings(setting) * _size(nudged - mine) / labels)


def _roundings(setting: Setting) -> int:
    """In a run: sums over inputs, neurons and samples in every step, amplified as the nudge is."""
    return setting.steps * (setting.input_dim + setting.width + setting.samples)


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
    source=source_of("laziness-equivalence"),
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
        "numerical error: what one rounding of the first weights does to a run, times all its "
        "roundings; with steps beyond 2 / sharpness they may be amplified without end",
    ),
    families=READOUTS,
    kind=CommitteeInstance,
)
