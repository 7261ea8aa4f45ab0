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
from scipy.special import expit

from theory.backend import Floats
from theory.errors import InvalidInput
from theory.requests import check_not_negative, check_number, check_positive, check_whole

STEP: Final = 0.1
"""Of the trapezoidal rule in x = log tan(phi / 2), phi the angle from the lower edge.

Integrands are analytic for |Im x| < pi / 2 and bounded for |Im x| <= pi / 4, at all times and
ratios alike, so that the rule errs by about e^(-pi^2 / (2 STEP)).
"""
REACH: Final = 40.0
"""How far in x nodes go beyond where integrands begin to fall like e^-|x| at least."""


@dataclass(frozen=True)
class SpectralCurve:
    """The integral of nu^power e^(-rate nu t) over the eigenvalues of S, in the limit.

    Accurate to rounding for all ratios and all times, 0 <= t < infinity.

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
        """The logarithm of the part that the flow moves, also where that part underflows.

        Raises:
            InvalidInput: the time is negative or not finite, or the ratio is not positive.
        """
        weights, nodes, decay = self._nodes(time)
        low = edge(self.ratio)
        # the density in phi is 2 sin(phi)^2 / (pi nu), and sin(phi) = dphi/dx
        total = (weights * (weights / STEP) ** 2 * nodes ** (self.power - 1) * decay).sum()
        return float(np.log(2.0 / np.pi * total) - self.rate * low * time)

    def correction(self, time: float) -> float:
        """d (mean - limit) of Gaussian data: [f(low) + f(high)] / 4 less half the mean over angles.

        Where ratio > 1 the smaller matrix XX' / N is corrected; eigenvalues of zero are exact.
        """
        weights, nodes, decay = self._nodes(time)
        root = float(np.sqrt(self.ratio))
        low, high = edge(self.ratio), (1.0 + root) ** 2
        mean = (weights * nodes**self.power * decay).sum() / np.pi
        fall = np.exp(-self.rate * 4.0 * root * time)  # high - low, which would cancel
        ends = low**self.power + high**self.power * fall
        return float(np.exp(-self.rate * low * time) * (ends / 4.0 - mean / 2.0))

    def _nodes(self, time: float) -> tuple[Floats, Floats, Floats]:
        """Weights of an integral over phi in (0, pi), nu there and e^(-rate (nu - low) t)."""
        check_not_negative("time", time)
        low, width = edge(self.ratio), 4.0 * np.sqrt(self.ratio)
        earliest = -0.5 * np.log1p(self.rate * width * time) - REACH
        x = STEP * np.arange(np.floor(earliest / STEP), np.ceil(REACH / STEP) + 1.0)
        above = width * expit(2.0 * x)
        return STEP / np.cosh(x), low + above, np.exp(-self.rate * above * time)


def edge(ratio: float) -> float:
    """(1 - sqrt(ratio))^2, the smallest eigenvalue that is not 0.

    Raises:
        InvalidInput: the ratio is not positive, or not finite.
    """
    check_positive("ratio", ratio)
    return float(((1.0 - ratio) / (1.0 + np.sqrt(ratio))) ** 2)


def flow_losses(
    rng: np.random.Generator, dimension: int, samples: int, times: Floats, draws: int
) -> tuple[Floats, Floats]:
    """Test and train losses of Gaussian data, `(draws, T)` each, averaged over w(0) - w*.

    Raises:
        InvalidInput: dimension, samples or draws are not whole numbers, at least 1.
    """
    for name, size in (("dimension", dimension), ("samples", samples), ("draws", draws)):
        check_whole(name, size)
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
        InvalidInput: the ratio is not below 1, or a loss is lower from the start; the level is not
            finite.
    """
    check_positive("ratio", ratio)
    check_number("log_level", log_level)
    if not ratio < 1.0:
        raise InvalidInput(f"ratio is {ratio}; it must lie between 0 and 1")
    if not log_level < 0.0:
        raise InvalidInput(f"log_level is {log_level}; it must be negative and finite")
    late = (2.0 - log_level) / edge(ratio)
    # logarithms fall at 8 at most
    absolute = -1e-15 * log_level

    def reached(power: int) -> float:
        curve = SpectralCurve(ratio, power)
        found: float = brentq(
            lambda time: curve.log_bulk(time) - log_level, 0.0, late, xtol=absolute, rtol=1e-14
        )
        return found

    first = reached(1)
    return first, reached(0) - first
