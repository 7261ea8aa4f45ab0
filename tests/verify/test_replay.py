"""Replay says what one instance shows by itself; rates are judged by a run, on their median."""

from collections.abc import Callable
from math import nan
from typing import Any

import pytest
from stated import bound, rate

from verify.language import Basis, Kind, Law, Quantity, below, not_applicable, unresolved

Make = Callable[..., Any]

KEPT = bound("sum", 0.5, 1.0)
REFUTED = bound("excess", 2.0, 1.0)
UNDECIDED = bound("blur", 1.0, 1.0, error=0.1)
WITHIN = rate("slope", 2.0, 2.05, 0.1)
OFF = rate("bend", 2.0, 2.5, 0.1)
MEDIAN = (
    "alone this instance neither refutes nor supports the claim: rates are judged by their median "
    "over instances, with python -m verify run --claim tiny"
)

ALONE = "this instance refutes the claim on its own"
OPEN = "undecided: a law is not resolved here"
SILENT = "no law of the claim speaks about this instance"


@pytest.fixture
def replay(tiny_claim: Make, invoke: Make, write: Make, instances: dict[str, Any]) -> Make:
    """`replay(laws, expected=..)`: the answer for an instance of which these are stated."""

    def answer(laws: tuple[Law, ...], **options: Any) -> Any:
        tiny_claim(laws=lambda total, limit: laws, rivals={}, **options)
        write("one.json", {**instances["diagonal"], "claim": "tiny"})
        return invoke("replay", "one.json")

    return answer


@pytest.mark.parametrize(
    ("laws", "said", "verdict", "status"),
    [
        ((KEPT, WITHIN), [], "holds", 0),
        ((KEPT, REFUTED, WITHIN), [ALONE], "falsified", 1),
        ((REFUTED, OFF), [ALONE], "falsified", 1),
        ((KEPT, OFF, WITHIN), [MEDIAN], "inconclusive", 3),
        ((OFF,), [MEDIAN], "inconclusive", 3),
        ((UNDECIDED, WITHIN), [OPEN], "inconclusive", 3),
        ((rate("slope", 2.0, nan, 0.1),), [OPEN], "inconclusive", 3),
        ((not_applicable("sum", Kind.BELOW, "none"),), [SILENT], "inconclusive", 3),
        ((), [SILENT], "inconclusive", 3),
    ],
)
def test_verdict_and_what_decides_it(
    laws: tuple[Law, ...], said: list[str], verdict: str, status: int, replay: Make
) -> None:
    answer = replay(laws)
    assert (answer.status, answer.err) == (status, "")
    first, *lines, last = answer.out.splitlines()
    assert first == "tiny: Sums are small"
    assert last == f"verdict: {verdict}"
    assert [line for line in lines if not line.startswith("  ")] == said


@pytest.mark.parametrize(("laws", "status"), [((REFUTED,), 0), ((KEPT,), 1), ((KEPT, OFF), 3)])
def test_status_where_the_claim_is_expected_to_fall(
    laws: tuple[Law, ...], status: int, replay: Make
) -> None:
    assert replay(laws, expected="falsified").status == status


def test_every_law_has_its_lines(replay: Make) -> None:
    rungs = below("rungs", Quantity.of([1.0, 3.0], 0.0), 2.0, Basis.DERIVED, at=[4.0, 5.0])
    silent = not_applicable("other", Kind.BELOW, "no such thing")
    open_law = unresolved("open", Kind.RATE, "no rung is resolved")
    out = replay((KEPT, UNDECIDED, WITHIN, OFF, rungs, silent, open_law)).out.splitlines()
    assert out[1:9] == [
        "  kept      sum: 0.5 <= 1 (ratio 0.5, error 0.0e+00)",
        "  undecided blur: 1 <= 1 (ratio 0.9, error 1.0e-01)",
        "  within    slope: 2.05, predicted 2 +- 0.1 (0.5 tolerances off)",
        "  off       bend: 2.5, predicted 2 +- 0.1 (5 tolerances off)",
        "  kept      rungs at 4: 1 <= 2 (ratio 0.5, error 0.0e+00)",
        "  refuted   rungs at 5: 3 <= 2 (ratio 1.5, error 0.0e+00)",
        "  does not apply: other (no such thing)",
        "  unresolved: open (no rung is resolved)",
    ]
