"""The judge, row by row, on evidence made by hand."""

from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stated import bound, rate

from verify.alone import against, in_digits, judge_instance, ratio, severity, verdict_alone
from verify.evidence import CLAIM, Evidence, Outcome
from verify.judge import Ruling, examples_until_rejected, judge
from verify.language import Basis, Kind, Law, Quantity, below, not_applicable, unresolved
from verify.language.law import Check, Status

KEPT = bound("b", 0.5, 1.0)
REFUTED = bound("b", 2.0, 1.0)
UNDECIDED = bound("b", 1.0, 1.0, error=0.1)
NO_RATE = unresolved("r", Kind.RATE, "no rung is resolved")


def measured(*laws: Law) -> Evidence:
    return Evidence({}, "measured", laws={CLAIM: laws})


def failed(outcome: Outcome) -> Evidence:
    return Evidence({}, outcome, "it did not work")


def with_rates(*fitted: float, law: Law = KEPT) -> list[Evidence]:
    """One instance for each fitted rate, all predicted to be 1 +- 0.1."""
    return [measured(law, rate("r", 1.0, value, 0.1)) for value in fitted]


def ruling(*evidence: Evidence) -> Ruling:
    return judge(evidence, CLAIM)


@pytest.mark.parametrize(
    ("value", "limit", "error", "status"),
    [
        (1.0, 1.0, 0.0, Status.KEPT),  # the bound itself is allowed
        (0.7, 1.0, 0.2, Status.KEPT),
        (-5.0, 0.0, 0.0, Status.KEPT),
        (0.0, 0.0, 0.0, Status.KEPT),
        (1.0 + 1e-12, 1.0, 0.0, Status.REFUTED),
        (1.3, 1.0, 0.2, Status.REFUTED),
        (1e-30, 0.0, 0.0, Status.REFUTED),
        (1.1, 1.0, 0.2, Status.UNRESOLVED),  # the error covers the violation
        (0.9, 1.0, 0.2, Status.UNRESOLVED),  # the error reaches beyond the bound
        (1e-30, 0.0, 1e-20, Status.UNRESOLVED),
        *((value, 1.0, 0.0, Status.UNRESOLVED) for value in (nan, inf)),
        *((0.5, 1.0, error, Status.UNRESOLVED) for error in (nan, inf)),
        *((0.5, limit, 0.0, Status.UNRESOLVED) for limit in (nan, inf)),
    ],
)
def test_value_against_its_bound_and_error(
    value: float, limit: float, error: float, status: Status
) -> None:
    assert Check(value, limit, error).status is status


@pytest.mark.parametrize(
    ("value", "limit", "error", "use"),
    [
        (2.0, 1.0, 0.0, 2.0),
        (2.0, 1.0, 0.5, 1.5),
        (0.5, 1.0, 0.0, 0.5),
        (1e-300, 0.0, 0.0, inf),
        (0.0, 0.0, 0.0, 0.0),
        (1e-3, 0.0, 1e-2, 0.0),
        (0.25, 1.0, 0.5, -0.25),
    ],
)
def test_use_is_the_ratio_less_the_error(
    value: float, limit: float, error: float, use: float
) -> None:
    assert Check(value, limit, error).use == use
    assert ratio(Check(value, limit, error)) == max(use, 0.0)


@pytest.mark.parametrize(
    ("ratio", "text"),
    [(0.5, "0.5"), (0.12345, "0.123"), (0.9999999, "0.999"), (1.0, "1"), (0.0, "0")],
)
def test_ratios_below_one_are_not_written_as_one(ratio: float, text: str) -> None:
    assert in_digits(ratio) == text


@pytest.mark.parametrize(
    ("laws", "status"),
    [
        ((), Status.NOT_APPLICABLE),
        ((KEPT, KEPT), Status.KEPT),
        ((KEPT, UNDECIDED), Status.UNRESOLVED),
        ((UNDECIDED, REFUTED, KEPT), Status.REFUTED),
        ((not_applicable("n", Kind.BELOW, "no"),), Status.NOT_APPLICABLE),
    ],
)
def test_worst_law_decides_on_an_instance(laws: tuple[Law, ...], status: Status) -> None:
    assert judge_instance(laws) is status


