"""The charts of many lanes as one formula over torch tensors; see `theory.flow.chart`."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from theory.backend import Array
from theory.flow.chart import LINEAR_BELOW, Chart
from theory.losses import Loss
from theory.nets import HomogeneousNet
from theory.problem import Problem, Regime


@dataclass(frozen=True, eq=False)
class BatchChart:
    """B lanes, each co-moving or rich; coordinates y have shape `(..., B, P)`, clocks `(..., B)`.

    `anchor` is `(B, P)`, `inputs` `(B, n, d)`, `labels` `(B, n)`, `log_alpha` and `resting_gain`
    (-log lambda - log n) are `(B,)`, in the units of each problem as in `theory.flow.chart`;
    `gradient` `(B, 1)` is the unit by which outputs of the net are divided; the mask `comoving` is
    `(..., B)`. Below `LINEAR_BELOW` eps stays at 1e-60, where increments divided by eps are linear
    to every digit.
    """

    net: HomogeneousNet
    loss: Loss
    anchor: Array
    inputs: Array
    labels: Array
    log_alpha: Array
    resting_gain: Array
    gradient: Array
    comoving: Array

    @classmethod
    def of(
        cls, problems: Sequence[Problem], regimes: Sequence[Regime], device: str
    ) -> "BatchChart":
        """The co-moving charts of flows that share net, loss and number of samples."""
        import torch

        def tensor(rows: Sequence[object]) -> Array:
            return torch.tensor(np.array(rows), dtype=torch.float64, device=device)

        charts = [Chart(p, r, comoving=True) for p, r in zip(problems, regimes, strict=True)]
        return cls(
            net=problems[0].row_net,
            loss=problems[0].loss_function,
            anchor=tensor([p.unit_anchor for p in problems]),
            inputs=tensor([p.inputs for p in problems]),
            labels=tensor([p.row_labels for p in problems]),
            log_alpha=tensor([chart.log_alpha for chart in charts]),
            resting_gain=tensor([chart.resting_gain for chart in charts]),
            gradient=tensor([[p.units.gradient] for p in problems]),
            comoving=torch.ones(len(problems), dtype=torch.bool, device=device),
        )

    def lanes(self, index: Array) -> "BatchChart":
        """The lanes of an index or mask `(B,)`."""
        tensors = [field.name for field in fields(self) if field.name not in ("net", "loss")]
        return replace(self, **{name: getattr(self, name)[index] for name in tensors})

    def turned_rich(self, turning: Array) -> "BatchChart":
        """The lanes of the mask `turning` `(B,)` in the rich chart."""
        return replace(self, comoving=self.comoving & ~turning)

    @property
    def base(self) -> Array:
        """b, shape `(..., B, P)`."""
        return self.anchor * self.comoving[..., None]

    def log_scale(self, clock: Array) -> Array:
        """log of the factor between z and theta: log rho where co-moving, 0 where rich."""
        return (self.log_alpha - _decay_time(clock)) * self.comoving

    def point(self, clock: Array, coordinates: Array) -> Array:
        """z, shape `(..., B, P)`."""
        return self.base + self._epsilon(clock) * coordinates

    def outputs(self, clock: Array, coordinates: Array) -> Array:
        """f(theta; x) of training inputs, or the margins of several classes, `(..., B, n)`."""
        epsilon = self._epsilon(clock)
        grown = self.net.increment(self.base, epsilon * coordinates, self.inputs)
        return grown / self.gradient / epsilon

    def gradients(self, point: Array) -> Array:
        """grad f(z; x), shape `(..., B, n, P)`."""
        return self.net.jacobian(point, self.inputs) / self.gradient[..., None]

    def displacement(self, clock: Array, coordinates: Array) -> Array:
        """eta with theta = rho (anchor + rho^-L eta), shape `(..., B, P)`."""
        log_rho = (self.log_alpha - _decay_time(clock)) * ~self.comoving
        rho, degree = log_rho.exp()[..., None], self.net.degree
        return rho ** (degree - 1) * coordinates - rho**degree * (self.anchor - self.base)

    def rhs(self, clock: Array, coordinates: Array) -> Array:
        """dy/dtau, shape `(..., B, P)`."""
        outputs = self.outputs(clock, coordinates)
        gradients = self.gradients(self.point(clock, coordinates))
        force = self.loss.force(self._log_gain(clock), outputs, self.labels)
        return _combined(force, gradients) - self._decay(clock) * coordinates

    def linearize(self, clock: Array, coordinates: Array) -> tuple[Array, Array]:
        """d(dy/dtau)/dy, shape `(..., B, P, P)`, and d(dy/dtau)/dtau at fixed y, `(..., B, P)`."""
        log_gain, outputs = self._log_gain(clock), self.outputs(clock, coordinates)
        point, decay = self.point(clock, coordinates), self._decay(clock)
        gradients = self.gradients(point)
        force = self.loss.force(log_gain, outputs, self.labels)
        bending = self.net.weighted_hessian(point, self.inputs, force)
        bending = (self._epsilon(clock) / self.gradient)[..., None] * bending
        curved = self.loss.curved(log_gain, outputs, self.labels, gradients)
        by_coordinates = bending - gradients.mT @ curved
        by_coordinates.diagonal(dim1=-2, dim2=-1).sub_(decay)

        logarithmic = (clock < 0.0).to(clock)[..., None]
        log_rho_rate = -(clock.clip(None, 0.0).exp() * self.comoving)[..., None]
        log_epsilon_rate = -self.net.degree * log_rho_rate
        log_gain_rate = logarithmic + 2.0 * (self.net.degree - 1) * log_rho_rate
        nonlinearity = (gradients @ coordinates[..., None]) - outputs[..., None]
        weakening = self.loss.curved(log_gain, outputs, self.labels, nonlinearity)[..., 0]
        force_rate = log_gain_rate * force - log_epsilon_rate * weakening
        gradients_rate = log_epsilon_rate * (bending @ coordinates[..., None])[..., 0]
        pull_rate = _combined(force_rate, gradients) + gradients_rate
        return by_coordinates, pull_rate - logarithmic * decay * coordinates

    def _epsilon(self, clock: Array) -> Array:
        """eps as a column `(..., B, 1)`."""
        log_epsilon = -self.net.degree * self.log_scale(clock)
        return log_epsilon.clip(LINEAR_BELOW, None).exp()[..., None]

    def _log_gain(self, clock: Array) -> Array:
        """G + log(ds/dtau) as a column `(..., B, 1)`."""
        gain = self.resting_gain + 2.0 * (self.net.degree - 1) * self.log_scale(clock)
        return (gain + clock.clip(None, 0.0))[..., None]

    def _decay(self, clock: Array) -> Array:
        """kappa ds/dtau as a column `(..., B, 1)`."""
        kappa = 1.0 + (self.net.degree - 1) * self.comoving
        return (kappa * clock.clip(None, 0.0).exp())[..., None]


def _decay_time(clock: Array) -> Array:
    """s at tau; see `theory.clock`."""
    return clock.clip(None, 0.0).exp() + clock.clip(0.0, None)


def _combined(weights: Array, gradients: Array) -> Array:
    """sum_i weights_i gradients_i, shape `(..., P)`."""
    return (weights[..., None, :] @ gradients)[..., 0, :]
