"""Rates in tolerances about their predictions, as positions in percent."""

from typing import Any

import pytest

from verify.report.forest import forest


def rate(fitted: float, low: float, high: float, **changes: Any) -> dict[str, Any]:
    return {
        "predicted": 2.0,
        "tolerance": 0.1,
        "fitted": fitted,
        "low": low,
        "high": high,
        "judgement": "kept",
        **changes,
    }


def test_the_prediction_is_in_the_middle_and_a_tolerance_at_the_band() -> None:
    plot = forest([rate(2.0, 1.9, 2.1)])
    assert plot is not None
    (row,) = plot.rows
    assert row.fitted == 50.0
    assert (row.low, row.high) == plot.band
    assert plot.band[0] + plot.band[1] == pytest.approx(100.0)
    assert [row.low_out, row.out, row.high_out] == [False] * 3


def test_what_lies_beyond_the_axis_is_an_arrow_there() -> None:
    plot = forest([rate(2.0, 1.99, 2.9), rate(3.0, 2.9, 3.1)], widest=2.0)
    assert plot is not None
    assert [(row.low_out, row.out, row.high_out) for row in plot.rows] == [
        (False, False, True),
        (False, True, True),
    ]
    assert plot.rows[0].high == 100.0
    assert plot.band == (25.0, 75.0)


def test_ticks_are_whole_tolerances() -> None:
    plot = forest([rate(2.25, 2.2, 2.3)])
    assert plot is not None
    assert [label for _, label in plot.ticks] == ["−3", "−2", "−1", "0", "+1", "+2", "+3"]
    places = {label: at for at, label in plot.ticks}
    assert (places["−1"], places["+1"]) == plot.band


def test_rates_that_are_no_numbers_are_left_out() -> None:
    assert forest([]) is None
    assert forest([rate(float("nan"), 1.0, 2.0), {**rate(1.0, 1.0, 1.0), "low": None}]) is None


def test_a_rate_without_tolerance_is_measured_by_its_interval() -> None:
    plot = forest([rate(2.0, 1.5, 2.5, tolerance=0.0)])
    assert plot is not None
    assert plot.rows[0].low < 50.0 < plot.rows[0].high
