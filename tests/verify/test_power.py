"""Power on theories whose sharpness is known by hand."""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from theory import Diagonal, Problem, Regime
from verify.claims import all_claims
from verify.claims.base import Assertions, Bound, RateSample, Rival
from verify.evidence import CLAIM, Evidence, examine
from verify.instances import FlowInstance
from verify.judge import judge
from verify.power import (
    DETUNINGS,
    Power,
    constants,
    decisive,
    detuned_theories,
    in_words,
    range_in_words,
    statement,
)
from verify.report.terminal import Terminal
from verify.runner import run

Make = Callable[..., Any]


@dataclass(frozen=True)
class Inner:
    shift: float = -3.0
    count: int = 4


@dataclass(frozen=True)
class Theory:
    order: float = 1.0
    limit: float = 1000.0
    offset: float = 0.0
    degree: int = 2
    late: bool = True
    word: str = "early"
    inner: Inner = Inner()
    terms: tuple[float, ...] = (0.25, 0.0, 8.0)


def assertions(total: float, theory: Theory) -> Assertions:
    """The order is found to be 1, known to 0.03; sums stay below the limit, far below."""
    return Assertions(
        (Bound("total", total, theory.limit),),
        (RateSample("order", theory.order, 1.0, 0.03, "least-squares slopes over 3 rungs"),),
    )


RIVAL = (Rival("double", "order 2", replace(Theory(), order=2.0)),)


@pytest.fixture
def sharp(tiny_claim: Make) -> Make:
    def make(**changes: Any) -> Any:
        given = {"theory": Theory(), "assertions": assertions, "rivals": RIVAL}
        return tiny_claim(**{**given, **changes})

    return make


def test_constants_are_the_real_numbers_of_the_theory_but_zeros(sharp: Make) -> None:
    assert constants(sharp()) == {
        "order": 1.0,
        "limit": 1000.0,
        "inner.shift": -3.0,
        "terms[0]": 0.25,
        "terms[2]": 8.0,
    }
    assert constants(sharp(constants=("limit",))) == {"limit": 1000.0}
    assert constants(sharp(constants=())) == constants(sharp(theory="words alone")) == {}


def test_each_detuned_theory_has_one_constant_off(sharp: Make) -> None:
    detuned = dict(detuned_theories(sharp()))
    assert len(detuned) == 5 * 2 * len(DETUNINGS)
    assert detuned[statement("order", 1.05)] == replace(Theory(), order=1.05)
    assert detuned[statement("inner.shift", 0.5)] == replace(Theory(), inner=Inner(shift=-1.5))
    assert detuned[statement("terms[2]", 1.5)] == replace(Theory(), terms=(0.25, 0.0, 12.0))
    assert Theory() not in detuned.values()


bounds = st.builds(
    Bound,
    st.just("b"),
    st.sampled_from([0.0, 0.5, 0.95, 1.0, 1.2, 3.0, float("nan"), float("inf")]),
    st.sampled_from([0.0, 1.0, 2.0]),
    st.sampled_from([0.0, 0.1, 1.0]),
)
rates = st.builds(
    RateSample, st.sampled_from("rs"), st.just(1.0), st.sampled_from([0.9, 1.0, 2.0]), st.just(0.1)
)
stated = st.builds(Assertions, st.lists(bounds).map(tuple), st.lists(rates).map(tuple))


@given(st.lists(stated, max_size=8))
def test_what_is_kept_of_a_detuned_theory_is_judged_like_the_whole(some: list[Assertions]) -> None:
    def ruled(assertions: list[Assertions]) -> Any:
        ruling = judge([Evidence({}, "measured", assertions={CLAIM: a}) for a in assertions], CLAIM)
        return ruling.verdict, ruling.decided, ruling.undecided, ruling.refuted, ruling.rates

    kept = [decisive(entry) for entry in some]
    assert all(len(entry.bounds) <= 1 for entry in kept)
    assert ruled(kept) == ruled(some)


def detected(result: Any) -> dict[str, float | None]:
    return {power.constant: power.detected for power in result.claims[0].power}


def test_smallest_error_that_is_detected(sharp: Make, plan: Make) -> None:
    """A rate known to 0.03 shows 5 % and not 2 %; a limit that is far off shows nothing."""
    found = detected(run(plan(sharp(constants=("order", "limit"))), ()))
    assert found == {"order": 0.05, "limit": None}


@pytest.mark.parametrize(
    ("rejects", "smallest"),
    [
        (lambda order: order < 1.0, None),  # downwards only
        (lambda order: abs(order - 1.0) > 0.4, 0.5),
        (lambda order: order != 1.0, 0.02),
        (lambda order: abs(order - 1.0) in (0.5, 0.1) or 0.0 < abs(order - 1.0) < 0.06, 0.5),
        (lambda order: 0.0 < abs(order - 1.0) < 0.3, None),  # small errors, not large ones
    ],
)
def test_all_larger_errors_must_be_detected_too(
    rejects: Callable[[float], bool], smallest: float | None, sharp: Make, plan: Make
) -> None:
    def judged(total: float, theory: Theory) -> Assertions:
        return Assertions((Bound("b", float(rejects(theory.order)), 0.5),))

    claim = sharp(assertions=judged, constants=("order",), rivals=())
    assert detected(run(plan(claim, examples=4), ())) == {"order": smallest}


