"""Where a cross entropy rounds to zero, how that depends on sums, and what still moves beyond."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from theory.softmax import cross_entropy, largest_gap
from theory.softmax.collapse import FormatName
from verify.language import Basis, Claim, Law, Measurement, Quantity, equals, in_words, stated
from verify.registry import source_of
from verify.strategies.softmax import FORMATS, Classes, classes

BEYOND = 1.0
"""Added to the gap at which the loss vanishes, 1 added last: where gradients are read."""


@dataclass(frozen=True, eq=False)
class Collapse:
    """Largest gaps with a loss or a gradient that is not zero, and gradients beyond.

    Attributes:
        last, first, stable: 1 added after the other terms, before them, or log1p.
        true: of the derivative in the true logit, 1 added last.
        others: the sum of the other derivatives `BEYOND` later, over (K - 1) e^-gap.
        loss: the loss there.
    """

    told: Classes
    last: float
    first: float
    stable: float
    true: float
    others: float
    loss: float

    @property
    def share(self) -> float:
        """Of (K-1) e^-g, by which roundings of exp, of sums and of subnormals put it off."""
        form, count = self.told.form, self.told.classes
        unit = 2.0**-form.bits
        subnormal = 2.0 ** (form.smallest - 1) * (count - 1.0) / unit
        return float((4.0 + np.log2(count)) * unit + subnormal)

    def threshold(self, gap: float) -> Quantity:
        """A gap, known to the spacing of its format and to what roundings put it off."""
        spacing = float(np.spacing(self.told.form.dtype(gap)))
        return Quantity.of(gap, spacing + self.share)


def measure(told: Classes, other_format: bool = False) -> Collapse:
    """In a wrong world logits have another format than told."""
    there: dict[FormatName, FormatName] = {
        "float16": "float32",
        "float32": "float64",
        "float64": "float32",
    }
    used = replace(told, format=there[told.format]) if other_format else told
    form, count = used.form, used.classes
    last = largest_gap(form, count, "largest last")
    beyond = form.dtype(last + BEYOND)
    loss, _, others = cross_entropy(beyond, count, "largest last")
    return Collapse(
        told,
        last,
        largest_gap(form, count, "largest first"),
        largest_gap(form, count, "log1p"),
        largest_gap(form, count, "largest last", gradient=True),
        float(others / ((count - 1) * np.exp(-float(beyond)))),
        loss,
    )


@dataclass(frozen=True)
class Theory:
    """The gap is (P + bits) log 2 + classes log(K - 1 + shift) where 1 is added last.

    Attributes:
        first: the coefficient of log(K - 1) where 1 is added first.
        others: the sum of other derivatives beyond, over (K - 1) e^-gap.
    """

    bits: int = stated(0, stored_bits=(-1, "stored bits"), one_bit_more=(1, "P + 1 bits"))
    classes: float = stated(
        1.0, no_classes=(0.0, "P log 2 for every K"), twice=(2.0, "2 log(K - 1)")
    )
    shift: int = stated(0, all_classes=(1, "log K in the place of log(K - 1)"))
    first: float = stated(0.0, first_alike=(1.0, "log(K - 1) also where 1 is added first"))
    others: float = stated(1.0, nothing_moves=(0.0, "no gradient beyond"))


def laws(measured: Collapse, theory: Theory) -> Iterator[Law]:
    form, count = measured.told.form, measured.told.classes
    base = (form.bits + theory.bits) * np.log(2.0)
    logs = np.log(count - 1.0 + theory.shift)
    room = {"float16": 0.1, "float32": 1e-4, "float64": 1e-12}[form.name]
    last = base + theory.classes * logs
    yield equals("gap of the loss, 1 added last", measured.threshold(measured.last), last, room)
    yield equals("gap of the gradient", measured.threshold(measured.true), last, room)
    first = base + theory.first * np.log(count - 1.0)
    yield equals("gap of the loss, 1 added first", measured.threshold(measured.first), first, room)
    smallest = (1 - form.smallest) * np.log(2.0)
    stable = Quantity.of(measured.stable, np.spacing(form.dtype(measured.stable)))
    yield equals("gap of log1p is that of underflow", stable, smallest, 0.02)
    yield equals("loss beyond", measured.loss, 0.0, 0.0)
    moved = Quantity.of(measured.others, 0.0)
    yield equals("other derivatives beyond", moved, theory.others, 0.1, Basis.MEASURED)


@dataclass(frozen=True)
class AnyOrder:
    """The gap is (P + bits) log 2 + classes log(K - 1), whatever the order of the sum."""

    bits: int = stated(0, stored_bits=(-1, "stored bits"), one_bit_more=(1, "P + 1 bits"))
    classes: float = stated(
        1.0,
        half=(0.5, "log(K - 1) / 2"),
        twice=(2.0, "2 log(K - 1)"),
        reversed=(-1.0, "P log 2 - log(K - 1)"),
    )


def laws_in_any_order(measured: Collapse, theory: AnyOrder) -> Iterator[Law]:
    form, count = measured.told.form, measured.told.classes
    gap = (form.bits + theory.bits) * np.log(2.0) + theory.classes * np.log(count - 1.0)
    for order, found in (("last", measured.last), ("first", measured.first)):
        yield equals(f"gap of the loss, 1 added {order}", measured.threshold(found), gap, 0.1)


@dataclass(frozen=True)
class NothingMoves:
    """Beyond the gap other logits have this share of their derivatives."""

    others: float = stated(
        0.0,
        half=(0.5, "half of them"),
        quarter=(0.25, "a quarter"),
        twice=(2.0, "twice as much"),
        reversed=(-1.0, "the opposite"),
        three_quarters=(0.75, "three quarters"),
    )


def laws_where_nothing_moves(measured: Collapse, theory: NothingMoves) -> Iterator[Law]:
    yield equals("loss beyond", measured.loss, 0.0, 0.0)
    moved = Quantity.of(measured.others, 0.0)
    yield equals("other derivatives beyond", moved, theory.others, 0.1, Basis.MEASURED)


COLLAPSE = Measurement(
    "softmax-collapse",
    Classes,
    FORMATS,
    classes,
    measure,
    in_words("K - 1 equal other logits", "IEEE 754, rounded to nearest, ties to even"),
    sabotaged={"another format than told": lambda told: measure(told, other_format=True)},
)
ROOM = (
    "gaps: 0.1, 1e-4 and 1e-12 for float16, float32 and float64; roundings leave the spacing of "
    "gaps, 4 + log2(K) units of the last place and half a smallest number over 2^-P / (K - 1)"
)
GRADIENTS = "other derivatives: 10 %, for e^-g of 26 times the smallest number of float16"
CLAIMS = (
    Claim(
        id="softmax-collapse",
        title="Beyond a gap of P log 2 + log(K - 1) cross entropy is exactly 0, and still moves",
        statement=(
            r"\ell = 0 \iff g \ge P \log 2 + \log(K - 1) \ (1 \text{ added last}), \quad"
            r" \sum_{j \ne y} \partial_j \ell = (K-1) e^{-g} \ne -\partial_y \ell = 0"
        ),
        source=source_of("softmax-collapse"),
        measurement=COLLAPSE,
        theory=Theory(),
        laws=laws,
        tolerances=(ROOM, "underflow: 0.02, the spacing of float16 at 17", GRADIENTS),
    ),
    Claim(
        id="softmax-collapse-in-any-order",
        title="As often read: the loss is zero beyond P log 2 + log(K - 1), whatever the sum",
        statement=r"\ell = 0 \iff g \ge P \log 2 + \log(K - 1)",
        source=source_of("softmax-collapse-in-any-order"),
        measurement=COLLAPSE,
        theory=AnyOrder(),
        laws=laws_in_any_order,
        tolerances=("gaps: 0.1, the widest of all formats",),
        expected="falsified",
    ),
    Claim(
        id="softmax-collapse-stops-everything",
        title="As often read: where the loss is exactly zero no logit has a gradient",
        statement=r"\ell = 0 \implies \nabla \ell = 0",
        source=source_of("softmax-collapse-stops-everything"),
        measurement=COLLAPSE,
        theory=NothingMoves(),
        laws=laws_where_nothing_moves,
        tolerances=(GRADIENTS,),
        expected="falsified",
    ),
)
