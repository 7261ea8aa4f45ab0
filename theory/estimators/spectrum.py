"""Least squares by gradient flow on random inputs, in the limit of many dimensions.

w' = -S (w - w*), S = X'X / N, x ~ N(0, I_d), ratio = d / N. With w(0) - w* ~ N(0, I) the mean test
and train losses are tr e^(-2St) / d and tr S e^(-2St) / d. Levi, Beck, Bar-Sinai (ICLR 2024) take
them over the law of Marchenko and Pastur; real Gaussian data add a term of order 1 / d, by the
central limit theorem of Bai and Silverstein (2004) for linear spectral statistics.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.optimize import brentq

from theory.backend import Floats
from theory.errors import InvalidInput

NODES: Final = 4000
"""Of the midpoint rule in the angle, faster than any power of it; late times need many."""


@dataclass(frozen=True)
class SpectralCurve:
    """The integral of nu^power e^(-rate nu t) over the eigenvalues of S, in the limit.

    Attributes:
        ratio: d / N.
        power: 0 for the test loss, 1 for the train loss.
        rate: 2 for losses.
        atom: whether the 1 - 1 / ratio directions without data are counted, where ratio > 1.
    """

    ratio: float
    power: int = 0
    rate: float = 2.0
    atom: bool = True

    def limit(self, time: float) -> float:
        """Per dimension, d -> infinity."""
        value = float(np.exp(self.log_bulk(time)))
        missing = max(0.0, 1.0 - 1.0 / self.ratio)
        return value + missing if self.atom and self.power == 0 else value

    def log_bulk(self, time: float) -> float:
        """The logarithm of the part that the flow moves, also where that part underflows."""
        angles, nodes = _nodes(self.ratio)
        low = edge(self.ratio)
        decay = np.exp(-self.rate * (nodes - low) * time)
        terms = nodes ** (self.power - 1) * np.sin(angles) ** 2 * decay
        return float(np.log(2.0 / NODES * terms.sum()) - self.rate * low * time)

    def correction(self, time: float) -> float:
        """d (mean - limit) of Gaussian data: [f(low) + f(high)] / 4 less half the mean over angles.

        Where ratio > 1 the smaller matrix XX' / N is corrected; eigenvalues of zero are exact.
        """
        _, nodes = _nodes(self.ratio)
        ends = np.array([edge(self.ratio), (1.0 + np.sqrt(self.ratio)) ** 2])

        def f(nu: Floats) -> Floats:
            return np.asarray(nu**self.power * np.exp(-self.rate * nu * time))

        return float(f(ends).sum() / 4.0 - f(nodes).mean() / 2.0)


def edge(ratio: float) -> float:
    """(1 - sqrt(ratio))^2, the smallest eigenvalue that is not 0.

    Raises:
        InvalidInput: the ratio is not positive.
    """
    if ratio <= 0.0:
        raise InvalidInput(f"ratio is {ratio}; it must be positive")
    return float((1.0 - np.sqrt(ratio)) ** 2)


def _nodes(ratio: float) -> tuple[Floats, Floats]:
    angles = np.pi * (np.arange(NODES) + 0.5) / NODES
    return angles, np.asarray(1.0 + ratio + 2.0 * np.sqrt(ratio) * np.cos(angles))


def flow_losses(
    rng: np.random.Generator, dimension: int, samples: int, times: Floats, draws: int
) -> tuple[Floats, Floats]:
    """Test and train losses of Gaussian data, `(draws, T)` each, averaged over w(0) - w*."""
    inputs = rng.normal(size=(draws, samples, dimension))
    turned = inputs.transpose(0, 2, 1)
    small = inputs @ turned if samples < dimension else turned @ inputs
    values = np.maximum(np.linalg.eigvalsh(small / samples), 0.0)
    decays = np.exp(-2.0 * times[:, None] * values[:, None, :])
    missing = max(0, dimension - samples)
    test = (decays.sum(axis=2) + missing) / dimension
    train = (decays * values[:, None, :]).sum(axis=2) / dimension
    return test, train


def grokking_delay(ratio: float, log_level: float) -> tuple[float, float]:
    """When the train loss, and how much later the test loss, is e^log_level: (time, delay).

    Raises:
        InvalidInput: the ratio is not below 1, or a loss is lower from the start.
    """
    if not 0.0 < ratio < 1.0:
        raise InvalidInput(f"ratio is {ratio}; it must lie between 0 and 1")
    if log_level >= 0.0:
        raise InvalidInput(f"log_level is {log_level}; it must be negative")
    late = (2.0 - log_level) / edge(ratio)

    def reached(power: int) -> float:
        curve = SpectralCurve(ratio, power)
        found: float = brentq(
            lambda time: curve.log_bulk(time) - log_level, 0.0, late, xtol=1e-13, rtol=1e-14
        )
        return found

    first = reached(1)
    return first, reached(0) - first
