"""Cross entropy between two bounds, by the smallest margin alone."""

import numpy as np
from scipy.special import logsumexp

from theory.backend import Floats
from theory.errors import InvalidInput


def mean_cross_entropy(logits: Floats, labels: Floats) -> tuple[float, float]:
    """(mean loss, smallest margin) of logits `(n, K)` with whole labels `(n,)` from 0 to K - 1.

    Raises:
        InvalidInput: a single class, or labels that do not fit.
    """
    count, classes = logits.shape
    own = np.asarray(labels, dtype=np.int64)
    if classes < 2 or own.shape != (count,) or own.min() < 0 or own.max() >= classes:
        raise InvalidInput(f"labels are {labels!r}; they must be {count} of {classes} >= 2 classes")
    true = np.take_along_axis(logits, own[:, None], axis=1)
    others = logits - true
    np.put_along_axis(others, own[:, None], -np.inf, axis=1)
    # log(1 + sum of e^(z_j - z_y)), which keeps its digits where it is small
    losses = np.log1p(np.exp(logsumexp(others, axis=1)))
    return float(losses.mean()), float(-others.max())


def loss_bounds(margin: float, classes: int, samples: int) -> tuple[float, float]:
    """log(1 + e^-q) / n <= mean loss <= log(1 + (K - 1) e^-q), q the smallest margin.

    The upper one is attained where all margins are alike, the lower one in the limit where one
    sample and one class decide.
    """
    low, high = np.log1p(np.exp(-margin)) / samples, np.log1p((classes - 1) * np.exp(-margin))
    return float(low), float(high)
