"""Global minima of unconstrained features, in closed form.

L = mean loss of Z = W H (+ b) + (lW/2) |W|^2 + (lH/2) |H|^2 with K classes of n samples each. For a
given Z the least penalty is sqrt(lW lH) |Z|_*, which makes the problem convex in Z. Zhu et al.
(NeurIPS 2021) for cross entropy, Tirer and Bruna (ICML 2022) for the squared loss.
"""

from dataclasses import dataclass

import numpy as np

from theory.backend import Floats
from theory.requests import check_positive, check_whole


@dataclass(frozen=True, eq=False)
class CollapsedOptimum:
    """What all global minima share.

    Attributes:
        outputs: W H of one sample of each class, `(K, K)`.
        loss: with its penalties.
        weights, features: |W|^2 and |H|^2.
    """

    outputs: Floats
    loss: float
    weights: float
    features: float


def cross_entropy_optimum(
    classes: int, samples: int, weight_decay: float, feature_decay: float
) -> CollapsedOptimum:
    """Z = s (I - J/K), s = log(1/c - K + 1) with c = sqrt(n lW lH); 0 from K c = 1 on.

    Raises:
        InvalidInput: fewer than two classes, no samples, or a decay that is not positive and
            finite: without one the infimum is not attained.
    """
    c = _threshold(classes, samples, weight_decay, feature_decay)
    s = float(np.log1p(1.0 / c - classes)) if classes * c < 1.0 else 0.0
    frame = np.eye(classes) - 1.0 / classes
    size = s * (classes - 1)
    loss = float(np.log1p((classes - 1) * np.exp(-s)) + c * size)
    return CollapsedOptimum(s * frame, loss, *_norms(size, samples, weight_decay, feature_decay))


def squared_optimum(
    classes: int, samples: int, weight_decay: float, feature_decay: float, *, bias: bool
) -> CollapsedOptimum:
    """(1 - K c)_+ I without a bias, (1 - K c)_+ (I - J/K) with one, for |Z - Y|^2 / (2N).

    Raises:
        InvalidInput: as of `cross_entropy_optimum`.
    """
    c = _threshold(classes, samples, weight_decay, feature_decay)
    scale = max(0.0, 1.0 - classes * c)
    frame = np.eye(classes) - (1.0 / classes if bias else 0.0)
    rank = classes - 1 if bias else classes
    loss = rank * ((1.0 - scale) ** 2 / (2.0 * classes) + c * scale)
    norms = _norms(scale * rank, samples, weight_decay, feature_decay)
    return CollapsedOptimum(scale * frame, float(loss), *norms)


def _threshold(classes: int, samples: int, weight_decay: float, feature_decay: float) -> float:
    """c = sqrt(n lW lH), where there is a minimum.

    Raises:
        InvalidInput: there is none.
    """
    for name, count, least in (("classes", classes, 2), ("samples", samples, 1)):
        check_whole(name, count, least)
    for name, decay in (("weight_decay", weight_decay), ("feature_decay", feature_decay)):
        check_positive(name, decay)
    return float(np.sqrt(samples) * np.sqrt(weight_decay) * np.sqrt(feature_decay))


def _norms(trace: float, samples: int, weight_decay: float, feature_decay: float) -> Floats:
    """|W|^2 and |H|^2 of the least penalty on a symmetric Z of that trace, repeated n times."""
    ratio = np.sqrt(samples) * np.sqrt(feature_decay) / np.sqrt(weight_decay)
    return np.array([trace * ratio, trace * samples / ratio])
