"""Clarke-KKT residuals of min |theta|^2 subject to y_i f_i(theta) >= 1, for layers of rectifiers.

Where v_m.x_i = 0 the gradient of a rectifier is any u x_i with u in [a, 1] (a the slope where it is
off), one u for each unit m and sample i, and a KKT point in the sense of Clarke satisfies

    theta = sum_i m_i y_i (g_i + sum over kinks m of u_im a_m x_i),    m_i >= 0,  a <= u_im <= 1,

g_i being the gradient without the units on a kink. In (m, m u) this is a convex programme, the
distance of theta from a cone. The cone is spanned by the gradients with u at the ends of [a, 1],
too many to list; those that matter are found by asking, for each sample, for the one that is most
along what is left of theta, which is linear in u, and so a choice of ends. What the last question
finds bounds the distance from below, so the residual is certified.

A unit counts as on the kink of a sample up to a cosine `tolerance`: 0 is Clarke's subdifferential,
a positive one Goldstein's. Sources: KKT points of nonsmooth homogeneous nets as of Lyu and Li (ICLR
2020); the programme is this project's.
"""

from dataclasses import dataclass
from math import exp, log
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from theory.backend import Flags, Floats, Integers
from theory.errors import InvalidInput, OracleFailed
from theory.margin.kkt import nonnegative_least_squares, unit_point
from theory.nets import ConstantFeature, TwoLayerReLU
from theory.nets.constant_feature import with_constant
from theory.problem import Problem
from theory.units import lengths_of

ACROSS: Final = 1e-12
"""Cosine of a gradient with what is left of theta that counts as none; the solver leaves 1e-15."""

ROUNDS: Final = 200
"""Of questions; most instances need three."""


@dataclass(frozen=True, eq=False)
class ClarkeResidual:
    """First-order optimality at theta up to kinks, relative and scale-free.

    Attributes:
        stationarity: the smallest |theta - sum m_i y_i g_i| / |theta| over g_i of the Clarke
            subdifferential of f_i.
        lower: no choice of multipliers and slopes does better than this; 0 where it is not known,
            which takes a margin that is not positive for some slopes on the kinks.
        multipliers: m, `(n,)`.
        slopes: derivative of each rectifier at each sample in the selection, `(n, width)`; where a
            multiplier vanishes, those of the gradient.
        kinks: which of them were free, `(n, width)`.
    """

    stationarity: float
    lower: float
    multipliers: Floats
    slopes: Floats
    kinks: Flags


def clarke_residual(
    problem: Problem,
    theta: ArrayLike,
    tolerance: float = 0.0,
    allowed: tuple[float, float] | None = None,
) -> ClarkeResidual:
    """The residual of a parameter vector `(P,)`, of the rectifiers themselves, smoothed or not.

    Args:
        tolerance: largest |v_m.x_i| / |v_m| |x_i| that is on the kink.
        allowed: the ends of the slopes on a kink, in increasing order, for readings that choose
            one; None for [a, 1].

    Raises:
        InvalidInput: a net that is not two layers of rectifiers, a negative tolerance, ends of
            slopes that are no interval in [0, 1], or a theta that is zero, not finite, or of the
            wrong length.
        OracleFailed: no certificate within `ROUNDS`.
    """
    net, inputs = rectifiers_of(problem)
    point = unit_point(problem, theta)
    if not tolerance >= 0.0:
        raise InvalidInput(f"tolerance is {tolerance}; it must be at least 0")
    low, high = (net.slope, 1.0) if allowed is None else allowed
    if not 0.0 <= low <= high <= 1.0:
        raise InvalidInput(f"allowed is {allowed}; it must hold two slopes 0 <= low <= high <= 1")
    cone = _Cone.at(net, inputs, problem.labels, point, tolerance, (low, high))
    owners = np.arange(len(inputs))
    selections = cone.single
    for _ in range(ROUNDS):
        columns = cone.gradients(owners, selections)
        weights = nonnegative_least_squares(columns.T, point)
        rest = point - weights @ columns
        size = float(np.linalg.norm(rest))
        best = cone.most_along(rest)
        asked = cone.gradients(np.arange(len(inputs)), best)
        along = asked @ rest
        new = along > ACROSS * lengths_of(asked)
        if not new.any():
            break
        owners = np.concatenate([owners, np.flatnonzero(new)])
        selections = np.concatenate([selections, best[new]])
    else:
        raise OracleFailed(f"residual of {size:.3e} could be less after {ROUNDS} questions")
    most = max(float(along.max()), 0.0)
    lower = size - cone.reach * most / size if most > 0.0 else size
    multipliers: Floats = np.zeros(len(inputs))
    np.add.at(multipliers, owners, weights)
    slopes = np.zeros(cone.single.shape)
    np.add.at(slopes, owners, weights[:, None] * selections)
    some = multipliers > 0.0
    slopes[some] /= multipliers[some, None]
    slopes[~some] = cone.single[~some]
    return ClarkeResidual(size, max(lower, 0.0), multipliers, slopes, cone.kinks)


