"""Ladders: what calibrates, what is judged, and what is left open."""

import numpy as np
import pytest

from theory.errors import InvalidInput
from verify.language import Basis, Ladder, Quantity, Role
from verify.language.law import Law, Status

SMALL = np.array([1.0, 0.1, 0.01, 0.001])


def ladder(values: object, errors: object = 1e-12, predicted: object = 1.0) -> Ladder:
    return Ladder.of("q", "x", SMALL, Quantity.of(values, errors), predicted)


def status(law: Law) -> Status:
    return law.status


def test_what_falls_at_its_order_is_kept_and_what_falls_slower_refuted() -> None:
    assert status(ladder(3.0 * SMALL**2).falls("f", 2.0)) is Status.KEPT
    assert status(ladder(3.0 * SMALL**1.5).falls("f", 2.0)) is Status.REFUTED
    assert status(ladder(3.0 * SMALL**3).falls("f", 2.0)) is Status.KEPT


def test_deviation_from_the_prediction_is_what_approaches() -> None:
    assert status(ladder(5.0 * (1 + SMALL), predicted=5.0).approaches("a", 1.0)) is Status.KEPT
    assert status(ladder(5.0 * (1 + SMALL**0.5), predicted=5.0).approaches("a", 1.0)) is (
        Status.REFUTED
    )


def test_a_first_rung_that_is_small_by_accident_does_not_calibrate_alone() -> None:
    values = 3.0 * SMALL**2
    values[0] = 1e-3
    assert status(ladder(values).falls("f", 2.0)) is Status.KEPT
    with pytest.raises(InvalidInput, match="give at_least, or take two"):
        ladder(values).falls("f", 2.0, calibrated_on=1)
    assert status(ladder(values).falls("f", 2.0, at_least=3.0, calibrated_on=1)) is Status.KEPT
    assert status(ladder(values).falls("f", 2.0, at_least=1e-3, calibrated_on=1)) is Status.REFUTED


def test_rungs_that_are_not_resolved_calibrate_nothing() -> None:
    values, errors = 3.0 * SMALL**2, np.array([10.0, 10.0, 1e-9, 1e-9])
    open_law = ladder(values, errors).falls("f", 2.0)
    assert (open_law.status, open_law.reason) == (
        Status.UNRESOLVED,
        "the rungs that calibrate it are not resolved",
    )


def test_rungs_below_their_error_are_not_judged() -> None:
    law = ladder(3.0 * SMALL**2, np.array([1e-9, 1e-9, 1e-9, 1.0])).falls("f", 2.0)
    assert [check.at for check in law.checks] == [0.01]
    none = ladder(3.0 * SMALL**2, np.array([1e-9, 1e-9, 1.0, 1.0])).falls("f", 2.0)
    assert none.reason == "no rung after those that calibrate it is resolved"


def test_what_is_exact_has_nothing_to_fall() -> None:
    for law in (
        ladder(0.0 * SMALL).falls("f", 2.0),
        ladder(0.0 * SMALL, 1e-9).falls("f", 2.0, at_least=1e-6),
        ladder(1.0 + 0.0 * SMALL, 1e-3).approaches("a", 2.0),
    ):
        assert law.status is Status.NOT_APPLICABLE
        assert law.reason == "every rung is exact to its numerical error"


def test_errors_that_cover_every_rung_leave_it_open() -> None:
    for law in (
        ladder(50.0 + 0.0 * SMALL, 100.0).falls("f", 1.0),
        ladder(50.0 + 0.0 * SMALL, 100.0).approaches("a", 1.0),
        ladder(0.0 * SMALL, 1e-9).falls("f", 2.0, at_least=1e-9),
        ladder(0.0 * SMALL, [0.0, 0.0, 0.0, np.inf]).falls("f", 2.0),
    ):
        assert (law.status, law.reason) == (Status.UNRESOLVED, "the errors cover every rung")


@pytest.mark.parametrize("factor", [0.0, -2.0, np.inf, np.nan])
def test_a_factor_is_positive(factor: float) -> None:
    with pytest.raises(InvalidInput, match="factor of 'f' is"):
        ladder(SMALL).falls("f", 1.0, factor=factor)


def test_a_ladder_lies_along_as_many_places_as_it_has_rungs() -> None:
    with pytest.raises(InvalidInput, match="x has 2 entries for 4 values; as many are needed"):
        ladder(SMALL).rate("r", 1.0, 0.1, along=[1.0, 2.0])
    with pytest.raises(InvalidInput, match=r"quantities have shapes \(4,\) and \(2,\)"):
        ladder(SMALL).rate("r", 1.0, 0.1, along=np.log10(SMALL), per=[1.0, 2.0])
    flat = ladder(SMALL).rate("r", 1.0, 0.1, along=[1.0, 1.0, 1.0, 1.0])
    assert (flat.status, flat.reason) == (Status.UNRESOLVED, "all rungs lie at one place")


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_no_number_is_open(bad: float) -> None:
    values = 3.0 * SMALL**2
    values[2] = bad
    assert status(ladder(values).falls("f", 2.0)) is Status.UNRESOLVED


def test_exponent_with_its_error() -> None:
    law = ladder(2.0 * SMALL**1.5, 1e-8 * SMALL).rate("r", 1.5, 0.01, along=np.log10(SMALL))
    assert law.estimate is not None
    assert law.estimate.fitted == pytest.approx(1.5)
    assert 0.0 < law.estimate.error < 1e-5
    noisy = ladder(2.0 * SMALL**1.5, 0.1).rate("r", 1.5, 0.01, along=np.log10(SMALL))
    assert (noisy.status, noisy.reason) == (Status.UNRESOLVED, "0 of 4 rungs are resolved")


def test_a_ladder_without_a_power_law_has_no_exponent() -> None:
    bent = ladder(SMALL + 0.05 * SMALL**0.1)
    law = bent.rate("r", 1.0, 0.1, along=np.log10(SMALL), agreement=0.2)
    assert law.status is Status.UNRESOLVED
    assert "no power law yet" in law.reason
    assert bent.asymptotic_range > 0.5 > ladder(SMALL**2).asymptotic_range


def test_a_bound_is_drawn_as_one() -> None:
    law = ladder(SMALL, predicted=2.0 * SMALL).stays_below("b", Basis.DERIVED)
    assert law.status is Status.KEPT
    assert law.ladder is not None
    assert law.ladder.role is Role.UPPER_BOUND
    swamped = ladder(SMALL, 10.0, 2.0 * SMALL).stays_below("b", Basis.DERIVED)
    assert swamped.status is Status.UNRESOLVED


def test_lengths_must_agree() -> None:
    with pytest.raises(InvalidInput, match="ladder 'q' has 4 rungs, 2 values"):
        ladder([1.0, 2.0])
