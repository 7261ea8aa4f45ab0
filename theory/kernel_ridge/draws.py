"""Kernel ridge regression on drawn data: features that are independent normal numbers."""

from dataclasses import dataclass

import numpy as np

from theory.backend import Floats
from theory.kernel_ridge.curves import Spectrum


@dataclass(frozen=True, eq=False)
class Risks:
    """Of each data set, averaged over the noise: `(draws,)`.

    Attributes:
        test, train: mean squared errors, with noise.
        learned: the sum over modes of what is learned of each.
    """

    test: Floats
    train: Floats
    learned: Floats


def drawn_risks(rng: np.random.Generator, spectrum: Spectrum, samples: int, draws: int) -> Risks:
    """Features Phi `(n, M)` normal, K = Phi Lam Phi^T, target Phi w with w_i = sqrt(v_i)."""
    values, weights = spectrum.eigenvalues, np.sqrt(spectrum.target)
    features = rng.normal(size=(draws, samples, len(values)))
    scaled = features * values
    kernel = scaled @ features.swapaxes(1, 2) + spectrum.ridge * np.eye(samples)
    inverse = np.linalg.inv(kernel)
    target = features @ weights
    dual = np.einsum("rij,rj->ri", inverse, target)
    off = weights - np.einsum("rim,ri->rm", scaled, dual)
    # noise of variance s^2 adds s^2 |Lam Phi^T G|^2 to the test error, G = (K + delta I)^{-1}
    spread = np.einsum("rij,rjm->rim", inverse, scaled)
    test = (off**2).sum(axis=1) + spectrum.noise * (1.0 + (spread**2).sum(axis=(1, 2)))
    left = (dual**2).sum(axis=1) + spectrum.noise * (inverse**2).sum(axis=(1, 2))
    learned = (spread * features).sum(axis=(1, 2))
    return Risks(test, spectrum.ridge**2 * left / samples, learned)
