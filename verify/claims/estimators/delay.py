"""The delay between train and test accuracy of random least squares, and its asymptote."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import erfinv

from theory.backend import Floats
from theory.estimators import edge, grokking_delay
from verify.language import (
    Basis,
    Claim,
    Ladder,
    Law,
    Measurement,
    Quantity,
    choice,
    equals,
    in_words,
    stated,
)
from verify.registry import source_of
from verify.strategies.estimators import Accuracy, accuracies

PRACTICAL = np.array([1e-2, 1e-3, 1e-4])
LATE = np.array([1e-12, 1e-40, 1e-120, 1e-300])


@dataclass(frozen=True, eq=False)
class Delays:
    """When the train loss is low enough, and how much later the test loss, `(k,)` each."""

    told: Accuracy
    practical: Floats
    starts: Floats
    late: Floats


def measure(told: Accuracy, ratio: float = 1.0) -> Delays:
    """From the curves of the limit; an accuracy erf(sqrt(eps / (2 loss))) asks for a loss."""
    shift = -np.log(2.0 * erfinv(told.accuracy) ** 2)

    def found(tolerances: Floats) -> Floats:
        pairs = [grokking_delay(ratio * told.ratio, float(np.log(e) + shift)) for e in tolerances]
        return np.array(pairs)

    late = found(LATE)
    return Delays(told, found(PRACTICAL)[:, 1], late[:, 0], late[:, 1])


def below_edge(ratio: float) -> float:
    return 1.0 - ratio


def squared(ratio: float) -> float:
    return (1.0 - ratio) ** 2


@dataclass(frozen=True)
class Theory:
    """log(1 / m(t)) / (rate m(t + half the delay)), m(t) = low + above / t, t of the train loss."""

    low: Callable[[float], float] = choice(
        edge,
        one_less_ratio=(below_edge, "1 - ratio"),
        squared=(squared, "(1 - ratio)^2"),
    )
    above: float = stated(
        0.75,
        asymptote=(0.0, "the asymptote alone"),
        half=(0.375, "3 / (8t)"),
        twice=(1.5, "3 / (2t)"),
    )
    rate: float = stated(2.0, fourfold=(4.0, "over 4 m"))


def laws(measured: Delays, theory: Theory) -> Iterator[Law]:
    low, start = theory.low(measured.told.ratio), measured.starts

    def mean(time: Floats) -> Floats:
        return np.asarray(low + theory.above / time)

    rough = np.log(1.0 / mean(start)) / (theory.rate * mean(start))
    predicted = np.log(1.0 / mean(start)) / (theory.rate * mean(start + rough / 2.0))
    known = Quantity.rounded(measured.late, measured.late, 1e4)
    # corrections are powers of 1 / (nu_- t): this is the small parameter
    small = 1.0 / (edge(measured.told.ratio) * start)
    ladder = Ladder.of("delay", "1 / (nu_- t)", small, known, predicted, small)
    yield ladder.starts_within("delay at eps = 1e-12", 0.02)
    yield ladder.approaches("delay approaches its prediction at second order", 2.0)


@dataclass(frozen=True)
class Asymptote:
    """log(1 / nu_-) / (rate nu_-) at eps of 1e-2 to 1e-4."""

    low: Callable[[float], float] = choice(
        edge,
        one_less_ratio=(below_edge, "1 - ratio"),
        squared=(squared, "(1 - ratio)^2"),
    )
    rate: float = stated(2.0, fourfold=(4.0, "over 4 nu_-"), once=(1.0, "over nu_-"))
    log_power: float = stated(1.0, no_log=(0.0, "1 / (2 nu_-)"))


def practical_laws(measured: Delays, theory: Asymptote) -> Iterator[Law]:
    low = theory.low(measured.told.ratio)
    predicted = np.log(1.0 / low) ** theory.log_power / (theory.rate * low)
    ratio = Quantity.rounded(measured.practical / predicted, 1.0, 1e4)
    yield equals("delay over its asymptote", ratio, 1.0, 0.2, Basis.MEASURED, at=PRACTICAL)


DELAYS = Measurement(
    "grokking-delay",
    Accuracy,
    ("fewer-dimensions",),
    accuracies,
    measure,
    in_words("d, N to infinity", "d < N", "x ~ N(0, I)", "w(0) - w* ~ N(0, I)"),
    sabotaged={"5 % more samples than told": lambda told: measure(told, ratio=0.95)},
)
CLAIMS = (
    Claim(
        id="grokking-delay",
        title="Random least squares groks after log(1 / m) / (2m), m = nu_- + 3 / (4t)",
        statement=(
            r"t_{gen} - t_{train} = \frac{\log(1 / m(t))}{2\, m(t + \Delta/2)} (1 + O(t^{-2})),"
            r" \quad m(t) = \nu_- + \frac{3}{4t}, \quad \nu_- = (1 - \sqrt{d/N})^2"
        ),
        source=source_of("grokking-delay"),
        measurement=DELAYS,
        theory=Theory(),
        laws=laws,
        tolerances=(
            "at eps = 1e-12: 2 %; 0.5 % on three other ratios",
            "order: 2 in 1 / (nu_- t), with the constant of the two earliest times, times 2",
        ),
    ),
    Claim(
        id="grokking-delay-at-practical-accuracy",
        title="As often read: the delay is log(1 / nu_-) / (2 nu_-) at any small tolerance",
        statement=r"t_{gen} - t_{train} = \frac{\log(1/\nu_-)}{2\nu_-}, \quad \epsilon = 10^{-2}",
        source=source_of("grokking-delay-at-practical-accuracy"),
        measurement=DELAYS,
        theory=Asymptote(),
        laws=practical_laws,
        tolerances=("20 %, for eps of 1e-2 to 1e-4",),
        expected="falsified",
    ),
)
