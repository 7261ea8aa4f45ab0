"""The runner on a claim so small that its verdicts, and its counterexamples, are known by hand."""

import json
from collections.abc import Callable
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st
from stated import Total, bound, rate, tiny

import verify.counterexamples
import verify.runner
from theory import Diagonal, Problem, Regime
from theory.errors import (
    AssumptionError,
    IntegrationFailed,
    IntegratorsDisagree,
    InvalidInput,
    NumericalFailure,
    OracleFailed,
)
from verify.events import (
    ClaimJudged,
    CounterexampleLost,
    Event,
    RunFinished,
    RunStarted,
    ShardFinished,
    ShrinkStarted,
)
from verify.evidence import CLAIM, Evidence, Sabotage
from verify.further import ROUNDS, SCARCE, UNCONFIRMED
from verify.instances import FlowInstance, read_instance
from verify.language import Basis, Kind, below, not_applicable
from verify.merge import merge
from verify.replay import replay_file
from verify.report.files import write_report
from verify.report.results_file import ResultsFile
from verify.runner import RunPlan, run
from verify.shards import Shard, ShardResult

Make = Callable[..., Any]


def timeless(data: Any) -> Any:
    """Results without what the clock decides."""
    if isinstance(data, dict):
        return {key: timeless(value) for key, value in data.items() if key != "seconds"}
    return [timeless(value) for value in data] if isinstance(data, list) else data


def results(plan: RunPlan) -> Any:
    """What a run would write, times left out."""
    return timeless(run(plan, ()).to_json())


def test_true_claim_holds(tiny_claim: Make, plan: Make) -> None:
    result = run(plan(tiny_claim(limit=1000.0)), ())
    (entry,) = result.claims
    assert (entry.ruling.verdict, result.exit_status) == ("holds", 0)
    assert entry.counterexample is None
    assert not (plan().folder / "counterexamples").exists()


def test_false_claim_is_refuted_shrunk_and_saved(tiny_claim: Make, plan: Make) -> None:
    """Sums of at most 3: the minimal counterexample beyond ten times the bound sums to 31."""
    result = run(plan(tiny_claim(limit=3.0)), ())
    (entry,) = result.claims
    assert (entry.ruling.verdict, result.exit_status) == ("falsified", 1)
    found = entry.counterexample
    assert found is not None
    assert found.shrunk
    assert found.severity == pytest.approx(31.0 / 3.0)
    path = plan().folder / "counterexamples" / "tiny.json"
    assert found.instance == str(path)
    saved = read_instance(path)
    assert saved.claim == "tiny"
    assert saved.problem.inputs.sum() == 31.0


def test_replay_command_of_a_counterexample_reproduces_its_verdict(
    tiny_claim: Make, plan: Make, invoke: Make, tmp_path: Path
) -> None:
    folder = tmp_path / "a report"  # a space, which the command must quote
    (entry,) = run(plan(tiny_claim(limit=3.0), folder=folder), ()).claims
    assert (
        entry.counterexample.command
        == f"python -m verify replay '{folder}/counterexamples/tiny.json'"
    )
    answer = invoke("replay", str(folder / "counterexamples" / "tiny.json"))
    assert (answer.status, answer.err) == (1, "")
    assert answer.out.splitlines()[0] == "tiny: Sums are small"
    assert "refuted   total: 31 <= 3 (ratio 10.3" in answer.out
    assert answer.out.splitlines()[-1] == "verdict: falsified"


def test_surviving_rival_is_a_failure(tiny_claim: Make, plan: Make) -> None:
    result = run(plan(tiny_claim(rivals={"lower": 2.0, "higher": 2000.0})), ())
    (entry,) = result.claims
    assert entry.ruling.verdict == "inconclusive"
    assert entry.ruling.shortfalls == ("rival higher survives",)
    assert {rival.id: rival.rejected for rival in entry.rivals} == {"lower": True, "higher": False}
    assert result.exit_status == 1


@pytest.mark.parametrize("verdict", ["holds", "falsified"])
def test_statement_expected_to_fall_is_as_expected_when_it_does(
    verdict: str, tiny_claim: Make, plan: Make
) -> None:
    limit = 1000.0 if verdict == "holds" else 3.0
    result = run(plan(tiny_claim(limit=limit, expected="falsified")), ())
    assert result.claims[0].ruling.verdict == verdict
    assert result.exit_status == (0 if verdict == "falsified" else 1)


