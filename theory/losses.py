"""Losses as the flow sees them: their force and curvature, scaled in log space.

A flow needs exp(g) * (-dl/df), where g can be +1e5 and -dl/df as small as exp(-1e5). The two are
combined as one exponent before it is taken, so that neither ever exists on its own.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Final

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
        """exp(log_scale) * d^2l/df^2, per sample."""


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
        return labels * _exp(log_scale - softplus(labels * outputs))

    def curvature(self, log_scale: Array, outputs: Array, labels: Array) -> Array:
        margins = labels * outputs
        return _exp(log_scale - softplus(margins) - softplus(-margins))


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


def loss_named(name: str) -> Loss:
    """The loss of that name; `InvalidInput` lists the known ones otherwise."""
    if name not in LOSSES:
        raise InvalidInput(f"loss is {name!r}; allowed are {', '.join(LOSSES)}")
    return LOSSES[name]
