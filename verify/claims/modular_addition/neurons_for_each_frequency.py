"""Readings of how many neurons of one frequency it takes: fewer than six, or eight."""

from collections.abc import Iterator
from dataclasses import dataclass

from theory.modular_addition import Phases, largest_margin, neurons_of
from verify.claims.modular_addition.exact_nets import EXACT, ROUNDING, ExactNet
from verify.language import Basis, Claim, Law, Quantity, below, equals, stated
from verify.registry import source_of


@dataclass(frozen=True)
class FewPhases:
    """Lines of so many phases for each frequency add exactly, each at its margin."""

    phases: int = stated(
        5,
        four=(4, "four phases do"),
        three=(3, "three do"),
        two=(2, "two do"),
        one=(1, "one does"),
    )
    share: float = stated(1.0, three_quarters=(0.75, "three quarters of their margin"))


def laws_of_few_phases(measured: ExactNet, theory: FewPhases) -> Iterator[Law]:
    p = measured.told.modulus
    whole = largest_margin(p, neurons_of(p, Phases(theory.phases, 1)))
    share = Quantity.of(measured.best[theory.phases - 1] / whole, ROUNDING)
    yield equals("largest margin of such lines over that of equal ones", share, theory.share, 1e-9)


@dataclass(frozen=True)
class FourTimes:
    """The largest margin of lines is that of `neurons` (p-1) neurons."""

    neurons: float = stated(
        4.0,
        five=(5.0, "5 (p-1)"),
        two=(2.0, "2 (p-1)"),
        two_and_a_half=(2.5, "five for each frequency"),
        three_and_a_half=(3.5, "seven for each frequency"),
        six=(6.0, "6 (p-1)"),
    )


def laws_of_four_times(measured: ExactNet, theory: FourTimes) -> Iterator[Law]:
    p = measured.told.modulus
    whole = largest_margin(p, theory.neurons * (p - 1))
    share = Quantity.of(measured.best.max() / whole, ROUNDING)
    yield below("largest margin of lines over the claimed one", share, 1.0 + 1e-9, Basis.IDENTITY)
    yield equals("largest margin of lines is the claimed one", share, 1.0, 1e-9)


@dataclass(frozen=True)
class Optimum:
    """No net that is known has more than the margin of `neurons` (p-1) neurons."""

    neurons: float = stated(
        3.0,
        four=(4.0, "4 (p-1)"),
        five=(5.0, "5 (p-1)"),
        seven_halves=(3.5, "seven for each frequency"),
        five_halves=(2.5, "five for each frequency"),
        two=(2.0, "four for each frequency"),
    )


def laws_of_optimum(measured: ExactNet, theory: Optimum) -> Iterator[Law]:
    p = measured.told.modulus
    others = {3: measured.three[0], 5: measured.ten}
    known = max(measured.best.max(), others.get(p, 0.0))
    share = Quantity.of(known / largest_margin(p, theory.neurons * (p - 1)), ROUNDING)
    yield below("largest known margin over the claimed one", share, 1.0 + 1e-9, Basis.IDENTITY)


CLAIMS = (
    Claim(
        id="modular-five-phases",
        title="Tempting: five neurons for each frequency, on a line of phases, suffice",
        statement=r"M = \frac{5(p-1)}{2}: \frac{q}{\|\theta\|^3} = \frac{\gamma_1}{\sqrt{M}}",
        source=source_of("modular-five-phases"),
        measurement=EXACT,
        theory=FewPhases(),
        laws=laws_of_few_phases,
        tolerances=("share of the margin: 1e-9; of five phases it is 1/2",),
        expected="falsified",
    ),
    Claim(
        id="modular-four-times",
        title="As often read: 4 (p-1) neurons are what the maximum margin takes",
        statement=r"M = 4(p-1): \max \frac{\min q}{\|\theta\|^3} = \frac{\gamma_1}{\sqrt{M}}",
        source=source_of("modular-four-times"),
        measurement=EXACT,
        theory=FourTimes(),
        laws=laws_of_four_times,
        tolerances=("share: 1e-9; with 3 (p-1) neurons the margin is sqrt(4/3) times as large",),
        expected="falsified",
    ),
    Claim(
        id="modular-optimum-for-every-p",
        title="Tempting: gamma_1 / sqrt(3 (p-1)) is the largest margin for every odd p",
        statement=r"\max \frac{\min q}{\|\theta\|^3} = \frac{\gamma_1}{\sqrt{3(p-1)}}",
        source=source_of("modular-optimum-for-every-p"),
        measurement=EXACT,
        theory=Optimum(),
        laws=laws_of_optimum,
        tolerances=("share: 1e-9; three neurons at p = 3 have 1.371 of it, ten at p = 5 1.0193",),
        expected="falsified",
    ),
)
