"""The units of a problem: powers of two that make its anchor, gradients and targets of order one.

With theta-bar = A b, f = Y f', and S the size of the gradients of f at b, homogeneity gives

    f(theta) = Y f'(phi),   f' = f / S,   phi = (S / Y)^(1/L) theta,

    phi' = -lambda phi + (1/n) (Y^2 (S/Y)^(2/L)) sum_i force_i(f') grad f'_i(phi),
    phi(0) = alpha A (S / Y)^(1/L) b,

which is the same flow at another alpha and lambda, on the same clock s = lambda t. Integrators see
this one alone. (alpha A)^L S / Y is the size that outputs have at theta = alpha theta-bar, off the
zero of the anchor; that powers of two are exact keeps the numbers of a problem in round units.
"""

from dataclasses import dataclass
from functools import cached_property
from math import floor, ldexp, log

import numpy as np
from numpy.typing import ArrayLike

from theory.backend import Floats
from theory.nets import Diagonal, HomogeneousNet


@dataclass(frozen=True)
class Units:
    """Powers of two, given by their exponents.

    Attributes:
        anchor_exponent: of A, the size of the anchor.
        gradient_exponent: of S, the size of the largest gradient at anchor / A.
        target_exponent: of Y, the size of the targets; 0 for classification, where margins
            are of order one by themselves.
    """

    degree: float
    anchor_exponent: int
    gradient_exponent: int
    target_exponent: int

    @classmethod
    def of(
        cls, net: HomogeneousNet, anchor: Floats, inputs: Floats, targets: Floats | None
    ) -> "Units":
        """Those of a problem; `targets` are real ones, or None for classification."""
        own = power_of_two(anchor)
        with np.errstate(all="ignore"):
            slope = largest_gradient(net, scaled(anchor, -own), inputs)
        target = 0 if targets is None else power_of_two(targets)
        return cls(net.degree, own, _exponent(slope), target)

    @cached_property
    def log_theta(self) -> float:
        """log of phi / theta = (S / Y)^(1/L)."""
        return (self.gradient_exponent - self.target_exponent) * log(2.0) / self.degree

    @cached_property
    def log_scale(self) -> float:
        """log of A (S / Y)^(1/L), by which alpha grows."""
        return self.anchor_exponent * log(2.0) + self.log_theta

    @cached_property
    def log_gain(self) -> float:
        """log of Y^2 (S / Y)^(2/L), by which 1 / lambda grows where it multiplies forces."""
        return 2.0 * (self.target_exponent * log(2.0) + self.log_theta)

    @property
    def kernel_exponent(self) -> float:
        """Of (A^(L-1) S)^2: the kernel at the anchor over that at anchor / A of f / S."""
        return 2.0 * ((self.degree - 1) * self.anchor_exponent + self.gradient_exponent)

    @property
    def gradient(self) -> float:
        """S."""
        return ldexp(1.0, self.gradient_exponent)

    @property
    def target(self) -> float:
        """Y."""
        return ldexp(1.0, self.target_exponent)

    def displacement(self, own: Floats) -> Floats:
        """eta of theta = rho (anchor + rho^-L eta), from the one in these units, b + eps' eta'."""
        power = (1 - self.degree) * self.anchor_exponent
        return scaled(own, power + self.target_exponent - self.gradient_exponent)

    def own_displacement(self, displacement: Floats) -> Floats:
        """The inverse of `displacement`."""
        power = (self.degree - 1) * self.anchor_exponent
        return scaled(displacement, power - self.target_exponent + self.gradient_exponent)


def scaled(numbers: ArrayLike, exponent: float) -> Floats:
    """`numbers` times 2^exponent, exactly where that is whole."""
    whole = floor(exponent)
    return np.asarray(np.ldexp(np.asarray(numbers), whole) * 2.0 ** (exponent - whole))


def power_of_two(numbers: Floats) -> int:
    """The exponent of a power of two next to the norm of `numbers`."""
    return _exponent(_size(numbers))


def largest_gradient(net: HomogeneousNet, theta: Floats, inputs: Floats) -> float:
    """The largest |grad f(theta; x_i)|."""
    if isinstance(net, Diagonal):  # row by row: for wide inputs a Jacobian would fill the memory
        u, v = np.split(theta ** (net.degree - 1), 2)
        slopes = net.degree * np.hypot(u, v)
        return max(_size(row * slopes) for row in inputs)
    return max(_size(row) for row in np.asarray(net.jacobian(theta, inputs)))


def lengths_of(rows: Floats) -> Floats:
    """The norm of each row of `(n, k)`, whose squares may leave float64; 1 for a row of zeros."""
    exponents = np.frexp(np.abs(rows).max(axis=1))[1]
    norms = np.linalg.norm(np.ldexp(rows, -exponents[:, None]), axis=1)
    lengths = np.ldexp(norms, exponents)
    return np.where(lengths > 0, lengths, 1.0)


def _size(numbers: Floats) -> float:
    """The norm of a vector whose squares may leave float64."""
    largest = float(np.abs(numbers).max())
    return largest * float(np.linalg.norm(numbers / largest)) if 0.0 < largest < np.inf else largest


def _exponent(size: float) -> int:
    """Of the power of two nearest to `size`; 0 where that is zero, infinite or NaN."""
    return round(float(np.log2(size))) if 0.0 < size < np.inf else 0
