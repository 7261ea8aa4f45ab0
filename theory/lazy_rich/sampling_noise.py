"""What a finite training set does to learning, to first order in 1 / sqrt(P).

Every sample pulls the weights on every step, and the pull is passed on by the later steps. Summed
up along the run on the population, sample x moves the final test loss by psi(x) / P:

    L_P - L_infinity = mean_mu psi(x_mu) + O(1/P),   E psi = 0,

so that the deviation is Gaussian with variance E psi^2 / P for large P, and its mean is O(1/P).

Source: this project's; the limit itself is that of `online`.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from theory.backend import Array, Floats
from theory.lazy_rich.committee import Committee
from theory.lazy_rich.online import population_gradient
from theory.lazy_rich.quadratic_form import QuadraticForm
from theory.lazy_rich.quadrature import gauss_hermite
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
    def _initial(self) -> Committee:
        return self.setting.committee()

    @cached_property
    def _target(self) -> QuadraticForm:
        return self.setting.target()

    @cached_property
    def offset(self) -> QuadraticForm:
        """What is subtracted from the predictor: itself at first where centred, else zero."""
        form = self._initial.form()
        if self.setting.centred:
            return form
        return QuadraticForm(0.0 * form.linear, 0.0 * form.quadratic)

    def gradient(self, weights: Array) -> Array:
        return population_gradient(self._machine(weights), self._target, self.offset)

    def _machine(self, weights: Array) -> Committee:
        return replace(self._initial, weights=weights)

    @cached_property
    def trajectory(self) -> tuple[Floats, ...]:
        """Weights `(N, D)` after 0 to `steps` steps."""
        visited = [self._initial.weights]
        for _ in range(self.setting.steps):
            visited.append(visited[-1] - self._rate * self.gradient(visited[-1]))
        return tuple(visited)

    def test_loss(self, machine: Committee) -> Array:
        """Of machines along any batch axes, shape `(...)`."""
        return (machine.form() - self.offset - self._target).mean_square().total

    @property
    def final_loss(self) -> float:
        return float(self.test_loss(self._machine(self.trajectory[-1])))

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
        wanted = self._target(inputs) + self.offset(inputs)
        per_neuron = self._initial.output_scale / self._initial.width
        total = np.zeros(inputs.shape[:-1])
        for weights, sensitivity in zip(self.trajectory, self._sensitivities, strict=False):
            machine = self._machine(weights)
            fields = machine.fields(inputs)
            pushes = (machine.slope(fields) * (inputs @ sensitivity.T)).sum(-1)
            total -= self._rate * 2.0 * (machine.outputs_of(fields) - wanted) * per_neuron * pushes
            total += self._rate * float((sensitivity * self.gradient(weights)).sum())
        return total

    @cached_property
    def variance(self) -> float:
        """E psi^2, exactly: psi is of degree 4, and five nodes integrate degree 9."""
        gaussian = gauss_hermite(self.setting.input_dim, 5, 1.0 / self.setting.input_dim)
        return float(gaussian.mean(self.response(gaussian.points) ** 2))
