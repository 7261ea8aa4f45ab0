"""Nets that add mod p exactly, in closed form, of few neurons for each frequency.

Neurons of frequency k and phases (phi_u, phi_v) have

    u_a = cos(phi_u + 2 pi k a / p),  v_b = cos(phi_v + 2 pi k b / p),
    w_c = cos(phi_u + phi_v + 2 pi k c / p).

Summed over phases that cancel all harmonics but that of a + b - c, over all (p-1)/2 frequencies,
f_c = (N/2) (p [c = a + b] - 1) / (p - 1), N the number of neurons (Gromov, arXiv 2301.02679, with
random phases). Phases on a line, phi_u = 2 pi j / n and phi_v = s phi_u, do from n = 6 on.
"""

from dataclasses import dataclass
from math import pi

import numpy as np

from theory.backend import Floats
from theory.errors import InvalidInput
from theory.modular_addition.data import check_odd, quadratic_net
from theory.nets import TwoLayer
from theory.problem import Problem


@dataclass(frozen=True)
class Phases:
    """phi_u = 2 pi j / count and phi_v = step phi_u, j = 0 to count - 1.

    Raises:
        InvalidInput: count is not positive.
    """

    count: int
    step: int

    def __post_init__(self) -> None:
        if self.count < 1:
            raise InvalidInput(f"count is {self.count}; there must be at least 1 phase")

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


def exact_outputs(modulus: int, neurons: int) -> tuple[float, float]:
    """f at the true class and at all others, of N neurons of amplitude 1 whose phases cancel."""
    check_odd(modulus)
    return 0.5 * neurons, -0.5 * neurons / (modulus - 1)


def uniform_multiplier_residual(problem: Problem, theta: Floats) -> float:
    """|theta - m sum grad q| / |theta| with one m for all margins, as Euler's identity has it.

    Stationarity of min |theta|^2 subject to q >= 1 with equal multipliers, m = |theta|^2 /
    (L sum q), where all margins are equal and so complementary.
    """
    point = theta / np.linalg.norm(theta)
    net = problem.row_net
    margins = np.asarray(net.outputs(point, problem.inputs))
    gradient = np.asarray(net.jacobian(point, problem.inputs)).sum(axis=0)
    multiplier = 1.0 / (problem.degree * float(margins.sum()))
    return float(np.linalg.norm(point - multiplier * gradient))
