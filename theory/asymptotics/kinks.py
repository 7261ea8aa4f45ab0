"""When the first unit of a layer of rectifiers meets a kink: until then the net is a polynomial.

While each v_m.x_i has the sign that it has at the anchor, f is bilinear in readout and hidden
weights, and all that is said of smooth nets holds as it stands. With theta = rho (anchor + rho^-2
eta) and eta = x h*, h* the weights of the kernel SVM and x + log x = Lam + 2 log gamma + H, the
first kink is met where rho^2 = x kappa, kappa the largest -<h*_m, x_i> / <vb_m, x_i>: at

    s = log alpha - log(x kappa) / 2,

up to what is nonlinear, which is small where the first kink is near the anchor.

From a readout of zero h* moves the readout alone, and hidden weights follow at second order: by
d' = (1/lambda) sum r y grad^2 f(anchor) rho^-2 eta, where sum r y grad f / lambda = (rho^-2 eta)'
is 2 rho^-2 x h* to leading order in 1/x, they are (x rho^-2)^2 B h* / 2 away, B the Hessians
summed with the labels and multipliers of h*. The time is the same with

    kappa^2 = max -<(B h* / 2)_m, x_i> / <vb_m, x_i>.

Source: this project.
"""

from dataclasses import dataclass, replace
from math import log

import numpy as np
from scipy.optimize import brentq

from theory.asymptotics.kernel_phase import log_inverse_decay, log_refined_normalization
from theory.backend import Floats
from theory.errors import InvalidInput
from theory.kernel.svm import KernelSVM, kernel_svm
from theory.margin.clarke import rectifiers_of
from theory.problem import Problem, Regime
from theory.requests import check_not_negative, is_number


def cosines(problem: Problem, theta: Floats) -> Floats:
    """<v_m, x_i> / (|v_m| |x_i|) at theta `(P,)`, shape `(n, width)`.

    Raises:
        InvalidInput: a net that is not two layers of rectifiers.
    """
    net, inputs = rectifiers_of(problem)
    hidden = net.split(theta)[1]
    lengths = np.linalg.norm(inputs, axis=1)[:, None] * np.linalg.norm(hidden, axis=1)
    return np.asarray(inputs @ hidden.T / np.where(lengths > 0, lengths, 1.0))


@dataclass(frozen=True, eq=False)
class Movement:
    """Hidden weights move by (x rho^-2)^order times `hidden`, shape `(width, d)`."""

    order: int
    hidden: Floats


def hidden_movement(svm: KernelSVM, problem: Problem) -> Movement:
    """At first order; at second where the weights of the machine are of the readout alone.

    Raises:
        InvalidInput: a net that is not two layers of rectifiers.
    """
    first = _movement_of(1, svm, problem)
    return Movement(1, first) if first.any() else Movement(2, _movement_of(2, svm, problem))


def _movement_of(order: int, svm: KernelSVM, problem: Problem) -> Floats:
    moved = svm.weights
    if order == 2:
        pulls = svm.dual * problem.labels
        hessian = problem.net.weighted_hessian(problem.anchor, problem.inputs, pulls)
        moved = np.asarray(0.5 * hessian @ moved)
    return np.asarray(rectifiers_of(problem)[0].split(moved)[1])


@dataclass(frozen=True, eq=False)
class Kink:
    """The one that is met first: where -<movement_m, x_i> / <vb_m, x_i> is largest.

    Attributes:
        largest: of these; not positive where no kink is met at this order.
        sample, unit: i and m.
    """

    movement: Movement
    largest: float
    sample: int
    unit: int

    @property
    def ratio(self) -> float:
        """kappa, or 0."""
        return float(max(self.largest, 0.0) ** (1.0 / self.movement.order))


def first_kink(svm: KernelSVM, problem: Problem) -> Kink:
    """From the weights and multipliers of the machine.

    Raises:
        InvalidInput: a net that is not two layers of rectifiers.
    """
    net, inputs = rectifiers_of(problem)
    movement = hidden_movement(svm, problem)
    anchored = inputs @ net.split(problem.anchor)[1].T
    ratios = -(inputs @ movement.hidden.T) / anchored
    sample, unit = np.unravel_index(np.argmax(ratios), ratios.shape)
    return Kink(movement, float(ratios[sample, unit]), int(sample), int(unit))


