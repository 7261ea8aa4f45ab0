"""Rates on samples whose medians and intervals are known by hand."""

from math import log

import numpy as np
import pytest
from stated import rate

from verify.rates import FEWEST, Rate, rates_of


def judged(*fitted: float, tolerance: float = 0.1) -> Rate:
    (found,) = rates_of(rate("r", 1.0, value, tolerance) for value in fitted)
    return found


@pytest.mark.parametrize(
    ("fitted", "judgement"),
    [
        ((0.95, 1.0, 1.05, 0.99, 1.01, 1.0), "kept"),
        ((1.2, 1.3, 1.25, 1.22, 1.28, 1.21), "refuted"),
        ((0.8, 0.7, 0.75, 0.78, 0.72, 0.79), "refuted"),
        ((1.05, 1.15, 1.2, 1.15, 1.2, 1.25), "undecided"),
        ((0.8, 1.0, 1.05, 0.99, 1.01, 1.0), "undecided"),  # its interval leaves the tolerance
        ((5.0, 5.0, 5.0, 5.0, 5.0), "too few"),
        ((*[1.0] * 10, 2.0, 0.0), "scattered"),  # what deviates to both sides has a fine median
        ((*[1.0] * 19, 2.0, 0.0), "kept"),
        # half of them too small and half too large: five tolerances off, all of them
        ((*[0.5] * 12, *[1.5] * 12), "refuted"),
        ((*[1.0] * 20, *[1.5] * 4), "scattered"),
        ((*[1.0] * 18, *[1.5] * 6), "scattered"),  # six of 24 where a tenth is far off: in 2.8 %
        ((*[1.0] * 17, *[1.5] * 7), "refuted"),
    ],
)
def test_rate_is_judged_on_its_interval_and_its_scatter(
    fitted: tuple[float, ...], judgement: str
) -> None:
    found = judged(*fitted)
    assert found.judgement == judgement
    assert found.low <= found.fitted <= found.high


def test_deviations_are_taken_in_units_of_each_tolerance() -> None:
    """Off by half a tolerance everywhere, whatever its size."""
    laws = [rate("r", k, k + 0.5 * t, t) for k, t in ((1, 0.1), (2, 1.0), (3, 10.0))] * 2
    (found,) = rates_of(laws)
    assert found.judgement == "kept"
    assert (found.fitted - found.predicted) / found.tolerance == pytest.approx(0.5)


def test_strata_are_judged_apart() -> None:
    laws = [rate("r", 1.0, 1.0, 0.1, stratum="L = 2")] * 6
    laws += [rate("r", 1.0, 3.0, 0.1, stratum="L = 3")] * 6
    told = {found.name: found.judgement for found in rates_of(laws)}
    assert told == {"r, L = 2": "kept", "r, L = 3": "refuted"}


def interval_ranks(count: int) -> tuple[int, int]:
    """Which order statistics bound the median, read off a rate whose deviations are 0, 1, 2, ..."""
    (found,) = rates_of(rate("r", 0.0, float(k), 1.0) for k in range(count))
    assert found.fitted == 0.5 * (count - 1)
    return int(found.low), int(found.high)


@pytest.mark.parametrize("count", range(FEWEST, 31))
def test_interval_covers_the_median_95_times_in_100_and_is_the_shortest_that_does(
    count: int,
) -> None:
    """Simulated on a skewed distribution; three standard deviations of 20000 runs are 0.005."""
    draws = np.sort(np.random.default_rng(count).exponential(size=(20_000, count)), axis=1)
    low, high = interval_ranks(count)
    assert low + high == count - 1

    def coverage(low: int, high: int) -> float:
        return float(np.mean((draws[:, low] <= log(2)) & (log(2) <= draws[:, high])))

    assert coverage(low, high) >= 0.95 - 0.005
    if low + 1 < high - 1:
        assert coverage(low + 1, high - 1) < 0.95 + 0.005


def test_order_statistics_of_the_interval_are_told() -> None:
    # P(fewer than 7 of 24 fair coins show heads) = 0.0113, of 8 it is 0.032
    assert judged(*[1.0] * 24).method.endswith("between values 7 and 18 in order")
    assert "the value found on each" in judged(*[1.0] * 24).method
    assert judged(*[1.0] * 6).method.endswith("between values 1 and 6 in order")
    assert judged(*[1.0] * 5).method.endswith("the interval is that of all values, below 95 %")


def test_a_stratum_of_zero_has_a_name() -> None:
    laws = [rate("r", 1.0, 1.0, 0.1, stratum=name) for name in (0, "")]  # type: ignore[arg-type]
    assert [found.name for found in rates_of(laws)] == ["r, 0", "r"]
