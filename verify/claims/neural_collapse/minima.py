"""Minima of unconstrained features by descent from two random starts."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from theory.features import FeatureTask, Minimum, minimise
from verify.language import Measurement, Quantity, in_words
from verify.strategies.features import BIASES, SIDES, Features, either_side, features

Loss = Literal["cross entropy", "squared"]


@dataclass(frozen=True, eq=False)
class Minima:
    """The instance and where two starts ended; they agree on what all global minima share."""

    told: Features
    one: Minimum
    other: Minimum

    def read(self, name: str) -> Quantity:
        """A field of the minima, flat; their difference and 1e-8 are the error."""
        return Quantity.paired(
            lambda minimum: np.ravel(getattr(minimum, name)), self.one, self.other, 1e-8
        ).no_finer(1e-8)


def measure(told: Features, loss: Loss, decay: float = 1.0, uneven: float = 1.0) -> Minima:
    """Two descents; in wrong worlds decays are larger, or that of the features alone."""
    weight_decay, feature_decay = told.decays
    task = FeatureTask(
        told.classes,
        told.samples,
        told.classes + told.spare,
        decay * weight_decay,
        decay * uneven * feature_decay,
        loss,
        told.bias,
    )
    one, other = (minimise(task, np.random.default_rng([told.seed, k])) for k in (0, 1))
    return Minima(told, one, other)


def _measurement(
    name: str, loss: Loss, *, threshold: bool = False
) -> Measurement[Features, Minima]:
    """From 3/4 of a threshold on, decays that are told wrongly must cross it to be noticed."""
    wrong = 1.5 if threshold else 1.2
    return Measurement(
        name,
        Features,
        SIDES if threshold else BIASES,
        either_side if threshold else features,
        lambda told: measure(told, loss),
        in_words("equal classes", "d >= K", "no decay of the bias"),
        sabotaged={
            f"decays {wrong:g} times what is told": lambda told: measure(told, loss, decay=wrong),
            "twice the decay of features": lambda told: measure(told, loss, uneven=2.0),
        },
    )


CROSS_ENTROPY = _measurement("features-cross-entropy", "cross entropy")
EITHER_SIDE = _measurement("features-either-side", "cross entropy", threshold=True)
SQUARED = _measurement("features-squared", "squared")