FAILURES = [
    (IntegrationFailed, "integrator did not finish"),
    (IntegratorsDisagree, "integrators disagree"),
    (OracleFailed, "oracle not certified"),
    (NumericalFailure, "numerical failure"),
]


def raising(error: Exception, when: Callable[[float], bool]) -> Callable[[float], None]:
    def check(total: float) -> None:
        if when(total):
            raise error

    return check


@pytest.mark.parametrize(("failure", "outcome"), FAILURES, ids=lambda v: getattr(v, "__name__", v))
def test_numerical_failures_are_inconclusive_and_never_hold(
    failure: type[Exception], outcome: str, tiny_claim: Make, plan: Make
) -> None:
    claim = tiny_claim(check=raising(failure("stuck"), lambda total: total > 20), rivals={})
    result = run(plan(claim), ())
    (entry,) = result.claims
    assert (entry.ruling.verdict, result.exit_status) == ("inconclusive", 3)
    failed = [e for e in entry.evidence if e.outcome != "measured"]
    assert {(e.outcome, e.message) for e in failed} == {(outcome, "stuck")}
    assert entry.ruling.undecided == len(failed)


def test_classes_of_failure_are_kept_apart(tiny_claim: Make, plan: Make) -> None:
    errors = [*(failure("stuck") for failure, _ in FAILURES), AssumptionError("c", "unmet")]

    def check(total: float) -> None:
        if total > 20:
            raise errors[int(total) % len(errors)]

    (entry,) = run(plan(tiny_claim(check=check)), ()).claims
    written = entry.to_json()
    outcomes = written["outcomes"]
    assert set(outcomes) == {
        "measured",
        "assumption not met",
        *(outcome for _, outcome in FAILURES),
    }
    assert sum(outcomes.values()) == written["examples"]
    assert written["discarded"] == outcomes["assumption not met"]
    assert written["inconclusive"] == sum(outcomes[outcome] for _, outcome in FAILURES)


def test_violation_outweighs_failures(tiny_claim: Make, plan: Make) -> None:
    claim = tiny_claim(limit=3.0, check=raising(IntegrationFailed("no"), lambda t: t <= 40))
    (entry,) = run(plan(claim), ()).claims
    assert entry.ruling.verdict == "falsified"
    assert entry.counterexample.severity > 10


def test_numbers_that_are_none_are_inconclusive(tiny_claim: Make, plan: Make) -> None:
    """NaN and infinite measurements neither hold nor crash the run that writes them."""

    def laws(total: float, limit: float) -> list[Any]:
        value = float("nan") if total % 2 else float("inf")
        return [bound("b", value, limit), bound("c", 1.0, float("inf"))]

    result = run(plan(tiny_claim(laws=laws, rivals={})), ())
    assert (result.claims[0].ruling.verdict, result.exit_status) == ("inconclusive", 3)
    json.dumps(result.to_json(), allow_nan=False)


def test_bound_of_zero_makes_strict_json(tiny_claim: Make, plan: Make) -> None:
    """Every violation of 'at most 0' is infinitely severe, and JSON has no infinity."""
    folder = plan().folder
    result = run(plan(tiny_claim(limit=0.0)), (ResultsFile(folder),))
    (entry,) = result.claims
    assert entry.counterexample is not None
    assert entry.counterexample.severity == float("inf")
    written = json.loads((folder / "results.json").read_text(), parse_constant=pytest.fail)
    assert written["claims"][0]["counterexample"]["severity"] is None
    assert written["claims"][0]["worst"]["bound"] == 0.0


def test_rate_alone_falsifies_and_its_instance_is_saved_as_it_is(
    tiny_claim: Make, plan: Make
) -> None:
    """A rate that is off by two tolerances on every instance refutes together, not alone."""

    def laws(total: float, limit: float) -> list[Any]:
        return [bound("b", 0.0, limit), rate("slope", 1.0, 1.2, 0.1)]

    (entry,) = run(plan(tiny_claim(laws=laws)), ()).claims
    assert entry.ruling.verdict == "falsified"
    assert entry.counterexample is not None
    assert not entry.counterexample.shrunk
    assert not entry.counterexample.alone
    assert entry.counterexample.severity == pytest.approx(2.0)
    assert replay_file(Path(entry.counterexample.instance)).exit_status == 3


