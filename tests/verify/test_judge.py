"""The judge, row by row, on evidence made by hand."""

from math import inf, isnan, log, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.claims.base import Assertions, Bound, RateSample
from verify.evidence import CLAIM, Evidence, Outcome
from verify.judge import (
    Ruling,
    against,
    examples_until_rejected,
    in_digits,
    instance_severity,
    judge,
    judge_bound,
    judge_instance,
    ratio,
    severity,
    tolerances_off,
    verdict_alone,
)

KEPT = Bound("b", 0.5, 1.0)
REFUTED = Bound("b", 2.0, 1.0)
UNDECIDED = Bound("b", 1.0, 1.0, error=0.1)


def measured(*bounds: Bound, rates: tuple[RateSample, ...] = ()) -> Evidence:
    return Evidence({}, "measured", assertions={CLAIM: Assertions(bounds, rates)})


def failed(outcome: Outcome) -> Evidence:
    return Evidence({}, outcome, "it did not work")


def with_rates(*fitted: float, tolerance: float = 0.1, bound: Bound = KEPT) -> list[Evidence]:
    """One instance for each fitted rate, all predicted to be 1."""
    return [measured(bound, rates=(RateSample("r", 1.0, f, tolerance),)) for f in fitted]


def ruling(*evidence: Evidence) -> Ruling:
    return judge(evidence, CLAIM)


@pytest.mark.parametrize(
    ("value", "bound", "error", "judgement"),
    [
        (1.0, 1.0, 0.0, "kept"),  # the bound itself is allowed
        (0.7, 1.0, 0.2, "kept"),
        (-5.0, 0.0, 0.0, "kept"),
        (0.0, 0.0, 0.0, "kept"),
        (1.0 + 1e-12, 1.0, 0.0, "refuted"),
        (1.3, 1.0, 0.2, "refuted"),
        (1e-30, 0.0, 0.0, "refuted"),
        (1.1, 1.0, 0.2, "undecided"),  # the error covers the violation
        (0.9, 1.0, 0.2, "undecided"),  # the error reaches beyond the bound
        (1e-30, 0.0, 1e-20, "undecided"),
        (nan, 1.0, 0.0, "undecided"),
        (inf, 1.0, 0.0, "undecided"),
        (0.5, 1.0, nan, "undecided"),
        (0.5, 1.0, inf, "undecided"),
        (0.5, nan, 0.0, "undecided"),
        (0.5, inf, 0.0, "undecided"),
    ],
)
def test_bound_against_its_error(value: float, bound: float, error: float, judgement: str) -> None:
    assert judge_bound(Bound("b", value, bound, error)) == judgement


@pytest.mark.parametrize(
    ("value", "bound", "error", "expected"),
    [
        (2.0, 1.0, 0.0, 2.0),
        (2.0, 1.0, 0.5, 1.5),
        (0.5, 1.0, 0.0, 0.5),
        (1e-300, 0.0, 0.0, inf),
        (0.0, 0.0, 0.0, 0.0),
        (1e-3, 0.0, 1e-2, 0.0),
    ],
)
def test_severity_is_the_ratio_less_the_error(
    value: float, bound: float, error: float, expected: float
) -> None:
    assert severity(Bound("b", value, bound, error)) == expected
    assert ratio(Bound("b", value, bound, error)) == expected


def test_value_below_its_error_takes_nothing_of_its_bound() -> None:
    below = Bound("b", 0.25, 1.0, 0.5)
    assert severity(below) == -0.25
    assert ratio(below) == instance_severity(Assertions((below,))) == 0.0
    assert isnan(ratio(Bound("b", nan, 1.0)))


@pytest.mark.parametrize(
    ("ratio", "text"),
    [(0.5, "0.5"), (0.12345, "0.123"), (0.9999999, "0.999"), (1.0, "1"), (0.0, "0")],
)
def test_ratios_below_one_are_not_written_as_one(ratio: float, text: str) -> None:
    assert in_digits(ratio) == text


@pytest.mark.parametrize(
    ("bounds", "judgement"),
    [
        ((), "kept"),
        ((KEPT, KEPT), "kept"),
        ((KEPT, UNDECIDED), "undecided"),
        ((UNDECIDED, REFUTED, KEPT), "refuted"),
    ],
)
def test_worst_bound_decides_on_an_instance(bounds: tuple[Bound, ...], judgement: str) -> None:
    assert judge_instance(Assertions(bounds)) == judgement


WITHIN = RateSample("r", 1.0, 1.05, 0.1)
OFF = RateSample("r", 1.0, 0.8, 0.1)
FAR_OFF = RateSample("far", 1.0, 1e9, 0.1)
NOT_FITTED = RateSample("r", 1.0, nan, 0.1)