WITHIN = rate("r", 1.0, 1.05, 0.1)
OFF = rate("r", 1.0, 0.8, 0.1)
FAR_OFF = rate("far", 1.0, 1e9, 0.1)
NOT_FITTED = rate("r", 1.0, nan, 0.1)


@pytest.mark.parametrize(
    ("laws", "verdict"),
    [
        ((KEPT,), "holds"),
        ((KEPT, WITHIN, NOT_FITTED), "holds"),
        ((WITHIN,), "holds"),
        ((REFUTED, WITHIN), "falsified"),
        ((REFUTED, UNDECIDED, OFF), "falsified"),
        ((KEPT, UNDECIDED, WITHIN), "inconclusive"),
        ((KEPT, WITHIN, OFF), "inconclusive"),
        ((KEPT, FAR_OFF), "inconclusive"),
        ((NOT_FITTED,), "inconclusive"),
        ((), "inconclusive"),
    ],
)
def test_one_instance_refutes_by_a_bound_alone(laws: tuple[Law, ...], verdict: str) -> None:
    assert verdict_alone(laws) == verdict
    assert (ruling(measured(*laws)).verdict == "falsified") == (verdict == "falsified")


def test_what_refutes_alone_comes_before_any_rate() -> None:
    refuting, off = (REFUTED, KEPT, WITHIN), (KEPT, OFF, FAR_OFF)
    assert against(refuting, ("r",)) == (True, 2.0)
    assert against(off, ("r",)) == (False, pytest.approx(2.0))
    assert against(off, ("r", "far")) > against(off, ("r",))
    assert against(off, ()) == (False, 0.0)
    assert max(against(off, ("far",)), against(refuting, ("far",))) == (True, 2.0)


def test_severity_takes_bounds_and_rates() -> None:
    """Three tolerances of a rate count as a value at its bound."""
    near, far = rate("r", 1.0, 1.2, 0.1), rate("r", 1.0, 1.6, 0.1)
    assert severity((KEPT, near)) == pytest.approx(2.0 / 3.0)
    assert severity((KEPT, far)) == pytest.approx(2.0)
    assert severity((REFUTED, near)) == 2.0
    assert severity((UNDECIDED,)) == 0.0
    assert severity((NOT_FITTED,)) == 0.0


GOOD_RATES = (0.95, 1.0, 1.05, 0.99, 1.01, 1.0)
BAD_RATES = (1.2, 1.3, 1.25, 1.22, 1.28, 1.21)
OPEN_RATES = (1.05, 1.15, 1.2, 1.15, 1.2, 1.25)
WIDE_RATES = (0.8, 1.0, 1.05, 0.99, 1.01, 1.0)  # the median is inside, its interval is not
GOOD_NINE = (*GOOD_RATES, 1.0, 1.0, 1.0)
NOWHERE = not_applicable("n", Kind.BELOW, "no such thing")
NINE = [measured(KEPT)] * 9
SIX = [measured(KEPT)] * 6

