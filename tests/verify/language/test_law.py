"""Laws from quantities and from numbers."""

import pytest

from theory.errors import InvalidInput
from verify.language import Quantity, rate


def test_a_rate_is_a_quantity_or_a_number_with_its_error() -> None:
    by_quantity = rate("order", Quantity.of(1.02, 0.01), 1.0, 0.05, "two rungs")
    assert by_quantity == rate("order", 1.02, 1.0, 0.05, "two rungs", error=0.01)
    assert by_quantity.estimate is not None
    assert by_quantity.estimate.error == 0.01


@pytest.mark.parametrize(
    ("fitted", "error", "words"),
    [
        (Quantity.of([1.0, 2.0], 0.1), None, "'order' is 2 numbers; a rate is one"),
        (Quantity.of(1.0, 0.1), 0.1, "error is 0.1; the quantity carries its own"),
        (1.0, None, "error of 'order' is missing"),
    ],
)
def test_errors_that_stand_twice_or_nowhere_are_refused(
    fitted: Quantity | float, error: float | None, words: str
) -> None:
    with pytest.raises(InvalidInput, match=words):
        rate("order", fitted, 1.0, 0.05, "two rungs", error=error)
