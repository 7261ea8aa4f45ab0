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
from stated import bound, rate

from theory import Diagonal, Problem, Regime
from verify.evidence import CLAIM, Evidence
from verify.examine import decisive, examine
from verify.instances import FlowInstance
from verify.judge import judge
from verify.language import Law, Rival, stated
from verify.power import Power, in_words, range_in_words
from verify.report.digest import digest
from verify.report.terminal import Terminal
from verify.runner import run

Make = Callable[..., Any]


@dataclass(frozen=True)
class Theory:
    order: float = stated(1.0)
    limit: float = stated(1000.0)


def laws(total: float, theory: Theory) -> list[Law]:
    """The order is found to be 1, known to 0.03; sums stay below the limit, far below."""
    method = "least-squares slopes over 3 rungs"
    return [bound("total", total, theory.limit), rate("order", theory.order, 1.0, 0.03, method)]


RIVAL = (Rival("double", "order 2", replace(Theory(), order=2.0)),)


@pytest.fixture
def sharp(tiny_claim: Make) -> Make:
    def make(**changes: Any) -> Any:
        given = {"theory": Theory(), "laws": laws, "rivals": RIVAL}
        asked = {**given, **changes}
        theory = asked.pop("theory")
        return replace(tiny_claim(**asked), theory=theory)

    return make


