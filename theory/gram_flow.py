"""Q' = F Q - (gain / 2) Q Q' Q with F symmetric: Q Q' in closed form at any time.

In the eigenbasis of F, with E = e^(vt) and G = int_0^t e^(2vs) ds,

    Q Q' = E Q0 (I + gain Q0' G Q0)^-1 Q0' E.

The rows of (gain G)^(1/2) Q0 differ by e^((v_1 - v_2) t), and below them stands I: in the columns
as given, what is to be inverted is worse conditioned than that squared. Turned so that the largest
row lies along the first column, the largest of what is left of the others along the second and so
on, and with each column in units of its largest entry, it is well conditioned at all times. Powers
of e are held as their exponents, since they overflow.
"""

import numpy as np
from scipy.linalg import solve_triangular
from scipy.special import exprel

from theory.backend import Floats
from theory.errors import InvalidInput
from theory.requests import all_finite, check_not_negative, check_positive, number_array


def gram_root(values: Floats, start: Floats, time: float, gain: float) -> Floats:
    """R `(d, k)`, k = min(d, h), with R R' = Q Q' at a time, in the eigenbasis of F.

    Each row is right to rounding of its own size, or of what the rows of `start` allow: where those
    of growing modes depend on one another, what they have beside each other is rounding that grows.

    Args:
        values: v, `(d,)`.
        start: Q0 in the eigenbasis of F, `(d, h)`.
        gain: above 0.

    Raises:
        InvalidInput: a time before 0 or that is not finite; values and start that do not fit or are
            not finite; a gain that is not positive.
    """
    check_not_negative("time", time)
    check_positive("gain", gain)
    values = all_finite("values", number_array("values", values))
    start = all_finite("start", number_array("start", start))
    if values.ndim != 1 or start.ndim != 2 or len(start) != values.size or start.size == 0:
        raise InvalidInput(
            f"values has shape {values.shape} and start {start.shape}; they must be (d,) and (d, h)"
        )
    exponents = values * time
    means = np.sqrt(gain * time * exprel(-2.0 * np.abs(exponents)))
    growth = np.maximum(exponents, 0.0)  # (gain G)^(1/2) is means e^growth
    turned = _turned(start, growth + _log(means))
    parts = np.concatenate([means[:, None] * np.abs(turned), np.ones((1, turned.shape[1]))])
    powers = np.append(growth, 0.0)
    largest = np.argmax(powers[:, None] + _log(parts), axis=0)
    power, unit = powers[largest], np.take_along_axis(parts, largest[None], axis=0)[0]
    rows = turned / unit
    there = turned != 0.0
    grown = means[:, None] * rows * np.exp(np.where(there, growth[:, None] - power, 0.0))
    inner = np.concatenate([grown, np.diag(np.exp(-power) / unit)])
    moved = rows * np.exp(np.where(there, exponents[:, None] - power, 0.0))
    return np.asarray(solve_triangular(np.linalg.qr(inner, mode="r"), moved.T, trans="T").T)


def _log(sizes: Floats) -> Floats:
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(sizes))


def _turned(start: Floats, weights: Floats) -> Floats:
    """The rows turned, `(d, k)`, largest times e^weights first: each has no part in later columns
    than its own."""
    turned = np.array(start, dtype=np.float64)
    left, columns = list(range(len(turned))), min(turned.shape)
    for column in range(columns):
        rest = turned[:, column:]
        sizes = weights[left] + _log(np.linalg.norm(rest[left], axis=1))
        pivot = left.pop(int(np.argmax(sizes)))
        rotation = np.linalg.qr(rest[pivot][:, None], mode="complete")[0]
        turned[:, column:] = rest @ rotation
        turned[pivot, column + 1 :] = 0.0
    return turned[:, :columns]
