"""Results files that were edited, cut off or merged: refused by name, never a crash."""

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from verify.compare import read_results
from verify.results_shape import RESULTS, fault

BASELINE = Path(__file__).parents[2] / "reports" / "baseline.json"

Place = tuple[str | int, ...]


@pytest.fixture(scope="module")
def one_claim() -> dict[str, Any]:
    """The claim of the baseline that has most to tell, alone."""
    results: dict[str, Any] = json.loads(BASELINE.read_text())
    found = [claim for claim in results["claims"] if claim["counterexample"] and claim["rates"]]
    claim = max(found, key=lambda claim: len(claim["power"]) - len(claim["instances"]))
    claim["instances"] = claim["instances"][:1]
    return {**results, "claims": [claim], "necessity": None}


def places(data: Any, place: Place = ()) -> Iterator[Place]:
    """Of all that the program reads; instances are read by their own kinds."""
    if place[-1:] in (("instance",), ("measures",), ("packages",)):
        return
    entries = data.items() if isinstance(data, dict) else enumerate(data[:1])
    for key, value in entries:
        yield (*place, key)
        if isinstance(value, (dict, list)):
            yield from places(value, (*place, key))


def damaged(data: Any, place: Place, put: Callable[[Any, Any], None]) -> Any:
    again = copy.deepcopy(data)
    target = again
    for key in place[:-1]:
        target = target[key]
    put(target, place[-1])
    return again


def without(target: Any, key: Any) -> None:
    if isinstance(target, dict):
        del target[key]


def null(target: Any, key: Any) -> None:
    target[key] = None


def words(target: Any, key: Any) -> None:
    target[key] = "x<"


@pytest.mark.slow
@pytest.mark.parametrize("put", [without, null, words])
def test_whatever_is_damaged_no_command_crashes(
    put: Callable[[Any, Any], None],
    one_claim: dict[str, Any],
    write: Callable[..., Path],
    invoke: Callable[..., Any],
) -> None:
    write("whole.json", one_claim)
    crashed = []
    for place in places(one_claim):
        write("bad.json", damaged(one_claim, place, put))
        for command in (
            ("report", "bad.json", "--out", "out"),
            ("compare", "whole.json", "bad.json", "--html", "page.html"),
            ("compare", "bad.json", "whole.json"),
        ):
            answer = invoke(*command)
            if answer.status not in (0, 1, 2):
                crashed.append((place, command[0], answer.err.splitlines()[-2:]))
    assert crashed == []


def test_the_baseline_is_whole(one_claim: dict[str, Any]) -> None:
    assert fault(one_claim, RESULTS, "report") is None
    read_results(BASELINE, "report")


@pytest.mark.parametrize(
    ("place", "put", "message"),
    [
        (("seed",), without, "seed is missing; a report needs it"),
        (("claims", 0, "title"), null, "claims[0].title is None; it must be a string"),
        (
            ("claims", 0, "verdict"),
            words,
            "claims[0].verdict is 'x<'; it must be 'holds' or 'falsified' or 'inconclusive'",
        ),
        (
            ("claims", 0, "rates", 0, "low"),
            words,
            "claims[0].rates[0].low is 'x<'; it must be a finite number",
        ),
        (("claims", 0, "laws"), null, "claims[0].laws is None; it must be a list"),
    ],
)
def test_a_report_of_damaged_results_names_the_place_and_writes_nothing(
    place: Place,
    put: Callable[[Any, Any], None],
    message: str,
    one_claim: dict[str, Any],
    write: Callable[..., Path],
    invoke: Callable[..., Any],
    tmp_path: Path,
) -> None:
    write("bad.json", damaged(one_claim, place, put))
    answer = invoke("report", "bad.json", "--out", "out")
    assert (answer.status, answer.err) == (2, f"error: bad.json: {message}\n")
    assert not (tmp_path / "out").exists()


def test_numbers_that_are_none_are_never_compared(
    one_claim: dict[str, Any], write: Callable[..., Path], invoke: Callable[..., Any]
) -> None:
    """A NaN lies in no interval and is no further off than anything: it would pass."""
    bad = copy.deepcopy(one_claim)
    bad["claims"][0]["rates"][0]["fitted"] = float("nan")
    write("bad.json", bad)
    answer = invoke("compare", str(BASELINE), "bad.json")
    assert answer.status == 2
    assert "fitted is nan; it must be a finite number" in answer.err


def test_a_claim_that_stands_twice_is_refused(
    one_claim: dict[str, Any], write: Callable[..., Path], invoke: Callable[..., Any]
) -> None:
    """One of them would hide the verdict of the other."""
    write("twice.json", {**one_claim, "claims": one_claim["claims"] * 2})
    answer = invoke("compare", "twice.json", "twice.json")
    assert answer.status == 2
    assert "2 times; each must stand once" in answer.err
