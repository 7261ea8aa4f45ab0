"""What a finite training set does to learning, to first order in 1 / sqrt(P).

Every sample pulls the weights on every step, and the pull is passed on by the later steps. Summed
up along the run on the population, sample x moves the final test loss by psi(x) / P:

    L_P - L_infinity = mean_mu psi(x_mu) + O(1/P),   E psi = 0,

so that the deviation is Gaussian with variance E psi^2 / P for large P, and its mean is O(1/P).

Source: this project's; the limit itself is Kumar et al. (2023), eq. 30-32.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from theory.backend import Array, Floats
from theory.lazy_rich.committee import Committee
from theory.lazy_rich.online import population_gradient
from theory.lazy_rich.quadratic_form import QuadraticForm
from theory.lazy_rich.setting import Setting

_TINY = 1e-100
"""Imaginary step of a derivative without cancellation; the gradient is a polynomial."""


@dataclass(frozen=True, eq=False)
class PopulationRun:
    """Gradient descent on the population loss in the weights, of one setting.

    Attributes:
        setting: with fixed readouts; `samples` is not used.
    """

    setting: Setting

    @property
    def _rate(self) -> float:
        """The learning rate, dt D N / (2 alpha^2)."""
        setting = self.setting
        return setting.step * setting.input_dim * setting.width / (2.0 * setting.output_scale**2)

    @cached_property
    def offset(self) -> QuadraticForm:
        """What is subtracted from the predictor: itself at first where centred, else zero."""
        form = self.setting.committee().form()
        if self.setting.centred:
            return form
        return QuadraticForm(0.0 * form.linear, 0.0 * form.quadratic)

    def gradient(self, weights: Array) -> Array:
        machine = replace(self.setting.committee(), weights=weights)
        return population_gradient(machine, self.setting.target(), self.offset)

    @cached_property
    def trajectory(self) -> tuple[Floats, ...]:
        """Weights `(N, D)` after 0 to `steps` steps."""
        visited = [self.setting.weights()]
        for _ in range(self.setting.steps):
            visited.append(visited[-1] - self._rate * self.gradient(visited[-1]))
        return tuple(visited)

    def test_loss(self, machine: Committee) -> Array:
        """Of machines along any batch axes, shape `(...)`."""
        return (machine.form() - self.offset - self.setting.target()).mean_square().total

    @property
    def final_loss(self) -> float:
        return float(self.test_loss(replace(self.setting.committee(), weights=self.trajectory[-1])))

    @cached_property
    def _sensitivities(self) -> tuple[Floats, ...]:
        """Gradient of the final loss in the weights after 1 to `steps` steps, by the adjoint."""
        sensitivity = self.gradient(self.trajectory[-1])
        found = [sensitivity]
        for weights in self.trajectory[-2:0:-1]:
            turned = np.imag(self.gradient(weights + 1j * _TINY * sensitivity)) / _TINY
            sensitivity = sensitivity - self._rate * turned
            found.append(sensitivity)
        return tuple(reversed(found))

    def response(self, inputs: Floats) -> Floats:
        """psi at inputs `(..., D)`, shape `(...)`."""
        target, committee = self.setting.target(), self.setting.committee()
        wanted = target(inputs) + self.offset(inputs)
        per_neuron = committee.output_scale / committee.width
        total = np.zeros(inputs.shape[:-1])
        for weights, sensitivity in zip(self.trajectory, self._sensitivities, strict=False):
            machine = replace(committee, weights=weights)
            fields = machine.fields(inputs)
            pushes = (machine.slope(fields) * (inputs @ sensitivity.T)).sum(-1)
            total -= self._rate * 2.0 * (machine.outputs_of(fields) - wanted) * per_neuron * pushes
            total += self._rate * float((sensitivity * self.gradient(weights)).sum())
        return total

    @cached_property
    def variance(self) -> float:
        """E psi^2, exactly: psi is of degree 4, and five nodes integrate degree 9."""
        dimension = self.setting.input_dim
        nodes, weights = np.polynomial.hermite_e.hermegauss(5)
        axes = np.meshgrid(*[nodes] * dimension, indexing="ij")
        grid = np.stack([axis.ravel() for axis in axes], axis=-1) / np.sqrt(dimension)
        masses = np.ones(1)
        for _ in range(dimension):
            masses = np.outer(masses, weights / weights.sum()).ravel()
        return float(masses @ self.response(grid) ** 2)
