"""What a comparison of two results files calls a change, and what a regression."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from verify.report.results_file import ResultsFile
from verify.runner import run

Make = Callable[..., Any]
Data = dict[str, Any]

RESULTS: Data = {
    "schema": 1,
    "claims": [
        {
            "id": "law",
            "verdict": "holds",
            "expected": "holds",
            "worst": {"value": 0.5, "bound": 1.0, "error": 0.0, "instance": {}},
            "rates": [
                {"quantity": "slope", "predicted": 1.0, "fitted": 1.0, "low": 0.98, "high": 1.02}
            ],
            "rivals": [{"id": "wrong", "rejected": True, "examples_needed": 3}],
            "counterexample": None,
        },
        {
            "id": "folklore",
            "verdict": "falsified",
            "expected": "falsified",
            "worst": None,
            "rates": [],
            "rivals": [],
            "counterexample": None,
        },
    ],
}


def law(data: Data) -> Data:
    return data["claims"][0]


def verdict(new: str) -> Callable[[Data], None]:
    return lambda data: law(data).update(verdict=new)


def rate(fitted: float, low: float, high: float, **more: float) -> Callable[[Data], None]:
    return lambda data: law(data)["rates"][0].update(fitted=fitted, low=low, high=high, **more)


def worst(value: float, **more: float) -> Callable[[Data], None]:
    return lambda data: law(data)["worst"].update(value=value, **more)


def both(*changes: Callable[[Data], None]) -> Callable[[Data], None]:
    def change(data: Data) -> None:
        for single in changes:
            single(data)

    return change


def power(detected: float | None) -> Callable[[Data], None]:
    found = {"constant": "order", "value": 2.0, "detected": detected}
    return lambda data: law(data).update(power=[found])


def laws(*applicable: tuple[str, int]) -> Callable[[Data], None]:
    stated = [{"name": name, "applicable": count} for name, count in applicable]
    return lambda data: law(data).update(laws=stated, examples=24)


def as_it_is(data: Data) -> None:
    del data


NOTHING = "nothing moved beyond its uncertainty\n"
OFF = rate(1.3, 1.25, 1.35)

CASES: list[tuple[str, Callable[[Data], None], Callable[[Data], None], int, str]] = [
    ("unchanged", as_it_is, as_it_is, 0, NOTHING),
    (
        "now falsified",
        as_it_is,
        verdict("falsified"),
        1,
        "law\n  verdict went from holds to falsified (r",
    ),
    (
        "now inconclusive",
        as_it_is,
        verdict("inconclusive"),
        1,
        "from holds to inconclusive (regression)",
    ),
    ("holds again", verdict("falsified"), as_it_is, 0, "verdict went from falsified to holds\n"),
    (
        "decided, badly",
        verdict("inconclusive"),
        verdict("falsified"),
        1,
        "to falsified (regression)",
    ),
    ("decided, well", verdict("inconclusive"), as_it_is, 0, "from inconclusive to holds\n"),
    ("undecided, was false", verdict("falsified"), verdict("inconclusive"), 0, "to inconclusive\n"),
    (
        "refuted folklore survives",
        as_it_is,
        lambda data: data["claims"][1].update(verdict="holds"),
        1,
        "folklore\n  verdict went from falsified to holds (regression)",
    ),
    ("rate inside", as_it_is, rate(1.03, 1.01, 1.05), 0, NOTHING),
    ("rate worse", as_it_is, OFF, 1, "rate 'slope' moved from 1 [0.98, 1.02] to 1.3 [1.25, 1.35]"),
    ("rate worse, words", as_it_is, OFF, 1, "predicted 1 (regression)\n"),
    ("rate better", OFF, as_it_is, 0, "to 1 [0.98, 1.02], predicted 1\n"),
    (
        "rate moved within tolerance",
        as_it_is,
        rate(1.05, 1.04, 1.06, tolerance=0.1),
        0,
        "predicted 1\n",
    ),
    ("rate to the other side", OFF, rate(0.7, 0.65, 0.75), 0, "to 0.7 [0.65, 0.75], predicted 1\n"),
    ("worst case as before", as_it_is, worst(0.55), 0, NOTHING),
    (
        "worst case nearer",
        as_it_is,
        worst(0.9),
        0,
        "worst case moved from 0.5 to 0.9 of its bound\n",
    ),
    ("worst case beyond", as_it_is, worst(1.4), 1, "from 0.5 to 1.4 of its bound (regression)"),
    ("worst case back", worst(1.4), as_it_is, 0, "worst case moved from 1.4 to 0.5 of its bound\n"),
    ("worst case less its error", as_it_is, worst(1.4, error=0.9), 0, NOTHING),
    (
        "worst case within its error",
        worst(0.5, error=0.9),
        as_it_is,
        0,
        "worst case moved from 0 to 0.5 of its bound\n",
    ),
    ("bound of zero kept", worst(0.0, bound=0.0), worst(0.0, bound=0.0), 0, NOTHING),
    (
        "bound of zero broken",
        worst(0.0, bound=0.0),
        worst(1e-9, bound=0.0),
        1,
        "to inf of its bound (r",
    ),
    (
        "rival survives",
        as_it_is,
        lambda data: law(data)["rivals"][0].update(rejected=False),
        1,
        "law\n  rival wrong is no longer rejected (regression)",
    ),
    (
        "rival removed",
        as_it_is,
        lambda data: law(data).update(rivals=[]),
        1,
        "law\n  rival wrong is no longer tried (regression)",
    ),
    (
        "rival rejected again",
        lambda data: law(data)["rivals"][0].update(rejected=False),
        as_it_is,
        0,
        NOTHING,
    ),
    (
        "claim removed",
        as_it_is,
        lambda data: data["claims"].pop(0),
        1,
        "law\n  no longer run (regression)",
    ),
    (
        "claim left out of a run of some",
        as_it_is,
        lambda data: data.update(selected=True) or (data["claims"].pop(0) and None),
        0,
        "law\n  not in this run\nnothing got worse; other changes in law; 1 claim as before\n",
    ),
    (
        "claim added",
        lambda data: data["claims"].pop(0),
        as_it_is,
        0,
        "law\n  new, holds\nnothing got worse; other changes in law; 1 claim as before\n",
    ),
    (
        "one better and one worse",
        OFF,
        lambda data: data["claims"].pop(1) and None,
        1,
        "folklore\n  no longer run (regression)\nlaw\n  rate 'slope' moved",
    ),
    (
        "new claim that is not as expected",
        lambda data: data["claims"].pop(0),
        verdict("falsified"),
        1,
        "law\n  new, falsified, expected holds (regression)\nworse in law; 1 claim as before\n",
    ),
    (
        "new claim that is open",
        lambda data: data["claims"].pop(0),
        verdict("inconclusive"),
        0,
        "law\n  new, inconclusive\n",
    ),
    (
        "law gone",
        laws(("main", 24), ("total", 24)),
        laws(("total", 24)),
        1,
        "law\n  law 'main' is no longer stated (regression)",
    ),
    (
        "law that applies to few",
        laws(("main", 24)),
        laws(("main", 11)),
        1,
        "law 'main' applies to 11 of 24 instances, and did to 24 of 24 (regression)",
    ),
    ("law that applies to half", laws(("main", 24)), laws(("main", 12)), 0, NOTHING),
    ("law new", laws(), laws(("main", 12)), 0, NOTHING),
    ("laws not told", laws(("main", 24)), as_it_is, 0, NOTHING),
    (
        "rate gone",
        as_it_is,
        lambda data: law(data).update(rates=[]),
        1,
        "law\n  rate 'slope' is no longer found (regression)",
    ),
    (
        "rate of few gone",
        lambda data: law(data)["rates"][0].update(judgement="too few"),
        lambda data: law(data).update(rates=[]),
        0,
        NOTHING,
    ),
    ("sharper", power(0.5), power(0.02), 0, "order went from 50 % to 2 % (sharper)\n"),
    ("blunter", power(0.5), power(None), 0, "in order went from 50 % to none (blunter)\n"),
    ("as sharp", power(0.5), power(0.5), 0, NOTHING),
    ("power new", as_it_is, power(0.5), 0, NOTHING),
    (
        "two changes of one claim",
        as_it_is,
        both(OFF, worst(1.4)),
        1,
        "predicted 1 (regression)\n  worst",
    ),
]


@pytest.mark.parametrize(
    ("before", "after", "status", "words"),
    [pytest.param(*row[1:], id=row[0]) for row in CASES],
)
def test_changes_and_regressions(
    before: Callable[[Data], None],
    after: Callable[[Data], None],
    status: int,
    words: str,
    invoke: Make,
    write: Make,
) -> None:
    for name, change in (("old.json", before), ("new.json", after)):
        data = copy.deepcopy(RESULTS)
        change(data)
        write(name, data)
    answer = invoke("compare", "old.json", "new.json")
    assert (answer.status, answer.err) == (status, "")
    assert words in answer.out
    assert ("(regression)" in answer.out) == (status == 1)


def test_results_of_a_run_compare_with_themselves(
    tiny_claim: Make, plan: Make, invoke: Make, tmp_path: Path
) -> None:
    claims = (tiny_claim(name="true"), tiny_claim(name="false", limit=0.0))
    run(plan(*claims), (ResultsFile(tmp_path),))
    assert json.loads((tmp_path / "results.json").read_text())["claims"]
    answer = invoke("compare", "results.json", "results.json")
    assert (answer.status, answer.out) == (0, NOTHING)
