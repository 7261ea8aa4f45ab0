"""Losses as the flow sees them: their force and curvature, scaled in log space.

A flow needs exp(g) * (-dl/df), where g can be +1e5 and -dl/df as small as exp(-1e5). The two are
combined as one exponent before it is taken, so that neither ever exists on its own.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Final

import numpy as np

from theory.backend import Array, at_most, namespace
from theory.errors import InvalidInput

EXPONENT_CEILING = 60.0
"""Trial steps of an integrator may ask for huge forces; beyond e^60 they would only become NaN."""


def _exp(exponent: Array) -> Array:
    return namespace(exponent).exp(at_most(exponent, EXPONENT_CEILING))


def softplus(x: Array) -> Array:
    """log(1 + e^x), without overflow."""
    xp = namespace(x)
    return xp.logaddexp(x, 0.0 * x)


class Loss(ABC):
    """A loss l(f, y), mean over samples; `log_scale` is natural and broadcasts against outputs."""

    classifies: bool
    """Whether labels must be -1 or +1 (margins are y f); else any real target."""

    @abstractmethod
    def log_value(self, outputs: Array, labels: Array) -> Array:
        """log l, per sample."""

    @abstractmethod
    def force(self, log_scale: Array, outputs: Array, labels: Array) -> Array:
        """exp(log_scale) * (-dl/df), per sample."""

    @abstractmethod
    def curvature(self, log_scale: Array, outputs: Array, labels: Array) -> Array:
        """exp(log_scale) * d^2l/df^2, per sample; of several margins of one, its diagonal."""

    def curved(self, log_scale: Array, outputs: Array, labels: Array, rows: Array) -> Array:
        """exp(log_scale) * d^2l/df^2 applied to `rows` `(..., n, P)`."""
        return self.curvature(log_scale, outputs, labels)[..., None] * rows

    def log_share(self, margins: Array) -> Array:
        """log(-dl/dq) of the margins of a classification loss, per margin."""
        return -margins


@dataclass(frozen=True)
class Exponential(Loss):
    """l = exp(-y f)."""

    classifies = True

    def log_value(self, outputs: Array, labels: Array) -> Array:
        return -labels * outputs

    def force(self, log_scale: Array, outputs: Array, labels: Array) -> Array:
        return labels * _exp(log_scale - labels * outputs)

    def curvature(self, log_scale: Array, outputs: Array, labels: Array) -> Array:
        return _exp(log_scale - labels * outputs)


@dataclass(frozen=True)
class Logistic(Loss):
    """l = log(1 + exp(-y f))."""

    classifies = True

    def log_value(self, outputs: Array, labels: Array) -> Array:
        xp = namespace(outputs)
        margins = labels * outputs
        # softplus(-q) = e^-q (1 + O(e^-q)): its logarithm is -q once e^-q is below rounding
        return xp.where(margins > 40.0, -margins, xp.log(softplus(-xp.clip(margins, None, 40.0))))

    def force(self, log_scale: Array, outputs: Array, labels: Array) -> Array:
        margins = labels * outputs
        xp = namespace(margins)
        fallen = _exp(log_scale - xp.clip(margins, 0.0, None))
        return labels * fallen / (1.0 + xp.exp(-abs(margins)))

    def curvature(self, log_scale: Array, outputs: Array, labels: Array) -> Array:
        sizes = abs(labels * outputs)
        return _exp(log_scale - sizes) / (1.0 + namespace(sizes).exp(-sizes)) ** 2

    def log_share(self, margins: Array) -> Array:
        return -softplus(margins)


@dataclass(frozen=True)
class CrossEntropy(Loss):
    """l = log(1 + sum_j exp(-q_j)), q_j = f_y - f_j: of each sample `others` margins q, in order.

    Its "outputs" are these margins, sample by sample, and its labels ones.
    """

    others: int

    classifies = True

    def _by_sample(self, margins: Array) -> Array:
        return margins.reshape((*margins.shape[:-1], -1, self.others))

    def losses(self, margins: Array) -> Array:
        """l of each sample, shape `(..., n)` of margins `(..., n * others)`."""
        return self._losses(self._by_sample(margins))[..., 0]

    def _losses(self, margins: Array) -> Array:
        """The same of margins `(..., n, others)`, with an axis kept for them."""
        xp = namespace(margins)
        falls = xp.concat([0.0 * margins[..., :1], -margins], -1)
        top = falls.max(-1, keepdims=True) if xp is np else falls.amax(-1, keepdim=True)
        rest = xp.exp(falls - top).sum(-1)[..., None]
        return top + xp.log(rest)

    def _log_shares(self, margins: Array) -> Array:
        """log of pi_j = -dl/dq_j, shape `(..., n, others)`."""
        return -margins - self._losses(margins)

    def log_share(self, margins: Array) -> Array:
        return self._log_shares(self._by_sample(margins)).reshape(margins.shape)

    def log_value(self, outputs: Array, labels: Array) -> Array:
        xp, margins = namespace(outputs), self._by_sample(outputs)
        falls = -margins
        top = falls.max(-1, keepdims=True) if xp is np else falls.amax(-1, keepdim=True)
        sums = top[..., 0] + xp.log(xp.exp(falls - top).sum(-1))  # log sum_j exp(-q_j)
        # l = log(1 + e^x) with x the sum's logarithm: as small as e^x once that is below rounding
        return xp.where(sums < -40.0, sums, xp.log(softplus(xp.clip(sums, -40.0, None))))

    def force(self, log_scale: Array, outputs: Array, labels: Array) -> Array:
        return _exp(log_scale + self.log_share(outputs))

    def curvature(self, log_scale: Array, outputs: Array, labels: Array) -> Array:
        """pi_j (1 - pi_j), the second factor as the sum of the other terms."""
        xp, margins = namespace(outputs), self._by_sample(outputs)
        losses = self._losses(margins)
        rest = xp.exp(-losses) + sum(
            xp.exp(-xp.roll(margins, k, -1) - losses) for k in range(1, self.others)
        )
        others = xp.log(rest).reshape(outputs.shape)
        return _exp(log_scale + self.log_share(outputs) + others)

    def curved(self, log_scale: Array, outputs: Array, labels: Array, rows: Array) -> Array:
        xp, margins = namespace(outputs), self._by_sample(outputs)
        shares = xp.exp(self._log_shares(margins))[..., None]
        by_sample = rows.reshape((*margins.shape, rows.shape[-1]))
        mean = (shares * by_sample).sum(-2)[..., None, :]
        straight = (by_sample - mean).reshape(rows.shape)
        return self.force(log_scale, outputs, labels)[..., None] * straight


@dataclass(frozen=True)
class Squared(Loss):
    """l = (f - y)^2 / 2, for real targets y."""

    classifies = False

    def log_value(self, outputs: Array, labels: Array) -> Array:
        xp = namespace(outputs)
        return xp.log(0.5 * (outputs - labels) ** 2)

    def force(self, log_scale: Array, outputs: Array, labels: Array) -> Array:
        return (labels - outputs) * _exp(log_scale + 0.0 * outputs)

    def curvature(self, log_scale: Array, outputs: Array, labels: Array) -> Array:
        return _exp(log_scale + 0.0 * outputs)


LOSSES: Final[dict[str, Loss]] = {
    "exponential": Exponential(),
    "logistic": Logistic(),
    "squared": Squared(),
}


OVER_PAIRS: Final = ("cross_entropy", "exponential")
"""Losses of several classes, over the margins f_y - f_j of each sample."""


def loss_named(name: str, classes: int | None = None) -> Loss:
    """The loss of that name, of scalar outputs or of so many classes.

    Raises:
        InvalidInput: listing the known ones.
    """
    if classes is not None:
        if name not in OVER_PAIRS:
            raise InvalidInput(
                f"loss is {name!r}; of several classes allowed are {', '.join(OVER_PAIRS)}"
            )
        return CrossEntropy(classes - 1) if name == "cross_entropy" else Exponential()
    if name not in LOSSES:
        raise InvalidInput(f"loss is {name!r}; allowed are {', '.join(LOSSES)}")
    return LOSSES[name]
