"""States of diagonal nets that were integrated through their dual variables."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from theory.backend import Flags, Floats


@dataclass(frozen=True, eq=False)
class DualStates:
    """States of diagonal nets of one degree relative to u = v = rho half; leading axes are free.

    All is in the units of the problem (`theory.units`), as in `theory.flow.chart`.

    Attributes:
        anchor: u then v, shape `(..., 2 d)`.
        log_rho: shape `(...)`.
        comoving: whether the chart is the co-moving one, shape `(...)`.
        weights: w = u^L - v^L for positive halves, shape `(..., d)`; else of negated columns.
        combinations: p = Z^T a where `comoving`, shape `(..., d)`.
        means, ratios: log sqrt(u v) and log sqrt(u / v) relative to rho half, shape `(..., d)`.
    """

    degree: int
    anchor: Floats
    log_rho: Floats
    comoving: Flags
    weights: Floats
    combinations: Floats
    means: Floats
    ratios: Floats

    @cached_property
    def _logs(self) -> Floats:
        """log of |u| and |v| over rho |half|, shape `(..., 2 d)`."""
        return np.concatenate([self.means + self.ratios, self.means - self.ratios], axis=-1)

    @property
    def theta(self) -> Floats:
        """Shape `(..., 2 d)`; infinite where it exceeds float64."""
        with np.errstate(over="ignore"):
            return np.asarray(self.anchor * np.exp(self._logs + self.log_rho[..., None]))

    @cached_property
    def _scaled(self) -> tuple[Floats, Floats]:
        """theta over rho and its largest factor, and the logarithm of that factor."""
        largest = self._logs.max(-1)
        return self.anchor * np.exp(self._logs - largest[..., None]), largest

    @property
    def log_norm(self) -> Floats:
        """log |theta|, shape `(...)`."""
        scaled, largest = self._scaled
        return np.asarray(self.log_rho + largest + np.log(np.linalg.norm(scaled, axis=-1)))

    @property
    def directions(self) -> Floats:
        """theta / |theta|, shape `(..., 2 d)`."""
        scaled, _ = self._scaled
        return np.asarray(scaled / np.linalg.norm(scaled, axis=-1, keepdims=True))

    @property
    def displacement(self) -> Floats:
        """eta of theta = rho (anchor + rho^-L eta), shape `(..., 2 d)`, also for tiny rho^-L."""
        half = np.abs(self.anchor[..., : self.means.shape[-1]])
        slope = self.degree * half ** (self.degree - 2) * self.combinations
        first_order = np.concatenate([slope, -slope], axis=-1)
        log_scale = self.degree * self.log_rho[..., None]
        with np.errstate(over="ignore", under="ignore"):
            moved = np.exp(np.minimum(-log_scale, 700.0)) * first_order
            linear = np.abs(moved) < 1e-150
            growth = np.where(linear, 1.0, np.expm1(self._logs) / np.where(linear, 1.0, moved))
            near = first_order * growth
            far = np.expm1(self._logs) * np.exp(np.minimum(log_scale, 700.0))
        return np.asarray(self.anchor * np.where(self.comoving[..., None], near, far))
