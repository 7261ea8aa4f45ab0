"""Outcomes of figures: judged by the judge of the claims, with a rival that must fall."""

from dataclasses import replace

import pytest

from verify.figures.outcomes import Bound, Outcome, ordered


def delay_grows(values: tuple[float, ...]) -> Outcome:
    names = tuple(f"alpha {k}" for k in range(len(values)))
    return Outcome(
        "the delay grows with alpha",
        ordered(names, values),
        "it falls",
        ordered(names[::-1], values[::-1]),
    )


def test_what_is_shown_holds_and_its_rival_falls() -> None:
    outcome = delay_grows((1.0, 2.0, 4.0))
    assert outcome.verdict == "holds"
    assert outcome.rival_rejected
    assert outcome.as_expected
    assert outcome.line().startswith("holds: the delay grows")


def test_the_other_order_is_falsified_and_says_where() -> None:
    outcome = delay_grows((1.0, 4.0, 2.0))
    assert outcome.verdict == "falsified"
    assert not outcome.as_expected
    assert "alpha 1 against alpha 2 4 <= 2" in outcome.line()
    assert "NOT AS EXPECTED" in outcome.line()


def test_a_rival_that_survives_is_not_as_expected() -> None:
    outcome = delay_grows((1.0, 1.0))
    assert outcome.verdict == "holds"
    assert not outcome.as_expected


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_was_not_measured_is_inconclusive(value: float) -> None:
    outcome = delay_grows((1.0, value))
    assert outcome.verdict == "inconclusive"
    assert not outcome.as_expected


def test_within_the_error_is_inconclusive() -> None:
    outcome = replace(delay_grows((1.0, 2.0)), bounds=(Bound("gap", 1.0, 1.05, 0.1),))
    assert outcome.verdict == "inconclusive"


def test_a_statement_that_fails_as_expected() -> None:
    outcome = replace(delay_grows((2.0, 1.0)), expected="falsified")
    assert outcome.as_expected
