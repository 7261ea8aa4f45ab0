"""Small weight decay of any smooth net: first it interpolates, then it walks on interpolators.

For lambda to 0, at t = s / lambda, the flow of |f - y|^2 / 2 + (lambda / 2) |theta|^2 follows

    theta' = -(1 - J^+ J) theta,  f = y,

from where the flow without decay ends: the Riemannian flow of the norm on {f = y} of Boursier,
Pesme, Dragomir (2025), up to O(lambda). What decay leaves of the misfit is fixed by the degree,
since J theta = D f: y - f = lambda D (J J')^-1 y + O(lambda^2), D times that of ridge regression.
"""

from dataclasses import dataclass
from itertools import count
from typing import Final

import numpy as np
from numpy.typing import ArrayLike
from scipy.integrate import OdeSolution, solve_ivp

from theory.backend import Floats
from theory.errors import IntegrationFailed
from theory.nets import HomogeneousNet
from theory.plain_flow import LOOSER, PlainFlow, plain_flow
from theory.requests import finite_numbers

_RETURN: Final = 20.0
"""Rate at which rounding off f = y is taken back; of order lambda t = 1 is what is followed."""

EVALUATIONS: Final = 20_000
"""Of the walk, after which it is given up: where gradients become dependent it has no end."""


def net_flow(
    net: HomogeneousNet,
    inputs: Floats,
    targets: Floats,
    start: Floats,
    decay: float,
    time: float,
    *,
    shares: ArrayLike = 1.0,
    rtol: float = 1e-10,
    method: str = "LSODA",
) -> PlainFlow:
    """Weights at one time of the flow on |f - y|^2 / 2 with decay, `(1, P)`.

    Args:
        inputs: `(n, d)`.
        targets: `(n,)`.
        start: `(P,)`.
        shares: of the decay that each weight has, `(P,)`; others than 1 are another world.

    Raises:
        InvalidInput: targets are not `(n,)` finite numbers.
        IntegrationFailed: see `plain_flow`.
    """
    targets = finite_numbers("targets", targets, (len(inputs),))
    falls = decay * np.broadcast_to(shares, start.shape)

    def field(_: float, theta: Floats) -> Floats:
        misfit = net.outputs(theta, inputs) - targets
        return np.asarray(-misfit @ net.jacobian(theta, inputs) - falls * theta)

    def bend(_: float, theta: Floats) -> Floats:
        slopes = net.jacobian(theta, inputs)
        misfit = net.outputs(theta, inputs) - targets
        second = net.weighted_hessian(theta, inputs, misfit)
        return np.asarray(-slopes.T @ slopes - second - np.diag(falls))

    return plain_flow(field, start, [time], rtol=rtol, method=method, jacobian=bend)


@dataclass(frozen=True, eq=False)
class Walk:
    """The walk on interpolators, by a tight and by a looser integration."""

    tight: OdeSolution
    loose: OdeSolution


def slow_walk(
    net: HomogeneousNet,
    inputs: Floats,
    targets: Floats,
    start: Floats,
    until: float,
    *,
    rtol: float = 1e-10,
) -> Walk:
    """From an interpolator `start`, `(P,)`, as functions of s = lambda t, up to `until`.

    Raises:
        InvalidInput: targets are not `(n,)` finite numbers.
        IntegrationFailed: gradients of the outputs are or become dependent, or the integrator gave
            up.
    """
    targets = finite_numbers("targets", targets, (len(inputs),))
    _gram("walk on interpolators", net.jacobian(start, inputs))
    calls = count()

    def field(_: float, theta: Floats) -> Floats:
        if next(calls) > EVALUATIONS:
            raise IntegrationFailed(f"walk on interpolators: more than {EVALUATIONS} evaluations")
        slopes = net.jacobian(theta, inputs)
        off = slopes @ theta - _RETURN * (net.outputs(theta, inputs) - targets)
        return np.asarray(-theta + slopes.T @ np.linalg.solve(slopes @ slopes.T, off))

    def walked(tolerance: float) -> OdeSolution:
        atol = 1e-3 * tolerance * float(np.abs(start).max())
        try:
            found = solve_ivp(
                field, (0.0, until), start, "DOP853", dense_output=True, rtol=tolerance, atol=atol
            )
        except np.linalg.LinAlgError as error:
            raise IntegrationFailed(f"walk on interpolators: {error}") from error
        if found.status != 0:
            raise IntegrationFailed(f"walk on interpolators: {found.message}")
        return found.sol

    return Walk(walked(rtol), walked(LOOSER * rtol))


def decayed_misfit(net: HomogeneousNet, inputs: Floats, targets: Floats, theta: Floats) -> Floats:
    """(y - f) / lambda at an interpolator, `(n,)`: D (J J')^-1 y.

    Raises:
        InvalidInput: targets are not `(n,)` finite numbers.
        IntegrationFailed: gradients of the outputs are dependent, as of more samples than weights.
    """
    targets = finite_numbers("targets", targets, (len(inputs),))
    gram = _gram("misfit under decay", net.jacobian(theta, inputs))
    return np.asarray(net.degree * np.linalg.solve(gram, targets))


def _gram(of: str, slopes: Floats) -> Floats:
    """J J', `(n, n)`, which rounding hardly ever leaves exactly singular."""
    gram = np.asarray(slopes @ slopes.T)
    if np.linalg.matrix_rank(gram, hermitian=True) < len(gram):
        raise IntegrationFailed(f"{of}: gradients of the outputs are dependent")
    return gram
