"""What a kernel that knows only which summands agree makes of addition mod p.

kappa depends on how many of a = a' and b = b' hold. The kernel of p classes is kappa times the
identity, as at infinite width with a readout of zero, or with the difference trick. The max-margin
machine has weights alpha_ic, sum_c alpha_ic = 0, and at an unseen pair the score of class c is

    s_c = kappa(0) sum_i alpha_ic + (kappa(1) - kappa(0)) sum_{i in row a or column b} alpha_ic.

No seen pair of that row or column has class a + b, so its second term is never positive, while the
mean of each term over classes is 0: the true class does not come first, unless the first term, of
classes alone, says so. With kappa(0) = 0 it never does; otherwise it may where hardly a pair of row
and column is seen.
"""

from dataclasses import dataclass
from functools import cached_property
from math import inf, sqrt
from typing import Literal, get_args

import numpy as np

from theory.anchors import zero_readout_anchor
from theory.backend import Floats, Integers
from theory.errors import InvalidInput
from theory.kernel.svm import KernelSVM, max_margin
from theory.modular_addition.data import one_hot, quadratic_net, sums
from theory.nets import PairNet, TwoLayer
from theory.requests import number_array

WideStart = Literal["readout 0", "difference"]


@dataclass(frozen=True)
class PairKernel:
    """kappa(0), kappa(1) and kappa(2): the kernel where no, one or both summands agree.

    Raises:
        InvalidInput: unless all are finite, 0 <= kappa(0) <= kappa(1) and
            kappa(0) + kappa(2) > 2 kappa(1), so that it is positive, and definite on pairs.
    """

    none: float
    one: float
    both: float

    def __post_init__(self) -> None:
        ordered = 0.0 <= self.none <= self.one
        if not (ordered and 0.0 < self.together < inf):
            raise InvalidInput(
                f"kernel is {self.none!r}, {self.one!r}, {self.both!r}; it must be finite and "
                "positive: 0 <= kappa(0) <= kappa(1), kappa(0) + kappa(2) > 2 kappa(1)"
            )

    @property
    def together(self) -> float:
        """The part of the kernel that only equal pairs have."""
        return self.both - 2.0 * self.one + self.none

    @property
    def single(self) -> float:
        """The part that each equal summand has."""
        return self.one - self.none

    def features(self, modulus: int, pairs: Integers) -> Floats:
        """A constant, which a, which b, and which pair, weighted, shape `(n, 1 + 2p + p^2)`.

        Raises:
            InvalidInput: see `one_hot`.
        """
        summands = sqrt(self.single) * one_hot(modulus, pairs)
        count = len(pairs)
        pair = np.zeros((count, modulus**2))
        pair[np.arange(count), pairs @ np.array([modulus, 1])] = 1.0
        constant = np.full((count, 1), sqrt(self.none))
        return np.concatenate([constant, summands, sqrt(self.together) * pair], axis=1)


def wide_kernel(start: WideStart) -> PairKernel:
    """The NTK at infinite width, weights independent and symmetric of variance 1, over width.

    E (u_a + v_b)^2 (u_a' + v_b')^2 = 4 + 2 cov^2 of Gaussian weights, cov the number of summands
    that agree; the hidden layer of a net whose readout is not zero adds 4 cov^2 E w^2.

    Raises:
        InvalidInput: another start.
    """
    if start not in get_args(WideStart):
        raise InvalidInput(f"start is {start!r}; allowed are {', '.join(get_args(WideStart))}")
    slope = 2.0 if start == "readout 0" else 6.0
    return PairKernel(*(4.0 + slope * cov**2 for cov in range(3)))


def symmetric_anchor(modulus: int) -> tuple[TwoLayer, Floats]:
    """A net of p^2 neurons (u, v) = (e_i, e_j) with a readout of zero, and its anchor `(P,)`.

    Finite, and of a kernel that knows only which summands agree: `symmetric_kernel`.
    """
    net = quadratic_net(modulus, modulus**2)
    unit = np.eye(modulus)
    hidden = np.concatenate([np.repeat(unit, modulus, axis=0), np.tile(unit, (modulus, 1))], axis=1)
    theta = np.concatenate([np.zeros(modulus**3), hidden.ravel()])
    return net, zero_readout_anchor(net, theta)


def symmetric_kernel(modulus: int) -> PairKernel:
    """The NTK of `symmetric_anchor`: 2, p + 6, 2p + 14, over the square of its 2 p^2."""
    scale = (2.0 * modulus**2) ** 2
    return PairKernel(2.0 / scale, (modulus + 6.0) / scale, (2.0 * modulus + 14.0) / scale)


@dataclass(frozen=True, eq=False)
class AdditionMachine:
    """The max-margin machine of a kernel on seen pairs `(n, 2)` of known classes `(n,)`."""

    kernel: PairKernel
    modulus: int
    pairs: Integers
    classes: Integers
    svm: KernelSVM

    def scores(self, pairs: Integers) -> Floats:
        """Of all classes at pairs `(m, 2)`, shape `(m, p)`."""
        weights = self.svm.weights.reshape(self.modulus, -1)
        return np.asarray(self.kernel.features(self.modulus, pairs) @ weights.T)

    @cached_property
    def class_weights(self) -> Floats:
        """alpha_ic, shape `(n, p)`."""
        margins = _margins(self.modulus, self.classes)
        return np.asarray(margins.class_weights(self.svm.dual))

    def pulls(self, pairs: Integers) -> Floats:
        """sum of alpha_ic over seen pairs in the row or the column of each pair, `(m, p)`."""
        alike = (pairs[:, None, :] == self.pairs[None, :, :]).sum(axis=-1)
        return np.asarray((alike == 1) @ self.class_weights)


def addition_machine(
    kernel: PairKernel,
    modulus: int,
    pairs: Integers,
    *,
    classes: Integers | None = None,
    solver: str | None = None,
) -> AdditionMachine:
    """Train on pairs `(n, 2)`; every set of pairs is separable, whatever their classes.

    Args:
        classes: shape `(n,)`; a + b for None.
        solver: see `theory.kernel.svm.kernel_svm`.

    Raises:
        InvalidInput: no pairs, or numbers of pairs and classes that are not whole ones from 0 to
            p - 1.
        OracleFailed: no solver returned a certified solution.
    """
    if not len(pairs):
        raise InvalidInput("pairs are none; there must be at least one")
    features = kernel.features(modulus, pairs)
    by_class = np.einsum("nf,ck->nckf", features, np.eye(modulus))
    jacobian = by_class.reshape(len(pairs), modulus, -1)
    own = sums(modulus, pairs) if classes is None else number_array("classes", classes)
    whole = np.array_equal(own, np.round(own))
    if not whole or own.shape != (len(pairs),) or np.any((own < 0) | (own >= modulus)):
        raise InvalidInput(f"classes must be {len(pairs)} of 0 to {modulus - 1}; they are {own!r}")
    own = own.astype(np.int64)
    rows = np.asarray(_margins(modulus, own).differences(jacobian, trailing=1))
    return AdditionMachine(kernel, modulus, pairs, own, max_margin(rows, solver=solver))


def _margins(modulus: int, classes: Integers) -> PairNet:
    return PairNet(quadratic_net(modulus, 1), classes, modulus)
