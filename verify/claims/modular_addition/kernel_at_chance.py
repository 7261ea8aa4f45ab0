"""The reading that what memorises guesses at unseen pairs."""

from collections.abc import Iterator
from dataclasses import dataclass

from verify.claims.modular_addition.kernel import KERNEL, Unseen
from verify.language import Basis, Claim, Law, choice, equals
from verify.registry import source_of


@dataclass(frozen=True)
class Chance:
    """The accuracy at unseen pairs is guesses / p, within half of it."""

    guesses: float = choice(
        1.0,
        half=(0.5, "1 / (2p)"),
        three_halves=(1.5, "3 / (2p)"),
        twice=(2.0, "2/p, of two classes that are left"),
        three_times=(3.0, "3/p"),
        four_fifths=(0.8, "4 / (5p)"),
    )


def laws_of_chance(measured: Unseen, theory: Chance) -> Iterator[Law]:
    chance = theory.guesses / measured.told.modulus
    found = measured.accuracy()
    yield equals("accuracy at unseen pairs", found, chance, 0.5 * chance, Basis.MEASURED)


CLAIM = Claim(
    id="modular-kernel-at-chance",
    title="As often read: what memorises guesses at unseen pairs, with an accuracy of 1/p",
    statement=r"\text{test accuracy} = 1/p",
    source=source_of("modular-kernel-at-chance"),
    measurement=KERNEL,
    theory=Chance(),
    laws=laws_of_chance,
    tolerances=("accuracy: half of what is guessed; it is 0",),
    expected="falsified",
)
