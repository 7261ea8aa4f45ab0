"""Without centring the overlap with the target first decreases where neurons agree too much.

Claimed of the centred predictor as well, this is false: there it never decreases.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from verify.claims.lazy_rich.first_alignment import FIRST_ALIGNMENT, ROUNDING, Start
from verify.language import (
    Basis,
    Claim,
    Kind,
    Ladder,
    Law,
    Quantity,
    below,
    choice,
    equals,
    not_applicable,
    ordered,
    stated,
)
from verify.registry import source_of

SHARE_OF_DIFFERENCES = 0.01
"""1 - coherence from which on the differences between neurons outgrow the start by the last clock:
they grow as e^(3 tau), a factor 10^5."""

EXACT = 1e-9

SIGN, OUTGROWN, RISES = (
    "sign of the first change",
    "the overlap outgrows its start",
    "centred, the overlap rises to its maximum",
)
FIRST = "sum A^2 over its start, soon after it"

Answer = Literal["by coherence", "always", "never"]

WIDTH = (0.0, "(sum A)^2 / sum A^2")
ALWAYS = ("always", "it always decreases at first")


@dataclass(frozen=True)
class Theory:
    """(sum A)^2 / (N^width_power sum A^2) > constant (eps B / alpha)^ratio_power."""

    constant: float = stated(
        1.5,
        threshold_1=(1.0, "threshold eps B / alpha"),
        threshold_3=(3.0, "threshold 3 eps B / alpha"),
        **{"threshold-3/4": (0.75, "threshold 3 eps B / (4 alpha)")},
    )
    ratio_power: float = stated(1.0, inverse=(-1.0, "threshold 3 alpha / (2 eps B)"))
    width_power: float = stated(1.0, no_width=WIDTH)
    answer: Answer = choice("by coherence", always=ALWAYS, never=("never", "it never decreases"))


def laws(start: Start, theory: Theory) -> Iterator[Law | Ladder]:
    """The first rate, exactly; its sign; and what becomes of the overlap later."""
    excess = start.excess(theory.constant, theory.ratio_power, theory.width_power)
    free = theory.constant * start.ratio**theory.ratio_power
    size = start.ratio + start.coherence + start.curved
    curved = 0.0 if start.centred else start.curved
    measured = Quantity.of((0.5 * start.rate + curved) / size, ROUNDING)
    yield equals("first rate", measured, (free if start.centred else -excess) / size, EXACT)
    known = Quantity.of(0.5 * (start.rate - start.library) / size, ROUNDING)
    yield equals("first rate, by the library's formula", known, 0.0, EXACT)
    yield start.ladder()
    if start.centred:
        yield not_applicable(SIGN, Kind.BELOW, "the predictor is centred")
        yield not_applicable(OUTGROWN, Kind.BELOW, "the predictor is centred")
        # from its start to its maximum
        peak = int(np.argmax(start.course.values))
        values = Quantity.of(
            np.append(1.0, start.course.values[: peak + 1]),
            np.append(0.0, start.course.errors[: peak + 1]),
        )
        yield ordered(RISES, values)
        return
    yield not_applicable(RISES, Kind.ORDERED, "the predictor is not centred")
    if abs(start.excess(1.5)) <= start.blurred:
        yield not_applicable(SIGN, Kind.BELOW, "coherence is too near the threshold")
    else:
        falls = {"always": 1.0, "never": -1.0}.get(theory.answer, float(np.sign(excess)))
        rate = Quantity.of(0.5 * start.rate / size, ROUNDING)
        yield below(SIGN, rate * falls, 0.0, Basis.DERIVED)
    if 1.0 - start.coherence <= SHARE_OF_DIFFERENCES:
        yield not_applicable(OUTGROWN, Kind.BELOW, "the neurons hardly differ")
    else:
        yield below(OUTGROWN, 1.0 / start.course[-1:], 1.0, Basis.DERIVED)


@dataclass(frozen=True)
class Centred:
    """The criterion, read for the centred predictor."""

    constant: float = stated(
        1.5,
        threshold_1=(1.0, "threshold eps B / alpha"),
        **{
            "threshold-5/4": (1.25, "threshold 5 eps B / (4 alpha)"),
            "threshold-3/4": (0.75, "threshold 3 eps B / (4 alpha)"),
        },
    )
    width_power: float = stated(1.0, no_width=WIDTH)
    answer: Answer = choice("by coherence", always=ALWAYS)


def centred_laws(start: Start, theory: Centred) -> Iterator[Law | Ladder]:
    """Where it says that the overlap decreases at first, its first value lies below the start."""
    excess = start.excess(theory.constant, 1.0, theory.width_power)
    if not start.centred:
        yield not_applicable(FIRST, Kind.BELOW, "the predictor is not centred")
        return
    if theory.answer != "always" and excess <= 0.0:
        yield not_applicable(FIRST, Kind.BELOW, "the neurons do not agree enough")
        return
    yield below(FIRST, start.course[:1], 1.0, Basis.DERIVED)
    yield start.ladder()


CLAIMS = (
    Claim(
        id="alignment-first-decreases",
        title="Without centring alignment first decreases iff the neurons agree too much",
        statement=(
            r"\frac{d}{dt} \sum_j A_j^2 \Big|_{0} < 0 \iff \frac{(\sum_j A_j)^2}{N \sum_j A_j^2} >"
            r" \frac{3 \epsilon B}{2 \alpha} - \epsilon^2 \Big( \frac{\mathrm{tr}\, C}{2N} +"
            r" \frac{A^\top C A}{N |A|^2} \Big), \qquad"
            r" \text{centred: } \frac{d}{dt} \log \sum_j A_j^2 \Big|_0 ="
            r" \frac{3 \epsilon B}{\alpha}"
        ),
        source=source_of("alignment-first-decreases"),
        measurement=FIRST_ALIGNMENT,
        theory=Theory(),
        laws=laws,
        tolerances=(
            f"first rate: {EXACT:g} of its terms; rounding leaves {ROUNDING:g}",
            "sign of the first change: none; the exact threshold lies below the leading order by "
            "at most eps^2 (tr C / (2N) + |C| / N), and where coherence lies as near to it the "
            "leading order says nothing",
            "later growth: beyond the start by eps B t / alpha = 4 where differences between "
            "neurons hold 1 % of the overlap",
            "centred: no decrease before the maximum, to the integrator's error",
        ),
    ),
    Claim(
        id="alignment-first-decreases-centred",
        title="Centred as well, alignment first decreases where neurons agree (it never does)",
        statement=(
            r"\text{centred: } \frac{d}{dt} \sum_j A_j^2 \Big|_{0} < 0 \iff"
            r" \frac{(\sum_j A_j)^2}{N \sum_j A_j^2} > \frac{3 \epsilon B}{2 \alpha}"
        ),
        source=source_of("alignment-first-decreases-centred"),
        measurement=FIRST_ALIGNMENT,
        theory=Centred(),
        laws=centred_laws,
        tolerances=(
            "none but the integrator's error: the centred predictor begins at zero, nothing repels "
            "the neurons, and sum A^2 grows at exactly 3 eps B / alpha",
        ),
        expected="falsified",
    ),
)
