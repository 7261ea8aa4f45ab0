"""Quantities: their errors cover what arithmetic makes of errors, and never vanish unasked."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from theory.errors import InvalidInput
from verify.language import Quantity

numbers = st.floats(0.5, 2.0) | st.floats(-2.0, -0.5)
errors = st.floats(0.0, 1e-4)
shifts = st.floats(-1.0, 1.0)

OPERATIONS = [
    lambda a, b: a + b,
    lambda a, b: a - b,
    lambda a, b: a * b,
    lambda a, b: a / b,
    lambda a, b: abs(a) - 3.0 * b,
    lambda a, b: 2.0 / a - b,
]


@pytest.mark.parametrize("operation", OPERATIONS)
@given(numbers, errors, shifts, numbers, errors, shifts)
def test_errors_cover_every_pair_of_values_within_them(
    operation: object, a: float, da: float, sa: float, b: float, db: float, sb: float
) -> None:
    told = operation(Quantity.of(a, da), Quantity.of(b, db))
    true = operation(a + sa * da, b + sb * db)
    # second order in errors of 1e-4 is 1e-7 at most
    assert abs(told.values[0] - true) <= told.errors[0] + 2e-7


@given(st.floats(0.5, 5.0), errors, shifts)
def test_logarithm_covers_its_error(value: float, error: float, shift: float) -> None:
    told = Quantity.of(value, error).log()
    assert abs(told.values[0] - np.log(value + shift * error)) <= told.errors[0] + 1e-7


def test_logarithm_of_what_may_be_zero_is_unknown() -> None:
    told = Quantity.of([1.0, 0.1, -1.0], [0.5, 0.2, 0.0]).log()
    assert np.isnan(told.values).tolist() == [False, True, True]


def test_two_runs_that_agree_by_chance_still_have_the_floor() -> None:
    def reading(run: float) -> list[float]:
        return [run, 10.0]

    told = Quantity.paired(reading, 1.0, 1.0, floor=1e-3)
    assert told.errors.tolist() == [1e-2, 1e-2]
    told = Quantity.paired(reading, 1.0, 1.5, floor=1e-3)
    assert (told.values.tolist(), told.errors.tolist()) == ([1.0, 10.0], [0.5, 1e-2])


def test_sampled_mean_is_within_four_standard_errors() -> None:
    drawn = np.random.default_rng(0).normal(3.0, 2.0, size=(400, 2))
    told = Quantity.sampled(drawn)
    assert told.errors == pytest.approx(4.0 * 2.0 / 20.0, rel=0.1)
    assert np.all(np.abs(told.values - 3.0) < told.errors)


def test_bad_errors_are_refused() -> None:
    with pytest.raises(InvalidInput, match="never negative"):
        Quantity.of(1.0, -1.0)
    with pytest.raises(InvalidInput, match=r"errors have shape \(2,\)"):
        Quantity.of([1.0, 2.0, 3.0], [0.1, 0.2])
    with pytest.raises(InvalidInput, match="two at least"):
        Quantity.sampled([[1.0]])


def test_parts_are_joined_in_order() -> None:
    told = Quantity.joined([Quantity.of([1.0, 2.0], 0.1), Quantity.of(3.0, 0.2)])
    assert told.values.tolist() == [1.0, 2.0, 3.0]
    assert told.errors.tolist() == [0.1, 0.1, 0.2]
    assert told[1:].values.tolist() == [2.0, 3.0]


def test_arrays_leave_arithmetic_to_quantities() -> None:
    measured, plain = Quantity.of([1.0, 2.0], 0.1), np.array([3.0, 4.0])
    left: Quantity = plain - measured
    np.testing.assert_array_equal(left.values, [2.0, 2.0])
    np.testing.assert_array_equal((np.float64(2.0) * measured).errors, [0.2, 0.2])


def test_length_and_largest_value_carry_the_worst_of_the_errors() -> None:
    found = Quantity.of([3.0, 4.0], [0.3, 0.4])
    assert (found.norm().values[0], found.norm().errors[0]) == (5.0, 0.5)
    assert (found.largest().values[0], found.largest().errors[0]) == (4.0, 0.4)


def read(run: list[float]) -> list[float]:
    return run


@pytest.mark.parametrize("loose", [[1.0], [1.0, 2.0, 3.0]])
def test_runs_that_are_not_read_alike_are_no_pair(loose: list[float]) -> None:
    with pytest.raises(InvalidInput, match=r"readings have shapes \(2,\) and"):
        Quantity.paired(read, [1.0, 2.0], loose, 0.0)


def test_a_floor_fits_the_readings() -> None:
    with pytest.raises(InvalidInput, match=r"floor has shape \(3,\)"):
        Quantity.paired(read, [1.0, 2.0], [1.0, 2.0], [0.1, 0.1, 0.1])


@pytest.mark.parametrize("operation", OPERATIONS[:4])
def test_quantities_of_other_shapes_are_refused(operation: object) -> None:
    two, three = Quantity.of([1.0, 2.0], 0.0), Quantity.of([1.0, 2.0, 3.0], 0.0)
    with pytest.raises(InvalidInput, match=r"quantities have shapes \(2,\) and \(3,\)"):
        operation(two, three)


def test_one_value_meets_several() -> None:
    told = Quantity.of(1.0, 0.1) + Quantity.of([1.0, 2.0], 0.2)
    assert told.values.tolist() == [2.0, 3.0]
    assert told.errors.tolist() == pytest.approx([0.3, 0.3])


def test_nothing_is_neither_joined_nor_sampled() -> None:
    with pytest.raises(InvalidInput, match="one quantity at least can be joined"):
        Quantity.joined([])
    with pytest.raises(InvalidInput, match=r"samples are 1\.0; a standard error needs two"):
        Quantity.sampled(1.0)


def test_what_is_no_plain_array_of_numbers_is_refused() -> None:
    masked = np.ma.masked_array([1.0, 2.0], [False, True])
    with pytest.raises(InvalidInput, match="values are a masked array"):
        Quantity.of(masked, 0.0)
    with pytest.raises(InvalidInput, match="errors are a masked array"):
        Quantity.of([1.0, 2.0], masked)
    with pytest.raises(InvalidInput, match="values are a masked array"):
        Quantity.of([1.0, 2.0], 0.0) + masked
    with pytest.raises(InvalidInput, match="samples are complex"):
        Quantity.sampled([1j, 2.0])
    with pytest.raises(InvalidInput, match="values are 'many'; they must be numbers"):
        Quantity.of("many", 0.0)
