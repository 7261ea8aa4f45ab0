"""Constants with their rivals, and what they are put off by."""

from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

import numpy as np
import pytest

from theory.errors import InvalidInput
from verify.language import choice, stated
from verify.language.constants import DETUNINGS, constants_of, detunings_of, rivals_of


class Word(Enum):
    EARLY = 1
    LATE = 2


@dataclass(frozen=True)
class Inner:
    shift: float = -3.0


@dataclass(frozen=True)
class Theory:
    order: float = stated(1.0, no_order=(0.0, "no order"), half_order=(0.5, "half of it"))
    offset: float = stated(0.0, with_offset=(1.0, "an offset"))
    degree: int = stated(2)
    strict: bool = True
    word: Word = choice(Word.EARLY, late=(Word.LATE, "late"))
    scale: float = choice(3.0)
    inner: Inner = Inner()
    terms: tuple[float, ...] = stated((0.25, 0.0, 8.0))


def test_rivals_stand_beside_the_constants_in_their_order() -> None:
    told = [(rival.id, rival.description) for rival in rivals_of(Theory())]
    assert told == [
        ("no-order", "no order"),
        ("half-order", "half of it"),
        ("with-offset", "an offset"),
        ("late", "late"),
    ]
    assert rivals_of(Theory())[3].theory == replace(Theory(), word=Word.LATE)
    assert rivals_of(3.0) == ()


def test_constants_are_numbers_but_real_zeros_truth_values_and_choices() -> None:
    assert constants_of(Theory()) == {
        "order": 1.0,
        "degree": 2,
        "inner.shift": -3.0,
        "terms[0]": 0.25,
        "terms[2]": 8.0,
    }


def test_each_detuned_theory_has_one_constant_off() -> None:
    found = {entry.key: entry.theory for entry in detunings_of(Theory())}
    assert len(found) == 4 * 2 * len(DETUNINGS) + 2
    assert found["order + 0.05"] == replace(Theory(), order=1.05)
    assert found["degree - 1"] == replace(Theory(), degree=1)
    assert found["inner.shift - 0.5"] == replace(Theory(), inner=Inner(shift=-1.5))
    assert found["terms[2] + 0.5"] == replace(Theory(), terms=(0.25, 0.0, 12.0))
    assert Theory() not in found.values()


@pytest.mark.parametrize("make", [stated, choice])
def test_a_rival_that_is_the_theorem_is_refused(make: Any) -> None:
    with pytest.raises(InvalidInput, match=r"rival 'same' has the value 1\.0 of the theorem"):
        make(1.0, same=(1.0, "the same"))
    with pytest.raises(InvalidInput, match="rival 'mute' is not described"):
        make(1.0, mute=(2.0, " "))


@pytest.mark.parametrize("make", [stated, choice])
@pytest.mark.parametrize("rival", [2.0, (2.0,), (2.0, 3.0), "ab"])
def test_a_rival_is_a_value_with_words(make: Any, rival: object) -> None:
    with pytest.raises(InvalidInput, match=r"rival 'a' is .*; give \(value, words\)"):
        make(1.0, a=rival)


def test_a_rival_that_cannot_be_compared_is_refused() -> None:
    with pytest.raises(InvalidInput, match="rival 'a' cannot be compared with the value"):
        choice(np.ones(2), a=(np.ones(2), "ones"))
