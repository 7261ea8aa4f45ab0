"""The command, its table, page, pictures and replay files."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from necessity_pairs import VALID, planted
from own_kind import NUMBER

from theory.errors import InvalidInput, NumericalFailure
from verify.instances import FlowInstance
from verify.necessity import table
from verify.necessity.page import section
from verify.necessity.picture import pair_plots
from verify.necessity.words import rest_of, said
from verify.runner import run

FAST = ("--claim", "frozen-direction", "--claim", "kkt", "--claim", "ntk-spectrum")


def test_replay_of_a_pair(write: Callable[..., Path], invoke: Callable[..., Any]) -> None:
    data = planted("zero output").to_json()
    shown = invoke("replay", str(write("a.json", {**data, "claim": "frozen-direction"})))
    assert (shown.status, shown.err) == (0, "")
    assert "frozen-direction without the assumption: zero output" in shown.out
    assert "needed; fails without the assumption, holds with it" in shown.out
    kept = invoke("replay", str(write("b.json", {**data, "claim": "kkt"})))
    assert kept.status == 1
    assert "holds without it" in kept.out
    unstated = {**planted("separability").to_json(), "claim": "kernel-svm"}
    shown = invoke("replay", str(write("c.json", unstated)))
    assert shown.status == 3
    assert "cannot be stated without the assumption" in shown.out


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"assumption": "luck"}, "assumption is 'luck'; allowed are a function of theta and x, "),
        ({"claim": "grokking"}, "claim is 'grokking'; did you mean "),
        ({"claim": None}, 'no "claim" is named'),
        ({"restored": 3}, "restored is 3; it must be an object"),
        ({"more": 3}, "pair has unknown keys more"),
    ],
)
def test_a_file_with_a_wrong_key_is_refused(
    changes: dict[str, Any], message: str, write: Callable[..., Path], invoke: Callable[..., Any]
) -> None:
    data = {**planted("c > 0").to_json(), "claim": "kkt", **changes}
    answer = invoke("replay", str(write("a.json", data)))
    assert answer.status == 2
    assert message in answer.err


def test_a_flow_in_plain_coordinates_survives_its_file() -> None:
    plain = replace(VALID.at_alpha(2), plain=True)
    again = FlowInstance.from_json(json.loads(json.dumps(plain.to_json())))
    assert again.plain
    assert not FlowInstance.from_json(VALID.to_json()).plain
    with pytest.raises(InvalidInput, match="plain is 3"):
        FlowInstance.from_json({**VALID.to_json(), "plain": 3})
    with pytest.raises(NumericalFailure, match="out of reach of plain coordinates"):
        plain.at_alpha(4).flow([0.5], rtol=1e-9)


def test_plain_coordinates_and_charts_agree() -> None:
    charted = VALID.at_alpha(2)
    plain = replace(charted, plain=True)
    for one, other in zip(
        charted.flow([0.5, 1.3], rtol=1e-10).states,
        plain.flow([0.5, 1.3], rtol=1e-10).states,
        strict=True,
    ):
        assert other.margins == pytest.approx(one.margins, rel=1e-6)
        assert other.stationarity == pytest.approx(one.stationarity, rel=1e-5)
        assert other.log_norm == pytest.approx(one.log_norm, rel=1e-6)


def test_the_command_writes_table_page_and_counterexamples(
    tmp_path: Path, invoke: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "SHRINK_TRIES", 2)
    options = ("--assumption", "c > 0", "--examples", "3", "--report", "out")
    answer = invoke("necessity", *FAST, *options)
    assert answer.status == 0, answer.err
    results = json.loads((tmp_path / "out/necessity.json").read_text())
    assert {entry["assumption"] for entry in results["assumptions"]} == {"c > 0"}
    early, late = (finding for entry in results["assumptions"] for finding in entry["claims"])
    assert (early["claim"], early["verdict"]) == ("frozen-direction", "needed")
    assert (late["claim"], late["verdict"]) == ("kkt", "not seen to be needed")
    command = early["counterexample"]["command"]
    assert command in answer.out
    assert invoke(*command.split()[3:]).status == 0
    unviolated = "No assumption that can be violated by itself is made by ntk-spectrum."
    assert unviolated in answer.out
    page = (tmp_path / "out/necessity.html").read_text()
    assert unviolated in page
    assert page.count('role="img"') == 2
    assert "<script" not in page
    assert 'src="http' not in page
    assert section(results) in page


TWO = (
    NUMBER
    + """
