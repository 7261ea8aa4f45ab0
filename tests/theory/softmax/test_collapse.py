"""Formats against NumPy's own numbers, thresholds against exact rational arithmetic."""

from fractions import Fraction

import numpy as np
import pytest

from theory.errors import InvalidInput
from theory.softmax import Format, collapse_gap, cross_entropy, largest_gap

FORMATS = [Format("float16"), Format("float32"), Format("float64")]


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.name)
def test_formats_are_those_of_numpy(form: Format) -> None:
    info = np.finfo(form.dtype)
    assert float(info.eps) == 2.0 ** (1 - form.bits)
    assert float(info.smallest_subnormal) == 2.0**form.smallest


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.name)
def test_one_plus_half_a_unit_is_one(form: Format) -> None:
    one, half = form.dtype(1.0), form.dtype(2.0**-form.bits)
    assert one + half == one
    above = Fraction(float(np.nextafter(half, one)))
    assert above > Fraction(1, 2**form.bits)
    assert one + np.nextafter(half, one) > one


def test_thresholds_as_told() -> None:
    for form, two, many in zip(FORMATS[1:], (16.64, 36.74), (21.35, 41.46), strict=True):
        assert largest_gap(form, 2, "largest last") == pytest.approx(two, abs=0.006)
        assert largest_gap(form, 113, "largest last") == pytest.approx(many, abs=0.006)
        assert largest_gap(form, 113, "largest first") == pytest.approx(two, abs=0.006)
        assert collapse_gap(form.bits, 113) == pytest.approx(many, abs=0.006)


def test_losses_and_gradients_before_collapse() -> None:
    loss, true, others = cross_entropy(np.float64(3.0), 5, "largest last")
    exact = np.log1p(4 * np.exp(-3.0))
    assert loss == pytest.approx(exact)
    assert true == pytest.approx(np.exp(-exact) - 1.0)
    assert true + others == pytest.approx(0.0, abs=1e-15)


def test_beyond_collapse_the_other_logits_still_move() -> None:
    loss, true, others = cross_entropy(np.float32(30.0), 3, "largest last")
    assert (loss, true) == (0.0, 0.0)
    assert others == pytest.approx(2 * np.exp(-30.0), rel=1e-5)


def test_one_class_is_refused() -> None:
    with pytest.raises(InvalidInput, match="classes is 1"):
        cross_entropy(np.float64(1.0), 1, "log1p")


def test_formats_orders_and_gaps_that_do_not_exist() -> None:
    with pytest.raises(InvalidInput, match="name is 'bfloat16'; allowed are float16"):
        Format("bfloat16")  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="order is 'first'"):
        cross_entropy(np.float64(1.0), 2, "first")  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="classes is 1"):
        collapse_gap(24, 1)
    with pytest.raises(InvalidInput, match="bits is 0"):
        collapse_gap(0, 2)


def test_orders_and_gaps_that_are_none_are_refused() -> None:
    with pytest.raises(InvalidInput, match="order is 'bogus'"):
        largest_gap(Format("float32"), 3, "bogus")  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="gap is"):
        cross_entropy(np.float64(np.nan), 3, "log1p")
    with pytest.raises(InvalidInput, match="classes is 1"):
        collapse_gap(24, 1)


def test_gaps_and_counts_of_other_types_are_refused() -> None:
    for gap in (1, "1", None):  # in whole numbers e^-1 is 0
        with pytest.raises(InvalidInput, match="gap is"):
            cross_entropy(gap, 3, "log1p")
    for classes in (2.5, np.nan, "a"):
        with pytest.raises(InvalidInput, match="classes is"):
            collapse_gap(24, classes)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="bits is nan"):
        collapse_gap(np.nan, 2)  # type: ignore[arg-type]
