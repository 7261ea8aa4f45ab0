"""What a theorem speaks about: a problem (net, anchor, data, loss) and a regime (alpha, lambda)."""

from dataclasses import dataclass
from functools import cached_property
from math import log, log10

import numpy as np
from numpy.typing import ArrayLike

from theory.backend import Floats
from theory.errors import InvalidInput
from theory.losses import Loss, loss_named
from theory.nets import Factorization, HomogeneousNet, PairNet
from theory.requests import (
    all_finite,
    check_positive,
    check_whole,
    number_array,
    shortened,
)
from theory.units import Units, scaled

LOG_10 = log(10.0)

LARGEST_LOGARITHM = 1e15
"""Beyond it neighbouring float64 logarithms are different powers of ten."""


def _frozen_array(name: str, values: ArrayLike, ndim: int, least: int = 1) -> Floats:
    """A read-only float64 copy of `values`, with the number of axes checked and no NaN or inf."""
    array = number_array(name, values)
    if array.size < least:
        raise InvalidInput(f"{name} is empty; it must hold at least one number")
    if array.ndim != ndim:
        raise InvalidInput(f"{name} has shape {array.shape}; it must have {ndim} axes")
    array = all_finite(name, array)
    array.setflags(write=False)
    return array


@dataclass(frozen=True, eq=False)
class Problem:
    """A training problem at unit scale: theta starts at alpha * anchor.

    Args:
        net: the homogeneous net.
        anchor: the direction of the initialization, shape `(P,)`.
        inputs: shape `(n, d)`; pairs of indices for a factorization.
        labels: shape `(n,)`; -1 or +1 for the exponential and the logistic loss, real for squared;
            whole numbers 0 to K-1 for K classes.
        loss: "exponential", "logistic" or "squared"; "cross_entropy" or "exponential", over the
            margins f_y - f_j, of several classes.
        classes: K >= 2, of a net of as many outputs; None for a net of one.

    Raises:
        InvalidInput: naming the argument, for a net that is none, shapes that do not fit, labels
            outside {-1, +1}, indices out of range, NaN or infinite values, an unknown loss.
    """

    net: HomogeneousNet
    anchor: Floats
    inputs: Floats
    labels: Floats
    loss: str = "exponential"
    classes: int | None = None

    def __post_init__(self) -> None:
        _check_net(self.net)
        object.__setattr__(self, "anchor", _frozen_array("anchor", self.anchor, 1))
        object.__setattr__(self, "inputs", _frozen_array("inputs", self.inputs, 2))
        object.__setattr__(self, "labels", _frozen_array("labels", self.labels, 1))
        expected = self.net.parameters
        if expected is not None and self.anchor.size != expected:
            raise InvalidInput(
                f"anchor has {self.anchor.size} numbers; {self.net} has {expected} parameters"
            )
        if not np.any(self.anchor):
            raise InvalidInput("anchor is zero; it must be a direction")
        if len(self.labels) != len(self.inputs):
            raise InvalidInput(
                f"labels has {len(self.labels)} entries for {len(self.inputs)} inputs; "
                "they must agree"
            )
        _check_classes(self.net, self.classes)
        _check_labels(self.labels, self.loss, self.classes)
        _check_inputs(self.net, self.inputs)

    @property
    def samples(self) -> int:
        return len(self.labels)

    @property
    def parameters(self) -> int:
        return self.anchor.size

    @property
    def degree(self) -> int:
        return self.net.degree

    @property
    def loss_function(self) -> Loss:
        """Of the rows."""
        return loss_named(self.loss, self.classes)

    @cached_property
    def row_net(self) -> HomogeneousNet:
        """The net on the training inputs, its outputs the rows that the loss is of: the output at
        each sample, or of several classes the margins of each sample.
        """
        if self.classes is None:
            return self.net
        return PairNet(self.net, self.labels.astype(np.int64), self.classes)

    @cached_property
    def row_labels(self) -> Floats:
        """The label of each row: those of the samples, or +1 of margins."""
        return self.labels if self.classes is None else np.ones(self.rows)

    @property
    def rows(self) -> int:
        """n, or n (K - 1) of K classes: on as many conditions the kernel machine rests."""
        return self.samples if self.classes is None else self.samples * (self.classes - 1)

    @cached_property
    def units(self) -> Units:
        """Powers of two in which anchor, gradients and targets are of order one."""
        targets = None if self.loss_function.classifies else self.labels
        return Units.of(self.row_net, self.anchor, self.inputs, targets)

    @cached_property
    def unit_anchor(self) -> Floats:
        """The anchor in its units, of norm between 2^-1/2 and 2^1/2, shape `(P,)`."""
        return scaled(self.anchor, -self.units.anchor_exponent)

    @cached_property
    def unit_gradients(self) -> Floats:
        """Those of the rows at `unit_anchor`, shape `(n, P)`."""
        return np.asarray(self.row_net.jacobian(self.unit_anchor, self.inputs))

    @cached_property
    def anchor_norm(self) -> float:
        return float(scaled(np.linalg.norm(self.unit_anchor), self.units.anchor_exponent))


def check_flow_of(problem: object, regime: object) -> None:
    """`InvalidInput` unless they are a `Problem` and a `Regime`."""
    for name, value, kind in (("problem", problem, Problem), ("regime", regime, Regime)):
        if not isinstance(value, kind):
            raise InvalidInput(f"{name} is {shortened(value)}; it must be a {kind.__name__}")


def new_inputs(net: HomogeneousNet, inputs: ArrayLike) -> Floats:
    """Inputs `(m, d)` on which a net can be asked, none of them too; `InvalidInput` for others."""
    array = _frozen_array("inputs", inputs, 2, least=0)
    _check_inputs(net, array)
    return array


