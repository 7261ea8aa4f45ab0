"""The largest margin of a quadratic net on all pairs of Z_p, and what the norm has to do with it.

The mean margin of a net, over all pairs and wrong classes, is a sum over its neurons of

    g(w, u, v) = 2 / (p^2 (p-1)) sum_{k != 0} w^_k conj(u^_k v^_k) <= gamma_1 r^3,
    gamma_1 = sqrt(2/27) / (sqrt(p) (p-1)),   r^2 = |w|^2 + |u|^2 + |v|^2,

with equality for neurons of one frequency (Morwani et al., ICLR 2024, for the norm of sum r^3).
So q_min <= gamma_1 sum r^3, for every net. With M_eff = (sum r^2)^3 / (sum r^3)^2, the number of
neurons if they are equal, q_min / |theta|^3 <= gamma_1 / sqrt(M_eff).
"""

from math import sqrt

import numpy as np

from theory.backend import Floats
from theory.errors import InvalidInput
from theory.modular_addition.data import addition_problem, check_odd
from theory.nets import TwoLayer
from theory.units import lengths_of, power_of_two


def largest_neuron_margin(modulus: int) -> float:
    """gamma_1, the largest mean margin of a neuron with r = 1, p odd."""
    check_odd(modulus)
    return sqrt(2.0 / 27.0) / (sqrt(modulus) * (modulus - 1))


def largest_margin(modulus: int, neurons: float) -> float:
    """gamma_1 / sqrt(M): q / |theta|^3 of M equal neurons of one frequency with equal margins.

    With M = 3 (p-1) it is not the largest; see `three_neuron_net` and `ten_neuron_net`.

    Raises:
        InvalidInput: M is not positive.
    """
    if not neurons > 0:
        raise InvalidInput(f"neurons are {neurons!r}; their number must be positive")
    return largest_neuron_margin(modulus) / sqrt(neurons)


def normalised_margin(net: TwoLayer, theta: Floats) -> float:
    """The smallest margin on all pairs over |theta|^3, by the net itself, in units of theta.

    Raises:
        InvalidInput: theta is zero, not finite, or of the wrong length.
    """
    own = np.ldexp(theta, -power_of_two(theta))
    problem = addition_problem(net, own)
    margins = np.asarray(problem.row_net.outputs(own, problem.inputs))
    return float(margins.min() / np.linalg.norm(own) ** 3)


def neuron_norms(net: TwoLayer, theta: Floats) -> Floats:
    """r_m = |(w_m, u_m, v_m)|, shape `(width,)`."""
    readout, hidden = net.split(theta)
    rows = np.concatenate([readout.T, hidden], axis=1)
    return np.where(rows.any(axis=1), lengths_of(rows), 0.0)


def effective_neurons(norms: Floats) -> float:
    """M_eff = (sum r^2)^3 / (sum r^3)^2, from 1 to the number of neurons.

    Raises:
        InvalidInput: all norms are zero, or some are negative or not finite.
    """
    if not np.all((norms >= 0.0) & (norms < np.inf)):
        raise InvalidInput(f"norms are {norms.tolist()}; each must be finite, at least 0")
    if not np.any(norms > 0):
        raise InvalidInput("norms are all zero; one neuron must have weights")
    unit = norms / norms.max()
    return float((unit**2).sum() ** 3 / (unit**3).sum() ** 2)


def neuron_margins(net: TwoLayer, theta: Floats) -> Floats:
    """The mean margin of each neuron over all pairs and wrong classes, shape `(width,)`."""
    readout, hidden = net.split(theta)
    p = net.output_dim
    return np.asarray(_mean_margin(readout.T, hidden[:, :p], hidden[:, p:]))


def _mean_margin(w: Floats, u: Floats, v: Floats) -> Floats:
    """g of rows `(..., p)`."""
    p = w.shape[-1]
    waves = np.fft.fft(w)[..., 1:] * np.conj(np.fft.fft(u) * np.fft.fft(v))[..., 1:]
    return np.asarray(2.0 / (p**2 * (p - 1)) * waves.real.sum(axis=-1))


ABSENT = 1e-14
"""Waves of rows of length 1 that are rounding."""

ASCENT_STEPS = 40
"""Logarithms of ratios between frequencies grow geometrically: a lead of 1e-6 has won by then."""


def ascended_neuron(start: Floats) -> tuple[Floats, float]:
    """A neuron (w, u, v) `(3, p)` with r = 1 of locally largest mean margin, and that margin.

    Each of the three rows is replaced in turn by the best one for the other two, which is their
    convolution or correlation without its mean; no formula for the maximum is used.

    Args:
        start: any rows `(3, p)` with some frequency in common, each of units of its own.

    Raises:
        InvalidInput: rows of another shape, not finite, or without a frequency in common.
    """
    rows = np.asarray(start, dtype=np.float64)
    if rows.ndim != 2 or len(rows) != 3 or rows.size == 0 or not np.all(np.isfinite(rows)):
        raise InvalidInput(f"start has shape {rows.shape}; it must be (3, p) finite numbers")
    waves = np.fft.fft(rows / lengths_of(rows)[:, None])
    waves[:, 0] = 0.0
    waves[np.abs(waves) <= ABSENT] = 0.0
    if not np.any(waves.prod(axis=0)):
        raise InvalidInput("start has rows without a frequency in common")
    for step in range(3 * ASCENT_STEPS):
        row = step % 3
        first, second = (waves[k] for k in range(3) if k != row)
        best = first * second if row == 0 else first * np.conj(second)
        waves[row] = best / np.linalg.norm(best)
    neuron = np.fft.ifft(waves).real
    neuron /= sqrt(3.0) * np.linalg.norm(neuron, axis=1, keepdims=True)
    return neuron, float(_mean_margin(*neuron))