def test_refuted_rate_is_shrunk_on_the_instance_where_it_is_furthest_off(
    tiny_claim: Make, plan: Make
) -> None:
    """Not the rate that holds, whose single values scatter further."""

    def laws(total: float, limit: float) -> list[Any]:
        scattered = 100.0 if total > 80.0 else 1.0
        return [
            bound("b", 0.0, limit),
            rate("scattered", 1.0, scattered, 0.1),
            rate("slope", 1.0, 1.0 + total, 1.0),
        ]

    (entry,) = run(plan(tiny_claim(laws=laws)), ()).claims
    judgements = {rate.quantity: rate.judgement for rate in entry.ruling.rates}
    assert judgements == {"scattered": "scattered", "slope": "refuted"}
    found = entry.counterexample
    assert (found.shrunk, found.alone, found.severity) == (True, False, 11.0)
    assert read_instance(Path(found.instance)).problem.inputs.tolist() == [[11.0]]


def test_counterexample_refutes_alone_where_any_instance_does(tiny_claim: Make, plan: Make) -> None:
    """A rate that is off by more, on another instance, does not take its place."""

    def laws(total: float, limit: float) -> list[Any]:
        slope = 1.0 if total > 40.0 else 1e6
        return [bound("b", total, limit), rate("slope", 1.0, slope, 0.1)]

    (entry,) = run(plan(tiny_claim(limit=40.0, laws=laws)), ()).claims
    found = entry.counterexample
    assert (found.shrunk, found.alone, found.severity) == (True, True, 41.0 / 40.0)
    replayed = replay_file(Path(found.instance))
    assert (replayed.verdict, replayed.exit_status) == ("falsified", 1)


def test_same_seed_gives_the_same_results_and_another_seed_others(
    tiny_claim: Make, plan: Make
) -> None:
    claim = tiny_claim(limit=3.0)
    first = results(plan(claim))
    assert results(plan(claim)) == first
    other = results(plan(claim, seed=1))
    assert other["claims"][0]["instances"] != first["claims"][0]["instances"]


def test_claim_alone_gives_what_it_gives_among_others(tiny_claim: Make, plan: Make) -> None:
    one, two = tiny_claim(name="one"), tiny_claim(name="two", limit=3.0)
    both = results(plan(one, two))["claims"]
    assert [both[0]] == results(plan(one))["claims"]
    assert [both[1]] == results(plan(two))["claims"]


