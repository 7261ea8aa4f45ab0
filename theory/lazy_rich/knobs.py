"""Exact equivalences of laziness: output scale, weight scale, label scale and learning rate.

Three ways to make a network lazy are one and the same. A change of variables multiplies the labels,
or all weights at initialization, by a factor, and alpha, eps and eta by powers of it; the run that
comes out is the old one up to that factor at every step of gradient descent, for any data, width,
momentum, centred or not.

Source: Kumar et al. (ICLR 2024), on the equivalence of laziness in output, weight and label scale.
"""

from dataclasses import dataclass, replace

import numpy as np

from theory.backend import Array
from theory.errors import InvalidInput
from theory.lazy_rich.committee import spread
from theory.lazy_rich.training import Training
from theory.requests import check_positive


@dataclass(frozen=True)
class Knob:
    """What is multiplied by a factor, and the powers of it that undo this.

    Attributes:
        labels: power of the factor in the targets and in the outputs.
        weights: power in the weights, and in the readouts where they are trained.
        output_scale: power in alpha.
        curvature: power in eps.
        learning_rate: power in eta.
    """

    labels: float
    weights: float
    output_scale: float
    curvature: float
    learning_rate: float


LABELS = Knob(labels=1, weights=0, output_scale=1, curvature=0, learning_rate=-2)
"""(alpha, eta, y) is (c alpha, eta / c^2, c y): small labels are lazy. For any network."""

WEIGHTS = Knob(labels=0, weights=1, output_scale=-1, curvature=-1, learning_rate=2)
"""phi_(c eps)(z) = phi_eps(c z) / c: large weights are lazy and aligned. With fixed readouts."""

WEIGHTS_AND_READOUTS = Knob(labels=0, weights=1, output_scale=-2, curvature=-1, learning_rate=2)
"""As `WEIGHTS`, with trained readouts multiplied as well."""


def learning_rate(training: Training) -> Array | float:
    """eta = dt D N / (2 alpha^2) of plain gradient descent on the mean of (f - y)^2."""
    machine = training.committee
    return training.step * machine.input_dim * machine.width / (2.0 * machine.output_scale**2)


def with_learning_rate(training: Training, rate: Array | float) -> Training:
    """The training with the dt that this learning rate stands for."""
    machine = training.committee
    step = 2.0 * rate * machine.output_scale**2 / (machine.input_dim * machine.width)
    return replace(training, step=step)


def turned(training: Training, knob: Knob, factor: Array | float) -> Training:
    """The training with a knob turned by a factor; weight decay per step stays as it is.

    With `LABELS`, `WEIGHTS` or `WEIGHTS_AND_READOUTS` every step is equivalent to the old one:
    outputs are those of before times factor^labels, weights times factor^weights.

    Args:
        factor: positive, a number or shape `(...)`, one a run.

    Raises:
        InvalidInput: a factor that is not positive and finite, or a weight scale where the
            activation is none of degree 2.
    """
    allowed = np.asarray(_on_host(factor))
    if not bool(np.all(np.isfinite(allowed) & (allowed > 0))):
        raise InvalidInput(f"factor is {factor!r}; it must be positive and finite")
    machine = training.committee
    if knob.weights != 0 and machine.degree != 2:
        raise InvalidInput(
            f"degree is {machine.degree}; weight scale is equivalent to output scale at degree 2"
        )
    grown = factor**knob.weights
    scaled = replace(
        machine,
        weights=spread(grown, 2) * machine.weights,
        output_scale=factor**knob.output_scale * machine.output_scale,
        curvature=factor**knob.curvature * machine.curvature,
        readout=None if machine.readout is None else spread(grown, 1) * machine.readout,
    )
    moved = replace(
        training, committee=scaled, targets=spread(factor**knob.labels, 1) * training.targets
    )
    moved = with_learning_rate(moved, factor**knob.learning_rate * learning_rate(training))
    decay_per_step = training.step * training.weight_decay
    return replace(moved, weight_decay=decay_per_step / moved.step)


def reduced(training: Training, weight_square: float, signal: float) -> Training:
    """The equivalent training with weights of unit variance and labels of unit signal.

    What is left are two numbers, alpha sqrt(c0) / B and eps sqrt(c0), at the same dt.

    Args:
        training: with fixed readouts.
        weight_square: c0, the typical |w_i|^2 / D at initialization.
        signal: B = |beta|^2 / D.

    Raises:
        InvalidInput: trained readouts, or a number that is not positive.
    """
    if training.committee.readout is not None:
        raise InvalidInput("readout is trained; the reduction is that of fixed readouts")
    check_positive("weight_square", weight_square)
    check_positive("signal", signal)
    unit = turned(training, WEIGHTS, weight_square**-0.5)
    return turned(unit, LABELS, 1.0 / signal)


def _on_host(value: Array | float) -> Array | float:
    return value if isinstance(value, (int, float, np.ndarray)) else value.detach().cpu().numpy()