def kink_ratio(svm: KernelSVM, problem: Problem) -> float:
    """kappa; 0 where no kink is met at the order at which hidden weights move.

    Raises:
        InvalidInput: a net that is not two layers of rectifiers.
    """
    return first_kink(svm, problem).ratio


def kink_displacement(svm: KernelSVM, problem: Problem) -> float:
    """rho^-2 |eta| / |anchor| at the first kink, 1 / (gamma kappa |anchor|); infinite for none."""
    ratio = kink_ratio(svm, problem)
    return 1.0 / (svm.margin * ratio * problem.anchor_norm) if ratio > 0.0 else np.inf


def kink_decay_time(
    svm: KernelSVM,
    problem: Problem,
    regime: Regime,
    *,
    share: float = 0.5,
    ratio: float | None = None,
    left: float = 0.0,
) -> float:
    """s at the first kink, where s = log alpha - share log(x kappa); 0 where it is met at once.

    Infinite where none is met.

    Args:
        share: 1 / L = 1/2.
        ratio: kappa; None for that of the machine.
        left: the time when that much is left of a preactivation: rho^2 = x kappa (1 - left)^(-1/k)
            for movements of order k.

    Raises:
        InvalidInput: a net that is not two layers of rectifiers; a ratio that is negative or not
            finite; `left` that is not at least 0 and below 1.
    """
    kink = first_kink(svm, problem)
    kappa = kink.ratio if ratio is None else ratio
    if ratio is not None:
        check_not_negative("ratio", ratio)
    if not (is_number(left) and 0.0 <= left < 1.0):
        raise InvalidInput(f"left is {left!r}; it must be at least 0 and below 1")
    if kappa == 0.0:
        return np.inf
    before = (1.0 - left) ** (1.0 / kink.movement.order)

    def excess(decay_time: float) -> float:
        level = log_inverse_decay(problem, regime, decay_time / regime.log_alpha)
        log_x = log_refined_normalization(svm, level) + log(svm.margin)
        return regime.log_alpha - decay_time - share * (log(kappa / before) + log_x)

    # by then x is below e^-80, and falls with rho^2 from there on
    high = regime.log_alpha + 40.0 + max(0.0, log_inverse_decay(problem, regime, 1.0)) / 2.0
    if excess(0.0) <= 0.0:
        return 0.0
    return float(brentq(excess, 0.0, high)) if excess(high) < 0.0 else np.inf


def kink_nonlinearity(svm: KernelSVM, problem: Problem) -> float:
    """By how much, relatively, the pull on the unit that meets the first kink has changed when it
    is half-way there: features turn, and with them the machine. Infinite where none is met.

    Raises:
        InvalidInput: a net that is not two layers of rectifiers.
        AssumptionError: half-way there the features are no longer separable.
    """
    net, inputs = rectifiers_of(problem)
    kink = first_kink(svm, problem)
    if kink.largest <= 0.0:
        return np.inf
    order, before, half = kink.movement.order, kink.movement.hidden, 0.5 / kink.ratio
    readout, hidden = half * net.split(svm.weights)[0], half**order * before
    moved = np.concatenate([readout, hidden.ravel()])
    there = replace(problem, anchor=problem.anchor + moved)
    after = _movement_of(order, kernel_svm(there), there)
    first, later = (moving[kink.unit] @ inputs[kink.sample] for moving in (before, after))
    return float(abs(later / first - 1.0))


def kink_agreement(svm: KernelSVM, problem: Problem) -> float:
    """|sum| over sum | | of what support vectors pull at the preactivation that meets the first
    kink: what is of first order in 1 / Lam is amplified by its inverse. 0 where none is met.

    Raises:
        InvalidInput: a net that is not two layers of rectifiers.
    """
    net, inputs = rectifiers_of(problem)
    kink = first_kink(svm, problem)
    if kink.largest <= 0.0:
        return 0.0
    units = np.concatenate([np.ones(net.width), net.split(problem.anchor)[1].ravel()])
    towards = net.split(np.asarray(net.jacobian(units, inputs)))[1][:, kink.unit]
    pulls = svm.dual * problem.labels * (towards @ inputs[kink.sample])
    return float(abs(pulls.sum()) / np.abs(pulls).sum())


def bent(problem: Problem, smoothing: float) -> Problem:
    """The same with another smoothing."""
    net, _ = rectifiers_of(problem)
    new = replace(net, smoothing=smoothing)
    outer = problem.net
    return replace(problem, net=new if outer is net else replace(outer, net=new))  # type: ignore[type-var]