from verify.language import Assumption, Basis, Claim, Measurement, below

def larger(valid):
    return valid.map(lambda number: (Number(number.value + 200), number))

def broken(valid):
    raise ZeroDivisionError("no pair")

def claim(name, violated):
    return Claim(
        id=name, title="Numbers are small", statement="n", source="nobody",
        measurement=Measurement(
            name, Number, ("all",), lambda families, sizes: st.integers(1, 40).map(Number),
            lambda number: float(number.value), (Assumption("small", violated=violated),),
        ),
        theory=50.0, laws=lambda value, limit: [below("value", value, limit, Basis.DERIVED)],
        tolerances=("exact",),
    )

CLAIMS = [claim("bad", broken), claim("good", larger)]
"""
)


def test_a_claim_that_raises_is_undecided_and_ends_no_other(
    write: Callable[..., Path], invoke: Callable[..., Any], tmp_path: Path
) -> None:
    write("mine.py", TWO)
    options = ("--examples", "3", "--jobs", "1", "--report", "out")
    answer = invoke("necessity", "--module", "mine.py", *options)
    assert (answer.status, answer.err) == (3, "")
    results = json.loads((tmp_path / "out/necessity.json").read_text())
    bad, good = (finding for entry in results["assumptions"] for finding in entry["claims"])
    assert (bad["claim"], bad["verdict"]) == ("bad", "undecided")
    assert "raised ZeroDivisionError: no pair (mine.py, line " in bad["reason"]
    assert bad["reason"] in answer.out
    assert (good["claim"], good["verdict"]) == ("good", "needed")
    command = good["counterexample"]["command"]
    assert command in answer.out
    assert invoke(*command.split()[3:]).status == 0
    assert "undecided" in (tmp_path / "out/necessity.html").read_text()


def test_an_assumption_that_is_named_twice_is_searched_once(
    write: Callable[..., Path], invoke: Callable[..., Any], tmp_path: Path
) -> None:
    write("mine.py", TWO)
    named = ("--assumption", "small") * 2
    invoke("necessity", "--module", "mine.py", "--claim", "good", *named, "--report", "out")
    results = json.loads((tmp_path / "out/necessity.json").read_text())
    assert [entry["assumption"] for entry in results["assumptions"]] == ["small"]


def test_a_run_has_the_table_in_its_reports(
    tmp_path: Path, invoke: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "SHRINK_TRIES", 2)
    monkeypatch.setattr("verify.runner.PAIRS", 6)
    claim = ("--claim", "early-training-is-linear")
    plain = ("run", *claim, "--examples", "12", "--report", "out")
    answer = invoke(*plain, "--necessity")
    results = json.loads((tmp_path / "out/results.json").read_text())
    (entry,) = results["necessity"]["assumptions"]
    assert (entry["assumption"], results["necessity"]["examples"]) == ("stable-steps", 6)
    page = (tmp_path / "out/index.html").read_text()
    assert section(results["necessity"]) in page
    assert '<a href="#necessity">Necessity of the assumptions</a>' in page
    assert "Necessity of the assumptions" in (tmp_path / "out/report.md").read_text()
    (finding,) = entry["claims"]
    command = finding["counterexample"]["command"]
    assert command.startswith("python -m verify replay out/instances/necessity-stable-steps-early")
    assert command in answer.out
    assert command in page
    assert invoke(*command.split()[3:]).status == 0


def test_a_run_that_does_not_ask_for_it_has_none(
    tmp_path: Path, tiny_claim: Callable[..., Any], invoke: Callable[..., Any]
) -> None:
    tiny_claim()
    assert invoke("run", "--claim", "tiny", "--examples", "12", "--report", "out").status == 0
    assert json.loads((tmp_path / "out/results.json").read_text())["necessity"] is None
    assert "necessity" not in (tmp_path / "out/index.html").read_text().split("</style>")[1]


@pytest.mark.parametrize(
    ("verdict", "status"),
    [("undecided", 3), ("not seen to be needed", 0), ("cannot be stated without it", 0)],
)
def test_a_run_is_inconclusive_where_no_pair_could_be_judged(
    verdict: str,
    status: int,
    tiny_claim: Callable[..., Any],
    plan: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = {"assumptions": [{"assumption": "luck", "claims": [{"verdict": verdict}]}]}
    monkeypatch.setattr("verify.runner.run_necessity", lambda search, tell: found)
    assert run(plan(tiny_claim(), necessity=True), ()).exit_status == status


EVIDENCE: dict[str, Any] = {
    "instances": 13,
    "undecided": 7,
    "unproven": 0,
    "worst": 0.371,
    "reason": "no machine",
    "counterexample": None,
}
FAILING = {"name": "b", "value": 2.0, "granted": 0.1, "severity": 20.0}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"verdict": "not seen to be needed"},
            "not seen to be needed in 13 pairs, 7 undecided (worst: 0.37 of what is granted)",
        ),
        (
            {"verdict": "undecided", "instances": 0, "unproven": 1},
            "undecided: no machine, 7 undecided, 1 failing with it as well",
        ),
        (
            {"verdict": "cannot be stated without it", "instances": 0, "undecided": 0},
            "cannot be stated without it: no machine",
        ),
        (
            {
                "verdict": "needed",
                "counterexample": {
                    "failing": "b",
                    "violating": {"parts": [FAILING]},
                    "restored": {"parts": [{**FAILING, "severity": 0.5}]},
                },
            },
            "needed: b 2, granted 0.1; restored, 0.5 of what is granted",
        ),
        (
            {
                "verdict": "needed",
                "counterexample": {
                    "failing": "b",
                    "violating": {"parts": [FAILING]},
                    "restored": {"parts": []},
                },
            },
            "needed: b 2, granted 0.1; restored, it does not apply, and the others are kept",
        ),
    ],
)
def test_the_verdict_is_said_with_its_evidence(changes: dict[str, Any], words: str) -> None:
    assert said({**EVIDENCE, **changes}) == words


def test_claims_that_are_not_searched_are_named() -> None:
    told = list(rest_of({"unviolated": ["a", "b"], "failing": ["c"]}))
    assert told[0].endswith("is made by a, b.")
    assert told[1].endswith("expected to: c.")
    assert list(rest_of({"unviolated": [], "failing": []})) == []


@pytest.mark.parametrize(
    "arguments", [("--assumption", "luck"), ("--examples", "0"), ("--budget", "soon")]
)
def test_bad_arguments_are_refused(arguments: tuple[str, str], invoke: Callable[..., Any]) -> None:
    answer = invoke("necessity", *arguments)
    assert answer.status == 2
    assert arguments[0][2:] in answer.err


def _flows(assumption: str) -> tuple[Any, ...]:
    pair = planted(assumption)
    return pair.violating, pair.restored


def test_a_picture_shows_both_instances() -> None:
    plots = pair_plots("c > 0", _flows("c > 0"), "k")
    assert [plot.title for plot in plots] == ["Assumption violated", "Assumption restored"]
    assert all("distance of f / |f| from the kernel machine" in plot.svg for plot in plots)
    assert plots[0].svg != plots[1].svg


def test_a_picture_of_what_has_no_kernel_machine_does_without() -> None:
    plots = pair_plots("separability", _flows("separability"), "k")
    assert len(plots) == 2
    assert not any("kernel machine" in plot.svg for plot in plots)


def test_no_picture_of_a_flow_that_does_not_finish(monkeypatch: pytest.MonkeyPatch) -> None:
    def unfinished(*_: Any, **__: Any) -> Any:
        raise NumericalFailure("no integrator finished")

    monkeypatch.setattr(FlowInstance, "flow", unfinished)
    assert pair_plots("c > 0", _flows("c > 0"), "k") == ()
