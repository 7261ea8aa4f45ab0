"""How many labellings of points are separable: exactly, hence Wendel's probability."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import comb

from theory.estimators import separable_signs
from verify.language import Claim, Law, Measurement, Quantity, equals, in_words, stated
from verify.registry import source_of
from verify.strategies.estimators import Points, points


@dataclass(frozen=True, eq=False)
class Counted:
    """The points and how many of their 2^N labellings some w separates."""

    points: Points
    separable: int


def measure(told: Points, more: int = 0, by_programmes: bool = False) -> Counted:
    """By edges of cones or by linear programmes; in a wrong world there is a point more."""
    drawn = replace(told, count=told.count + more).drawn
    return Counted(told, len(separable_signs(drawn, by_programmes=by_programmes)))


@dataclass(frozen=True)
class Theory:
    """2^(1-N) sum over k < d + terms of C(N + row, k)."""

    terms: int = stated(0, one_more=(1, "k <= d"), one_less=(-1, "k < d - 1"))
    row: int = stated(-1, whole_row=(0, "C(N, k)"), row_before=(-2, "C(N-2, k)"))
    power: int = stated(1, no_factor=(0, "2^-N"))


def laws(measured: Counted, theory: Theory) -> Iterator[Law]:
    told = measured.points
    row = max(0, told.count + theory.row)
    total = sum(comb(row, k) for k in range(told.dimension + theory.terms))
    found = Quantity.of(measured.separable / 2.0**told.count, 0.0)
    predicted = total * 2.0 ** (theory.power - told.count)
    yield equals("share of separable labellings", found, predicted, 1e-12)


CLAIM = Claim(
    id="wendel",
    title="Points are on one side of some hyperplane with probability 2^(1-N) sum_{k<d} C(N-1, k)",
    statement=(
        r"P(\text{separable}) = 2^{1-N} \sum_{k<d} \binom{N-1}{k}, \quad"
        r" \text{as so many of the } 2^N \text{ labellings are}"
    ),
    source=source_of("wendel"),
    measurement=Measurement(
        "dichotomies",
        Points,
        ("general-position",),
        points,
        measure,
        in_words("general position", "N >= d", "x and -x alike in distribution"),
        sabotaged={"a point more than told": lambda told: measure(told, more=1)},
        independent=lambda told: measure(told, by_programmes=True),
    ),
    theory=Theory(),
    laws=laws,
    tolerances=("exact: whole numbers, counted for every labelling of up to nine points",),
)
