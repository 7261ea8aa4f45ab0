"""When a two-layer linear net learns each mode of its task, from small random weights.

Saxe, McClelland, Ganguli (ICLR 2014) solve modes that are decoupled. From random weights they
compete for hidden units: what a mode starts from is what is left of it once the stronger modes
have taken theirs, by Gram and Schmidt.
"""

from collections.abc import Callable

import numpy as np
from scipy.integrate import solve_ivp

from theory.backend import Floats
from theory.errors import IntegrationFailed, InvalidInput
from theory.linear_nets.riccati import TwoLayers
from theory.requests import check_whole


def entry_starts(layers: TwoLayers, modes: int) -> tuple[Floats, Floats]:
    """Weights into and out of each mode, `(modes, h)` each: b_k = W_1 v_k, a_k = W_2^T u_k.

    The task is diagonal: u_k and v_k are unit vectors.

    Raises:
        InvalidInput: there are fewer inputs or outputs than modes.
    """
    _check_modes(layers, modes)
    return layers.first.T[:modes], layers.second[:modes]


def mode_starts(layers: TwoLayers, modes: int, *, orthogonal: bool = True) -> Floats:
    """u0 of each mode, `(modes,)`, the strongest first.

    Of z_k = (a_k + b_k) / 2 the part that grows, less its projection on z_1 to z_(k-1); squared.
    Nothing is left of modes beyond the hidden units.

    Raises:
        InvalidInput: there are fewer inputs or outputs than modes.
    """
    incoming, outgoing = entry_starts(layers, modes)
    growing = (incoming + outgoing) / 2.0
    if not orthogonal:
        return np.asarray((growing**2).sum(axis=1))
    triangle = np.linalg.qr(growing.T, mode="r")
    return np.append(np.diag(triangle) ** 2, np.zeros(modes - len(triangle)))


def mode_times(strengths: Floats, starts: Floats) -> Floats:
    """log(s / u0) / (2 s): when a mode of strength s is half learned, for small u0."""
    return np.asarray(np.log(strengths / starts) / (2.0 * strengths))


def half_times(
    layers: TwoLayers, strengths: Floats, horizon: float, *, rtol: float, method: str = "DOP853"
) -> Floats:
    """When each entry (k, k) of W_2 W_1 first reaches s_k / 2, `(modes,)`, by integration.

    The task is diag(strengths), padded by zeros to the widths of the layers; inputs are white.

    Raises:
        InvalidInput: there are fewer inputs or outputs than modes.
        IntegrationFailed: the integrator gave up, or a mode was not half learned by `horizon`.
    """
    hidden, inputs = layers.first.shape
    outputs, modes = len(layers.second), len(strengths)
    _check_modes(layers, modes)
    correlation = np.zeros((outputs, inputs))
    correlation[range(modes), range(modes)] = strengths
    size = hidden * inputs

    def split(state: Floats) -> tuple[Floats, Floats]:
        return state[:size].reshape(hidden, inputs), state[size:].reshape(outputs, hidden)

    def field(_: float, state: Floats) -> Floats:
        first, second = split(state)
        error = correlation - second @ first
        return np.append(second.T @ error, error @ first.T)

    def reached(mode: int) -> Callable[[float, Floats], float]:
        def event(_: float, state: Floats) -> float:
            first, second = split(state)
            return float(second[mode] @ first[:, mode] - strengths[mode] / 2)

        return event

    start = np.append(layers.first, layers.second)
    found = solve_ivp(
        field,
        (0.0, horizon),
        start,
        method,
        rtol=rtol,
        atol=1e-3 * rtol * float(np.abs(start).max()),
        events=[reached(mode) for mode in range(modes)],
    )
    if found.status != 0 or any(len(times) == 0 for times in found.t_events):
        raise IntegrationFailed(f"{method} at rtol {rtol:g}: not every mode was learned in time")
    return np.array([times[0] for times in found.t_events])


def _check_modes(layers: TwoLayers, modes: int) -> None:
    """`InvalidInput` unless `modes` are a number of diagonal entries of W_2 W_1."""
    check_whole("modes", modes)
    most = min(layers.first.shape[1], len(layers.second))
    if modes > most:
        raise InvalidInput(f"modes are {modes}; the net has {most} at most")
