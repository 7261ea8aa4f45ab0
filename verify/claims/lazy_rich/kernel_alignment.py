"""The alignment between NTK and target in closed form, exact in every dimension."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from verify.claims.lazy_rich.kernel_moments import (
    CENTRINGS,
    KERNEL_MOMENTS,
    Alignments,
    Invariants,
)
from verify.language import Claim, Law, Quantity, Rival, equals, stated
from verify.registry import source_of

ROUNDING: Final = 1e-10
LOST: Final = 1e-12
"""What float64 loses of the moments, relative; measured below 1e-13."""

CENTRED, PLAIN = "numerator, centred", "numerator, not centred"


@dataclass(frozen=True)
class Theory:
    """E y K y' = factor eps^power B q / D^3 centred, plain_factor eps^power (B^2 T + mixed B q / D)
    / D^2 not centred, with T = tr M and q = beta^T M beta, in units of alpha^2 / N.

    Attributes:
        square: E K^2 = 1/D + ... + eps^4 [(D + 6) tr M^2 + square T^2] / D^4, not centred.
        centred_square: its dimensions in (D + centred_square) tr M^2 + T^2, centred.
        mean: of 2 eps^2 |wbar|^2 (D + mean) / D^3 in E K^2, centred.
        label_square: E (y - E y)^2 over B^2.
    """

    factor: float = stated(
        1.0,
        half=(0.5, "half the centred numerator"),
        labels_without_half=(4.0, "the centred numerator of y = (beta.x)^2"),
    )
    plain_factor: float = stated(0.25, uncentred_without_quarter=(1.0, "no factor 1/4"))
    mixed: float = stated(
        8.0, scale_alone=(0.0, "not centred, only tr M counts"), one_pair=(2.0, "B^2 T + 2 B q / D")
    )
    power: float = stated(2.0, first_power=(1.0, "eps in place of eps^2"))
    square: float = stated(2.0, one_trace=(1.0, "the square of the centred kernel's T^2"))
    centred_square: float = stated(2.0, uncentred_square=(6.0, "E K^2 of the kernel not centred"))
    mean: float = stated(1.0, uncentred_mean=(2.0, "|wbar|^2 as in the kernel not centred"))
    label_square: float = stated(0.5, not_centred=(0.75, "labels are not centred"))

    def numerators(self, of: Invariants) -> tuple[float, float]:
        """Centred and not."""
        bent, D, B = of.curvature**self.power, of.dimension, of.signal
        plain = self.plain_factor * bent * (B**2 * of.trace + self.mixed * B * of.along / D) / D**2
        return self.factor * bent * B * of.along / D**3, plain

    def squares(self, of: Invariants) -> tuple[float, float]:
        """Of the kernel, centred and not."""
        D, bent = of.dimension, of.curvature**2
        linear, curved = 2.0 * bent * of.mean_square / D**3, bent**2 / D**4
        centred = (D + self.centred_square) * of.trace_square + of.trace**2
        plain = (D + 6.0) * of.trace_square + self.square * of.trace**2
        return (
            1.0 / D + linear * (D + self.mean) + curved * centred,
            1.0 / D + linear * (D + 2.0) + curved * plain,
        )


def laws(found: Alignments, theory: Theory) -> Iterator[Law]:
    """Numerators, squares and the alignment itself; then every moment of the library's formulas."""
    of = found.invariants
    centred, plain = found.moments["both"], found.moments["none"]
    numerators, squares = theory.numerators(of), theory.squares(of)
    labels = theory.label_square * of.signal**2
    # what is subtracted to centre is as large as the numerator that is not centred
    unit = plain.numerator
    yield _same(CENTRED, centred.numerator / unit, numerators[0] / unit)
    yield _same(PLAIN, plain.numerator / unit, numerators[1] / unit)
    yield _same("square of the centred kernel", centred.square / squares[0], 1.0)
    yield _same("square of the kernel", plain.square / squares[1], 1.0)
    aligned = centred.numerator / (np.sqrt(centred.square) * centred.label_square)
    predicted = numerators[0] / (np.sqrt(squares[0]) * labels)
    scale = unit / (np.sqrt(squares[0]) * labels)
    yield _same("alignment, centred", float(aligned / scale), float(predicted / scale))
    entries = [
        (getattr(found.moments[c], name), float(getattr(found.formulas[c], name)))
        for c in CENTRINGS
        for name in ("numerator", "square", "label_square")
    ]
    ratios = np.array([(a - b) / max(abs(b), unit) for a, b in entries])
    yield equals("all moments, by the library's formulas", Quantity.of(ratios, LOST), 0.0, ROUNDING)