@pytest.mark.parametrize(
    ("bounds", "rates", "verdict"),
    [
        ((KEPT,), (), "holds"),
        ((KEPT,), (WITHIN, NOT_FITTED), "holds"),
        ((), (WITHIN,), "holds"),
        ((REFUTED,), (WITHIN,), "falsified"),
        ((REFUTED, UNDECIDED), (OFF,), "falsified"),
        ((KEPT, UNDECIDED), (WITHIN,), "inconclusive"),
        ((KEPT,), (WITHIN, OFF), "inconclusive"),
        ((KEPT,), (FAR_OFF,), "inconclusive"),
        ((), (NOT_FITTED,), "inconclusive"),
        ((), (), "inconclusive"),
    ],
)
def test_one_instance_refutes_by_a_bound_alone(
    bounds: tuple[Bound, ...], rates: tuple[RateSample, ...], verdict: str
) -> None:
    assert verdict_alone(Assertions(bounds, rates)) == verdict
    in_a_run = ruling(measured(*bounds, rates=rates)).verdict
    assert (in_a_run == "falsified") == (verdict == "falsified")


def test_what_refutes_alone_comes_before_any_rate() -> None:
    refuting = Assertions((REFUTED, KEPT), (WITHIN,))
    off = Assertions((KEPT,), (OFF, FAR_OFF))
    assert against(refuting, ("r",)) == (True, 2.0)
    assert against(off, ("r",)) == (False, pytest.approx(2.0))
    assert against(off, ("r", "far")) > against(off, ("r",))
    assert against(off, ()) == (False, 0.0)
    assert max(against(off, ("far",)), against(refuting, ("far",))) == (True, 2.0)


@pytest.mark.parametrize(
    ("fitted", "tolerance", "off"),
    [(1.2, 0.1, 2.0), (0.95, 0.1, 0.5), (1.0, 0.0, 0.0), (2.0, 0.0, inf)],
)
def test_tolerances_off(fitted: float, tolerance: float, off: float) -> None:
    assert tolerances_off(RateSample("r", 1.0, fitted, tolerance)) == pytest.approx(off)


def test_instance_severity_takes_bounds_and_rates() -> None:
    """Three tolerances of a rate count as a value at its bound."""
    near = RateSample("r", 1.0, 1.2, 0.1)
    far = RateSample("r", 1.0, 1.6, 0.1)
    assert instance_severity(Assertions((KEPT,), (near,))) == pytest.approx(2.0 / 3.0)
    assert instance_severity(Assertions((KEPT,), (far,))) == pytest.approx(2.0)
    assert instance_severity(Assertions((REFUTED,), (near,))) == 2.0
    assert instance_severity(Assertions((UNDECIDED,))) == 0.0
    assert instance_severity(Assertions((), (RateSample("r", 1.0, nan, 0.1),))) == 0.0


# fitted rates that are kept, refuted, undecided, too few; all predicted to be 1 +- 0.1
GOOD_RATES = (0.95, 1.0, 1.05, 0.99, 1.01, 1.0)
BAD_RATES = (1.2, 1.3, 1.25, 1.22, 1.28, 1.21)
OPEN_RATES = (1.05, 1.15, 1.2, 1.15, 1.2, 1.25)  # the median is outside, its interval is not
FEW_RATES = (5.0, 5.0)

TABLE: list[tuple[str, list[Evidence], str]] = [
    ("no evidence", [], "inconclusive"),
    ("all kept", [measured(KEPT)] * 3, "holds"),
    ("kept, rates kept", with_rates(*GOOD_RATES), "holds"),
    ("kept, rates too few", with_rates(*FEW_RATES), "holds"),
    ("kept, rates undecided", with_rates(*OPEN_RATES), "inconclusive"),
    ("kept, rates refuted", with_rates(*BAD_RATES), "falsified"),
    ("one refuted", [measured(KEPT)] * 99 + [measured(REFUTED)], "falsified"),
    ("one refuted, rates kept", [*with_rates(*GOOD_RATES), measured(REFUTED)], "falsified"),
    ("refuted, rates undecided", with_rates(*OPEN_RATES, bound=REFUTED), "falsified"),
    (
        "refuted among failures",
        [failed("integrators disagree")] * 9 + [measured(REFUTED)],
        "falsified",
    ),
    ("all undecided", [measured(UNDECIDED)] * 3, "inconclusive"),
    ("a tenth undecided", [measured(KEPT)] * 9 + [measured(UNDECIDED)], "holds"),
    ("more undecided", [measured(KEPT)] * 8 + [measured(UNDECIDED)], "inconclusive"),
    ("undecided, rates kept", with_rates(*GOOD_RATES, bound=UNDECIDED), "inconclusive"),
    ("undecided, rates refuted", with_rates(*BAD_RATES, bound=UNDECIDED), "falsified"),
    *(
        (
            f"{outcome}: {count} of {count + 9}",
            [measured(KEPT)] * 9 + [failed(outcome)] * count,
            verdict,
        )
        for outcome in (
            "assumption not met",
            "integrator did not finish",
            "integrators disagree",
            "oracle not certified",
        )
        for count, verdict in ((1, "holds"), (2, "inconclusive"))
    ),
]


