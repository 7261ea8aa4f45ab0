"""`theory.losses` for compiled code: one row at a time, or the margins of one sample together."""

from math import exp, log, log1p, sqrt
from typing import Final

from theory.backend import Floats
from theory.compiled import filling, inlined
from theory.losses import EXPONENT_CEILING, CrossEntropy, Exponential, Logistic, Loss, Squared

EXPONENTIAL, LOGISTIC, SQUARED, CROSS_ENTROPY = range(4)
_CODES: dict[type[Loss], int] = {
    Exponential: EXPONENTIAL,
    Logistic: LOGISTIC,
    Squared: SQUARED,
    CrossEntropy: CROSS_ENTROPY,
}

LARGEST_FORCE: Final = exp(EXPONENT_CEILING)
LARGEST_EXPONENT: Final = 700.0
"""Of e in float64, with room for a few factors."""


def code_of(loss: Loss) -> int:
    """By which compiled code knows a loss."""
    return _CODES[type(loss)]


def coupled(loss: Loss) -> int:
    """How many rows, one after the other, the loss couples."""
    return loss.others if isinstance(loss, CrossEntropy) else 1


@inlined
def softplus(x: float) -> float:
    return max(x, 0.0) + log1p(exp(-abs(x)))


@inlined
def force(loss: int, log_gain: float, output: float, label: float) -> float:
    """exp(log_gain) * (-dl/df)."""
    if loss == SQUARED:
        return (label - output) * exp(min(log_gain, EXPONENT_CEILING))
    margin = label * output
    if loss == EXPONENTIAL:
        return label * exp(min(log_gain - margin, EXPONENT_CEILING))
    fallen = exp(min(log_gain - max(margin, 0.0), EXPONENT_CEILING))
    return label * fallen / (1.0 + exp(-abs(margin)))


@inlined
def curvature(loss: int, log_gain: float, output: float, label: float) -> float:
    """exp(log_gain) * d^2l/df^2."""
    if loss == SQUARED:
        return exp(min(log_gain, EXPONENT_CEILING))
    margin = label * output
    if loss == EXPONENTIAL:
        return exp(min(log_gain - margin, EXPONENT_CEILING))
    fallen = exp(min(log_gain - abs(margin), EXPONENT_CEILING))
    return fallen / (1.0 + exp(-abs(margin))) ** 2


@inlined
def loss_of_sample(margins: Floats, first: int, others: int) -> float:
    """log(1 + sum_j exp(-q_j)) of the margins from `first` on."""
    top = 0.0
    for j in range(first, first + others):
        top = max(top, -margins[j])
    total = exp(-top)
    for j in range(first, first + others):
        total += exp(-margins[j] - top)
    return top + log(total)


@inlined
def _falls(margins: Floats, first: int, others: int, falls: Floats) -> tuple[float, float]:
    """Fill those of one sample with exp(m - q_j), m the smallest margin; m and their sum."""
    lowest, total = margins[first], 0.0
    for j in range(first + 1, first + others):
        lowest = min(lowest, margins[j])
    for j in range(first, first + others):
        falls[j] = exp(lowest - margins[j])
        total += falls[j]
    return lowest, total


@inlined
def _shares(log_gain: float, lowest: float, total: float) -> tuple[float, float, float]:
    """exp(log_gain) times the softmax's share of the class of the smallest margin, that share, and
    the one of the true class.
    """
    small = exp(-abs(lowest))
    gain = exp(min(log_gain - max(lowest, 0.0), LARGEST_EXPONENT))
    if lowest > 0.0:
        whole = 1.0 + small * total
        return gain / whole, small / whole, 1.0 / whole
    whole = small + total
    return gain / whole, 1.0 / whole, small / whole


@filling
def forces(
    loss: int, others: int, log_gain: float, outputs: Floats, labels: Floats, pulls: Floats
) -> None:
    """Fill `pulls` `(n,)` with the force on each row."""
    if loss != CROSS_ENTROPY:
        for i in range(outputs.size):
            pulls[i] = force(loss, log_gain, outputs[i], labels[i])
        return
    for first in range(0, outputs.size, others):
        lowest, total = _falls(outputs, first, others, pulls)
        pull, _, _ = _shares(log_gain, lowest, total)
        for j in range(first, first + others):
            pulls[j] = min(pull * pulls[j], LARGEST_FORCE)


@filling
def curve(
    loss: int,
    others: int,
    log_gain: float,
    outputs: Floats,
    labels: Floats,
    rows: Floats,
    pulls: Floats,
    curved: Floats,
) -> None:
    """Fill `curved` `(n, P)` with minus exp(log_gain) * d^2l/df^2 applied to `rows`.

    With room for the `pulls` `(n,)` of the classes of a sample.
    """
    if loss != CROSS_ENTROPY:
        for i in range(outputs.size):
            stiffness = curvature(loss, log_gain, outputs[i], labels[i])
            for p in range(rows.shape[1]):
                curved[i, p] = -stiffness * rows[i, p]
        return
    for first in range(0, outputs.size, others):
        lowest, total = _falls(outputs, first, others, pulls)
        pull, share, _ = _shares(log_gain, lowest, total)
        mean_of_rows(pulls, first, others, share, rows, curved)
        for j in range(first + others - 1, first - 1, -1):
            less_mean(-min(pull * pulls[j], LARGEST_FORCE), rows[j], curved[first], curved[j])


@filling
def mean_of_rows(
    weights: Floats, first: int, others: int, share: float, rows: Floats, means: Floats
) -> None:
    """Fill the first row of one sample in `means` with the sum of its `rows` by shares."""
    for p in range(rows.shape[1]):
        means[first, p] = 0.0
    for j in range(first, first + others):
        weight = share * weights[j]
        for p in range(rows.shape[1]):
            means[first, p] += weight * rows[j, p]


@filling
def less_mean(factor: float, row: Floats, mean: Floats, spread: Floats) -> None:
    """Fill `spread` `(P,)` with a multiple of `row` less `mean`, which may be its own place."""
    for p in range(row.size):
        spread[p] = factor * (row[p] - mean[p])


@filling
def root_of_curve(
    loss: int,
    others: int,
    log_gain: float,
    outputs: Floats,
    labels: Floats,
    rows: Floats,
    pulls: Floats,
    roots: Floats,
) -> None:
    """Fill `roots` `(n, P)` with R, of which -R^T R is `rows`^T times what `curve` makes of them.

    Of cross-entropy, diag(p) - p p^T of the shares p of the other classes is D (1 - c q q^T)^2 D
    with q = sqrt(p), D = diag(q), and c = 1 / (1 + sqrt(1 - |q|^2)).
    """
    if loss != CROSS_ENTROPY:
        for i in range(outputs.size):
            root = sqrt(curvature(loss, log_gain, outputs[i], labels[i]))
            for p in range(rows.shape[1]):
                roots[i, p] = root * rows[i, p]
        return
    for first in range(0, outputs.size, others):
        lowest, total = _falls(outputs, first, others, pulls)
        pull, share, true = _shares(log_gain, lowest, total)
        mean_of_rows(pulls, first, others, share / (1.0 + sqrt(true)), rows, roots)
        for j in range(first + others - 1, first - 1, -1):
            less_mean(sqrt(min(pull * pulls[j], LARGEST_FORCE)), rows[j], roots[first], roots[j])
