"""The linearisation of a committee machine at its initialization, and its kernel regression.

f_lin = f0 + grad f0 . (theta - theta0) under the same gradient descent, in closed form: the
residuals at the training points are (I - 2 eta K / P)^k y. The linearised predictor of a quadratic
activation is again a quadratic form, so that its test loss is exact.

Source: Kumar et al. (ICLR 2024), eq. 1, 2 and 9.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from theory.backend import Array, Floats
from theory.errors import InvalidInput
from theory.lazy_rich.committee import Committee
from theory.lazy_rich.quadratic_form import QuadraticForm

RANK_TOLERANCE = 1e-12
"""Eigenvalues of the kernel below this share of the largest are zero in float64."""


@dataclass(frozen=True, eq=False)
class Linearisation:
    """One machine, centred, linearised at its initialization; numpy, no batch axes.

    Attributes:
        committee: at initialization.
        inputs: shape `(P, D)`.
        targets: shape `(P,)`; of the centred predictor.
        step: dt of one step of descent.
    """

    committee: Committee
    inputs: Floats
    targets: Floats
    step: float

    def __post_init__(self) -> None:
        if self.committee.weights.ndim != 2:
            raise InvalidInput(
                f"weights has shape {self.committee.weights.shape}; linearise one machine at a time"
            )

    @cached_property
    def _eigen(self) -> tuple[Floats, Floats]:
        """Eigenvalues of the NTK, those that are zero set to it, and eigenvectors."""
        values, vectors = np.linalg.eigh(self.committee.kernel(self.inputs))
        return np.where(values > RANK_TOLERANCE * values[-1], values, 0.0), vectors

    @property
    def _rate(self) -> float:
        """2 eta / P, by which a step multiplies the kernel."""
        machine = self.committee
        per_step = self.step * machine.input_dim * machine.width / len(self.targets)
        return per_step / float(machine.output_scale) ** 2

    def _left(self, steps: float | Floats) -> Floats:
        """(1 - 2 eta lambda / P)^k of each eigenvalue; 0 for zero ones at infinitely many steps."""
        values, _ = self._eigen
        counts = np.asarray(steps, dtype=np.float64)[..., None]
        finite = np.where(np.isinf(counts), 0.0, counts)
        left: Floats = np.where(
            np.isinf(counts), np.where(values > 0, 0.0, 1.0), (1.0 - self._rate * values) ** finite
        )
        return left

    def residuals(self, steps: float | Floats) -> Floats:
        """y - f_lin after `steps` steps `(...)` at the training points, shape `(..., P)`."""
        _, vectors = self._eigen
        left: Floats = (self._left(steps) * (vectors.T @ self.targets)) @ vectors.T
        return left

    def train_loss(self, steps: float) -> float:
        return float(np.mean(self.residuals(steps) ** 2))

    def coefficients(self, steps: float) -> Floats:
        """u of f_lin(x) = sum_mu u_mu K(x, x_mu); infinitely many steps give kernel regression."""
        values, vectors = self._eigen
        coordinates = vectors.T @ self.targets
        learned = (1.0 - self._left(steps)) / np.where(values > 0, values, 1.0)
        # along zero eigenvalues u grows without effect; it is left at zero
        solved: Floats = vectors @ (np.where(values > 0, learned, 0.0) * coordinates)
        return solved

    def displacement(self, steps: float) -> tuple[Floats, Floats | None]:
        """theta - theta0 as weights `(N, D)` and readout `(N,)`, None for fixed readouts."""
        machine = self.committee
        fields = machine.fields(self.inputs)
        weighted = self.coefficients(steps)[:, None] * float(machine.output_scale) / machine.width
        pushes = weighted * machine.slope(fields)
        if machine.readout is None:
            return pushes.T @ self.inputs, None
        readout = (weighted * machine.activation(fields)).sum(0)
        return (pushes * machine.readout).T @ self.inputs, readout

    def form(self, steps: float) -> QuadraticForm:
        """The centred linearised predictor after `steps` steps.

        Raises:
            InvalidInput: for an activation of another degree than 2.
        """
        machine = self.committee
        if machine.degree != 2:
            raise InvalidInput(f"degree is {machine.degree}; only degree 2 gives quadratic forms")
        moved, readout_moved = self.displacement(steps)
        rows = machine.weights
        scaled = moved if machine.readout is None else machine.readout[:, None] * moved
        half = scaled.T @ rows
        linear: Array = scaled.sum(0)
        quadratic: Array = half + half.T
        if readout_moved is not None:
            linear = linear + readout_moved @ rows
            quadratic = quadratic + rows.T @ (readout_moved[:, None] * rows)
        scale = float(machine.output_scale) / machine.width
        return QuadraticForm(scale * linear, scale * float(machine.curvature) * quadratic)
