"""Necessity of assumptions: conclusions hold where all are met, fail where one planted is not."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.internal.conjecture.providers import HypothesisProvider

from theory.anchors import balanced_anchor, rescaled_difference_anchor
from theory.errors import InvalidInput, NumericalFailure
from theory.flow import gradient_flow
from theory.nets import Diagonal, TwoLayer
from theory.problem import Problem, Regime
from verify.commands import main
from verify.instances import (
    ASSUMPTIONS,
    CONCLUSIONS,
    FlowInstance,
    Violation,
    WithBias,
    instance_from_json,
)
from verify.necessity import search as necessity_search
from verify.necessity import table
from verify.necessity.conclusions import FAILURE, Judged, Outcome, Part, judge_pair
from verify.necessity.limits import Scale, at_other_scales, falls
from verify.necessity.moments import moments
from verify.necessity.page import section
from verify.necessity.picture import pair_plots
from verify.necessity.search import search_assumption
from verify.necessity.words import said
from verify.runner import run
from verify.strategies.violations import violations

NET = Diagonal(2)
DATA = {"inputs": [[1.0, 0.5], [-0.25, 1.0]], "labels": [1.0, -1.0]}
PROBLEM = Problem(NET, balanced_anchor(NET, np.ones(2)), **DATA)
VALID = FlowInstance(PROBLEM, Regime(log10_alpha=9, decay_power=2), 0.3)
MODERATE = FlowInstance(PROBLEM, Regime(log10_alpha=3, decay_power=2), 0.6)


def _kinked(activation: str) -> Problem:
    """Its first sample lies on the kink of one neuron, into which the second pushes it."""
    half = np.array([1.0, 1.0, 1.0, 0.0, 0.0, 1.0])
    net = TwoLayer(4, 2, activation)
    anchor = rescaled_difference_anchor(net, half, 1.0)
    return Problem(net, anchor, [[0.0, 1.0], [1.0, 1.0]], [1.0, 1.0])


def planted(assumption: str) -> Violation:
    """A violation whose effect is known beforehand."""
    if assumption == "homogeneity":
        single = Problem(NET, PROBLEM.anchor, [[1.0, 0.5]], [1.0])
        biased = replace(single, net=WithBias(NET), anchor=np.append(PROBLEM.anchor, 0.0))
        pair = replace(MODERATE, problem=biased), replace(MODERATE, problem=single)
    elif assumption == "smoothness":
        regime = Regime(log10_alpha=16, decay_power=2)
        pair = tuple(FlowInstance(_kinked(a), regime, 0.3) for a in ("relu", "relu_squared"))
    elif assumption == "zero output":
        shifted = replace(PROBLEM, anchor=PROBLEM.anchor * [1.5, 1.5, 1.0, 1.0], loss="logistic")
        pair = (
            replace(MODERATE, problem=shifted),
            replace(MODERATE, problem=replace(PROBLEM, loss="logistic")),
        )
    elif assumption == "separability":
        inputs, labels = [*DATA["inputs"], DATA["inputs"][0]], [*DATA["labels"], -1.0]
        contradictory = replace(PROBLEM, inputs=inputs, labels=labels)
        pair = replace(MODERATE, problem=contradictory), MODERATE
    elif assumption == "lambda a power of alpha":
        tiny = Regime(log10_alpha=6, log10_lambda=-5000)
        pair = replace(VALID, regime=tiny), VALID.at_alpha(6)
    elif assumption == "alpha large":
        pair = VALID.at_alpha(0.1), VALID
    else:
        pair = replace(VALID, c=1e-6), VALID
    return Violation(assumption, *pair)


SEEN = {
    "homogeneity": ("kernel phase", "late phase"),
    "smoothness": ("kernel phase",),
    "zero output": ("kernel phase",),
    "separability": ("kernel phase", "late phase"),
    "lambda a power of alpha": ("kernel phase",),
    "alpha large": ("kernel phase", "late phase"),
    "c > 0": ("kernel phase", "late phase"),
}
"""Conclusions that the planted violations break; the others they leave."""


@pytest.mark.parametrize("assumption", ASSUMPTIONS)
@pytest.mark.parametrize("conclusion", CONCLUSIONS)
def test_a_planted_violation_fails_and_its_control_holds(assumption: str, conclusion: str) -> None:
    judged = judge_pair(planted(assumption), conclusion)
    assert judged.restored.severity <= 1.0, judged.restored.line()
    assert judged.needed == (conclusion in SEEN[assumption]), judged.violating.line()


@pytest.mark.parametrize("conclusion", CONCLUSIONS)
@settings(max_examples=6, suppress_health_check=[HealthCheck.filter_too_much])
@given(data=st.data())
def test_conclusions_hold_on_valid_controls(conclusion: str, data: st.DataObject) -> None:
    assumption = data.draw(st.sampled_from(("c > 0", "zero output", "lambda a power of alpha")))
    valid = data.draw(violations(assumption)).restored
    judged = judge_pair(Violation(assumption, valid, valid), conclusion)
    assert judged.valid, judged.restored.line()
    assert not judged.needed


def test_a_constant_lambda_leaves_the_kernel_phase_and_breaks_the_late_one() -> None:
    far = replace(VALID, regime=Regime(log10_alpha=30, decay_power=2))
    constant = Regime(log10_alpha=30, log10_lambda=-1)
    pair = Violation("lambda a power of alpha", replace(far, regime=constant), far)
    assert not judge_pair(pair, "kernel phase").needed
    late = judge_pair(pair, "late phase")
    assert late.needed
    assert late.violating.worst.name == "complementarity"


@pytest.mark.slow
def test_the_gap_at_a_kink_does_not_fall_with_alpha() -> None:
    gaps = []
    for scale in (16.0, 24.0):
        pair = planted("smoothness")
        pair = replace(
            pair,
            violating=pair.violating.at_alpha(scale),
            restored=pair.restored.at_alpha(scale),
        )
        judged = judge_pair(pair, "kernel phase")
        gaps.append(judged.violating.worst.value)
        assert judged.violating.worst.name == "shape off the quasi-static machine"
    assert gaps[1] == pytest.approx(gaps[0], rel=0.1)


def test_plain_and_charted_moments_agree() -> None:
    biased = replace(PROBLEM, net=WithBias(NET), anchor=np.append(PROBLEM.anchor, 0.0))
    at, probes = [0.4, 1.2], np.eye(2)
    charted = moments(MODERATE, at, probes)
    flow = gradient_flow(PROBLEM, MODERATE.regime, at=at)
    plain = moments(replace(MODERATE, problem=biased), at, probes)
    for k in range(2):
        assert charted[k].margins == pytest.approx(flow.margins[k], rel=1e-6)
        assert charted[k].log_norm == pytest.approx(flow.log_norm[k], rel=1e-6)
        # early the bias has a weight of rho^(-2 (L-1)) beside the rest
        assert plain[k].margins == pytest.approx(charted[k].margins, rel=0.3)
    assert charted[1].stationarity <= flow.stationarity[1] * (1 + 1e-6)
    assert charted[0].stationarity == pytest.approx(1.0, abs=1e-3)


def test_the_stationarity_of_an_inhomogeneous_net_is_taken_at_margin_one() -> None:
    """f = u^2 - v^2 + b at x = 1: (u, 0, b) with b -> 0 against its gradient (2u, 0, 1)."""
    pair = planted("homogeneity")
    net = Diagonal(1)
    problem = Problem(WithBias(net), np.array([0.5**0.5, 0.5**0.5, 0.0]), [[1.0]], [1.0])
    (late,) = moments(replace(pair.violating, problem=problem), [1.6], np.zeros((0, 1)))
    theta = np.exp(late.log_norm) * late.direction
    scale = next(
        k for k in np.geomspace(1e-4, 1, 400_001) if (k * theta[0]) ** 2 + k * theta[2] > 1
    )
    gradient = np.array([2 * scale * theta[0], 0.0, 1.0])
    gradient /= np.linalg.norm(gradient)
    expected = np.sqrt(1 - (late.direction @ gradient) ** 2)
    assert late.stationarity == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize(
    ("values", "expected"),
    [((1.0, 0.5), True), ((1.0, 0.9, 0.95), False), ((1.0,), False), ((), False)],
)
def test_a_failure_of_the_limit_does_not_fall(values: tuple[float, ...], expected: bool) -> None:
    scales = [Scale(10.0 + k, value, 0.01) for k, value in enumerate(values)]
    assert falls(scales) == expected


def test_at_the_transition_the_direction_is_lost_but_of_the_residual_only_its_rate() -> None:
    """At t_g itself the stationarity is of order 1/log alpha."""
    pair = planted("c > 0")
    early = at_other_scales(pair, "kernel phase", judge_pair(pair, "kernel phase"))
    assert not falls(early)
    late = at_other_scales(pair, "late phase", judge_pair(pair, "late phase"))
    assert [scale.log10_alpha for scale in late] == [9.0, 36.0, 144.0]
    assert falls(late)


def test_a_tiny_lambda_keeps_its_exponent_on_the_ladder() -> None:
    pair = planted("lambda a power of alpha")
    scales = at_other_scales(pair, "kernel phase", judge_pair(pair, "kernel phase"))
    assert [scale.log10_alpha for scale in scales] == pytest.approx([6.0, 6.6, 7.2])
    assert not falls(scales)


def _judged(violating: float, restored: float) -> Judged:
    return Judged(*(Outcome((Part("p", value, 1.0),)) for value in (violating, restored)))


def test_a_failing_control_proves_nothing() -> None:
    assert _judged(3.0, 1.0).needed
    assert not _judged(3.0, 1.1).needed
    assert not _judged(FAILURE, 0.5).needed
    assert _judged(3.0, 1.1).severity == 0.0


@pytest.mark.parametrize(
    ("value", "granted", "severity"),
    [(0.0, 0.0, 0.0), (1.0, 0.0, 1e6), (np.nan, 1.0, 1e6), (3.0, 2.0, 1.5)],
)
def test_severity_of_a_part(value: float, granted: float, severity: float) -> None:
    assert Part("p", value, granted).severity == severity


def _instances(draw_alpha: st.SearchStrategy[int]) -> st.SearchStrategy[Violation]:
    return draw_alpha.map(lambda k: Violation("alpha large", VALID.at_alpha(k / 10), VALID))


def test_the_search_finds_and_shrinks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Severity here is log10 alpha; undecided from 9 on, and the late phase never fails."""

    def judge(pair: Violation, conclusion: str) -> Judged:
        scale = pair.violating.regime.log10_alpha
        if scale >= 9:
            raise NumericalFailure("too far")
        return _judged(scale if conclusion == "kernel phase" else 0.1, 0.5)

    monkeypatch.setattr(necessity_search, "judge_pair", judge)
    strategy = _instances(st.integers(1, 100))
    kernel, late = search_assumption(strategy, 0, 50, 100, 60.0)
    assert kernel.verdict == "needed"
    assert kernel.counterexample is not None
    assert kernel.counterexample.conclusion == "kernel phase"
    assert kernel.counterexample.violating.regime.log10_alpha == pytest.approx(2.1)
    assert late.verdict == "not seen to be needed"
    assert late.instances == kernel.instances > 10
    assert late.undecided == kernel.undecided > 0


