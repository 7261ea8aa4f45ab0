"""Cross entropy lies between two functions of the smallest margin, both of them sharp."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from theory.softmax import loss_bounds, mean_cross_entropy
from verify.language import (
    Basis,
    Claim,
    Kind,
    Law,
    Measurement,
    Quantity,
    below,
    equals,
    in_words,
    not_applicable,
    stated,
)
from verify.registry import source_of
from verify.strategies.softmax import SPREADS, Logits, logits


@dataclass(frozen=True, eq=False)
class Loss:
    """The mean loss and the smallest margin."""

    told: Logits
    loss: Quantity
    margin: float


def measure(told: Logits, temperature: float = 1.0) -> Loss:
    """In a wrong world the loss is that of logits over a temperature."""
    _, margin = mean_cross_entropy(told.drawn, told.labels)
    loss, _ = mean_cross_entropy(told.drawn / temperature, told.labels)
    # exponents of up to 50, whose rounding e^-q multiplies
    return Loss(told, Quantity.rounded(loss, loss, 400.0), margin)


@dataclass(frozen=True)
class Theory:
    """log(1 + e^-q) / n^samples <= loss <= log(1 + (K + others) e^-q)."""

    others: int = stated(-1, all_classes=(0, "K e^-q"), one_less=(-2, "(K - 2) e^-q"))
    samples: float = stated(
        1.0,
        of_each=(0.0, "log(1 + e^-q), not over n"),
        squared=(2.0, "over n^2"),
        root=(0.5, "over sqrt(n)"),
    )


def laws(measured: Loss, theory: Theory) -> Iterator[Law]:
    told = measured.told
    low, _ = loss_bounds(measured.margin, told.classes, 1)
    low /= told.samples**theory.samples
    _, high = loss_bounds(measured.margin, told.classes + theory.others + 1, 1)
    yield below("loss over its upper bound", measured.loss / high, 1.0 + 1e-10, Basis.DERIVED)
    yield below("lower bound over the loss", low / measured.loss, 1.0 + 1e-10, Basis.DERIVED)
    upper, lower = "all margins alike: the upper bound", "one margin alone: the lower bound"
    if told.spread == "alike":
        yield equals(upper, measured.loss / high, 1.0, 1e-10)
    else:
        yield not_applicable(upper, Kind.EQUALS, "margins differ")
    if told.spread == "alone":
        yield equals(lower, measured.loss / low, 1.0, 1e-6)
    else:
        yield not_applicable(lower, Kind.EQUALS, "several margins count")


@dataclass(frozen=True)
class OfTwoClasses:
    """loss <= log(1 + others e^-q) for every K."""

    others: float = stated(
        1.0,
        half=(0.5, "log(1 + e^-q / 2)"),
        quarter=(0.25, "log(1 + e^-q / 4)"),
        three_quarters=(0.75, "log(1 + 3 e^-q / 4)"),
        tenth=(0.1, "log(1 + e^-q / 10)"),
        nine_tenths=(0.9, "log(1 + 9 e^-q / 10)"),
    )


def laws_of_two_classes(measured: Loss, theory: OfTwoClasses) -> Iterator[Law]:
    bound = float(np.log1p(theory.others * np.exp(-measured.margin)))
    yield below("loss over its upper bound", measured.loss / bound, 1.0 + 1e-10, Basis.DERIVED)


LOGITS = Measurement(
    "logits",
    Logits,
    SPREADS,
    logits,
    measure,
    in_words("cross entropy, in the mean over samples", "q the smallest margin of all"),
    sabotaged={"logits at temperature 2": lambda told: measure(told, temperature=2.0)},
)
TOLERANCES = (
    "bounds: proved; 1e-10 of them for rounding",
    "sharpness: 1e-10, and 1e-6 where other margins are 20 larger than the smallest",
)
CLAIMS = (
    Claim(
        id="cross-entropy-bounds",
        title="Cross entropy lies between log(1 + e^-q) / n and log(1 + (K - 1) e^-q), both sharp",
        statement=(
            r"\tfrac1n \log(1 + e^{-q}) \le \tfrac1n \sum_i \ell_i \le \log(1 + (K-1) e^{-q}),"
            r" \quad q = \min_{i,\, j \ne y_i} f_{y_i} - f_j"
        ),
        source=source_of("cross-entropy-bounds"),
        measurement=LOGITS,
        theory=Theory(),
        laws=laws,
        tolerances=TOLERANCES,
    ),
    Claim(
        id="cross-entropy-bounds-of-two-classes",
        title="As often read: a margin of q makes the cross entropy at most log(1 + e^-q)",
        statement=r"\tfrac1n \sum_i \ell_i \le \log(1 + e^{-q})",
        source=source_of("cross-entropy-bounds-of-two-classes"),
        measurement=LOGITS,
        theory=OfTwoClasses(),
        laws=laws_of_two_classes,
        tolerances=TOLERANCES[:1],
        expected="falsified",
    ),
)
