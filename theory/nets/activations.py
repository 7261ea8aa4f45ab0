"""Homogeneous activations: powers and powers of the rectifier, with exact increments."""

from dataclasses import dataclass
from typing import Final

from theory.backend import Array, namespace
from theory.errors import InvalidInput


def power_increment(base: Array, step: Array, exponent: int) -> Array:
    """(base + step)^k - base^k as step * sum_j (base + step)^j base^(k-1-j): no cancellation."""
    if exponent == 1:
        return step
    if exponent == 2:
        return step * (2.0 * base + step)
    moved = base + step
    total = moved + base
    base_power = base
    for _ in range(exponent - 2):
        base_power = base_power * base
        total = total * moved + base_power
    return step * total


@dataclass(frozen=True)
class Activation:
    """z -> z^exponent, or max(z, 0)^exponent when `rectified`; homogeneous of degree `exponent`."""

    name: str
    exponent: int
    rectified: bool

    @property
    def continuous_derivatives(self) -> float:
        """How many derivatives are continuous: all of a power, exponent - 1 when rectified."""
        return self.exponent - 1 if self.rectified else float("inf")

    def _rectify(self, z: Array) -> Array:
        return namespace(z).where(z.real > 0, z, 0.0 * z) if self.rectified else z

    def value(self, z: Array) -> Array:
        return self._rectify(z) if self.exponent == 1 else self._rectify(z) ** self.exponent

    def derivative(self, z: Array) -> Array:
        if self.exponent == 1:
            ones = 0.0 * z + 1.0
            return namespace(z).where(z.real > 0, ones, 0.0 * z) if self.rectified else ones
        return self.exponent * self._rectify(z) ** (self.exponent - 1)

    def second_derivative(self, z: Array) -> Array:
        if self.exponent == 1:
            return 0.0 * z
        if self.exponent == 2:
            twos = 0.0 * z + 2.0
            return namespace(z).where(z.real > 0, twos, 0.0 * z) if self.rectified else twos
        factor = self.exponent * (self.exponent - 1)
        return factor * self._rectify(z) ** (self.exponent - 2)

    def increment(self, z: Array, step: Array) -> Array:
        """value(z + step) - value(z), accurate relative to `step` even where step << z."""
        if not self.rectified:
            return power_increment(z, step, self.exponent)
        xp = namespace(z)
        zero = 0.0 * z
        from_active = xp.maximum(step, -z)
        from_inactive = xp.maximum(z + step, zero)
        rectified_step = xp.where(z > 0, from_active, from_inactive)
        return power_increment(xp.maximum(z, zero), rectified_step, self.exponent)


ACTIVATIONS: Final = {
    activation.name: activation
    for activation in (
        Activation("linear", 1, rectified=False),
        Activation("square", 2, rectified=False),
        Activation("cube", 3, rectified=False),
        Activation("relu", 1, rectified=True),
        Activation("relu_squared", 2, rectified=True),
        Activation("relu_cubed", 3, rectified=True),
    )
}


def activation_named(name: str, allowed: tuple[str, ...] = tuple(ACTIVATIONS)) -> Activation:
    """The activation of that name; `InvalidInput` lists the allowed ones otherwise."""
    if name not in allowed:
        raise InvalidInput(f"activation is {name!r}; allowed are {', '.join(allowed)}")
    return ACTIVATIONS[name]