def test_no_pair_is_drawn_from_constants_in_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    """They depend on what has been imported: a run and the search by itself would differ."""

    def constant(*_: Any, **__: Any) -> Any:
        raise AssertionError("a constant is drawn")

    monkeypatch.setattr(HypothesisProvider, "_maybe_draw_constant", constant)
    monkeypatch.setattr(necessity_search, "judge_pair", lambda *_: _judged(0.1, 0.5))
    kernel, _ = search_assumption(_instances(st.integers(1, 100)), 0, 5, 5, 60.0)
    assert kernel.instances == 5


def test_a_search_out_of_time_is_undecided() -> None:
    for finding in search_assumption(_instances(st.just(1)), 0, 5, 5, 0.0):
        assert finding.verdict == "undecided"
        assert finding.counterexample is None


@pytest.mark.parametrize("assumption", ASSUMPTIONS)
def test_a_violation_survives_its_file(assumption: str) -> None:
    pair = planted(assumption).concluding("kernel phase")
    again = instance_from_json(json.loads(json.dumps(pair.to_json())))
    assert isinstance(again, Violation)
    assert again.to_json() == pair.to_json()


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("assumption", "luck", "assumption is 'luck'; allowed are homogeneity"),
        ("conclusion", "grokking", "conclusion is 'grokking'; allowed are kernel phase"),
        ("restored", 3, "an instance is a JSON object"),
    ],
)
def test_a_file_with_a_wrong_key_is_refused(key: str, value: Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        instance_from_json({**planted("c > 0").to_json(), key: value})


def test_replay_of_a_violation(write: Callable[..., Path], invoke: Callable[..., Any]) -> None:
    pair = planted("zero output")
    shown = invoke("replay", str(write("a.json", pair.concluding("kernel phase").to_json())))
    assert shown.status == 0
    assert "needed; fails without the assumption, holds with it" in shown.out
    kept = invoke("replay", str(write("b.json", pair.concluding("late phase").to_json())))
    assert kept.status == 1
    assert "holds without it as well" in kept.out
    unnamed = invoke("replay", str(write("c.json", pair.to_json())))
    assert unnamed.status == 2
    assert '"conclusion" is missing' in unnamed.err


def test_the_command_writes_table_page_and_counterexamples(
    tmp_path: Path, invoke: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "SHRINK_TRIES", 2)
    arguments = ("--assumption", "alpha large", "--examples", "1", "--report", "out")
    answer = invoke("necessity", *arguments)
    assert answer.status == 0, answer.err
    results = json.loads((tmp_path / "out/necessity.json").read_text())
    (entry,) = results["assumptions"]
    assert entry["assumption"] == "alpha large"
    assert [f["verdict"] for f in entry["conclusions"]] == ["needed", "needed"]
    for finding in entry["conclusions"]:
        command = finding["counterexample"]["command"]
        assert command in answer.out
        assert invoke(*command.split()[3:]).status == 0
    page = (tmp_path / "out/necessity.html").read_text()
    assert page.count('role="img"') == 4
    assert "<script" not in page
    assert 'src="http' not in page
    assert section(results) in page


def test_a_run_has_the_table_in_its_reports(
    tmp_path: Path,
    tiny_claim: Callable[..., Any],
    invoke: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(table, "SHRINK_TRIES", 2)
    monkeypatch.setattr("verify.runner.PAIRS", 1)
    monkeypatch.setattr("verify.runner.ASSUMPTIONS", ("alpha large",))
    tiny_claim()
    plain = ("run", "--claim", "tiny", "--examples", "12", "--report", "out")
    answer = invoke(*plain, "--necessity")
    assert (answer.status, answer.err) == (0, "")
    results = json.loads((tmp_path / "out/results.json").read_text())
    (entry,) = results["necessity"]["assumptions"]
    assert (entry["assumption"], results["necessity"]["examples"]) == ("alpha large", 1)
    page = (tmp_path / "out/index.html").read_text()
    assert section(results["necessity"]) in page
    assert '<a href="#necessity">Necessity of the assumptions</a>' in page
    assert "Necessity of the assumptions" in (tmp_path / "out/report.md").read_text()
    for finding in entry["conclusions"]:
        command = finding["counterexample"]["command"]
        assert command.startswith("python -m verify replay out/instances/necessity-alpha-large-")
        assert command in answer.out
        assert command in page
        assert invoke(*command.split()[3:]).status == 0
    # a run that does not ask for it has none
    assert invoke(*plain).status == 0
    assert json.loads((tmp_path / "out/results.json").read_text())["necessity"] is None
    assert "necessity" not in (tmp_path / "out/index.html").read_text().split("</style>")[1]


@pytest.mark.parametrize(("verdict", "status"), [("undecided", 3), ("not seen to be needed", 0)])
def test_a_run_is_inconclusive_where_no_pair_could_be_judged(
    verdict: str,
    status: int,
    tiny_claim: Callable[..., Any],
    plan: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = {"assumptions": [{"assumption": "luck", "conclusions": [{"verdict": verdict}]}]}
    monkeypatch.setattr("verify.runner.run_necessity", lambda search, tell: found)
    assert run(plan(tiny_claim(), necessity=True), ()).exit_status == status


EVIDENCE: dict[str, Any] = {
    "instances": 13,
    "undecided": 7,
    "worst": 0.371,
    "counterexample": None,
}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"verdict": "not seen to be needed"},
            "not seen to be needed in 13 instances, 7 undecided (worst: 0.37 of what is granted)",
        ),
        (
            {"verdict": "undecided", "instances": 0},
            "undecided: no pair of instances could be judged, 7 undecided",
        ),
        (
            {
                "verdict": "needed",
                "counterexample": {
                    "violating": {
                        "worst": "b",
                        "parts": [
                            {"name": "a", "value": 0.0, "granted": 1.0},
                            {"name": "b", "value": 2.0, "granted": 0.1},
                        ],
                    },
                    "restored": {"severity": 0.5},
                },
            },
            "needed: b 2, granted 0.1; restored, within 0.5 of what is granted",
        ),
    ],
)
def test_the_verdict_is_said_with_its_evidence(changes: dict[str, Any], words: str) -> None:
    assert said({**EVIDENCE, **changes}) == words