@pytest.mark.parametrize(
    ("evidence", "verdict"), [pytest.param(*row[1:], id=row[0]) for row in TABLE]
)
def test_verdict_table(evidence: list[Evidence], verdict: str) -> None:
    assert ruling(*evidence).verdict == verdict
    assert ruling(*reversed(evidence)).verdict == verdict  # the order of evidence means nothing


def test_undecided_instances_are_counted_apart() -> None:
    evidence = [
        measured(KEPT),
        measured(UNDECIDED),
        measured(REFUTED),
        failed("oracle not certified"),
    ]
    counted = ruling(*evidence)
    assert (counted.decided, counted.undecided, counted.refuted) == (2, 2, 1)


def test_worst_case_is_the_largest_decided_ratio() -> None:
    worse = Bound("worse", 0.8, 1.0)
    blurred = Bound("blurred", 0.99, 1.0, error=0.5)
    found = ruling(
        measured(KEPT), failed("integrators disagree"), measured(worse), measured(blurred)
    )
    assert (found.worst_index, found.worst) == (2, worse)


@pytest.mark.parametrize(
    ("fitted", "judgement"),
    [
        (GOOD_RATES, "kept"),
        (BAD_RATES, "refuted"),
        (tuple(2.0 - rate for rate in BAD_RATES), "refuted"),
        (OPEN_RATES, "undecided"),
        (FEW_RATES, "too few"),
        ((1.5, 1.5, nan), "too few"),  # NaN is no sample
        ((0.9, 1.0, 5.0), "kept"),  # the median does not mind an outlier
        ((0.0, 1.0, 5.0), "kept"),
    ],
)
def test_rate_is_judged_on_its_median(fitted: tuple[float, ...], judgement: str) -> None:
    (rate,) = ruling(*with_rates(*fitted)).rates
    assert rate.judgement == judgement
    assert rate.low <= rate.fitted <= rate.high


def test_rate_with_a_prediction_of_its_own_on_each_instance() -> None:
    samples = [RateSample("r", k, k + 0.01, 0.1) for k in (1.0, 2.0, 3.0, 4.0)]
    (rate,) = ruling(*[measured(KEPT, rates=(sample,)) for sample in samples]).rates
    assert rate.judgement == "kept"
    assert (rate.predicted, rate.fitted) == (2.5, pytest.approx(2.51))
    assert (rate.low, rate.high) == (pytest.approx(2.51), pytest.approx(2.51))


def test_rates_of_different_quantities_are_judged_apart() -> None:
    rates = (RateSample("good", 1.0, 1.0, 0.1), RateSample("bad", 1.0, 3.0, 0.1))
    judged = {r.quantity: r.judgement for r in ruling(*[measured(KEPT, rates=rates)] * 3).rates}
    assert judged == {"good": "kept", "bad": "refuted"}


def interval_ranks(count: int) -> tuple[int, int]:
    """Which order statistics bound the median, read off a rate whose deviations are 0, 1, 2, ..."""
    samples = [RateSample("r", 0.0, float(k), 1.0) for k in range(count)]
    (rate,) = ruling(*[measured(KEPT, rates=(sample,)) for sample in samples]).rates
    assert rate.fitted == 0.5 * (count - 1)
    return int(rate.low), int(rate.high)


@pytest.mark.parametrize("count", range(6, 31))
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


@pytest.mark.parametrize("count", range(3, 6))
def test_few_samples_are_all_needed_for_the_interval(count: int) -> None:
    assert interval_ranks(count) == (0, count - 1)


pieces = st.sampled_from(
    [
        measured(KEPT),
        measured(REFUTED),
        measured(UNDECIDED),
        *with_rates(1.0, 1.3, -2.0),
        failed("integrators disagree"),
        failed("assumption not met"),
    ]
)


@given(st.lists(pieces, max_size=12), st.data())
def test_a_refuted_instance_always_falsifies(evidence: list[Evidence], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(evidence)))
    more = [*evidence[:place], measured(REFUTED), *evidence[place:]]
    assert ruling(*more).verdict == "falsified"


@given(st.lists(pieces, max_size=12))
def test_failures_never_make_a_statement_hold(evidence: list[Evidence]) -> None:
    before = ruling(*evidence).verdict
    after = ruling(*evidence, failed("integrator did not finish")).verdict
    assert after == before or (before, after) == ("holds", "inconclusive")


@given(st.lists(pieces, max_size=12))
def test_examples_needed_are_the_fewest_that_falsify(evidence: list[Evidence]) -> None:
    verdicts = [ruling(*evidence[:count]).verdict for count in range(len(evidence) + 1)]
    needed = examples_until_rejected(evidence, CLAIM)
    if verdicts[-1] == "falsified":
        assert needed == verdicts.index("falsified")
    else:
        assert needed is None


def test_first_refuting_example_is_the_one_that_rejects() -> None:
    evidence = [measured(KEPT)] * 4 + [measured(REFUTED)] + [measured(KEPT)] * 4
    assert examples_until_rejected(evidence, CLAIM) == 5
    assert examples_until_rejected(with_rates(*BAD_RATES), CLAIM) == 3  # no fewer make a rate
