"""One moment of a flow, and everything that can be read off it without losing digits."""

from dataclasses import dataclass
from functools import cached_property
from math import exp, log

import numpy as np

from theory.backend import Floats
from theory.errors import InvalidInput
from theory.flow.chart import Chart
from theory.flow.manifold import SlowManifold
from theory.problem import Problem


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

    @property
    def problem(self) -> Problem:
        return self.chart.problem

    @property
    def at(self) -> float:
        """The time in units of t_g."""
        return self.decay_time / self.chart.regime.log_alpha

    @cached_property
    def _point(self) -> Floats:
        """theta up to the factor exp(chart.log_scale)."""
        return self.chart.base + self.chart.epsilon(self.decay_time) * self.coordinates

    @cached_property
    def log_norm(self) -> float:
        """Natural logarithm of |theta|."""
        return self.chart.log_scale(self.decay_time) + float(np.log(np.linalg.norm(self._point)))

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
        if self.chart.comoving:
            return self.coordinates
        rho = exp(self.chart.regime.log_alpha - self.decay_time)
        degree = self.problem.degree
        return rho ** (degree - 1) * self.coordinates - rho**degree * self.problem.anchor

    def outputs(self, inputs: Floats) -> Floats:
        """f(theta; x) on any inputs `(m, d)`, shape `(m,)`."""
        return self.chart.outputs(self.decay_time, self.coordinates, inputs)

    @cached_property
    def margins(self) -> Floats:
        """q_i = y_i f(theta; x_i), shape `(n,)`."""
        outputs = self.chart.outputs(self.decay_time, self.coordinates, self.problem.inputs)
        return np.asarray(self.problem.labels * outputs)

    @property
    def log_normalized_margin_scale(self) -> float:
        """L log |theta|, by which log margins are normalised."""
        return self.problem.degree * self.log_norm

    @cached_property
    def anchor_sine(self) -> float:
        """Sine of the angle between theta and the anchor, without cancellation at small angles."""
        anchor = self.problem.anchor / self.problem.anchor_norm
        point = self._point
        if self.chart.comoving:
            offset = self.chart.epsilon(self.decay_time) * self.coordinates
        else:
            offset = point
        across = offset - (offset @ anchor) * anchor
        return float(np.linalg.norm(across) / np.linalg.norm(point))

    @cached_property
    def anchor_cosine(self) -> float:
        """Cosine of the angle between theta and the anchor."""
        return float(self.direction @ self.problem.anchor / self.problem.anchor_norm)

    @cached_property
    def direction_change(self) -> float:
        """1 - cosine with the anchor, accurate relative to itself down to 1e-300."""
        if self.anchor_cosine <= 0.5:
            return 1.0 - self.anchor_cosine
        return self.anchor_sine**2 / (1.0 + self.anchor_cosine)

    @cached_property
    def log_norm_excess(self) -> float:
        """log(|theta| / (rho |anchor|)), accurate relative to itself in the kernel phase."""
        if not self.chart.comoving:
            log_rho = self.chart.regime.log_alpha - self.decay_time
            return self.log_norm - log_rho - float(np.log(self.problem.anchor_norm))
        offset = self.chart.epsilon(self.decay_time) * self.coordinates
        squared = 2.0 * (self.problem.anchor @ offset) + offset @ offset
        return 0.5 * float(np.log1p(squared / self.problem.anchor_norm**2))

    @cached_property
    def log_multipliers(self) -> Floats:
        """log mu_i = log(-l'(q_i)) - log lambda - log n, the flow's own multipliers, `(n,)`.

        Raises:
            InvalidInput: for the squared loss, whose multipliers have either sign.
        """
        problem = self.problem
        if not problem.loss_function.classifies:
            raise InvalidInput(
                f"loss is {problem.loss!r}: its multipliers (y - f) / (n lambda) have either sign, "
                "so they have no logarithms; log_multipliers are for classification"
            )
        resting = self._resting_gain
        if problem.loss == "logistic":
            return np.asarray(-np.logaddexp(self.margins, 0.0) + resting)
        return np.asarray(-self.margins + resting)

    @property
    def _resting_gain(self) -> float:
        """-log lambda - log n."""
        return -self.chart.regime.log_lambda - log(self.problem.samples)

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
        if problem.loss_function.classifies:
            forces, exponents = problem.labels, self.log_multipliers
        else:
            forces, exponents = problem.labels - outputs, np.array(self._resting_gain)
        exponents = exponents + (problem.degree - 2) * chart.log_scale(s)
        largest = max(float(exponents.max()), 0.0)
        pull = (forces * np.exp(exponents - largest)) @ gradients
        with np.errstate(over="ignore"):
            speed = np.exp(largest) * np.linalg.norm(pull - np.exp(-largest) * self._point)
        return float(speed / norm)