@pytest.mark.parametrize("error", [ValueError, ZeroDivisionError, AttributeError, RuntimeWarning])
def test_constants_that_cannot_be_put_off_were_not_tried(
    error: type[Exception], sharp: Make, plan: Make
) -> None:
    def only_the_true_one(total: float, theory: Theory) -> Assertions:
        if theory.order not in (1.0, 2.0):
            raise error("no such theory")
        return assertions(total, theory)

    result = run(plan(sharp(assertions=only_the_true_one, constants=("order", "limit"))), ())
    assert detected(result) == {"limit": None}
    assert result.claims[0].ruling.verdict == "holds"


def test_what_can_be_computed_on_some_instances_only_is_not_detected(
    sharp: Make, plan: Make
) -> None:
    def fragile(total: float, theory: Theory) -> Assertions:
        if theory.order == 1.1 and total > 20.0:
            raise ZeroDivisionError
        return assertions(total, theory)

    result = run(plan(sharp(assertions=fragile, constants=("order",))), ())
    assert detected(result) == {"order": 0.2}


def test_detuned_theories_that_survive_are_no_failure(sharp: Make, plan: Make) -> None:
    result = run(plan(sharp()), ())
    assert None in detected(result).values()
    assert result.exit_status == 0


def test_results_carry_numbers_to_cite(sharp: Make, plan: Make) -> None:
    result = run(plan(sharp(constants=("order", "limit"))), ())
    written = json.loads(json.dumps(result.to_json(), allow_nan=False))["claims"][0]
    assert written["power"] == [
        {"constant": "order", "value": 1.0, "detected": 0.05},
        {"constant": "limit", "value": 1000.0, "detected": None},
    ]
    count, ratio = written["examples"], written["worst"]["ratio"]
    assert ratio == written["worst"]["value"] / 1000.0
    assert written["ruling"] == (
        f"holds on {count} of {count} instances; largest ratio to a bound {ratio:.3g}; this run "
        "would have detected an error of 5 % in order; it would have missed one of 50 % in limit"
    )
    (rate,) = written["rates"]
    assert rate["method"].startswith(
        f"median over {count} instances of least-squares slopes over 3 rungs; distribution-free "
        "95 % interval of the median, between values "
    )


def test_order_statistics_of_the_interval_are_told() -> None:
    def method(count: int) -> str:
        sample = RateSample("r", 0.0, 0.0, 1.0)
        entry = Evidence({}, "measured", assertions={CLAIM: Assertions((), (sample,))})
        (rate,) = judge([entry] * count, CLAIM).rates
        return rate.method

    # P(fewer than 7 of 24 fair coins show heads) = 0.0113, of 8 it is 0.032
    assert method(24).endswith("between values 7 and 18 in order")
    assert "the value found on each" in method(24)
    assert method(6).endswith("between values 1 and 6 in order")
    assert method(5).endswith("the interval is that of all values, below 95 %")


def test_a_falsified_claim_has_no_power(sharp: Make, plan: Make) -> None:
    claim = sharp(theory=replace(Theory(), order=2.0), rivals=())
    written = run(plan(claim), ()).to_json()["claims"][0]
    assert (written["verdict"], written["power"]) == ("falsified", [])
    assert "detected" not in written["ruling"]
    # the order is off by more than 50 %, the others have nothing to do with its failure
    assert (
        "it fails as well with limit, inner.shift, terms[0] and terms[2] off by up to 50 %"
        in written["ruling"]
    )


def test_a_theory_without_constants_says_so(sharp: Make, plan: Make) -> None:
    written = run(plan(sharp(constants=())), ()).to_json()["claims"][0]
    assert "no constant of its theory was put off" in written["ruling"]


def test_detuned_theories_stay_out_of_what_is_written(sharp: Make, plan: Make) -> None:
    text = json.dumps(run(plan(sharp()), ()).to_json())
    assert statement("order", 1.05) not in text


def test_evidence_with_detuned_theories_survives_json(sharp: Make) -> None:
    problem = Problem(Diagonal(1), np.array([0.5, 0.5]), np.array([[3.0]]), np.ones(1))
    entry = examine(sharp(), FlowInstance(problem, Regime(log10_alpha=8, decay_power=2)))
    assert statement("order", 0.98) in entry.assertions
    assert Evidence.from_json(json.loads(json.dumps(entry.to_json()))) == entry


def test_terminal_tells_best_and_worst_constant(sharp: Make, plan: Make) -> None:
    stream = io.StringIO()
    console = Console(file=stream, width=120, force_terminal=False)
    run(plan(sharp(constants=("order", "limit"))), (Terminal(console),))
    assert "5 % to none" in stream.getvalue()


A, B, C = Power("a", 1.0, 0.02), Power("b", 1.0, 0.2), Power("c", 1.0, None)


@pytest.mark.parametrize(
    ("powers", "words", "ends"),
    [
        ((), "", "-"),
        ((A,), "this run would have detected an error of 2 % in a", "2 %"),
        ((C,), "it would have missed one of 50 % in c", "none"),
        (
            (C, B, A, replace(A, constant="d"), replace(B, constant="e", detected=0.05)),
            "this run would have detected an error of 2 % in a and d, of 5 % in e, "
            "and of 20 % in b; "
            "it would have missed one of 50 % in c",
            "2 % to none",
        ),
    ],
)
def test_power_in_words(powers: tuple[Power, ...], words: str, ends: str) -> None:
    assert in_words(powers) == words
    assert range_in_words(powers) == ends


@pytest.mark.parametrize("name", sorted(all_claims()))
def test_constants_that_claims_name_are_theirs(name: str) -> None:
    claim = all_claims()[name]
    named = constants(claim)
    assert named, "a claim without constants states no power"
    assert len(dict(detuned_theories(claim))) == 10 * len(named)
