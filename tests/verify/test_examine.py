"""Numbers by two routes, beside each other."""

import pytest

from verify.examine import comparisons
from verify.language import Basis, Quantity, below, rate


@pytest.mark.parametrize(("apart", "agrees"), [(0.01, True), (0.29, True), (0.32, False)])
def test_the_other_route_may_know_its_error_to_a_third(apart: float, agrees: bool) -> None:
    """Of two tolerances that came near to each other by chance."""
    one = (
        below("sum", Quantity.of(1.0, 0.001), 2.0, Basis.DERIVED),
        rate("slope", 1.0, 1.0, 0.5, "", error=0.001),
    )
    other = (
        below("sum", Quantity.of(1.0 + apart, 0.1), 2.0, Basis.DERIVED),
        rate("slope", 1.0 - apart, 1.0, 0.5, "", error=0.1),
    )
    assert [pair.agrees for pair in comparisons(one, other)] == [agrees, agrees]


def test_the_own_error_counts_once() -> None:
    one = (below("sum", Quantity.of(1.0, 0.1), 2.0, Basis.DERIVED),)
    other = (below("sum", Quantity.of(1.2, 0.0), 2.0, Basis.DERIVED),)
    (pair,) = comparisons(one, other)
    assert not pair.agrees


def test_a_number_that_decides_nothing_counts_where_it_is_off() -> None:
    one = (below("sum", Quantity.of(1.0, 0.0), 2.0, Basis.DERIVED),)
    far = (below("sum", Quantity.of(1.95, 0.1), 2.0, Basis.DERIVED),)
    assert [pair.agrees for pair in comparisons(one, far)] == [False]
    wide = (below("sum", Quantity.of(1.0, 5.0), 2.0, Basis.DERIVED),)
    assert list(comparisons(one, wide)) == []