TABLE: list[tuple[str, list[Evidence], str]] = [
    ("no evidence", [], "inconclusive"),
    ("nothing asserted", [measured()] * 9, "inconclusive"),
    ("six kept", SIX, "holds"),
    ("five kept", SIX[:5], "inconclusive"),
    ("rates kept", with_rates(*GOOD_RATES), "holds"),
    ("rates too few", [*SIX, *with_rates(5.0, 5.0)], "inconclusive"),
    ("rates undecided", with_rates(*OPEN_RATES), "inconclusive"),
    ("interval of a rate leaves its tolerance", with_rates(*WIDE_RATES), "inconclusive"),
    ("rates refuted", with_rates(*BAD_RATES), "falsified"),
    ("one refuted", [*[measured(KEPT)] * 99, measured(REFUTED)], "falsified"),
    ("refuted among failures", [*[failed("raised")] * 9, measured(REFUTED)], "falsified"),
    ("one raised", [*[measured(KEPT)] * 99, failed("raised")], "inconclusive"),
    ("all undecided", [measured(UNDECIDED)] * 9, "inconclusive"),
    ("a tenth undecided", [*NINE, measured(UNDECIDED)], "holds"),
    ("more undecided", [*NINE[1:], measured(UNDECIDED)], "inconclusive"),
    ("rate open on a tenth", [*with_rates(*GOOD_NINE), measured(KEPT, NO_RATE)], "holds"),
    ("rate open on more", [*with_rates(*GOOD_RATES), measured(KEPT, NO_RATE)], "inconclusive"),
    ("rate absent on more", [*with_rates(*GOOD_RATES), measured(KEPT)], "inconclusive"),
    ("law that applies nowhere", [measured(KEPT, NOWHERE)] * 9, "inconclusive"),
    *(
        (f"{outcome}: {count} of {count + 9}", [*NINE, *[failed(outcome)] * count], verdict)
        for outcome in (
            "assumption not met",
            "integrator did not finish",
            "integrators disagree",
            "oracle not certified",
            "numerical failure",
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
    assert (ruling(*evidence).shortfalls == ()) or verdict != "holds"


def test_shortfalls_name_the_law_and_the_reason() -> None:
    evidence = [*with_rates(*GOOD_RATES), measured(KEPT, NO_RATE)]
    (told,) = ruling(*evidence).shortfalls
    assert told == "r: decided on 6 of 7 instances (no rung is resolved)"


def test_coverage_counts_only_where_a_law_applies() -> None:
    elsewhere = measured(KEPT, not_applicable("r", Kind.RATE, "degree 3"))
    laws = {law.id: law for law in ruling(*with_rates(*GOOD_RATES), elsewhere).laws}
    assert (laws["r"].applicable, laws["r"].decided, laws["r"].coverage) == (6, 6, 1.0)
    assert (laws["b"].applicable, laws["b"].decided) == (7, 7)
    assert laws["r"].reasons == (("degree 3", 1),)


def test_undecided_instances_are_counted_apart() -> None:
    evidence = [measured(KEPT), measured(UNDECIDED), measured(REFUTED), failed("raised")]
    counted = ruling(*evidence)
    assert (counted.decided, counted.undecided, counted.refuted) == (2, 2, 1)


def test_worst_case_is_the_largest_decided_ratio() -> None:
    blurred = bound("blurred", 0.99, 1.0, error=0.5)
    found = ruling(measured(KEPT), failed("raised"), measured(bound("w", 0.8, 1.0), blurred))
    assert (found.worst_index, found.worst_law, found.worst) == (2, "w", Check(0.8, 1.0))


@pytest.mark.parametrize(
    ("ratios", "basis", "close"),
    [
        ((0.2, 0.2, 0.7), Basis.MEASURED, True),
        ((0.2, 0.2, 0.7), Basis.CALIBRATED, True),
        ((0.2, 0.2, 0.7), Basis.DERIVED, False),
        ((0.2, 0.2, 0.59), Basis.MEASURED, False),
        ((0.98, 0.98, 0.98), Basis.MEASURED, False),
    ],
)
def test_a_bound_that_nothing_proves_is_close_where_values_scatter_more_than_they_leave(
    ratios: tuple[float, ...], basis: Basis, close: bool
) -> None:
    evidence = [measured(below("b", Quantity.of(ratio, 0.0), 1.0, basis)) for ratio in ratios]
    (law,) = ruling(*evidence).laws
    assert law.close == close


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
    evidence = [*[measured(KEPT)] * 4, measured(REFUTED), *[measured(KEPT)] * 4]
    assert examples_until_rejected(evidence, CLAIM) == 5
    assert examples_until_rejected(with_rates(*BAD_RATES), CLAIM) == 6  # no fewer make a rate