def _same(law: str, value: float, predicted: float) -> Law:
    return equals(law, Quantity.of(value, LOST * max(abs(value), 1.0)), predicted, ROUNDING)


@dataclass(frozen=True)
class Printed:
    """E y K y' = factor eps^2 B q / D^3 centred, plain eps^2 (B^2 T + mixed B q / D) / D^2 not."""

    factor: float = 4.0
    plain: float = 1.0
    mixed: float = 8.0


def printed_laws(found: Alignments, theory: Printed) -> Iterator[Law]:
    """The two numerators alone."""
    stated_there = Theory(theory.factor, theory.plain, theory.mixed)
    unit = found.moments["none"].numerator
    centred, plain = stated_there.numerators(found.invariants)
    yield _same(CENTRED, found.moments["both"].numerator / unit, centred / unit)
    yield _same(PLAIN, 1.0, plain / unit)


TOLERANCES = (f"identities: {ROUNDING:g} relative; float64 loses less than 1e-13",)

CLAIMS = (
    Claim(
        id="kernel-alignment",
        title="The NTK is aligned with the target by beta^T M beta, in closed form",
        statement=(
            r"E[\bar y K \bar y'] = \tfrac{\alpha^2}{N} \frac{\epsilon^2 B\, \beta^\top M \beta}"
            r"{D^3}, \quad E[y K y'] = \tfrac{\alpha^2}{N} \frac{\epsilon^2}{4 D^2}"
            r" \Big(B^2\, \mathrm{tr}\, M + \frac{8 B}{D} \beta^\top M \beta\Big)"
        ),
        source=source_of("kernel-alignment"),
        measurement=KERNEL_MOMENTS,
        theory=Theory(),
        laws=laws,
        tolerances=TOLERANCES,
    ),
    Claim(
        id="alignment-as-printed",
        title="The alignment's numerator as printed (it is 4 times too large)",
        statement=(
            r"E[\bar y K \bar y'] = \tfrac{\alpha^2}{N} \frac{4 \epsilon^2 B\, \beta^\top M \beta}"
            r"{D^3}, \quad E[y K y'] = \tfrac{\alpha^2}{N} \frac{\epsilon^2}{D^2}"
            r" \Big(B^2\, \mathrm{tr}\, M + \frac{8 B}{D} \beta^\top M \beta\Big)"
        ),
        source=source_of("alignment-as-printed"),
        measurement=KERNEL_MOMENTS,
        theory=Printed(),
        laws=printed_laws,
        tolerances=TOLERANCES,
        further_rivals=(
            Rival("one-label", "twice the numerator: 1/2 of one label alone", Printed(2.0, 0.5)),
            Rival("no-trace", "as printed, without the pair of tr M", Printed(4.0, 1.0, 0.0)),
            Rival("three-pairings", "as printed, with B^2 T + 2 B q / D", Printed(4.0, 1.0, 2.0)),
            Rival(
                "centred-misprint", "the centred numerator alone is too large", Printed(4.0, 0.25)
            ),
            Rival("plain-misprint", "the one not centred alone is too large", Printed(1.0, 1.0)),
        ),
        expected="falsified",
    ),
)
