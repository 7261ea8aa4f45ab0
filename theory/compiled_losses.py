"""`theory.losses` for compiled code: one row at a time, or the margins of one sample together."""

from math import exp, log, log1p, sqrt

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
        fallen = loss_of_sample(outputs, first, others)
        for j in range(first, first + others):
            pulls[j] = exp(min(log_gain - outputs[j] - fallen, EXPONENT_CEILING))


@filling
def curve(
    loss: int,
    others: int,
    log_gain: float,
    outputs: Floats,
    labels: Floats,
    rows: Floats,
    curved: Floats,
) -> None:
    """Fill `curved` `(n, P)` with minus exp(log_gain) * d^2l/df^2 applied to `rows`."""
    if loss != CROSS_ENTROPY:
        for i in range(outputs.size):
            stiffness = curvature(loss, log_gain, outputs[i], labels[i])
            for p in range(rows.shape[1]):
                curved[i, p] = -stiffness * rows[i, p]
        return
    for first in range(0, outputs.size, others):
        fallen = loss_of_sample(outputs, first, others)
        less_mean(outputs, first, others, fallen, 1.0, rows, curved)
        for j in range(first, first + others):
            pull = exp(min(log_gain - outputs[j] - fallen, EXPONENT_CEILING))
            for p in range(rows.shape[1]):
                curved[j, p] *= -pull


@filling
def less_mean(
    margins: Floats,
    first: int,
    others: int,
    fallen: float,
    part: float,
    rows: Floats,
    spread: Floats,
) -> None:
    """Fill the rows of one sample in `spread` with `rows` less a part of their mean by shares.

    The first holds the mean until the others are filled.
    """
    for p in range(rows.shape[1]):
        spread[first, p] = 0.0
    for j in range(first, first + others):
        share = part * exp(-margins[j] - fallen)
        for p in range(rows.shape[1]):
            spread[first, p] += share * rows[j, p]
    for j in range(first + others - 1, first - 1, -1):
        for p in range(rows.shape[1]):
            spread[j, p] = rows[j, p] - spread[first, p]


@filling
def root_of_curve(
    loss: int,
    others: int,
    log_gain: float,
    outputs: Floats,
    labels: Floats,
    rows: Floats,
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
        fallen = loss_of_sample(outputs, first, others)
        less_mean(outputs, first, others, fallen, 1.0 / (1.0 + exp(-0.5 * fallen)), rows, roots)
        for j in range(first, first + others):
            root = sqrt(exp(min(log_gain - outputs[j] - fallen, EXPONENT_CEILING)))
            for p in range(rows.shape[1]):
                roots[j, p] *= root