@pytest.mark.parametrize(
    "arguments", [("--assumption", "luck"), ("--examples", "0"), ("--budget", "soon")]
)
def test_bad_arguments_are_refused(arguments: tuple[str, str], invoke: Callable[..., Any]) -> None:
    answer = invoke("necessity", *arguments)
    assert answer.status == 2
    assert arguments[0][2:] in answer.err


def test_a_picture_shows_both_instances() -> None:
    pair = planted("c > 0")
    plots = pair_plots(pair.concluding("kernel phase"), "k")
    assert [plot.title for plot in plots] == ["Assumption violated", "Assumption restored"]
    assert all("distance of f / |f| from the kernel machine" in plot.svg for plot in plots)
    assert plots[0].svg != plots[1].svg
    late = pair_plots(pair.concluding("late phase"), "k")
    assert not any("kernel machine" in plot.svg for plot in late)


def test_no_picture_of_a_flow_that_does_not_finish(monkeypatch: pytest.MonkeyPatch) -> None:
    def unfinished(*_: Any, **__: Any) -> Any:
        raise NumericalFailure("no integrator finished")

    monkeypatch.setattr("verify.necessity.picture.moments", unfinished)
    assert pair_plots(planted("c > 0").concluding("late phase"), "k") == ()


@pytest.mark.slow
@pytest.mark.parametrize("assumption", ASSUMPTIONS)
def test_each_search_runs(assumption: str) -> None:
    findings = search_assumption(violations(assumption), 0, 6, 10, 300.0)
    for finding in findings:
        assert finding.assumption == assumption
        assert finding.instances > 0
        assert finding.unproven == 0
        if finding.judged is not None:
            assert finding.judged.needed


def test_main_knows_the_command() -> None:
    assert main(["necessity", "--help"]) == 0
