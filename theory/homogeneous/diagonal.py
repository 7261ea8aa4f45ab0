"""Directions of diagonal nets u^D - v^D with as many samples as inputs, all on the margin.

The limit w* solves X w* = 1 and is the maximum margin of the net where sum_i lambda_i x_i =
sgn(w*) |w*|^(2/D - 1) has positive lambda. With p = lambda / sum lambda the flow is

    w = x w* + rho + ...,   X rho = -log p,   x = log(1/loss),

and of each pair (u, v) one wins and one loses: for D = 2 the loser is u v / winner, for D > 2 it
freezes, since u^(2-D) + v^(2-D) is constant. So |theta / |theta| - limit| is of order x^(-mu/D),
mu = 2 for D = 2 and 1 for D > 2.
"""

import numpy as np

from theory.backend import Floats
from theory.errors import InvalidInput


def exponent(degree: int) -> float:
    """mu: the direction approaches its limit like |theta|^-mu."""
    return 2.0 if degree == 2 else 1.0


def frozen_copies(u: Floats, v: Floats, degree: int) -> Floats:
    """The losing copies at the end, `(d,)`, of positive u and v `(d,)` at any time, for D > 2.

    Raises:
        InvalidInput: degree 2, where they vanish.
    """
    if degree < 3:
        raise InvalidInput(f"degree is {degree}; copies freeze from degree 3 on")
    power = 2.0 - degree
    return np.asarray((u**power + v**power) ** (1.0 / power))


def direction_constant(
    weights: Floats, residual: Floats, u: Floats, v: Floats, degree: int
) -> float:
    """The limit of x^(mu/D) |theta / |theta| - limit|.

    Args:
        weights: w*, `(d,)`, none zero.
        residual: rho, `(d,)`; it matters for D = 2 alone.
        u: positive, `(d,)`, at any one time.
        v: the other copy, likewise.
    """
    winners = np.abs(weights) ** (1.0 / degree)
    size = float(np.linalg.norm(winners))
    if degree > 2:
        return float(np.linalg.norm(frozen_copies(u, v, degree))) / size
    unit = winners / size
    moved = np.sign(weights) * residual / (2.0 * winners)
    across = moved - (moved @ unit) * unit
    return float(np.hypot(np.linalg.norm(across), np.linalg.norm(u * v / winners))) / size
