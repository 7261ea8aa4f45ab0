"""Activations (`theory.nets.activations`) for compiled code."""

from theory.compiled import inlined


@inlined
def power(z: float, exponent: int) -> float:
    """z^k."""
    value = 1.0
    for _ in range(exponent):
        value *= z
    return value


@inlined
def power_increment(z: float, step: float, exponent: int) -> float:
    """(z + step)^k - z^k, as `theory.nets.activations.power_increment`."""
    if exponent == 1:
        return step
    moved = z + step
    total, raised = moved + z, z
    for _ in range(exponent - 2):
        raised *= z
        total = total * moved + raised
    return step * total


@inlined
def derivative(exponent: int, rectified: bool, z: float, order: int) -> float:
    """Of the activation, of order 0, 1 or 2."""
    if (rectified and z <= 0.0) or exponent < order:
        return 0.0
    factor = 1.0
    for k in range(order):
        factor *= exponent - k
    return factor * power(z, exponent - order)


@inlined
def activate(exponent: int, rectified: bool, z: float, step: float) -> tuple[float, float, float]:
    """The activation at z, its growth to z + step, and its slope there."""
    if exponent == 2 and not rectified:  # as below, without its loops
        return z * z, step * (z + step + z), 2.0 * (z + step)
    return (
        derivative(exponent, rectified, z, 0),
        _increment(exponent, rectified, z, step),
        derivative(exponent, rectified, z + step, 1),
    )


@inlined
def _increment(exponent: int, rectified: bool, z: float, step: float) -> float:
    if not rectified:
        return power_increment(z, step, exponent)
    active = max(step, -z) if z > 0.0 else max(z + step, 0.0)
    return power_increment(max(z, 0.0), active, exponent)
