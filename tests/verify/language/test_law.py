"""Laws from quantities and from numbers."""

from math import inf, nan
from typing import Any

import numpy as np
import pytest

from theory.errors import InvalidInput
from verify.language import (
    Basis,
    Kind,
    Quantity,
    below,
    equals,
    not_applicable,
    ordered,
    rate,
    unresolved,
)
from verify.language.law import Status


def test_a_rate_is_a_quantity_or_a_number_with_its_error() -> None:
    by_quantity = rate("order", Quantity.of(1.02, 0.01), 1.0, 0.05, "two rungs")
    assert by_quantity == rate("order", 1.02, 1.0, 0.05, "two rungs", error=0.01)
    assert by_quantity.estimate is not None
    assert by_quantity.estimate.error == 0.01


@pytest.mark.parametrize(
    ("fitted", "error", "words"),
    [
        (Quantity.of([1.0, 2.0], 0.1), None, "'order' is 2 numbers; a rate is one"),
        (Quantity.of(1.0, 0.1), 0.1, "error of 'order' is 0.1; the quantity carries its own"),
        (1.0, None, "error of 'order' is missing"),
    ],
)
def test_errors_that_stand_twice_or_nowhere_are_refused(
    fitted: Quantity | float, error: float | None, words: str
) -> None:
    with pytest.raises(InvalidInput, match=words):
        rate("order", fitted, 1.0, 0.05, "two rungs", error=error)


@pytest.mark.parametrize("fitted", [1.0, Quantity(np.ones(1), np.array([-5.0]))])
def test_a_negative_error_of_a_rate_is_refused(fitted: Quantity | float) -> None:
    told = None if isinstance(fitted, Quantity) else -5.0
    with pytest.raises(InvalidInput, match=r"error of 'order' is -5\.0; it must not be negative"):
        rate("order", fitted, 1.0, 0.05, "two rungs", error=told)


@pytest.mark.parametrize("error", [nan, inf])
def test_a_rate_of_unknown_error_is_open(error: float) -> None:
    law = rate("order", 1.0, 1.0, 0.05, "two rungs", error=error)
    assert (law.status, law.reason) == (Status.UNRESOLVED, "the error is not known")
    assert law.estimate is None


@pytest.mark.parametrize("error", [nan, inf])
def test_a_bound_on_what_has_an_unknown_error_is_open(error: float) -> None:
    law = below("a", 1.0, 2.0, Basis.DERIVED, error=error)
    assert (law.status, law.reason) == (Status.UNRESOLVED, "the error is not known")
    covered = below("a", 1.0, 2.0, Basis.DERIVED, error=1.5)
    assert covered.reason == "the error covers the bound"


@pytest.mark.parametrize("tolerance", [-1.0, nan, -1, [0.1, -0.1], [0.1, nan]])
def test_a_tolerance_is_never_negative(tolerance: Any) -> None:
    with pytest.raises(InvalidInput, match=r"tolerance of 'a' is .*; it must not be negative"):
        equals("a", [1.0, 2.0], 1.0, tolerance)


def test_an_error_beside_that_of_a_quantity_is_refused() -> None:
    quantity, words = Quantity.of([1.0, 2.0], 0.1), r"error of 'a' is 0\.1; the quantity carries"
    with pytest.raises(InvalidInput, match=words):
        below("a", quantity, 3.0, Basis.DERIVED, error=0.1)
    with pytest.raises(InvalidInput, match=words):
        equals("a", quantity, 1.0, 3.0, error=0.1)
    with pytest.raises(InvalidInput, match=words):
        ordered("a", quantity, error=0.1)
    assert ordered("a", quantity, error=[0.0, 0.0]).status is Status.KEPT


def test_bounds_predictions_and_places_fit_the_values() -> None:
    three: Any = [1.0, 2.0, 3.0]
    with pytest.raises(InvalidInput, match=r"bound of 'a' has shape \(2,\); .* values, \(3,\)"):
        below("a", three, [1.0, 2.0], Basis.DERIVED)
    with pytest.raises(InvalidInput, match=r"predicted of 'a' has shape \(2,\)"):
        equals("a", three, [1.0, 2.0], 1.0)
    with pytest.raises(InvalidInput, match=r"tolerance of 'a' has shape \(2,\)"):
        equals("a", three, 1.0, [1.0, 2.0])
    with pytest.raises(InvalidInput, match="at of 'a' has 1 places for 3 values"):
        below("a", three, 4.0, Basis.DERIVED, at=[1.0])
    with pytest.raises(
        InvalidInput, match=r"values of 'a' have shape \(1, 3\); give them in one row"
    ):
        ordered("a", [three])


def test_an_order_is_of_two_values_at_least_and_grows_by_no_negative_step() -> None:
    with pytest.raises(InvalidInput, match="an order needs two at least"):
        ordered("a", [1.0])
    for step in (-10.0, nan, inf):
        with pytest.raises(InvalidInput, match="strictly_by of 'a' is"):
            ordered("a", [1.0, 2.0], strictly_by=step)


def test_words_that_stand_for_no_basis_kind_law_or_reason_are_refused() -> None:
    wrong: Any = "guess"
    with pytest.raises(InvalidInput, match="basis of 'a' is 'guess'; it must be a Basis"):
        below("a", 1.0, 2.0, wrong)
    with pytest.raises(InvalidInput, match="kind of 'a' is 'guess'; it must be a Kind"):
        unresolved("a", wrong, "x")
    number: Any = 3
    with pytest.raises(InvalidInput, match="law is 3; its id must be words"):
        below(number, 1.0, 2.0, Basis.DERIVED)
    nothing: Any = None
    for reason in (nothing, " "):
        with pytest.raises(InvalidInput, match=r"reason of 'a' is .*; it must say why"):
            not_applicable("a", Kind.RATE, reason)
