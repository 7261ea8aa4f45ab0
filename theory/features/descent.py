"""Unconstrained features by descent from random starts: nothing of the closed forms is used."""

from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from theory.backend import Floats
from theory.errors import InvalidInput, NumericalFailure
from theory.requests import check_not_negative, check_whole

FeatureLoss = Literal["cross entropy", "squared"]

GRADIENT: Final = 1e-7
"""At a minimum every entry of the gradient is below this, or descent is held to have failed."""


@dataclass(frozen=True)
class FeatureTask:
    """K classes of n samples, features of dimension d, and two decays.

    Attributes:
        loss: cross entropy, or half the squared distance from one-hot targets; a mean of samples.
        bias: whether a free bias is trained as well.

    Raises:
        InvalidInput: another loss, fewer than two classes, no samples or features, or a decay that
            is negative or not finite.
    """

    classes: int
    samples: int
    dimension: int
    weight_decay: float
    feature_decay: float
    loss: FeatureLoss = "cross entropy"
    bias: bool = False

    def __post_init__(self) -> None:
        if self.loss not in get_args(FeatureLoss):
            allowed = ", ".join(get_args(FeatureLoss))
            raise InvalidInput(f"loss is {self.loss!r}; allowed are {allowed}")
        for name, least in (("classes", 2), ("samples", 1), ("dimension", 1)):
            check_whole(name, getattr(self, name), least)
        for name in ("weight_decay", "feature_decay"):
            check_not_negative(name, getattr(self, name))

    @property
    def one_hot(self) -> Floats:
        """`(K, K n)`, the samples of a class beside each other."""
        return np.repeat(np.eye(self.classes), self.samples, axis=1)

    def split(self, flat: Floats) -> tuple[Floats, Floats, Floats]:
        """W `(K, d)`, H `(d, K n)` and b `(K,)`, zero where there is none."""
        size, count = self.classes * self.dimension, self.classes * self.samples
        weights = flat[:size].reshape(self.classes, self.dimension)
        features = flat[size : size + self.dimension * count].reshape(self.dimension, count)
        rest = flat[size + self.dimension * count :]
        return weights, features, rest if self.bias else np.zeros(self.classes)

    def value_and_gradient(self, flat: Floats) -> tuple[float, Floats]:
        weights, features, bias = self.split(flat)
        outputs, targets = weights @ features + bias[:, None], self.one_hot
        count = outputs.shape[1]
        if self.loss == "squared":
            error = (outputs - targets) / count
            value = float(((outputs - targets) ** 2).sum() / (2 * count))
        else:
            error = (softmax(outputs, axis=0) - targets) / count
            value = float(-(targets * log_softmax(outputs, axis=0)).sum() / count)
        value += 0.5 * self.weight_decay * float((weights**2).sum())
        value += 0.5 * self.feature_decay * float((features**2).sum())
        slopes = [
            (error @ features.T + self.weight_decay * weights).ravel(),
            (weights.T @ error + self.feature_decay * features).ravel(),
        ]
        return value, np.concatenate([*slopes, error.sum(axis=1)] if self.bias else slopes)


@dataclass(frozen=True, eq=False)
class Minimum:
    """Where descent ended.

    Attributes:
        outputs: W H of the means of each class, `(K, K)`.
        within: largest distance of a sample's outputs W h from the mean of its class.
        loss, weights, features: as in `CollapsedOptimum`.
    """

    outputs: Floats
    within: float
    loss: float
    weights: float
    features: float


def minimise(task: FeatureTask, rng: np.random.Generator, tolerance: float = 1e-10) -> Minimum:
    """Descend from a normal start.

    Raises:
        NumericalFailure: the gradient is not zero where descent ended.
    """
    size = task.dimension * task.classes * (1 + task.samples)
    start = rng.normal(size=size + (task.classes if task.bias else 0))
    options = {"maxiter": 20_000, "maxfun": 40_000, "maxcor": 30, "gtol": tolerance, "ftol": 0.0}
    found = minimize(task.value_and_gradient, start, jac=True, method="L-BFGS-B", options=options)
    steepest = float(np.abs(task.value_and_gradient(found.x)[1]).max())
    if steepest > GRADIENT:
        raise NumericalFailure(f"descent ended with a gradient of {steepest:.2g}: {found.message}")
    weights, features, _ = task.split(found.x)
    outputs = (weights @ features).reshape(task.classes, task.classes, task.samples)
    means = outputs.mean(axis=2)
    return Minimum(
        means,
        float(np.abs(outputs - means[..., None]).max()),
        float(found.fun),
        float((weights**2).sum()),
        float((features**2).sum()),
    )
