"""One moment of a flow, and everything that can be read off it without losing digits."""

from dataclasses import dataclass, replace
from functools import cached_property
from math import exp, inf, log
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from theory.backend import Floats
from theory.errors import InvalidInput
from theory.flow.chart import Chart
from theory.flow.manifold import SlowManifold
from theory.problem import Problem, Regime, new_inputs

ROUNDING: Final = 4.0 * float(np.finfo(np.float64).eps)
"""Relative error of a parameter to which the rounding of an output amounts."""


@dataclass(frozen=True, eq=False)
class FlowState:
    """theta at decay time s, held in the coordinates of a chart.

    At log10 alpha = 10000 theta itself overflows float64; its direction and log norm do not.
    """

    chart: Chart
    decay_time: float
    coordinates: Floats
    slow: bool = False
    """On the slow manifold of the squared loss, where f - y is below rounding."""

    @classmethod
    def of_theta(
        cls, problem: Problem, regime: Regime, decay_time: float, theta: Floats
    ) -> "FlowState":
        """The state of that theta `(P,)`, in the rich chart."""
        chart = Chart(problem, regime, comoving=False)
        return cls(chart, decay_time, np.exp(problem.units.log_theta) * np.asarray(theta))

    @classmethod
    def of_displacement(
        cls, problem: Problem, regime: Regime, decay_time: float, displacement: Floats
    ) -> "FlowState":
        """The state of that eta `(P,)`, in the co-moving chart."""
        chart = Chart(problem, regime, comoving=True)
        return cls(chart, decay_time, problem.units.own_displacement(np.asarray(displacement)))

    @property
    def problem(self) -> Problem:
        return self.chart.problem

    @property
    def at(self) -> float:
        """The time in units of t_g."""
        return self.decay_time / self.chart.regime.log_alpha

    @cached_property
    def _point(self) -> Floats:
        """theta up to the factor exp(chart.log_scale), in the units of the problem."""
        return self.chart.base + self.chart.epsilon(self.decay_time) * self.coordinates

    @cached_property
    def log_norm(self) -> float:
        """Natural logarithm of |theta|."""
        own = self.chart.log_scale(self.decay_time) + float(np.log(np.linalg.norm(self._point)))
        return own - self.problem.units.log_theta

    @cached_property
    def direction(self) -> Floats:
        """theta / |theta|, shape `(P,)`."""
        return np.asarray(self._point / np.linalg.norm(self._point))

    @property
    def theta(self) -> Floats:
        """theta, shape `(P,)`; infinite where it exceeds float64."""
        with np.errstate(over="ignore"):
            return np.asarray(np.exp(self.log_norm) * self.direction)

    @cached_property
    def displacement(self) -> Floats:
        """eta in theta = rho (anchor + rho^-L eta), `(P,)`: what the kernel machine learns."""
        return self.problem.units.displacement(self.in_chart(comoving=True).coordinates)

    def in_chart(self, *, comoving: bool) -> "FlowState":
        """The same state in the coordinates of a chart; infinite where they exceed float64."""
        if comoving == self.chart.comoving:
            return self
        chart = replace(self.chart, comoving=comoving)
        if comoving:
            rho, degree = exp(chart.log_scale(self.decay_time)), self.problem.degree
            coordinates = rho ** (degree - 1) * self.coordinates - rho**degree * chart.base
        else:
            with np.errstate(over="ignore"):
                coordinates = np.exp(self.chart.log_scale(self.decay_time)) * self._point
        return FlowState(chart, self.decay_time, np.asarray(coordinates), self.slow)

    def outputs(self, inputs: ArrayLike) -> Floats:
        """f(theta; x) on any inputs `(m, d)`, shape `(m,)`, or `(m, K)` of several classes.

        Raises:
            InvalidInput: inputs that the net does not take.
        """
        asked = new_inputs(self.problem.net, inputs)
        own = self.chart.outputs(self.decay_time, self.coordinates, asked)
        return np.asarray(self.problem.units.target * own)

    @cached_property
    def rows(self) -> Floats:
        """The rows that the loss is of: outputs at the samples, or margins of several classes."""
        own = self.chart.row_outputs(self.decay_time, self.coordinates)
        return np.asarray(self.problem.units.target * own)

    @cached_property
    def margins(self) -> Floats:
        """q_i = y_i f(theta; x_i), shape `(n,)`; of several classes f_y - f_j at each sample, the
        classes j in order without the true one y, shape `(n (K - 1),)`.
        """
        return np.asarray(self.problem.row_labels * self.rows)

    @cached_property
    def condition(self) -> float:
        """How far margins move where coordinates y do, both relative to their size, at most.

        max_i sum_k |y_k df_i/dy_k| over the largest |f_i|; 0 where all margins are. Where theta is
        large and its outputs are what cancels, as many digits are lost.
        """
        outputs, gradients = self.chart.linearize(self.decay_time, self.coordinates)
        largest = float(np.abs(outputs).max())
        if largest == 0.0 and not self.coordinates.any():
            return 0.0
        cancelling = float((np.abs(gradients) @ np.abs(self.coordinates)).max())
        return cancelling / largest if largest > 0.0 else inf

    @property
    def rounding(self) -> float:
        """How far rounding may move the margins, relative to the largest of them."""
        return ROUNDING * self.condition

    @property
    def log_normalized_margin_scale(self) -> float:
        """L log |theta|, by which log margins are normalised."""
        return self.problem.degree * self.log_norm

    @cached_property
    def anchor_sine(self) -> float:
        """Sine of the angle between theta and the anchor, without cancellation at small angles."""
        anchor, point = self._anchor_direction, self._point
        if self.chart.comoving:
            offset = self.chart.epsilon(self.decay_time) * self.coordinates
        else:
            offset = point
        across = offset - (offset @ anchor) * anchor
        return float(np.linalg.norm(across) / np.linalg.norm(point))

    @cached_property
    def anchor_cosine(self) -> float:
        """Cosine of the angle between theta and the anchor."""
        return float(self.direction @ self._anchor_direction)

    @property
    def _anchor_direction(self) -> Floats:
        """The anchor at unit norm, shape `(P,)`."""
        return self.problem.unit_anchor / np.linalg.norm(self.problem.unit_anchor)

    @cached_property
    def direction_change(self) -> float:
        """1 - cosine with the anchor, accurate relative to itself down to 1e-300."""
        if self.anchor_cosine <= 0.5:
            return 1.0 - self.anchor_cosine
        return self.anchor_sine**2 / (1.0 + self.anchor_cosine)

    @cached_property
    def log_norm_excess(self) -> float:
        """log(|theta| / (rho |anchor|)), accurate relative to itself in the kernel phase."""
        anchor = self.problem.unit_anchor
        square = float(anchor @ anchor)
        if not self.chart.comoving:
            log_rho = self.chart.log_alpha - self.decay_time
            return float(np.log(np.linalg.norm(self._point))) - log_rho - 0.5 * log(square)
        offset = self.chart.epsilon(self.decay_time) * self.coordinates
        return 0.5 * float(np.log1p((2.0 * (anchor @ offset) + offset @ offset) / square))

    @cached_property
    def log_multipliers(self) -> Floats:
        """log mu_i = log(-l'(q_i)) - log lambda - log n, the flow's own multipliers, `(n,)`, one
        for each margin.

        Raises:
            InvalidInput: for the squared loss, whose multipliers have either sign.
        """
        problem = self.problem
        if not problem.loss_function.classifies:
            raise InvalidInput(
                f"loss is {problem.loss!r}: its multipliers (y - f) / (n lambda) have either sign, "
                "so they have no logarithms; log_multipliers are for classification"
            )
        return self._log_forces - self.chart.regime.log_lambda - log(problem.samples)

    @property
    def _log_forces(self) -> Floats:
        """log(-l'(q_i)) of a classification loss, shape `(n,)`."""
        return np.asarray(self.problem.loss_function.log_share(self.margins))

    @cached_property
    def stationarity(self) -> float:
        """|d theta / ds| / |theta| = |theta'(t)| / (lambda |theta|), the flow's own KKT residual.

        Infinite at the start of a flow whose first force exceeds float64.
        """
        chart, s, problem = self.chart, self.decay_time, self.problem
        norm = np.linalg.norm(self._point)
        if self.slow:
            pull = chart.epsilon(s) * SlowManifold(chart).pull(s, self.coordinates)
            return float(np.linalg.norm(pull - self._point) / norm)
        outputs, gradients = chart.linearize(s, self.coordinates)
        exponents = np.full(problem.rows, chart.log_gain(s) + chart.log_epsilon(s))
        if problem.loss_function.classifies:
            forces, exponents = problem.row_labels, exponents + self._log_forces
        else:
            forces = chart.labels - outputs
        largest = max(float(exponents.max()), 0.0)
        pull = (forces * np.exp(exponents - largest)) @ gradients
        with np.errstate(over="ignore"):
            speed = np.exp(largest) * np.linalg.norm(pull - np.exp(-largest) * self._point)
        return float(speed / norm)
