"""A circulant twin of a completion: its measurements commute, so that its flow is known exactly.

All entries off the diagonal are observed; each eigenvalue is then known but for one number, the
diagonal's. The least nuclear norm puts their median to zero, and the flow minimises the hypentropy:
sum asinh(w / (2 rho^2)) = 0.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import exp

import numpy as np
from scipy.optimize import brentq

from theory.backend import Floats
from theory.flow.completion import (
    Completion,
    CompletionState,
    completion_flow,
    log_metric_scale,
)
from theory.margin.nuclear import excess_bound, spectral_entropy
from verify.language import Quantity

EFOLDS = (1.0, 2.0, 3.0, 4.0)
"""After t_g; later the excess of an odd size, e^(-2T), drowns in the integrator's error."""


@dataclass(frozen=True, eq=False)
class CirculantTwin:
    """The twin with its flow.

    Attributes:
        known: eigenvalues with a diagonal of zeros, `(d,)`.
        efolds: T of `theory.flow.completion`, at which the flow is read.
        tight, loose: the flow there, at two tolerances.
        noise: absolute, what the integrator resolves of W.
    """

    completion: Completion
    known: Floats
    efolds: tuple[float, ...]
    tight: Sequence[CompletionState]
    loose: Sequence[CompletionState]
    noise: float

    @property
    def optimum(self) -> Floats:
        """Eigenvalues of a completion of least nuclear norm."""
        return self.known - np.median(self.known)

    @property
    def diagonal(self) -> Quantity:
        """Of W along the flow, over max |y|."""
        return self._read(lambda state: float(state.matrix[0, 0])) / self._unit

    @property
    def predicted_diagonal(self) -> Floats:
        """Where the hypentropy is least."""
        return np.array([self._root(efolds) for efolds in self.efolds]) / self._unit

    @property
    def excess(self) -> Quantity:
        """Of the nuclear norm, relatively, over its bound by the spectral entropies."""
        least = float(np.abs(self.optimum).sum())
        entropy = spectral_entropy(np.diag(self.optimum))
        bounds = [
            excess_bound(
                self.completion,
                least,
                log_metric_scale(self.completion, state.efolds),
                entropy=spectral_entropy(state.matrix),
                least_entropy=entropy,
            )
            for state in self.tight
        ]
        return self._read(lambda state: state.nuclear_norm / least - 1.0) / np.array(bounds)

    @property
    def _unit(self) -> float:
        return float(np.abs(self.completion.values).max())

    def _read(self, reading: Callable[[CompletionState], float]) -> Quantity:
        """Of every state, with what an absolute error of W of the looser run can make of it."""
        pairs = zip(self.tight, self.loose, strict=True)
        found = Quantity.joined(Quantity.paired(reading, *pair, 0.0) for pair in pairs)
        return found.no_finer(self.noise)

    def _root(self, efolds: float) -> float:
        scale = 2.0 * exp(log_metric_scale(self.completion, efolds))
        reach = float(np.abs(self.known).max()) + scale
        return float(
            brentq(lambda c: np.arcsinh((self.known + c) / scale).sum(), -reach, reach, xtol=1e-15)
        )


def circulant_twin(
    completion: Completion, first: float, rtol: float, looser_rtol: float
) -> CirculantTwin | None:
    """With the zero-fill's mean at each distance; None where all of these are zero.

    Args:
        first: T of the completion's t_g.
    """
    size, table = completion.size, completion.zero_fill
    rows, columns = np.triu_indices(size, 1)
    means = np.array([np.diagonal(np.roll(table, -k, axis=1)).mean() for k in range(size)])
    means = 0.5 * (means + means[-np.arange(size)])
    means[0] = 0.0
    if not np.abs(means).max() > 0.0:
        return None
    twin = Completion(size, rows, columns, means[columns - rows])
    efolds = tuple(first + efold for efold in EFOLDS)
    tight, loose = (completion_flow(twin, efolds, rtol=r) for r in (rtol, looser_rtol))
    eigenvalues, noise = np.fft.fft(means).real, rtol * np.abs(means).max()
    return CirculantTwin(twin, eigenvalues, efolds, tight, loose, noise)
