"""Machines of kernels that know only which summands agree: at unseen pairs, worse than chance."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from theory.backend import Floats, Integers
from theory.modular_addition import PairKernel, addition_machine, classes_ahead, lead, sums
from verify.language import (
    Basis,
    Claim,
    Law,
    Measurement,
    Quantity,
    below,
    choice,
    equals,
    in_words,
)
from verify.registry import source_of
from verify.strategies.modular_addition import KERNELS, SeenPairs, seen_pairs

ROUNDING = 1e-9
"""Of scores, relative to the largest: machines are certified to 1e-10."""


@dataclass(frozen=True, eq=False)
class Unseen:
    """What a machine says of the pairs that it has not seen.

    Attributes:
        margin: the smallest margin at seen pairs; 1 by its units.
        scores: of classes, shape `(m, p)`.
        classes: the true ones, shape `(m,)`.
        totals, pulls: sums of alpha over all seen pairs, `(p,)`, and over those in the row or the
            column of each unseen pair, `(m, p)`.
    """

    told: SeenPairs
    margin: float
    scores: Floats
    classes: Integers
    totals: Floats
    pulls: Floats

    @property
    def scale(self) -> float:
        return float(np.abs(self.scores).max())

    def accuracy(self) -> Quantity:
        """At unseen pairs; whatever is tied within rounding could be either."""
        ahead = lead(self.scores, self.classes) / self.scale
        return Quantity.of((ahead > 0).mean(), (np.abs(ahead) <= ROUNDING).mean())

    def place(self) -> float:
        """How many classes are ahead of the true one, in the mean over unseen pairs."""
        return float(classes_ahead(self.scores, self.classes).mean())

    def true_pulls(self) -> Quantity:
        own = self.pulls[np.arange(len(self.classes)), self.classes]
        return Quantity.of(own / np.abs(self.pulls).max(), ROUNDING).largest()


def measure(told: SeenPairs, first_summand: bool = False, solver: str | None = None) -> Unseen:
    """In a wrong world the class of (a, b) is a; by another route scores come from the dual."""
    seen, unseen = told.split()
    own = seen[:, 0] if first_summand else sums(told.modulus, seen)
    machine = addition_machine(told.kernel, told.modulus, seen, classes=own, solver=solver)
    scores = machine.scores(unseen)
    if solver is not None:
        agree = (unseen[:, None] == seen[None]).sum(axis=-1)
        kernel = np.array([told.none, told.one, told.both])
        scores = kernel[agree] @ machine.class_weights
    return Unseen(
        told,
        float(lead(machine.scores(seen), own).min()),
        scores,
        unseen[:, 0] if first_summand else sums(told.modulus, unseen),
        machine.class_weights.sum(axis=0),
        machine.pulls(unseen),
    )


KERNEL = Measurement(
    "modular-kernel",
    SeenPairs,
    KERNELS,
    seen_pairs,
    measure,
    in_words(
        "kappa(0) <= kappa(1)",
        "kappa(0) + kappa(2) > 2 kappa(1)",
        "NTK kappa times I_p",
        "three fifths of the pairs are seen",
    ),
    sabotaged={"the class is the first summand": lambda told: measure(told, first_summand=True)},
    independent=lambda told: measure(told, solver="clarabel"),
)


def nowhere(modulus: int) -> float:
    del modulus
    return 0.0


def by_chance(modulus: int) -> float:
    return 1.0 / modulus


def by_half(modulus: int) -> float:
    del modulus
    return 0.5


def everywhere(modulus: int) -> float:
    del modulus
    return 1.0


def middle(modulus: int) -> float:
    return 0.5 * (modulus - 1)


def last(modulus: int) -> float:
    return modulus - 1.0


def of_summand(kernel: PairKernel) -> float:
    return kernel.one - kernel.none


def of_row(kernel: PairKernel) -> float:
    return kernel.one


def of_both(kernel: PairKernel) -> float:
    return kernel.both - kernel.none


@dataclass(frozen=True)
class Theory:
    """Test accuracy by p, the place of the true class at least, and what weighs its pull."""

    accuracy: Callable[[int], float] = choice(
        nowhere,
        chance=(by_chance, "an accuracy of 1/p, as of a guess"),
        half=(by_half, "every second pair is right"),
        generalises=(everywhere, "unseen pairs are right"),
    )
    place: Callable[[int], float] = choice(
        middle, always_last=(last, "the true class comes last at every pair")
    )
    weight: Callable[[PairKernel], float] = choice(
        of_summand,
        kernel_of_one=(of_row, "kappa(1), without what all pairs have"),
        kernel_of_both=(of_both, "kappa(2) - kappa(0)"),
    )


def laws(measured: Unseen, theory: Theory) -> Iterator[Law]:
    told = measured.told
    yield equals("smallest margin at seen pairs", measured.margin, 1.0, 1e-8, error=ROUNDING)
    expected = theory.accuracy(told.modulus)
    yield equals("accuracy at unseen pairs", measured.accuracy(), expected, 0.0)
    ahead = theory.place(told.modulus) - measured.place()
    yield below("classes ahead of the true one, short of", ahead, 0.0, Basis.MEASURED)
    said = told.none * measured.totals + theory.weight(told.kernel) * measured.pulls
    gap = np.abs(measured.scores - said).max() / measured.scale
    yield below("scores less their two terms", Quantity.of(gap, ROUNDING), 1e-8, Basis.IDENTITY)
    yield below("pull at the true class", measured.true_pulls(), 2 * ROUNDING, Basis.DERIVED)


CLAIM = Claim(
    id="modular-kernel",
    title="From 3/5 of the pairs kernel machines add mod p wrongly at every other pair",
    statement=(
        r"s_c(a,b) = \kappa(0) \sum_i \alpha_{ic} + (\kappa(1) - \kappa(0))"
        r" \sum_{i \in \text{row } a \text{ or column } b} \alpha_{ic}, \quad"
        r" c = a + b: \text{ second term} \le 0, \text{ test accuracy } 0 \ (n \ge 3p^2/5)"
    ),
    source=source_of("modular-kernel"),
    measurement=KERNEL,
    theory=Theory(),
    laws=laws,
    tolerances=(
        "smallest margin, scores, pulls: 1e-8; margins are certified to 1e-10",
        "accuracy: 0 exactly; proved for kappa(0) = 0, so with 785 of 785 other machines; of 367 "
        "that see two fifths ten have a pair right, nine with neither row nor column seen",
        "place of the true class: after the middle; from three quarters of the others on",
    ),
)
