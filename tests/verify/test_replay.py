"""Replay says what one instance shows by itself; rates are judged by a run, on their median."""

from collections.abc import Callable
from math import nan
from typing import Any

import pytest

from verify.claims.base import Assertions, Bound, RateSample

Make = Callable[..., Any]

KEPT = Bound("sum", 0.5, 1.0)
REFUTED = Bound("sum", 2.0, 1.0)
UNDECIDED = Bound("sum", 1.0, 1.0, error=0.1)
WITHIN = RateSample("slope", 2.0, 2.05, 0.1)
OFF = RateSample("slope", 2.0, 2.5, 0.1)
MEDIAN = (
    "alone this instance neither refutes nor supports the claim: rates are judged by their median "
    "over instances, with python -m verify run --claim tiny"
)


@pytest.fixture
def replay(tiny_claim: Make, invoke: Make, write: Make, instances: dict[str, Any]) -> Make:
    """`replay(bounds, rates, expected=..)`: the answer for an instance of which that is stated."""

    def answer(bounds: tuple[Bound, ...], rates: tuple[RateSample, ...], **options: Any) -> Any:
        stated = Assertions(bounds, rates)
        tiny_claim(assertions=lambda total, limit: stated, rivals={}, **options)
        write("one.json", {**instances["diagonal"], "claim": "tiny"})
        return invoke("replay", "one.json")

    return answer


@pytest.mark.parametrize(
    ("bounds", "rates", "said", "verdict", "status"),
    [
        ((KEPT,), (WITHIN,), [], "holds", 0),
        (
            (KEPT, REFUTED),
            (WITHIN,),
            ["this instance refutes the claim on its own"],
            "falsified",
            1,
        ),
        ((REFUTED,), (OFF,), ["this instance refutes the claim on its own"], "falsified", 1),
        ((KEPT,), (OFF, WITHIN), [MEDIAN], "inconclusive", 3),
        ((), (OFF,), [MEDIAN], "inconclusive", 3),
        (
            (UNDECIDED,),
            (OFF,),
            ["undecided: the numerical error covers a bound"],
            "inconclusive",
            3,
        ),
        (
            (),
            (RateSample("slope", 2.0, nan, 0.1),),
            ["there was nothing to fit a rate to"],
            "inconclusive",
            3,
        ),
    ],
)
def test_verdict_and_what_decides_it(
    bounds: tuple[Bound, ...],
    rates: tuple[RateSample, ...],
    said: list[str],
    verdict: str,
    status: int,
    replay: Make,
) -> None:
    answer = replay(bounds, rates)
    assert (answer.status, answer.err) == (status, "")
    first, *lines, last = answer.out.splitlines()
    assert first == "tiny: Sums are small"
    assert last == f"verdict: {verdict}"
    assert [line for line in lines if not line.startswith("  ")] == said


@pytest.mark.parametrize(
    ("bounds", "rates", "status"), [((REFUTED,), (), 0), ((KEPT,), (), 1), ((KEPT,), (OFF,), 3)]
)
def test_status_where_the_claim_is_expected_to_fall(
    bounds: tuple[Bound, ...], rates: tuple[RateSample, ...], status: int, replay: Make
) -> None:
    assert replay(bounds, rates, expected="falsified").status == status


def test_every_bound_and_rate_has_its_line(replay: Make) -> None:
    out = replay((KEPT, REFUTED, UNDECIDED), (WITHIN, OFF)).out.splitlines()
    assert out[1:6] == [
        "  kept      sum: 0.5 <= 1 (ratio 0.5, error 0.0e+00)",
        "  refuted   sum: 2 <= 1 (ratio 2, error 0.0e+00)",
        "  undecided sum: 1 <= 1 (ratio 0.9, error 1.0e-01)",
        "  within    slope: 2.05, predicted 2 +- 0.1 (0.5 tolerances off)",
        "  off       slope: 2.5, predicted 2 +- 0.1 (5 tolerances off)",
    ]