def _check_net(net: object) -> None:
    if isinstance(net, type):
        raise InvalidInput(f"net is the class {net.__name__}; give an instance")
    if not isinstance(net, HomogeneousNet):
        raise InvalidInput(f"net is {shortened(net)}; it must be a HomogeneousNet")


def _check_classes(net: HomogeneousNet, classes: int | None) -> None:
    outputs = getattr(net, "output_dim", None)
    if classes is None:
        if outputs is not None and outputs != 1:
            raise InvalidInput(f"classes is None; {net} has {outputs} outputs, one for each class")
        return
    check_whole("classes", classes, 2)
    if isinstance(net, Factorization) or (outputs is not None and outputs != classes):
        own = 1 if outputs is None else outputs
        raise InvalidInput(f"classes is {classes}; {net} has {own} outputs, and they must agree")


def _check_labels(labels: Floats, loss: str, classes: int | None) -> None:
    if not loss_named(loss, classes).classifies:
        return
    allowed = np.array([-1.0, 1.0]) if classes is None else np.arange(float(classes))
    wrong = sorted({float(label) for label in labels[~np.isin(labels, allowed)]})
    if not wrong:
        return
    if classes is None:
        raise InvalidInput(f"labels holds {wrong[:5]}; the {loss} loss needs -1 or +1")
    raise InvalidInput(
        f"labels holds {wrong[:5]}; of {classes} classes they are whole numbers 0 to {classes - 1}"
    )


def _check_inputs(net: HomogeneousNet, inputs: Floats) -> None:
    if isinstance(net, Factorization):
        whole = np.all(inputs == np.round(inputs))
        if inputs.shape[1] != 2 or not whole or np.any((inputs < 0) | (inputs >= net.size)):
            raise InvalidInput(
                f"inputs must be pairs of whole indices from 0 to {net.size - 1} for {net}"
            )
        return
    dimension = getattr(net, "input_dim", None) or getattr(net, "widths", (None,))[0]
    if dimension is not None and inputs.shape[1] != dimension:
        raise InvalidInput(
            f"inputs has {inputs.shape[1]} columns; {net} takes inputs of dimension {dimension}"
        )


@dataclass(frozen=True, init=False)
class Regime:
    """The scale alpha of the initialization and the weight decay lambda, both as logarithms.

    Give `log10_alpha` > 0 and one of `decay_power` p > 0 (lambda = alpha^-p) or `log10_lambda`.

    Raises:
        InvalidInput: when a number is missing, doubled, not finite, of the wrong sign, or when a
            logarithm exceeds `LARGEST_LOGARITHM`.
    """

    log10_alpha: float
    log10_lambda: float

    def __init__(
        self,
        *,
        log10_alpha: float,
        decay_power: float | None = None,
        log10_lambda: float | None = None,
    ) -> None:
        if (decay_power is None) == (log10_lambda is None):
            raise InvalidInput("regime needs exactly one of decay_power and log10_lambda")
        given = {
            "log10_alpha": log10_alpha,
            "decay_power": decay_power,
            "log10_lambda": log10_lambda,
        }
        for name, value in given.items():
            if value is None and name != "log10_alpha":
                continue
            if isinstance(value, bool) or not isinstance(value, (int, float, np.number)):
                raise InvalidInput(f"{name} is {value!r}; it must be a number")
            if not abs(value) <= LARGEST_LOGARITHM:
                raise InvalidInput(
                    f"{name} is {shortened(value)}; it must be finite, "
                    f"at most {LARGEST_LOGARITHM:g}"
                )
        if log10_alpha <= 0:
            raise InvalidInput(
                f"log10_alpha is {log10_alpha}; the scale alpha must exceed 1, so log10_alpha > 0"
            )
        if decay_power is not None and decay_power <= 0:
            raise InvalidInput(
                f"decay_power is {decay_power}; lambda = alpha^-decay_power needs a positive power"
            )
        if log10_lambda is None:
            assert decay_power is not None
            log10_lambda = -decay_power * log10_alpha
            if not abs(log10_lambda) <= LARGEST_LOGARITHM:
                raise InvalidInput(
                    f"decay_power is {decay_power}; with log10_alpha = {log10_alpha:g} it makes "
                    f"log10_lambda {log10_lambda:g}, which must be at least -{LARGEST_LOGARITHM:g}"
                )
        object.__setattr__(self, "log10_alpha", float(log10_alpha))
        object.__setattr__(self, "log10_lambda", float(log10_lambda))

    @property
    def log_alpha(self) -> float:
        """Natural logarithm of alpha; also the decay time s_g = lambda t_g of the transition."""
        return self.log10_alpha * LOG_10

    @property
    def log_lambda(self) -> float:
        return self.log10_lambda * LOG_10

    @property
    def decay_power(self) -> float:
        """p in lambda = alpha^-p."""
        return -self.log10_lambda / self.log10_alpha

    @property
    def grokking_log10_time(self) -> float:
        """log10 of t_g = log(alpha) / lambda."""
        return log10(self.log_alpha) - self.log10_lambda

    def at_alpha(self, log10_alpha: float) -> "Regime":
        """The regime of another alpha with the same power p."""
        return Regime(log10_alpha=log10_alpha, decay_power=self.decay_power)

    def with_decay(self, factor: float) -> "Regime":
        """The regime of the same alpha with so many times the weight decay; `factor` > 0.

        Raises:
            InvalidInput: a factor that is not finite and positive.
        """
        check_positive("factor", factor)
        log10_lambda = self.log10_lambda + log10(factor)
        return Regime(log10_alpha=self.log10_alpha, log10_lambda=log10_lambda)
