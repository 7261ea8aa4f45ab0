"""The runner: shards to workers, evidence to the judge, events to whoever listens."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from math import inf
from pathlib import Path
from time import perf_counter
from typing import Any

from theory.errors import InvalidInput
from verify.atomic import make_folder, write_json
from verify.budget import Spending
from verify.claims.base import Claim
from verify.engines import Engine, started
from verify.environment import describe_environment
from verify.events import (
    AssumptionSearched,
    ClaimJudged,
    FurtherStarted,
    Listener,
    RunFinished,
    RunStarted,
    ShardFinished,
    ShrinkStarted,
)
from verify.evidence import CLAIM, Evidence
from verify.instances import ASSUMPTIONS
from verify.judge import SINGLE_RATE, against
from verify.necessity.table import NecessityPlan, run_necessity
from verify.profiles import PAIRS, Profile
from verify.replay import instance_of, replay_command
from verify.results import ClaimResult, Counterexample, RunResult, judge_claim
from verify.search import shrink_counterexample
from verify.shards import (
    Shard,
    ShardResult,
    ShardStore,
    code_fingerprint,
    plan_shards,
    run_shard,
    suite_sources,
)
from verify.user_modules import sources_of, user_code


@dataclass(frozen=True)
class RunPlan:
    """What to run and where to keep it.

    `budget` is the seconds that the run may take, spent beyond the planned examples by the rule of
    `verify.budget`; None for the planned examples alone. They are completed in any case, and
    judging and shrinking come on top. `engine` is where shards are run: see `verify.engines`.
    `necessity` asks for the search of `verify.necessity` as well, after the claims and beside the
    budget, by `jobs` processes on this machine.
    """

    claims: tuple[Claim[Any, Any], ...]
    profile: Profile
    examples: int
    seed: int
    jobs: int
    folder: Path
    command: str
    budget: float | None = None
    engine: str = "loky"
    necessity: bool = False


def run(plan: RunPlan, listeners: Sequence[Listener]) -> RunResult:
    """Run every claim, judge it with its rivals, shrink what refutes it.

    Finished shards are kept in the report folder until the results are written, so an interrupted
    run resumes.

    Raises:
        InvalidInput: fewer than one example or worker, a report folder that cannot be made, or an
            engine that cannot be started.
    """
    if plan.examples < 1:
        raise InvalidInput(f"examples is {plan.examples}; it must be at least 1")
    if plan.jobs < 1:
        raise InvalidInput(f"jobs is {plan.jobs}; it must be at least 1")
    start = perf_counter()
    store = ShardStore(plan.folder / "unfinished", _fingerprint(plan.claims))
    shards = [s for claim in plan.claims for s in plan_shards(claim, plan.examples, plan.seed)]
    done = {shard: found for shard in shards if (found := store.load(shard)) is not None}
    with started(plan.engine, plan.jobs) as engine:
        make_folder(plan.folder)  # after all that may be refused: bad options leave nothing behind
        resumed = _spent(done.values(), engine.workers)
        _tell(
            listeners,
            RunStarted(
                tuple(claim.id for claim in plan.claims),
                plan.profile.name,
                plan.seed,
                engine.workers,
                plan.examples,
                len(shards),
                len(done),
            ),
        )
        _measure([s for s in shards if s not in done], done, store, engine, listeners)
        if plan.budget is not None:
            _spend(plan.budget + start - resumed, shards, done, store, engine, plan, listeners)
    planned, results = set(shards), []
    for claim in plan.claims:
        mine = [done[shard] for shard in shards if shard.claim == claim.id]
        more = [s for s in done if s.claim == claim.id and s not in planned]
        more.sort(key=lambda s: (s.index, claim.families.index(s.family)))
        result = _judged(claim, mine, [done[shard] for shard in more], plan, listeners)
        _tell(listeners, ClaimJudged(result))
        results.append(result)
    searched = _necessity(plan, listeners) if plan.necessity else None
    outcome = RunResult(
        tuple(results),
        plan.profile.name,
        plan.seed,
        plan.command,
        perf_counter() - start,
        describe_environment(),
        plan.budget,
        searched,
    )
    _tell(listeners, RunFinished(outcome))
    if not any(result.missing for result in done.values()):
        store.clear()  # else the same command runs what is missing, and only that
    return outcome


def _spent(results: Iterable[ShardResult], jobs: int) -> float:
    """Seconds that shards of an interrupted run took."""
    return sum(entry.seconds for result in results for entry in result.evidence) / jobs


def _measure(
    shards: list[Shard],
    done: dict[Shard, ShardResult],
    store: ShardStore,
    engine: Engine,
    listeners: Sequence[Listener],
) -> None:
    """Run shards, and add them to those that are done."""
    total = len(done) + len(shards)
    for finished in engine.results(shards, run_shard):
        if not finished.missing:
            store.save(finished)
        done[finished.shard] = finished
        shard, count = finished.shard, len(finished.evidence)
        _tell(listeners, ShardFinished(shard.claim, shard.family, count, len(done), total))


def _spend(
    end: float,
    planned: list[Shard],
    done: dict[Shard, ShardResult],
    store: ShardStore,
    engine: Engine,
    plan: RunPlan,
    listeners: Sequence[Listener],
) -> None:
    """Further shards until the clock shows `end`; see `verify.budget`."""
    spending = Spending(plan.claims, plan.seed)
    for shard in planned:
        spending.add(done[shard])
    resumed = spending.resume(store)
    done.update({result.shard: result for result in resumed})
    end -= _spent(resumed, engine.workers)
    _tell(listeners, FurtherStarted(max(end - perf_counter(), 0.0)))
    while further := spending.choose(engine.workers, end - perf_counter()):
        _measure(further, done, store, engine, listeners)
        for shard in further:
            spending.add(done[shard])


def _necessity(plan: RunPlan, listeners: Sequence[Listener]) -> dict[str, Any]:
    search = NecessityPlan(ASSUMPTIONS, PAIRS, plan.seed, plan.folder, inf, plan.jobs)
    return run_necessity(search, lambda entry: _tell(listeners, AssumptionSearched(entry)))


def _tell(listeners: Sequence[Listener], event: Any) -> None:
    for listener in listeners:
        listener(event)


def _fingerprint(claims: Sequence[Claim[Any, Any]]) -> str:
    return code_fingerprint([*suite_sources(), *sources_of(claims)])


def _judged(
    claim: Claim[Any, Any],
    shards: Sequence[ShardResult],
    further: Sequence[ShardResult],
    plan: RunPlan,
    listeners: Sequence[Listener],
) -> ClaimResult:
    evidence, discarded = merge(shards, further)
    missing = sum(shard.missing for shard in (*shards, *further))
    result = judge_claim(claim, evidence, discarded, missing)
    if result.ruling.verdict != "falsified":
        return result
    found = _counterexample(result, [*shards, *further], plan, listeners)
    return replace(result, counterexample=found)


def merge(
    shards: Sequence[ShardResult], further: Sequence[ShardResult] = ()
) -> tuple[list[Evidence], int]:
    """All evidence in the order of the plan, families interleaved, equal instances once.

    What `further` shards have found beyond the plan comes after it.
    """
    merged: dict[str, Evidence] = {}
    for part in (shards, further):
        for row in zip_longest(*(shard.evidence for shard in part)):
            for entry in filter(None, row):
                merged.setdefault(repr(entry.instance), entry)
    return list(merged.values()), sum(shard.discarded for shard in (*shards, *further))


def _counterexample(
    result: ClaimResult,
    shards: Sequence[ShardResult],
    plan: RunPlan,
    listeners: Sequence[Listener],
) -> Counterexample:
    """Shrink the worst instance, save it, and say how to replay it.

    Those that refute a bound come first. Where there are none, a rate is refuted by its median, and
    the worst instance is the one on which it is furthest off.
    """
    claim = result.claim
    refuted = [rate.quantity for rate in result.ruling.rates if rate.judgement == "refuted"]
    (alone, worst), shard, entry = max(
        (
            (against(entry.assertions[CLAIM], refuted), found.shard, entry)
            for found in shards
            for entry in found.evidence
            if entry.outcome == "measured"
        ),
        key=lambda entry: entry[0],
    )
    _tell(listeners, ShrinkStarted(claim.id, worst, plan.profile.shrink_tries, alone))
    shrunk = None
    if shard.family != "examples" and worst > (1.0 if alone else SINGLE_RATE):
        with user_code(claim):
            shrunk = shrink_counterexample(
                claim,
                claim.instances((shard.family,)),
                shard.seed,
                shard.count,
                worst,
                plan.profile.shrink_tries,
                () if alone else refuted,
            )
    path = plan.folder / "counterexamples" / f"{claim.id}.json"
    instance = instance_of(claim, entry.instance) if shrunk is None else shrunk[0]
    write_json(path, {**instance.to_json(), "claim": claim.id})
    severity = worst if shrunk is None else shrunk[1]
    return Counterexample(
        str(path), replay_command(claim, path), severity, shrunk is not None, alone
    )