def rectifiers_of(problem: Problem) -> tuple[TwoLayerReLU, Floats]:
    """The two layers of rectifiers and their inputs, with the constant feature if there is one.

    Raises:
        InvalidInput: another net.
    """
    net, inputs = problem.net, problem.inputs
    if isinstance(net, ConstantFeature):
        net, inputs = net.net, np.asarray(with_constant(inputs))
    if not isinstance(net, TwoLayerReLU):
        raise InvalidInput(f"net is {problem.net}; it must be two layers of rectifiers")
    return net, inputs


def smoothing_allowance(problem: Problem, multipliers: Floats, tolerance: float) -> float:
    """By how much the Clarke residual of the rectifiers may exceed the stationarity of the net that
    is smoothed by d, with these multipliers `(n,)` of it: both at one theta, over |theta|.

    (1 - a) max(d log 2, d e(t) + sig(-t)) sum_i m_i |x_i| at t = `tolerance` / d, as values differ
    by d log 2 |v| |x| at most and gradients by d |x| e(t), and off the kinks by |x| sig(-t) as
    well; e(t) = log(1 + e^t) - t sig(t).
    """
    net, inputs = rectifiers_of(problem)
    if not net.smooth:
        return 0.0
    small = exp(-tolerance / net.smoothing)
    off = net.smoothing * (np.log1p(small) + small * tolerance / net.smoothing) + small
    each = (1.0 - net.slope) * max(net.smoothing * log(2.0), float(off))
    lengths = np.where(np.any(inputs, axis=1), lengths_of(inputs), 0.0)
    return each * float(multipliers @ lengths)


@dataclass(frozen=True, eq=False)
class _Cone:
    """y_i times the gradients of f_i at a point of unit norm, as functions of the slopes.

    Attributes:
        signed: y_i, `(n,)`.
        values: s(v_m, x_i), `(n, width)`.
        single: slopes of the gradient, as far as they are allowed, `(n, width)`.
        allowed: ends of the slopes on kinks.
        reach: a bound on the sum of the best multipliers; infinite where none is known.
    """

    net: TwoLayerReLU
    inputs: Floats
    signed: Floats
    readout: Floats
    values: Floats
    single: Floats
    kinks: Flags
    allowed: tuple[float, float]
    reach: float

    @classmethod
    def at(
        cls,
        net: TwoLayerReLU,
        inputs: Floats,
        labels: Floats,
        point: Floats,
        tolerance: float,
        allowed: tuple[float, float],
    ) -> "_Cone":
        sharp = TwoLayerReLU(net.width, net.input_dim, net.slope)
        readout, hidden = sharp.split(point)
        z = inputs @ hidden.T
        kinks = np.abs(z) <= tolerance * lengths_of(inputs)[:, None] * lengths_of(hidden)
        usual = np.where(z > 0, 1.0, net.slope)
        single = np.where(kinks, np.clip(usual, *allowed), usual)
        # <selection, theta> is 2 f on kinks, and off by |a| |z| at most within the tolerance of one
        slack = (1.0 - net.slope) * np.where(kinks, np.abs(z), 0.0) @ np.abs(readout)
        least = float((2.0 * labels * sharp.outputs(point, inputs) - slack).min())
        reach = 1.0 / least if least > 0.0 else np.inf
        values = sharp.values(hidden, inputs)
        return cls(net, inputs, labels, readout, values, single, kinks, allowed, reach)

    def gradients(self, samples: Integers, slopes: Floats) -> Floats:
        """One row for each of the samples, with these slopes `(k, width)`; `(k, P)`."""
        hidden = (slopes * self.readout)[:, :, None] * self.inputs[samples][:, None, :]
        rows = np.concatenate([self.values[samples], hidden.reshape(len(samples), -1)], axis=1)
        return np.asarray(self.signed[samples, None] * rows)

    def most_along(self, rest: Floats) -> Floats:
        """For each sample the slopes whose gradient is most along `rest`, `(n, width)`."""
        _, hidden = self.net.split(rest)
        along = self.signed[:, None] * self.readout * (self.inputs @ hidden.T)
        low, high = self.allowed
        ends = np.where(along > 0.0, high, low)
        return np.where(self.kinks, ends, self.single)
