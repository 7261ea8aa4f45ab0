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
from theory.requests import check_whole


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Eigenvalues lam_i and squared coefficients v_i of the target, `(M,)`; s^2 and delta.

    Raises:
        InvalidInput: a number that is negative or not finite, or shapes that do not fit.
    """

    eigenvalues: Floats
    target: Floats
    noise: float
    ridge: float

    def __post_init__(self) -> None:
        for name in ("eigenvalues", "target", "noise", "ridge"):
            given = getattr(self, name)
            if not np.all((np.asarray(given) >= 0.0) & (np.asarray(given) < np.inf)):
                raise InvalidInput(f"{name} is {given!r}; it must be finite and at least 0")
        if self.eigenvalues.ndim != 1 or self.target.shape != self.eigenvalues.shape:
            raise InvalidInput(
                f"target has shape {self.target.shape}; it must be that of the eigenvalues, (M,), "
                f"which is {self.eigenvalues.shape}"
            )


@dataclass(frozen=True, eq=False)
class Curve:
    """What is predicted for n samples.

    Raises:
        InvalidInput: no samples; by every prediction, where a ridge of zero has no fewer samples
            than modes of positive eigenvalue.
    """

    spectrum: Spectrum
    samples: int

    def __post_init__(self) -> None:
        check_whole("samples", self.samples)

    @cached_property
    def effective_ridge(self) -> float:
        """kappa."""
        eigenvalues, ridge, count = self.spectrum.eigenvalues, self.spectrum.ridge, self.samples
        values = np.sort(eigenvalues[eigenvalues > 0.0])[::-1]
        if ridge == 0.0 and len(values) <= count:
            raise InvalidInput(
                f"samples are {count} of {len(values)} modes of positive eigenvalue; without a "
                "ridge they must be fewer"
            )
        top, rest = values[:count], values[count:]

        def excess(log_kappa: float) -> float:
            """Of the sum over n, a mode of the n largest counted by what it lacks of 1."""
            kappa = np.exp(log_kappa)
            gained = (rest / (rest + kappa)).sum() + ridge / kappa
            return float(gained - (kappa / (top + kappa)).sum() - (count - len(top)))

        high = np.log((values.sum() + ridge) / count) + 1.0
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
    def shortfalls(self) -> Floats:
        """1 - L_i = kappa / (lam_i + kappa), `(M,)`, which keeps its digits where it is small."""
        return np.asarray(self.effective_ridge / (self.spectrum.eigenvalues + self.effective_ridge))

    @cached_property
    def amplification(self) -> float:
        """E_0 = n / (n - sum L_i^2), by which unlearned modes and noise weigh more.

        As n = sum L_i + delta / kappa, the divisor is sum L_i (1 - L_i) + delta / kappa.
        """
        free = (self.learnabilities * self.shortfalls).sum()
        return float(self.samples / (free + self.spectrum.ridge / self.effective_ridge))

    @property
    def unlearned(self) -> float:
        """sum (1 - L_i)^2 v_i."""
        return float((self.shortfalls**2 * self.spectrum.target).sum())

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
        return float(self.learnabilities.sum())
