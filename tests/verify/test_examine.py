"""Numbers by two routes, beside each other."""

import numpy as np
import pytest

from verify.examine import comparisons
from verify.language import Basis, Ladder, Quantity, below, rate


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


def _ladder(errors: list[float]) -> Ladder:
    """Bent, so that slopes over other rungs of it differ."""
    x = np.arange(5.0)
    values = 10.0**-x * (1.0 + 0.1 * x)
    return Ladder.of("gap", "x", x, Quantity.of(values, values * np.array(errors)), 1.0)


def test_slopes_over_other_rungs_are_not_compared() -> None:
    own, along = _ladder([0.0] * 5), np.arange(5.0)
    (pair,) = comparisons(
        *((ladder.rate("order", -1.0, 0.2, along=along),) for ladder in (own, own))
    )
    assert pair.agrees
    coarse = _ladder([1e-9, 1e-9, 1e-9, 1e-9, 1.0])
    one, other = (ladder.rate("order", -1.0, 0.2, along=along) for ladder in (own, coarse))
    assert one.estimate is not None
    assert other.estimate is not None
    assert abs(one.estimate.fitted - other.estimate.fitted) > 1e-3
    assert not list(comparisons((one,), (other,)))


def test_rungs_are_compared_with_their_own_where_one_route_judges_fewer() -> None:
    own = below("gap", np.array([1.0, 0.1, 0.01]), 2.0, Basis.DERIVED, at=np.array([1.0, 2.0, 3.0]))
    other = below("gap", np.array([0.1, 0.02]), 2.0, Basis.DERIVED, at=np.array([2.0, 3.0]))
    pairs = list(comparisons((own,), (other,)))
    assert [(pair.value, pair.other) for pair in pairs] == [(0.1, 0.1), (0.01, 0.02)]
    assert [pair.agrees for pair in pairs] == [True, False]