def running(claim: Any, plan: Make, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> Any:
    monkeypatch.setattr("verify.shards.claim_of", lambda module, name: claim)
    return run(plan(claim, **changes), ())


bounds = st.builds(
    bound,
    st.just("b"),
    st.sampled_from([0.0, 0.5, 0.95, 1.0, 1.2, 3.0, float("nan"), float("inf")]),
    st.sampled_from([0.0, 1.0, 2.0]),
    st.sampled_from([0.0, 0.1, 1.0]),
)
rates = st.builds(
    rate, st.sampled_from("rs"), st.just(1.0), st.sampled_from([0.9, 1.0, 2.0]), st.just(0.1)
)


@given(st.lists(st.lists(bounds | rates, max_size=4).map(tuple), max_size=8))
def test_what_is_kept_of_a_detuned_theory_is_judged_like_the_whole(some: list[Any]) -> None:
    def ruled(listed: list[Any]) -> Any:
        ruling = judge([Evidence({}, "measured", laws={CLAIM: entry}) for entry in listed], CLAIM)
        return ruling.verdict, ruling.decided, ruling.undecided, ruling.refuted, ruling.rates

    kept = [tuple(decisive(law) for law in entry) for entry in some]
    assert all(len(law.checks) <= 1 for entry in kept for law in entry)
    assert ruled(kept) == ruled(some)


def detected(result: Any) -> dict[str, float | None]:
    return {power.constant: power.detected for power in result.claims[0].power}


def test_smallest_error_that_is_detected(
    sharp: Make, plan: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rate known to 0.03 shows 5 % and not 2 %; a limit that is far off shows nothing."""
    result = running(sharp(), plan, monkeypatch)
    assert detected(result) == {"order": 0.05, "limit": None}
    assert result.exit_status == 0  # that a detuned theory survives is no failure


@dataclass(frozen=True)
class Single:
    order: float = stated(1.0)


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
    rejects: Callable[[float], bool],
    smallest: float | None,
    sharp: Make,
    plan: Make,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def judged(total: float, theory: Single) -> list[Law]:
        return [bound("b", float(rejects(theory.order)), 0.5)]

    claim = sharp(laws=judged, theory=Single(), rivals=())
    assert detected(running(claim, plan, monkeypatch, examples=8)) == {"order": smallest}


@dataclass(frozen=True)
class Counted:
    degree: int = stated(2)


@pytest.mark.parametrize(("allowed", "smallest"), [({2}, 1.0), ({1, 2}, None), ({2, 3}, None)])
def test_whole_numbers_are_put_off_by_one(
    allowed: set[int],
    smallest: float | None,
    sharp: Make,
    plan: Make,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def judged(total: float, theory: Counted) -> list[Law]:
        return [bound("b", float(theory.degree not in allowed), 0.5)]

    result = running(sharp(laws=judged, theory=Counted(), rivals=()), plan, monkeypatch)
    assert detected(result) == {"degree": smallest}


@pytest.mark.parametrize("error", [ValueError, ZeroDivisionError, AttributeError, RuntimeWarning])
def test_constants_that_cannot_be_put_off_were_not_tried(
    error: type[Exception], sharp: Make, plan: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def only_the_true_one(total: float, theory: Theory) -> list[Law]:
        if theory.limit != 1000.0:
            raise error("no such theory")
        return laws(total, theory)

    result = running(sharp(laws=only_the_true_one), plan, monkeypatch)
    assert detected(result) == {"order": 0.05}
    assert result.claims[0].ruling.verdict == "holds"


def test_what_can_be_computed_on_some_instances_only_is_not_detected(
    sharp: Make, plan: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fragile(total: float, theory: Theory) -> list[Law]:
        if theory.order == 1.1 and total > 20.0:
            raise ZeroDivisionError
        return laws(total, theory)

    assert detected(running(sharp(laws=fragile), plan, monkeypatch))["order"] == 0.2


def test_results_carry_numbers_to_cite(
    sharp: Make, plan: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = running(sharp(), plan, monkeypatch)
    written = json.loads(json.dumps(result.to_json(), allow_nan=False))["claims"][0]
    told = [(p["constant"], p["value"], p["detected"]) for p in written["power"]]
    assert told == [("order", 1.0, 0.05), ("limit", 1000.0, None)]
    count, ratio = written["examples"], written["worst"]["ratio"]
    assert ratio == written["worst"]["value"] / 1000.0
    room = 100.0 * (1.0 - 0.05 ** (1.0 / count))
    assert written["ruling"] == (
        f"holds on {count} of {count} instances; largest ratio to a bound {ratio:.3g}; it may "
        f"still fail on up to {room:.3g} % of such instances (95 % confidence); this run would "
        "have detected an error of 5 % in order; it would have missed one of 50 % in limit"
    )
    (told,) = written["rates"]
    assert told["method"].startswith(
        f"median over {count} instances of least-squares slopes over 3 rungs; distribution-free "
        "95 % interval of the median, between values "
    )


def test_a_falsified_claim_has_no_power(
    sharp: Make, plan: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = sharp(theory=replace(Theory(), order=2.0), rivals=())
    written = running(claim, plan, monkeypatch).to_json()["claims"][0]
    assert (written["verdict"], written["power"]) == ("falsified", [])
    # the order is off by more than 50 %, the limit has nothing to do with its failure
    assert "it fails as well with limit off by up to 50 %" in written["ruling"]


def test_a_theory_whose_every_error_survives_is_toothless(
    sharp: Make, plan: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its rival is rejected, but no value comes near the bound under any detuning."""

    @dataclass(frozen=True)
    class Lenient:
        limit: float = stated(1e8)

    def lenient(total: float, theory: Lenient) -> list[Law]:
        return [bound("total", total, theory.limit)]

    rival = (Rival("tiny", "at most 1", Lenient(limit=1.0)),)
    claim = sharp(laws=lenient, theory=Lenient(), rivals=rival)
    (entry,) = running(claim, plan, monkeypatch).claims
    assert (entry.ruling.verdict, entry.standing) == ("inconclusive", "toothless")
    assert "no error of 50 % in any of its constants is detected" in entry.ruling.shortfalls[0]


def test_detuned_theories_stay_out_of_what_is_written(
    sharp: Make, plan: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "order + 0.05" not in json.dumps(running(sharp(), plan, monkeypatch).to_json())


def test_evidence_with_detuned_theories_survives_json(sharp: Make) -> None:
    problem = Problem(Diagonal(1), np.array([0.5, 0.5]), np.array([[3.0]]), np.ones(1))
    entry = examine(sharp(), FlowInstance(problem, Regime(log10_alpha=8, decay_power=2)))
    assert "order - 0.02" in entry.laws
    assert Evidence.from_json(json.loads(json.dumps(entry.to_json()))) == entry


def test_terminal_tells_best_and_worst_constant(
    sharp: Make, plan: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream, claim = io.StringIO(), sharp()
    console = Console(file=stream, width=120, force_terminal=False)
    monkeypatch.setattr("verify.shards.claim_of", lambda module, name: claim)
    run(plan(claim), (Terminal(console),))
    assert "5 % to none" in stream.getvalue()


SIZES = (0.5, 0.2, 0.1, 0.05, 0.02)
A, B, C = (Power(name, 1.0, SIZES, size) for name, size in (("a", 0.02), ("b", 0.2), ("c", None)))
WHOLE = Power("n", 2, (1.0,), 1.0)


@pytest.mark.parametrize(
    ("powers", "words", "ends"),
    [
        ((), "", "-"),
        ((A,), "this run would have detected an error of 2 % in a", "2 %"),
        ((C,), "it would have missed one of 50 % in c", "none"),
        (
            (A, WHOLE),
            "this run would have detected an error of 2 % in a, and of 1 in n",
            "2 % to 1",
        ),
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


def test_what_an_instance_refutes_is_asked_of_no_other(
    sharp: Make, plan: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a shard: a limit that is put off leaves [100, 102], is stated once, and is detected."""
    asked: list[float] = []

    def told(total: float, theory: Theory) -> list[Law]:
        asked.append(theory.limit)
        return [bound("low", 100.0, theory.limit), bound("high", theory.limit, 102.0)]

    claim = sharp(theory=Theory(limit=101.0), laws=told, rivals=(), families=("any",))
    (entry,) = running(claim, plan, monkeypatch, examples=8).claims
    (limit,) = (power for power in entry.power if power.constant == "limit")
    assert limit.detected == 0.02
    assert [asked.count(101.0 * (1.0 + size)) for size in (0.5, 0.02, -0.02)] == [1, 1, 1]
    assert asked.count(101.0) >= 8


@dataclass(frozen=True)
class InUnits(Theory):
    units: int = stated(3)


def test_listeners_are_told_what_the_file_holds(
    sharp: Make, plan: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lists as lists: whole numbers are known by their sizes, and are no percentages."""

    def told(total: float, theory: InUnits) -> list[Law]:
        return [*laws(total, theory), bound("units", abs(theory.units - 3.0), 0.5)]

    result = running(sharp(theory=InUnits(), laws=told), plan, monkeypatch).to_json()
    (claim,) = result["claims"]
    assert claim["power"] == json.loads(json.dumps(claim["power"]))
    plain = result == json.loads(json.dumps(result))
    assert plain
    assert digest(claim).detects == digest(json.loads(json.dumps(claim))).detects == "5 %, 1 not"