def test_two_workers_give_the_same_results_as_one(
    tiny_claim: Make, plan: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = tiny_claim(limit=3.0)
    alone = results(plan(claim, jobs=1))

    def run_shard_of_claim(shard: Shard) -> ShardResult:
        """Worker processes do not know the claims of this test, so it travels with the shard."""
        import verify.shards

        verify.shards.claim_of = lambda module, name: claim
        return verify.shards.run_shard(shard)

    monkeypatch.setattr("verify.shards.claim_of", lambda module, name: claim)
    monkeypatch.setattr(verify.runner, "run_shard", run_shard_of_claim)
    assert results(plan(claim, jobs=2)) == alone


def interrupting(after: int) -> Callable[[Event], None]:
    """A listener that stops the run once so many shards are finished."""

    def listen(event: Event) -> None:
        if isinstance(event, ShardFinished) and event.done == after:
            raise KeyboardInterrupt

    return listen


def test_interrupted_run_resumes_and_ends_like_an_uninterrupted_one(
    tiny_claim: Make, plan: Make
) -> None:
    sums: list[float] = []
    claim = tiny_claim(check=sums.append)
    whole = results(plan(claim))
    measured_in_all = len(sums)
    folder = plan().folder
    sums.clear()
    with pytest.raises(KeyboardInterrupt):
        run(plan(claim), (interrupting(after=3),))
    assert len(list((folder / "unfinished").rglob("*.json"))) == 3
    measured_first = len(sums)
    events: list[Event] = []
    resumed = timeless(run(plan(claim), (events.append,)).to_json())
    assert resumed == whole
    assert len(sums) == measured_in_all  # nothing is measured twice
    assert 0 < measured_first < measured_in_all
    started = events[0]
    assert isinstance(started, RunStarted)
    assert (started.resumed, started.shards) == (3, 8)
    assert not (folder / "unfinished").exists()


def test_damaged_shard_is_measured_again(tiny_claim: Make, plan: Make) -> None:
    claim = tiny_claim()
    whole = results(plan(claim))
    with pytest.raises(KeyboardInterrupt):
        run(plan(claim), (interrupting(after=3),))
    kept = sorted((plan().folder / "unfinished").rglob("*.json"))
    kept[0].write_text(kept[0].read_text()[:-40])
    events: list[Event] = []
    assert timeless(run(plan(claim), (events.append,)).to_json()) == whole
    assert isinstance(events[0], RunStarted)
    assert events[0].resumed == 2


def test_shards_of_other_code_are_not_resumed(
    tiny_claim: Make, plan: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = tiny_claim()
    with pytest.raises(KeyboardInterrupt):
        run(plan(claim), (interrupting(after=3),))
    monkeypatch.setattr(verify.runner, "code_fingerprint", lambda roots: "other code")
    events: list[Event] = []
    run(plan(claim), (events.append,))
    assert isinstance(events[0], RunStarted)
    assert events[0].resumed == 0
    assert not (plan().folder / "unfinished").exists()


def test_shards_of_other_versions_are_not_resumed(
    tiny_claim: Make, plan: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The report names one version of each package: that which measured."""
    claim = tiny_claim()
    with pytest.raises(KeyboardInterrupt):
        run(plan(claim), (interrupting(after=3),))
    now = verify.runner.versions()
    upgraded = {**now, "packages": {**now["packages"], "numpy": "99.0"}}
    monkeypatch.setattr(verify.runner, "versions", lambda: upgraded)
    events: list[Event] = []
    run(plan(claim), (events.append,))
    assert isinstance(events[0], RunStarted)
    assert events[0].resumed == 0


def test_another_run_in_the_same_folder_leaves_an_interrupted_one_to_resume(
    tiny_claim: Make, plan: Make
) -> None:
    claim = tiny_claim()
    with pytest.raises(KeyboardInterrupt):
        run(plan(claim), (interrupting(after=3),))
    run(plan(claim, seed=5, examples=12), ())
    events: list[Event] = []
    run(plan(claim), (events.append,))
    assert isinstance(events[0], RunStarted)
    assert events[0].resumed == 3
    assert not (plan().folder / "unfinished").exists()


def test_shards_of_another_seed_are_not_resumed(tiny_claim: Make, plan: Make) -> None:
    claim = tiny_claim()
    with pytest.raises(KeyboardInterrupt):
        run(plan(claim), (interrupting(after=3),))
    events: list[Event] = []
    run(plan(claim, seed=1), (events.append,))
    assert isinstance(events[0], RunStarted)
    assert events[0].resumed == 0


def test_events_tell_the_whole_story_in_order(tiny_claim: Make, plan: Make) -> None:
    events: list[Event] = []
    run(plan(tiny_claim(limit=3.0)), (events.append,))
    kinds = [type(event) for event in events]
    assert kinds == [RunStarted, *[ShardFinished] * 8, ShrinkStarted, ClaimJudged, RunFinished]
    finished = [event for event in events if isinstance(event, ShardFinished)]
    assert [event.done for event in finished] == list(range(1, 9))
    assert sum(event.examples for event in finished) == 40


@pytest.mark.parametrize(
    ("changes", "words"), [({"examples": 0}, "examples is 0"), ({"jobs": 0}, "jobs")]
)
def test_senseless_plan_writes_nothing(
    changes: dict[str, int], words: str, tiny_claim: Make, plan: Make
) -> None:
    with pytest.raises(InvalidInput, match=words):
        run(plan(tiny_claim(), **changes), ())
    assert not plan().folder.exists()


def test_replay_of_a_numerical_failure_is_inconclusive(tiny_claim: Make, plan: Make) -> None:
    (entry,) = run(plan(tiny_claim(limit=3.0)), ()).claims
    tiny_claim(limit=3.0, check=raising(IntegratorsDisagree("by 0.5"), lambda total: True))
    replayed = replay_file(Path(entry.counterexample.instance))
    assert (replayed.verdict, replayed.exit_status) == ("inconclusive", 3)
    assert replayed.lines[1] == "integrators disagree: by 0.5"


def test_replay_after_a_repair_holds(tiny_claim: Make, plan: Make) -> None:
    (entry,) = run(plan(tiny_claim(limit=3.0)), ()).claims
    tiny_claim(limit=1000.0)
    replayed = replay_file(Path(entry.counterexample.instance))
    assert (replayed.verdict, replayed.exit_status) == ("holds", 0)


def evidence(claim: str, *names: str) -> tuple[dict[str, Evidence], ...]:
    return tuple({claim: Evidence({"name": name}, "measured", laws={CLAIM: ()})} for name in names)


def shard(family: str, *claims: str) -> Shard:
    return Shard("m", claims, family, 0, 0, 3)


def test_merge_interleaves_families_and_keeps_equal_instances_once() -> None:
    shards = [
        ShardResult(shard("one", "c"), evidence("c", "a", "b", "c"), 1),
        ShardResult(shard("two", "c"), evidence("c", "x", "b"), 2),
        ShardResult(shard("three", "c", "d"), evidence("c", "a"), 0),
        ShardResult(shard("four", "d"), evidence("d", "y"), 0),
    ]
    assert [entry.instance["name"] for entry in merge(shards, "c")] == ["a", "x", "b", "c"]
    assert [entry.instance["name"] for entry in merge(shards, "d")] == ["y"]


def test_of_equal_instances_the_one_seen_in_wrong_worlds_is_kept() -> None:
    (found,) = evidence("c", "b")
    told = replace(found["c"], sabotages=(Sabotage("world", True),))
    shards = [
        ShardResult(shard("one", "c"), evidence("c", "a", "b"), 0),
        ShardResult(shard("two", "c"), ({"c": told}, *evidence("c", "a")), 0),
    ]
    merged = merge([*shards, shards[0]], "c")
    assert [entry.instance["name"] for entry in merged] == ["a", "b"]
    assert merged[1].sabotages == told.sabotages


@pytest.mark.parametrize("order", [1, -1])
def test_of_equal_instances_the_one_that_refutes_is_kept(order: int) -> None:
    kept, refuted = (
        {"c": Evidence({"name": "a"}, "measured", laws={CLAIM: (bound("b", value, 1.0),)})}
        for value in (0.5, 2.0)
    )
    shards = [ShardResult(shard("one", "c"), (found,), 0) for found in (kept, refuted, kept)]
    (merged,) = merge(shards[::order], "c")
    assert merged.laws == refuted["c"].laws
    assert merged.unsteady


def test_equal_instances_may_differ_by_rounding() -> None:
    shards = [
        ShardResult(
            shard("one", "c"),
            ({"c": Evidence({}, "measured", laws={CLAIM: (bound("b", value, 1.0),)})},),
            0,
        )
        for value in (0.5, 0.5 + 1e-16)
    ]
    (merged,) = merge(shards, "c")
    assert not merged.unsteady


def with_input(value: float) -> FlowInstance:
    problem = Problem(Diagonal(1), np.array([0.5, 0.5]), np.array([[value]]), np.ones(1))
    return FlowInstance(problem, Regime(log10_alpha=8, decay_power=2))


def test_equal_instances_with_other_outcomes_do_not_hold(tiny_claim: Make, plan: Make) -> None:
    seen: list[float] = []

    def check(total: float) -> None:
        seen.append(total)
        if len(seen) > 30:
            raise IntegrationFailed("stuck")

    def few(families: tuple[str, ...], sizes: Any) -> Any:
        return st.sampled_from([with_input(float(value)) for value in range(1, 9)])

    claim = tiny_claim(check=check, instances=few, families=("all",))
    (entry,) = run(plan(claim), ()).claims
    assert entry.ruling.verdict == "inconclusive"
    assert "equal instances gave different numbers" in entry.ruling.shortfalls


def test_merge_of_nothing_is_nothing() -> None:
    assert merge([], "c") == []


def sharing(*claims: Any) -> tuple[Any, ...]:
    """The same claims on the measurement of the first."""
    return tuple(replace(claim, measurement=claims[0].measurement) for claim in claims)


def test_claims_that_share_a_measurement_measure_an_instance_once(plan: Make) -> None:
    import verify.shards

    sums: list[float] = []
    one, two = sharing(tiny(name="one", check=sums.append), tiny(name="two", limit=3.0))
    known = {"one": one, "two": two}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(verify.shards, "claim_of", lambda module, name: known[name])
        patch.setattr(verify.runner, "shrunk", lambda worst: worst)
        first, second = run(plan(one, two), ()).claims
    assert [e.instance["inputs"] for e in first.evidence] == [
        e.instance["inputs"] for e in second.evidence
    ]
    assert len(sums) == 40
    assert (first.ruling.verdict, second.ruling.verdict) == ("holds", "falsified")


def test_measurements_of_one_id_must_be_one(plan: Make) -> None:
    claims = tiny(name="one", measurement="m"), tiny(name="two", measurement="m")
    with pytest.raises(InvalidInput, match="different measurements of the id 'm'"):
        run(plan(*claims), ())


@pytest.mark.parametrize("error", [ZeroDivisionError("z"), KeyError("k"), RuntimeError("r")])
def test_an_exception_of_one_claim_does_not_end_the_run(
    error: Exception, tiny_claim: Make, plan: Make
) -> None:
    broken = tiny_claim(name="broken", check=raising(error, lambda total: total > 20))
    result = run(plan(broken, tiny_claim(name="sound")), ())
    told = {entry.claim.id: entry.ruling.verdict for entry in result.claims}
    assert told == {"broken": "inconclusive", "sound": "holds"}
    assert result.exit_status == 3
    (shortfall, *_) = result.claims[0].ruling.shortfalls
    assert type(error).__name__ in shortfall
    assert "(test_runner.py, line " in shortfall


def test_a_strategy_that_fails_is_inconclusive(tiny_claim: Make, plan: Make) -> None:
    def draws_nothing(families: tuple[str, ...], sizes: Any) -> Any:
        return st.integers().map(lambda _: 1 / 0)

    result = run(plan(tiny_claim(instances=draws_nothing)), ())
    assert (result.claims[0].ruling.verdict, result.exit_status) == ("inconclusive", 3)
    assert "its strategy: ZeroDivisionError" in result.claims[0].ruling.shortfalls[0]


@pytest.mark.parametrize(
    ("owner", "name", "kept"),
    [(verify.counterexamples, "shrink_counterexample", True), (verify.runner, "save", False)],
)
def test_a_counterexample_that_cannot_be_shrunk_or_kept_loses_no_verdict(
    owner: Any, name: str, kept: bool, tiny_claim: Make, plan: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise TypeError("cannot be read back")

    monkeypatch.setattr(owner, name, fail)
    events: list[Event] = []
    result = run(plan(tiny_claim(limit=3.0)), (events.append,))
    assert (result.claims[0].ruling.verdict, result.exit_status) == ("falsified", 1)
    assert (result.claims[0].counterexample is not None) == kept
    (lost,) = (event for event in events if isinstance(event, CounterexampleLost))
    assert "cannot be read back" in lost.message


def test_a_refutation_by_a_rate_is_confirmed_on_fresh_instances(
    tiny_claim: Make, plan: Make
) -> None:
    """Off on the planned forty draws only: what chance made is not told as a refutation."""
    seen: list[float] = []

    def laws(total: float, limit: float) -> list[Any]:
        return [bound("b", 0.0, limit), rate("slope", 1.0, 1.3 if len(seen) <= 40 else 1.0, 0.1)]

    (entry,) = run(plan(tiny_claim(check=seen.append, laws=laws)), ()).claims
    assert entry.ruling.verdict == "inconclusive"
    assert entry.ruling.shortfalls[0] == UNCONFIRMED
    assert len(seen) > 40


def test_a_rare_stratum_is_confirmed_on_enough_fresh_instances(
    tiny_claim: Make, plan: Make
) -> None:
    """One instance in six: the first fresh dozen holds too few."""

    def drawn(families: tuple[str, ...], sizes: Any) -> Any:
        return st.integers(1, 10**6).map(lambda value: with_input(float(value)))

    def laws(total: float, limit: float) -> list[Any]:
        seldom = total % 6 == 0
        slope = 9.0 if seldom else 1.0
        return [bound("b", 0.0, 1.0), rate("r", 1.0, slope, 0.1, stratum=f"seldom {seldom}")]

    claim = tiny_claim(laws=laws, instances=drawn, families=("all",))
    (entry,) = run(plan(claim, examples=72), ()).claims
    refuted = [rate.name for rate in entry.ruling.rates if rate.judgement == "refuted"]
    assert (entry.ruling.verdict, refuted) == ("falsified", ["r, seldom True"])


def test_a_stratum_that_is_never_drawn_again_is_told(tiny_claim: Make, plan: Make) -> None:
    seen: list[float] = []

    def once(total: float, limit: float) -> list[Any]:
        slope = 9.0 if len(seen) <= 40 else 1.0
        return [bound("b", 0.0, limit), rate("r", 1.0, slope, 0.1, stratum=f"{len(seen) > 40}")]

    (entry,) = run(plan(tiny_claim(check=seen.append, laws=once)), ()).claims
    assert entry.ruling.shortfalls[0] == f"{SCARCE} r, False"


def test_findings_that_are_none_are_told(tiny_claim: Make, plan: Make) -> None:
    (entry,) = run(plan(tiny_claim(findings=lambda measured: ["looks odd"])), ()).claims
    assert entry.ruling.verdict == "inconclusive"
    assert "findings of claim tiny hold a str; give findings" in entry.ruling.shortfalls[0]


def test_a_rate_that_is_short_of_evidence_draws_more(tiny_claim: Make, plan: Make) -> None:
    """Four instances are planned, six are needed."""
    (entry,) = run(plan(tiny_claim(), examples=4), ()).claims
    assert entry.ruling.verdict == "holds"
    assert len(entry.evidence) >= 6


def test_drawing_more_has_an_end(tiny_claim: Make, plan: Make) -> None:
    """A rate whose interval never lies inside its tolerance."""

    def laws(total: float, limit: float) -> list[Any]:
        return [bound("b", 0.0, limit), rate("slope", 1.0, 1.15 if total % 2 else 0.95, 0.1)]

    (entry,) = run(plan(tiny_claim(laws=laws), examples=8), ()).claims
    assert entry.ruling.verdict == "inconclusive"
    assert "its interval leaves the tolerance" in " ".join(entry.ruling.shortfalls)
    assert 8 < len(entry.evidence) <= 8 * (1 + ROUNDS)


def test_a_rival_that_is_never_tried_is_no_rival(tiny_claim: Make, plan: Make) -> None:
    result = run(plan(tiny_claim(rivals={})), ())
    (entry,) = result.claims
    assert (entry.ruling.verdict, entry.standing) == ("inconclusive", "untested")
    assert result.exit_status == 3


def test_a_claim_that_does_not_notice_a_wrong_world_is_toothless(
    tiny_claim: Make, plan: Make
) -> None:
    worlds = {"twice the inputs": lambda i: Total(2.0 * float(i.problem.inputs.sum()))}
    (blind,) = run(plan(tiny_claim(sabotaged=worlds)), ()).claims
    assert (blind.ruling.verdict, blind.standing) == ("inconclusive", "toothless")
    worlds = {"far larger inputs": lambda i: Total(1e6)}
    (sharp,) = run(plan(tiny_claim(sabotaged=worlds)), ()).claims
    assert (sharp.ruling.verdict, sharp.standing) == ("holds", "tested")
    assert sharp.to_json()["sabotages"] == {"far larger inputs": True}


@pytest.mark.parametrize(("factor", "verdict"), [(1.0, "holds"), (1.001, "inconclusive")])
def test_an_independent_route_that_disagrees_withdraws_the_verdict(
    factor: float, verdict: str, tiny_claim: Make, plan: Make
) -> None:
    def again(instance: Any) -> Total:
        return Total(factor * float(instance.problem.inputs.sum()))

    (entry,) = run(plan(tiny_claim(independent=again)), ()).claims
    assert entry.ruling.verdict == verdict
    assert entry.to_json()["independent"]["numbers"] == 2
    assert ("an independent route finds" in " ".join(entry.ruling.shortfalls)) == (factor > 1.0)


def test_another_instance_takes_an_independent_route_that_fails(
    tiny_claim: Make, plan: Make
) -> None:
    tried: list[float] = []

    def again(instance: Any) -> Total:
        tried.append(float(instance.problem.inputs.sum()))
        if len(tried) == 1:
            raise IntegrationFailed("steps below rounding")
        return Total(tried[-1])

    (entry,) = run(plan(tiny_claim(independent=again)), ()).claims
    told = entry.to_json()["independent"]
    assert (told["numbers"], told["agree"], len(tried)) == (2, 2, 2)
    assert told["failed"] == ["steps below rounding"]


def test_an_independent_route_without_numbers_is_told(tiny_claim: Make, plan: Make) -> None:
    def again(instance: Any) -> Total:
        raise IntegrationFailed("steps below rounding")

    made = plan(tiny_claim(independent=again))
    result = run(made, ())
    (entry,) = result.claims
    told = entry.to_json()["independent"]
    assert (told["numbers"], told["worst"]) == (0, None)
    assert told["failed"] == ["steps below rounding"] * 3
    assert (entry.ruling.verdict, result.exit_status) == ("inconclusive", 3)
    told = "its independent route gave no numbers: steps below rounding"
    assert entry.ruling.shortfalls == (told,)
    write_report(result.to_json(), made.folder)
    assert "gave no numbers:\nsteps below rounding" in (made.folder / "index.html").read_text()


@pytest.mark.parametrize(("value", "error"), [(1e5, 1e6), (float("nan"), 0.0), (1.0, inf)])
def test_an_independent_route_that_says_nothing_confirms_nothing(
    value: float, error: float, tiny_claim: Make, plan: Make
) -> None:
    def laws(total: Any, limit: float) -> list[Any]:
        number, told = total if isinstance(total, tuple) else (total, 0.0)
        return [below("total", number, limit, Basis.DERIVED, error=told)]

    claim = tiny_claim(laws=laws, independent=lambda i: Total((value, error)))
    (entry,) = run(plan(claim), ()).claims
    assert entry.ruling.verdict == "inconclusive"
    told = "its independent route gave no numbers: none of its numbers is decided"
    assert entry.ruling.shortfalls == (told,)


def test_a_family_of_which_nothing_is_measured_is_told(tiny_claim: Make, plan: Make) -> None:
    """One instance in twenty: nine tenths are measured all the same."""
    families = tuple(f"f{k:02}" for k in range(20))

    def drawn(families: tuple[str, ...], sizes: Any) -> Any:
        start = 0.5 if "f19" in families else 0.0
        return st.integers(1, 900).map(lambda value: with_input(start + value))

    def check(total: float) -> None:
        if total % 1.0:
            raise IntegrationFailed("always here")

    claim = tiny_claim(check=check, families=families, instances=drawn)
    (entry,) = run(plan(claim), ()).claims
    assert entry.ruling.verdict == "inconclusive"
    assert entry.ruling.shortfalls == ("no instance of family f19 was measured",)


def test_a_wrong_world_that_crashes_is_told_by_its_name(tiny_claim: Make, plan: Make) -> None:
    worlds = {"bug": lambda i: i.nothing}
    (none,) = run(plan(tiny_claim(sabotaged=worlds)), ()).claims
    told = "its wrong world 'bug' could not be made: AttributeError"
    assert (none.ruling.verdict, none.standing) == ("inconclusive", "toothless")
    assert told in none.ruling.shortfalls[0]
    worlds["far larger inputs"] = lambda i: Total(1e6)
    (one,) = run(plan(tiny_claim(sabotaged=worlds)), ()).claims
    assert one.ruling.verdict == "holds"
    assert told in one.words


def test_what_may_still_fail_is_counted_by_the_law_decided_least(
    tiny_claim: Make, plan: Make
) -> None:
    def laws(total: float, limit: float) -> Any:
        yield bound("total", total, limit)
        if total > 60.0:
            yield not_applicable("main", Kind.BELOW, "large")
        else:
            yield bound("main", total, limit)

    (entry,) = run(plan(tiny_claim(laws=laws)), ()).claims
    main = next(law for law in entry.ruling.laws if law.id == "main")
    assert entry.ruling.verdict == "holds"
    assert main.decided < entry.ruling.decided
    room = entry.to_json()["room_for_failures"]
    assert room == pytest.approx(1.0 - 0.05 ** (1.0 / main.decided))
    assert f"as 'main' was decided on {main.decided}" in entry.words


def test_an_instance_that_is_dear_is_shrunk_in_fewer_tries(tiny_claim: Make, plan: Make) -> None:
    events: list[Event] = []
    run(plan(tiny_claim(limit=3.0, thrift=3)), (events.append,))
    (started,) = (event for event in events if isinstance(event, ShrinkStarted))
    assert [worst.tries for worst in started.worst] == [67]  # of 200
