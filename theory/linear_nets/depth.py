"""How long a deep linear chain takes to leave zero: a_l' = (product of the others) (s - product).

From equal layers a_0 the product u = a^D obeys u' = D u^(2 - 2/D) (s - u). Saxe, McClelland,
Ganguli (ICLR 2014). For D > 2 the time is a power of a_0, for D = 2 its logarithm.
"""

import numpy as np
from scipy.integrate import quad, solve_ivp

from theory.errors import IntegrationFailed, InvalidInput
from theory.requests import check_positive, check_whole


def escape_time(depth: int, start: float, strength: float) -> float:
    """a_0^(2-D) / ((D-2) s), the leading term of `half_time` as a_0 -> 0.

    Raises:
        InvalidInput: the depth is no whole number from 3 on; start or strength are not positive.
    """
    check_whole("depth", depth, 3)
    check_positive("start", start)
    check_positive("strength", strength)
    return float(start ** (2 - depth) / ((depth - 2) * strength))


def half_time(
    depth: int, start: float, strength: float, *, rtol: float | None = 1e-10, unbalance: float = 1.0
) -> float:
    """When the product of a chain of equal layers `start` reaches half of the strength s.

    Args:
        rtol: of an integration of all layers; None takes a quadrature of one layer instead.
        unbalance: a factor of the first layer.

    Raises:
        InvalidInput: the depth is no whole number from 1 on; start or strength are not positive;
            equal layers are not below half of s; layers that are not equal are left to a
            quadrature.
        IntegrationFailed: the product was never half of s.
    """
    check_whole("depth", depth)
    check_positive("start", start)
    check_positive("strength", strength)
    if not depth * np.log(start) < np.log(strength / 2):
        raise InvalidInput(
            f"start is {start}; {depth} such layers must be below half of strength = {strength}"
        )
    equal = _by_quadrature(depth, start, strength)
    if rtol is None:
        if unbalance != 1.0:
            raise InvalidInput(f"unbalance is {unbalance}; a quadrature of one layer needs 1")
        return equal

    def field(_: float, layers: np.ndarray) -> np.ndarray:
        product = layers.prod()
        return np.asarray(product / layers * (strength - product))

    def reached(_: float, layers: np.ndarray) -> float:
        return float(layers.prod() - strength / 2)

    reached.terminal = True  # type: ignore[attr-defined]
    first = np.full(depth, start)
    first[0] *= unbalance
    horizon = 10.0 * max(equal, 0.0) + 100.0 / strength
    found = solve_ivp(
        field, (0.0, horizon), first, "DOP853", events=reached, rtol=rtol, atol=1e-3 * rtol * start
    )
    if found.status != 1:
        raise IntegrationFailed(f"DOP853 at rtol {rtol:g}: {found.message}")
    return float(found.t_events[0][0])


def _by_quadrature(depth: int, start: float, strength: float) -> float:
    """The integral of dx / (a^(D-2) (s - a^D)) over x = log a."""
    end = np.log(strength / 2) / depth

    def slowness(x: float) -> float:
        a = np.exp(x)
        return float(1.0 / (a ** (depth - 2) * (strength - a**depth)))

    value, _ = quad(slowness, np.log(start), end, epsabs=0.0, epsrel=1e-12, limit=200)
    return float(value)
