"""Nets that add mod p exactly, in closed form, of few neurons for each frequency.

Neurons of frequency k and phases (phi_u, phi_v) have

    u_a = cos(phi_u + 2 pi k a / p),  v_b = cos(phi_v + 2 pi k b / p),
    w_c = cos(phi_u + phi_v + 2 pi k c / p).

Summed over phases that cancel all harmonics but that of a + b - c, over all (p-1)/2 frequencies,
f_c = (N/2) (p [c = a + b] - 1) / (p - 1), N the number of neurons (Gromov, arXiv 2301.02679, with
random phases). Phases on a line, phi_u = 2 pi j / n and phi_v = s phi_u, do from n = 6 on.
"""

from dataclasses import dataclass
from math import pi, sqrt

import numpy as np

from theory.backend import Floats
from theory.errors import InvalidInput
from theory.modular_addition.data import check_odd, quadratic_net
from theory.modular_addition.margins import largest_margin
from theory.nets import TwoLayer
from theory.problem import Problem
from theory.requests import check_number, check_whole, is_whole
from theory.units import lengths_of


@dataclass(frozen=True)
class Phases:
    """phi_u = 2 pi j / count and phi_v = step phi_u, j = 0 to count - 1.

    Raises:
        InvalidInput: count is not a whole number, at least 1, or step not a whole one.
    """

    count: int
    step: int

    def __post_init__(self) -> None:
        check_whole("count", self.count)
        if not is_whole(self.step):
            raise InvalidInput(f"step is {self.step!r}; it must be a whole number")

    @property
    def harmonics(self) -> tuple[int, ...]:
        """Multiples of phi_u whose waves must cancel: phi_w, 2 phi_w, 2 phi_u, 2 phi_v,
        3 phi_u + phi_v, phi_u + 3 phi_v and phi_u - phi_v, with phi_w = phi_u + phi_v.
        """
        s = self.step
        return 1 + s, 2 + 2 * s, 2, 2 * s, 3 + s, 1 + 3 * s, 1 - s

    @property
    def cancel(self) -> bool:
        """Whether all of them do: none is a multiple of the number of phases."""
        return all(harmonic % self.count for harmonic in self.harmonics)


FEWEST_PHASES = Phases(6, 4)
"""Six for a frequency, 3 (p-1) neurons: the fewest on a line."""


def neurons_of(modulus: int, phases: Phases) -> int:
    """How many neurons such a net has, (p-1)/2 times the phases; 3 (p-1) for `FEWEST_PHASES`."""
    check_odd(modulus)
    return phases.count * (modulus - 1) // 2


def closed_form_net(modulus: int, phases: Phases = FEWEST_PHASES) -> tuple[TwoLayer, Floats]:
    """The net of these phases at every frequency, and its parameters `(P,)`, of amplitude 1."""
    first = np.asarray(2.0 * pi / phases.count * np.arange(phases.count, dtype=np.float64))
    frequencies = np.arange(1, (modulus - 1) // 2 + 1)
    turns = 2.0 * pi / modulus * np.outer(frequencies, np.arange(modulus))[:, None, :]

    def rows(shift: Floats) -> Floats:
        return np.cos(shift[:, None] + turns).reshape(-1, modulus)

    second = phases.step * first
    hidden = np.concatenate([rows(first), rows(second)], axis=1)
    net = quadratic_net(modulus, neurons_of(modulus, phases))
    return net, np.concatenate([rows(first + second).T.ravel(), hidden.ravel()])


def three_neuron_net(drop: float = 12.0 / 5.0) -> tuple[TwoLayer, Floats]:
    """Three neurons that add mod 3 with equal margins, and their parameters `(P,)`.

        u_a = 1 - drop [a = m],  v_b = 1 - drop [b = m],  w_c proportional to 3 [c = 2m] - 1

    for m = 0, 1, 2. Modulo 3 the class of (a, b) is 2m, m the element that both are, or neither
    is. Neuron m is (2 - drop n)^2 where n of the two are m: largest at n = 2, then at n = 0; all
    margins are equal at drop = 12/5. The mean of rows costs neurons 3 % of their mean margin, and
    saves half of them. A KKT point, with two multipliers.

    Raises:
        InvalidInput: drop is not finite.
    """
    check_number("drop", drop)
    own = np.eye(3)
    rows = 1.0 - drop * own
    size = float(np.sqrt(((1.0 - drop) ** 2 + 2.0) / 6.0))
    readout = size * (3.0 * own[2 * np.arange(3) % 3] - 1.0)
    hidden = np.concatenate([rows, rows], axis=1)
    return quadratic_net(3, 3), np.concatenate([readout.T.ravel(), hidden.ravel()])


def three_neuron_margin() -> float:
    """Its q / |theta|^3, 32 sqrt(2) / 33 = 1.371 times that of 3 (p-1) = 6 neurons.

    So 3 (p-1) neurons are not best at p = 3.
    """
    return 32.0 * sqrt(2.0) / 33.0 * largest_margin(3, neurons_of(3, FEWEST_PHASES))


def exact_outputs(modulus: int, neurons: int) -> tuple[float, float]:
    """f at the true class and at all others, of N neurons of amplitude 1 whose phases cancel."""
    check_odd(modulus)
    return 0.5 * neurons, -0.5 * neurons / (modulus - 1)


def uniform_multiplier_residual(problem: Problem, theta: Floats) -> float:
    """|theta - m sum grad q| / |theta| with one m for all margins, as Euler's identity has it.

    Stationarity of min |theta|^2 subject to q >= 1 with equal multipliers, m = |theta|^2 /
    (L sum q), where all margins are equal and so complementary.

    Raises:
        InvalidInput: theta is zero, not finite, or of the wrong length; the sum of its margins is
            not positive, and so no multiplier would be.
    """
    if theta.shape != (problem.parameters,) or not np.all(np.isfinite(theta)) or not theta.any():
        raise InvalidInput(f"theta must be {problem.parameters} finite numbers, not all zero")
    point = theta / lengths_of(theta[None])
    net = problem.row_net
    margins = np.asarray(net.outputs(point, problem.inputs))
    if not margins.sum() > 0.0:
        raise InvalidInput(f"theta has margins of sum {margins.sum():.2g}; it must be positive")
    gradient = np.asarray(net.jacobian(point, problem.inputs)).sum(axis=0)
    multiplier = 1.0 / (problem.degree * float(margins.sum()))
    return float(np.linalg.norm(point - multiplier * gradient))
