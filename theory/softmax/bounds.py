"""Cross entropy between two bounds, by the smallest margin alone."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import logsumexp

from theory.backend import Integers
from theory.errors import InvalidInput
from theory.requests import all_finite, check_whole, is_number, number_array, shortened


def mean_cross_entropy(logits: ArrayLike, labels: ArrayLike) -> tuple[float, float]:
    """(mean loss, smallest margin) of logits `(n, K)` with whole labels `(n,)` from 0 to K - 1.

    Raises:
        InvalidInput: no samples, a single class, logits that are not finite, or labels that are
            not whole or do not fit.
    """
    scores = all_finite("logits", number_array("logits", logits))
    if scores.ndim != 2 or len(scores) < 1:
        raise InvalidInput(f"logits have shape {scores.shape}; it must be (n, K) with n >= 1")
    scores = all_finite("logits", scores)
    count, classes = scores.shape
    own = _whole(labels)
    if classes < 2 or own.shape != (count,) or own.min() < 0 or own.max() >= classes:
        raise InvalidInput(f"labels are {labels!r}; they must be {count} of {classes} >= 2 classes")
    others = scores - np.take_along_axis(scores, own[:, None], axis=1)
    np.put_along_axis(others, own[:, None], -np.inf, axis=1)
    # log(1 + sum of e^(z_j - z_y)), which keeps its digits where it is small
    losses = np.logaddexp(0.0, logsumexp(others, axis=1))
    return float(losses.mean()), float(-others.max())


def loss_bounds(margin: float, classes: int, samples: int) -> tuple[float, float]:
    """log(1 + e^-q) / n <= mean loss <= log(1 + (K - 1) e^-q), q the smallest margin.

    The upper one is attained where all margins are alike, the lower one in the limit where one
    sample and one class decide.

    Raises:
        InvalidInput: classes are not a whole number from 2 on, samples not one from 1 on, or the
            margin is not a number.
    """
    check_whole("classes", classes, 2)
    check_whole("samples", samples)
    if not is_number(margin) or np.isnan(margin):
        raise InvalidInput(f"margin is {shortened(margin)}; it must be a number")
    low = np.logaddexp(0.0, -margin) / samples
    return float(low), float(np.logaddexp(0.0, np.log(classes - 1.0) - margin))


def _whole(labels: ArrayLike) -> Integers:
    """The labels as integers.

    Raises:
        InvalidInput: one is not whole.
    """
    given = all_finite("labels", number_array("labels", labels))
    if not np.array_equal(given, np.round(given)):
        raise InvalidInput(f"labels are {labels!r}; they must be whole numbers")
    return given.astype(np.int64)
