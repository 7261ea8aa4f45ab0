"""The runner: shards to workers, evidence to the judge, events to whoever listens."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path
from time import perf_counter
from typing import Any

from theory.errors import InvalidInput
from theory.requests import check_whole
from verify.atomic import make_folder
from verify.budget import Spending
from verify.counterexamples import given_up, save, shrunk, worst_of
from verify.engines import Engine, started
from verify.environment import describe_environment, versions
from verify.events import (
    AssumptionSearched,
    ClaimJudged,
    CounterexampleLost,
    FurtherStarted,
    Listener,
    RunFinished,
    RunStarted,
    ShardFinished,
    ShrinkStarted,
)
from verify.evidence import CLAIM
from verify.examine import attempt
from verify.further import (
    CONFIRMING,
    ROUNDS,
    confirmed,
    fresh_shards,
    refuted_by_rates_alone,
    scarce,
    shortage,
)
from verify.judge import Ruling, judge
from verify.language.claim import AnyClaim
from verify.merge import merge
from verify.necessity.table import NecessityPlan, run_necessity
from verify.profiles import PAIRS, Profile
from verify.results import ClaimResult, RunResult, judge_claim
from verify.shards import (
    Shard,
    ShardResult,
    ShardStore,
    code_fingerprint,
    groups_of,
    plan_shards,
    run_shard,
    suite_sources,
)
from verify.user_modules import sources_of

MAX_EXAMPLES = 1_000_000
"""Of each claim: a plan is a list in memory."""


@dataclass(frozen=True)
class RunPlan:
    """What to run and where to keep it.

    `budget` is the seconds that the run may take, spent beyond the planned examples by the rule of
    `verify.budget`; None for the planned examples alone. They are completed in any case, and
    judging and shrinking come on top. `engine` is where shards are run: see `verify.engines`.
    `necessity` asks for the search of `verify.necessity` as well, after the claims and beside the
    budget, by the same engine. `selected` says that these are not all claims.
    """

    claims: tuple[AnyClaim, ...]
    profile: Profile
    examples: int
    seed: int
    jobs: int
    folder: Path
    command: str
    budget: float | None = None
    engine: str = "loky"
    necessity: bool = False
    selected: bool = False


def run(plan: RunPlan, listeners: Sequence[Listener]) -> RunResult:
    """Run every claim, judge it with its rivals, shrink what refutes it.

    Finished shards are kept in the report folder until the results are written, so an interrupted
    run resumes.

    Raises:
        InvalidInput: fewer than one example or worker, more than `MAX_EXAMPLES`, a seed that the
            history cannot hold, a report folder that cannot be made, or an engine that cannot be
            started.
    """
    check_whole("examples", plan.examples)
    if plan.examples > MAX_EXAMPLES:
        raise InvalidInput(f"examples is {plan.examples}; it must be at most {MAX_EXAMPLES}")
    if not -(2**63) <= plan.seed < 2**63:
        raise InvalidInput(f"seed is {plan.seed}; it must be a whole number of 64 bits")
    check_whole("jobs", plan.jobs)
    start = perf_counter()
    groups, sizes = groups_of(plan.claims), plan.profile.sizes
    own = code_fingerprint(sources_of(plan.claims))
    store = ShardStore(plan.folder / "unfinished", _code_and_versions(), own)
    shards = [s for group in groups for s in plan_shards(group, plan.examples, plan.seed, sizes)]
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
                running([shard for shard in shards if shard not in done], engine.workers),
            ),
        )
        work = _Work(plan, groups, tuple(shards), done, store, engine, listeners)
        work.measure(shards)
        work.draw_what_is_short()
        if plan.budget is not None:
            work.spend(plan.budget + start - resumed)
        confirmations = work.confirm()
        judged = [_judged(claim, work, confirmations.get(claim.id, ())) for claim in plan.claims]
        results = _complete(judged, work, plan, listeners)
    searched = _necessity(plan, listeners) if plan.necessity else None
    outcome = RunResult(
        tuple(results[claim.id] for claim in plan.claims),
        plan.profile.name,
        plan.seed,
        plan.command,
        perf_counter() - start,
        describe_environment(),
        plan.budget,
        searched,
        plan.selected,
    )
    _tell(listeners, RunFinished(outcome, outcome.to_json()))
    if not any(result.missing for result in done.values()):
        store.clear()  # else the same command runs what is missing, and only that
    return outcome


@dataclass
class _Work:
    """The shards of a run: planned ones, and those drawn on the way."""

    plan: RunPlan
    groups: Sequence[tuple[AnyClaim, ...]]
    planned: tuple[Shard, ...]
    done: dict[Shard, ShardResult]
    store: ShardStore
    engine: Engine
    listeners: Sequence[Listener]

    def measure(self, shards: Sequence[Shard]) -> list[ShardResult]:
        """Results of shards, which count as evidence from now on."""
        found = self.finish(shards)
        self.done.update(found)
        return list(found.values())

    def finish(self, shards: Sequence[Shard]) -> dict[Shard, ShardResult]:
        """Results of shards: done already, kept from an interrupted run, or run now."""
        known = ((shard, self.done.get(shard) or self.store.load(shard)) for shard in shards)
        found = {shard: result for shard, result in known if result is not None}
        left = [shard for shard in shards if shard not in found]
        total = len(self.done.keys() | shards)
        for finished in self.engine.results(left, run_shard):
            if not finished.missing:
                self.store.save(finished)
            found[finished.shard] = finished
            shard, done = finished.shard, len(self.done.keys() | found.keys())
            next_ones = running([s for s in left if s not in found], self.engine.workers)
            count = len(finished.instances)
            event = ShardFinished(shard.measurement, shard.family, count, done, total, next_ones)
            _tell(self.listeners, event)
        return {shard: found[shard] for shard in shards if shard in found}

    def results_of(self, claim: AnyClaim) -> tuple[list[ShardResult], list[ShardResult]]:
        """The planned and the further shards of a claim, each in an order of their own."""
        mine = {s for s in self.done if claim.id in s.claims and s.module == claim.module}
        planned = [s for s in self.planned if s in mine]
        families = ["examples", *claim.families]
        further = sorted(
            mine.difference(planned), key=lambda s: (s.index, families.index(s.family))
        )
        return [self.done[s] for s in planned], [self.done[s] for s in further]

    def all_of(self, claim: AnyClaim) -> list[ShardResult]:
        planned, further = self.results_of(claim)
        return [*planned, *further]

    def draw_what_is_short(self) -> None:
        """Further instances where evidence is short, for at most `ROUNDS` rounds."""
        for _ in range(ROUNDS):
            shards = [s for group in self.groups for s in self._short(group)]
            if not shards:
                return
            self.measure(shards)

    def _short(self, group: tuple[AnyClaim, ...]) -> list[Shard]:
        planned, sizes = self._examples(group), self.plan.profile.sizes
        short = [shortage(claim, self.all_of(claim), planned) for claim in group]
        wanted, examples = {f for s in short for f in s.families}, max(s.examples for s in short)
        families = [family for family in group[0].families if family in wanted]
        return fresh_shards(group, families, self.done, self.plan.seed, examples, sizes)

    def _examples(self, group: tuple[AnyClaim, ...]) -> int:
        """As many as were planned."""
        name = group[0].measurement.id
        return sum(s.count for s in self.planned if s.measurement == name)

    def spend(self, end: float) -> None:
        """Further shards until the clock shows `end`; see `verify.budget`."""
        spending = Spending(self.groups, self.plan.seed, self.plan.profile.sizes)
        for result in list(self.done.values()):
            spending.add(result)
        resumed = spending.resume(self.store)
        self.done.update({result.shard: result for result in resumed})
        end -= _spent(resumed, self.engine.workers)
        _tell(self.listeners, FurtherStarted(max(end - perf_counter(), 0.0)))
        while further := spending.choose(self.engine.workers, end - perf_counter()):
            for result in self.measure(further):
                spending.add(result)

    def confirm(self) -> dict[str, list[ShardResult]]:
        """Fresh instances for claims that a rate alone refutes, by claim."""
        found: dict[str, list[ShardResult]] = {}
        for group in self.groups:
            for claim in group:
                planned, further = self.results_of(claim)
                ruling = judge(merge(planned, claim.id, further), CLAIM)
                if refuted_by_rates_alone(ruling):
                    found[claim.id] = self._fresh(claim, ruling, self._examples(group))
        return found

    def _fresh(self, claim: AnyClaim, ruling: Ruling, planned: int) -> list[ShardResult]:
        """Fresh instances; where they hold too few of a refuted stratum, as many as were planned.

        For `ROUNDS` rounds at most.
        """
        fresh: dict[Shard, ShardResult] = {}
        for count in (max(planned // 3, CONFIRMING), *[planned] * ROUNDS):
            shards = fresh_shards(
                (claim,),
                claim.families,
                [*self.done, *fresh],
                self.plan.seed,
                count,
                self.plan.profile.sizes,
            )
            fresh |= self.finish(shards)
            if not scarce(ruling, claim, list(fresh.values())):
                break
        return list(fresh.values())


def running(left: Sequence[Shard], workers: int) -> tuple[str, ...]:
    """What so many workers do: engines hand shards out in their order."""
    return tuple(f"{shard.measurement} on {shard.family}" for shard in left[:workers])


def _spent(results: Iterable[ShardResult], jobs: int) -> float:
    """Seconds that shards of an interrupted run took."""
    return sum(result.seconds for result in results) / jobs


def _necessity(plan: RunPlan, listeners: Sequence[Listener]) -> dict[str, Any]:
    search = NecessityPlan(
        plan.claims, (), PAIRS, plan.seed, plan.folder, inf, plan.jobs, plan.engine
    )
    return run_necessity(search, lambda entry: _tell(listeners, AssumptionSearched(entry)))


def _tell(listeners: Sequence[Listener], event: Any) -> None:
    for listener in listeners:
        listener(event)


def _code_and_versions() -> str:
    """Of the suite and of what it computes with: shards of others are not resumed."""
    found = code_fingerprint(suite_sources()) + repr(versions())
    return hashlib.sha256(found.encode()).hexdigest()[:16]


def _judged(claim: AnyClaim, work: _Work, fresh: Sequence[ShardResult]) -> ClaimResult:
    planned, further = work.results_of(claim)
    shards = [*planned, *further]
    evidence = merge(planned, claim.id, further)
    discarded = sum(shard.discarded for shard in shards)
    missing = sum(shard.missing for shard in shards)
    result = judge_claim(claim, evidence, discarded, missing, _lost(claim, shards))
    if refuted_by_rates_alone(result.ruling):
        result = replace(result, ruling=confirmed(result.ruling, claim, fresh))
    return result


def _lost(claim: AnyClaim, shards: Sequence[ShardResult]) -> list[str]:
    """Families of which instances were tried and none was measured."""
    tried: dict[str, bool] = {}
    for result in shards:
        for entry in result.of(claim.id):
            family = result.shard.family
            tried[family] = tried.get(family, False) or entry.outcome == "measured"
    return [family for family, measured in tried.items() if not measured]


def _complete(
    results: Sequence[ClaimResult], work: _Work, plan: RunPlan, listeners: Sequence[Listener]
) -> dict[str, ClaimResult]:
    """Results by claim, of what is falsified with a counterexample; each is told once complete."""
    complete = {}
    falsified = {r.claim.id: r for r in results if r.ruling.verdict == "falsified"}
    for result in results:
        if result.claim.id not in falsified:
            complete[result.claim.id] = result
            _tell(listeners, ClaimJudged(result))
    tries = plan.profile.shrink_tries
    worst = [worst_of(r, work.all_of(r.claim), tries) for r in falsified.values()]
    if worst:
        _tell(listeners, ShrinkStarted(tuple(worst)))
    for found in work.engine.results(worst, shrunk, given_up):
        claim = falsified[found.claim].claim
        kept, failure = attempt(lambda c=claim, f=found: save(c, f, plan.folder))
        if found.failure:
            told = f"its counterexample could not be shrunk: {found.failure}"
            _tell(listeners, CounterexampleLost(found.claim, told))
        if failure is not None:
            told = f"its counterexample could not be kept: {failure[1]}"
            _tell(listeners, CounterexampleLost(found.claim, told))
        complete[found.claim] = replace(falsified[found.claim], counterexample=kept)
        _tell(listeners, ClaimJudged(complete[found.claim]))
    return complete
