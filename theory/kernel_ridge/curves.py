"""The risk of kernel ridge regression from the eigenvalues of the kernel and of the target alone.

Bordelon, Canatar, Pehlevan (ICML 2020), Canatar et al. (Nature Communications 2021), Simon et al.
(TMLR 2023). f = K(., X) (K + delta I)^{-1} y, delta not multiplied by the number n of samples;
noise of variance s^2. The effective ridge kappa solves
sum lam_i / (lam_i + kappa) + delta / kappa = n.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.optimize import brentq

from theory.backend import Floats
from theory.errors import InvalidInput


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Eigenvalues lam_i and squared coefficients v_i of the target, `(M,)`; s^2 and delta."""

    eigenvalues: Floats
    target: Floats
    noise: float
    ridge: float


@dataclass(frozen=True, eq=False)
class Curve:
    """What is predicted for n samples.

    Raises:
        InvalidInput: by every prediction, where a ridge of zero has more samples than modes.
    """

    spectrum: Spectrum
    samples: int

    @cached_property
    def effective_ridge(self) -> float:
        """kappa."""
        values, ridge = self.spectrum.eigenvalues, self.spectrum.ridge
        if ridge == 0.0 and len(values) <= self.samples:
            raise InvalidInput(
                f"samples are {self.samples} of {len(values)} modes; without a ridge they must be "
                "fewer"
            )

        def excess(log_kappa: float) -> float:
            kappa = np.exp(log_kappa)
            return float((values / (values + kappa)).sum() + ridge / kappa - self.samples)

        high = np.log((values.sum() + ridge) / self.samples) + 1.0
        low = high - 1.0
        while excess(low) < 0.0:
            low -= 2.0
        found: float = brentq(excess, low, high, xtol=1e-14)
        return float(np.exp(found))

    @cached_property
    def learnabilities(self) -> Floats:
        """lam_i / (lam_i + kappa), `(M,)`: the share of each mode that is learned."""
        values = self.spectrum.eigenvalues
        return np.asarray(values / (values + self.effective_ridge))

    @cached_property
    def amplification(self) -> float:
        """E_0 = n / (n - sum L_i^2), by which unlearned modes and noise weigh more."""
        return float(self.samples / (self.samples - (self.learnabilities**2).sum()))

    @property
    def unlearned(self) -> float:
        """sum (1 - L_i)^2 v_i."""
        return float(((1.0 - self.learnabilities) ** 2 * self.spectrum.target).sum())

    @property
    def test(self) -> float:
        """The mean squared error on new noisy samples."""
        return self.amplification * (self.unlearned + self.spectrum.noise)

    @property
    def fitted(self) -> float:
        """delta / (n kappa): its square is the train error over the test error."""
        return self.spectrum.ridge / (self.samples * self.effective_ridge)

    @property
    def learned(self) -> float:
        """The sum of learnabilities: n - delta / kappa."""
        return self.samples - self.spectrum.ridge / self.effective_ridge
