"""results.json: the fixed schema, strict JSON, written whole."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from stated import bound

from theory.errors import IntegrationFailed
from verify.language import Basis, Finding, Ladder, Quantity, below
from verify.report import words
from verify.report.results_file import ResultsFile
from verify.results import RunResult
from verify.runner import run

Make = Callable[..., Any]

Number = (float, int)
CLAIM_KEYS: dict[str, Any] = {
    "id": str,
    "source": str,
    "verdict": str,
    "expected": str,
    "examples": int,
    "discarded": int,
    "inconclusive": int,
    "seconds": Number,
    "worst": (dict, type(None)),
    "rates": list,
    "rivals": list,
    "counterexample": (dict, type(None)),
}
TOP_KEYS: dict[str, Any] = {
    "schema": int,
    "seed": int,
    "profile": str,
    "environment": dict,
    "claims": list,
}
WORST_KEYS = {"value": Number, "bound": Number, "instance": dict}
RATE_KEYS = {"quantity": str, **dict.fromkeys(("predicted", "fitted", "low", "high"), Number)}
RIVAL_KEYS = {"id": str, "rejected": bool, "examples_needed": (int, type(None))}
COUNTEREXAMPLE_KEYS = {"instance": str, "command": str}


def assert_has(data: dict[str, Any], keys: dict[str, Any]) -> None:
    for key, kind in keys.items():
        assert isinstance(data[key], kind), f"{key} is {data[key]!r}"
        assert bool in (kind if isinstance(kind, tuple) else (kind,)) or not isinstance(
            data[key], bool
        )


def strict(text: str) -> Any:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(text, parse_constant=refuse)


@pytest.fixture
def written(tiny_claim: Make, plan: Make) -> Any:
    """results.json of one claim of each verdict."""

    def fail(total: float) -> None:
        raise IntegrationFailed("stuck")

    claims = (
        tiny_claim(name="true"),
        tiny_claim(name="false", limit=3.0),
        tiny_claim(name="open", check=fail),
    )
    folder = plan().folder
    run(plan(*claims), (ResultsFile(folder),))
    return strict((folder / "results.json").read_text(encoding="utf-8"))


def test_schema_is_the_fixed_one(written: Any) -> None:
    assert_has(written, TOP_KEYS)
    assert written["schema"] == 1
    assert [claim["id"] for claim in written["claims"]] == ["true", "false", "open"]
    assert [claim["verdict"] for claim in written["claims"]] == [
        "holds",
        "falsified",
        "inconclusive",
    ]
    for claim in written["claims"]:
        assert_has(claim, CLAIM_KEYS)
        assert claim["expected"] == "holds"
        for rate in claim["rates"]:
            assert_has(rate, RATE_KEYS)
        for rival in claim["rivals"]:
            assert_has(rival, RIVAL_KEYS)
        if claim["worst"] is not None:
            assert_has(claim["worst"], WORST_KEYS)
    assert written["exit_status"] == 1


def test_what_a_verdict_rests_on_is_written(written: Any) -> None:
    true, false, open_ = written["claims"]
    assert true["rates"][0]["quantity"] == "slope"
    assert true["rivals"][0]["rejected"]
    assert 1 <= true["rivals"][0]["examples_needed"] <= true["examples"]
    assert true["room_for_failures"] == pytest.approx(1.0 - 0.05 ** (1.0 / true["decided"]))
    assert [law["coverage"] for law in true["laws"]] == [1.0, 1.0]
    assert written["judgements"]["rates"] == 2
    assert true["counterexample"] is None
    assert true["worst"]["value"] == sum(x[0] for x in true["worst"]["instance"]["inputs"])
    assert_has(false["counterexample"], COUNTEREXAMPLE_KEYS)
    assert Path(false["counterexample"]["instance"]).exists()
    assert open_["worst"] is None
    assert open_["inconclusive"] == open_["examples"] > 0
    assert open_["rates"] == []


def test_provenance_is_written(written: Any) -> None:
    environment = written["environment"]
    assert {"python", "platform", "packages", "commit"} <= set(environment)
    assert {"numpy", "scipy", "hypothesis"} <= set(environment["packages"])
    assert written["command"] == "python -m verify run"


def test_examples_count_equal_instances_once(tiny_claim: Make, plan: Make) -> None:
    """Forty draws from forty numbers repeat: each family draws the simplest one at least."""
    written = run(plan(tiny_claim()), ()).to_json()["claims"][0]
    distinct = {json.dumps(entry["instance"]) for entry in written["instances"]}
    assert written["examples"] == len(written["instances"]) == len(distinct) < 40


def test_bounds_are_grouped_over_rungs(tiny_claim: Make, plan: Make) -> None:
    def laws(total: float, limit: float) -> list[Any]:
        rungs = Quantity.of([1.0, 4.0], 0.0)
        return [below("gap", rungs, limit, Basis.CALIBRATED, at=[2.0, 3.0]), bound("q", 1, 2)]

    written = run(plan(tiny_claim(limit=8.0, laws=laws)), ()).to_json()["claims"][0]
    gap, other = written["bounds"]
    assert (gap["name"], gap["basis"]) == ("gap", "calibrated")
    assert gap["checked"] == written["examples"]
    assert (gap["largest_ratio"], gap["median_ratio"]) == (0.5, 0.5)
    assert (other["name"], other["largest_ratio"]) == ("q", 0.5)


def test_no_ratio_is_told_below_0(tiny_claim: Make, plan: Make) -> None:
    """Every value is below its numerical error."""

    def laws(total: float, limit: float) -> list[Any]:
        return [bound("gap", 1.0, limit, 2.0)]

    (entry,) = run(plan(tiny_claim(laws=laws)), ()).claims
    written = entry.to_json()
    (gap,) = written["bounds"]
    assert (gap["largest_ratio"], gap["median_ratio"]) == (0.0, 0.0)
    assert written["worst"]["ratio"] == words.ratio(written["worst"]) == 0.0
    assert {instance["severity"] for instance in written["instances"]} == {0.0}
    assert "largest ratio to a bound 0;" in written["ruling"]


def test_ladders_drop_points_that_are_no_numbers(tiny_claim: Make, plan: Make) -> None:
    def ladders(total: float) -> tuple[Ladder, ...]:
        nan, inf = float("nan"), float("inf")
        values = Quantity.of([nan, 5.0, 6.0], 0.0)
        return (Ladder.of("q", "x", (1.0, 2.0, 3.0), values, (7.0, 8.0, inf)),)

    result = run(plan(tiny_claim(ladders=ladders)), ()).to_json()
    (ladder,) = result["claims"][0]["ladders"]
    assert ladder["role"] == "predicted course"
    drawn = {key: ladder["series"][0][key] for key in ("x", "y", "predicted", "example")}
    assert drawn == {"x": [2.0, 3.0], "y": [5.0, 6.0], "predicted": [8.0, None], "example": 0}
    json.dumps(result, allow_nan=False)


def test_findings_are_grouped_and_the_worst_is_told(tiny_claim: Make, plan: Make) -> None:
    def findings(measured: Any) -> tuple[Finding, ...]:
        total = measured.value
        return (Finding("large", f"sum {total:g}", total),) if total > 20 else ()

    (entry,) = run(plan(tiny_claim(findings=findings)), ()).claims
    large = [e for e in entry.evidence if e.findings]
    (written,) = entry.to_json()["findings"]
    worst = max(finding.severity for e in large for finding in e.findings)
    assert (written["title"], written["instances"]) == ("large", len(large))
    assert (written["severity"], written["detail"]) == (worst, f"sum {worst:g}")


def test_infinite_finding_makes_strict_json(tiny_claim: Make, plan: Make) -> None:
    def findings(measured: Any) -> tuple[Finding, ...]:
        return (Finding("endless", "beyond all bounds", float("inf")),)

    result = run(plan(tiny_claim(findings=findings)), ()).to_json()
    json.dumps(result, allow_nan=False)
    assert result["claims"][0]["findings"][0]["severity"] is None


def test_old_results_stay_when_writing_fails(
    tiny_claim: Make, plan: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = plan().folder
    run(plan(tiny_claim()), (ResultsFile(folder),))
    before = (folder / "results.json").read_bytes()
    monkeypatch.setattr(RunResult, "to_json", lambda self: {"schema": float("nan")})
    with pytest.raises(ValueError, match="not JSON compliant"):
        run(plan(tiny_claim(), seed=1), (ResultsFile(folder),))
    assert (folder / "results.json").read_bytes() == before
    # the shards are kept, since their results are not written
    assert sorted(path.name for path in folder.iterdir()) == ["results.json", "unfinished"]


def test_finished_run_leaves_nothing_else_behind(tiny_claim: Make, plan: Make) -> None:
    folder = plan().folder
    run(plan(tiny_claim()), (ResultsFile(folder),))
    assert [path.name for path in folder.iterdir()] == ["results.json"]
