"""The nightly search: Hypothesis climbs to the worst instance of each claim.

Where `run` draws independent instances and lets the judge decide, this search is told how far each
one is from its bound (`verify.alone.severity`) and goes where that grows, for bounds and
for rates. It runs in rounds, each under a seed of its own, until its time is over; a database on
disk keeps the best starting points for the next round and the next night. The worst instance is
saved as it is found, and the next search begins with it. Only a refuted bound refutes the claim: a
rate is judged on its median, and the instance on which it is furthest off is reported as such.

How much is left to be found is estimated after Good and Turing: outcomes are sorted into classes,
by family, by the bound or rate that binds, and by the tenth of the severity, and the share of
instances that are alone in their class estimates the probability that the next one falls into a
class not seen before. Climbing draws are not independent, so it is an estimate for this search.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from math import isfinite
from pathlib import Path
from time import perf_counter
from typing import Any

from hypothesis import Phase, given, settings, target
from hypothesis import seed as seeded
from hypothesis import strategies as st
from hypothesis.database import DirectoryBasedExampleDatabase

from theory.errors import InvalidInput
from theory.requests import check_whole
from verify.alone import binding, in_digits, judge_instance
from verify.alone import severity as severity_of
from verify.atomic import make_folder, write_json
from verify.catalogue import claim_of, instance_of
from verify.engines import Engine, started
from verify.examine import own_laws, where_raised
from verify.instances import Instance, read_json
from verify.language.claim import Claim
from verify.language.law import Status
from verify.profiles import hypothesis_settings
from verify.progress import Progress
from verify.report.portable import replay_command
from verify.report.words import counted
from verify.search import TimeIsOver, seed_alone
from verify.strategies.sizes import STANDARD

ROUND = 200
"""Instances of a round: Hypothesis climbs from the best of the first half, and the next round
starts from what this one has left in the database."""

HIGHEST = 1e6
"""Severities beyond count as this: targets must be finite."""

Class = tuple[str, str, int]
"""Family, what binds (or why nothing could be measured), and the tenth of the severity."""

Worst = tuple[bool, float, str]
"""Whether a bound is refuted, the severity, and what binds."""

Targets = dict[str, float]
"""Severities of the bounds and of the rates."""


@dataclass(frozen=True)
class Found:
    """What the search found out about one claim.

    Attributes:
        examples: distinct instances that were measured, or failed to be.
        severity: of the worst; None where none was measured.
        refuted: whether it refutes a bound; a severity above 1 may be that of a single rate.
        binds: the bound or rate that it is nearest to.
        instance: the file of the worst; `command` judges it again.
        classes, singletons: of outcomes seen at all, and seen exactly once.
        discovery: the estimated probability that one more instance shows something new.
        failed: why the claim could not be searched, or was measured nowhere.
    """

    claim: str
    examples: int
    rounds: int
    seconds: float
    severity: float | None
    refuted: bool
    binds: str | None
    instance: str | None
    command: str | None
    classes: int
    singletons: int
    discovery: float
    failed: str | None = None

    def line(self) -> str:
        """One line for a person."""
        if self.failed is not None:
            return f"{self.claim}: could not be searched: {self.failed}"
        assert self.severity is not None
        told = f"worst {in_digits(self.severity)} of its bound ({self.binds}): {self.command}"
        new = (
            f"one more shows something new with probability {self.discovery:.2g} "
            f"({self.singletons} of {self.classes} classes seen once)"
        )
        word = "REFUTED; " if self.refuted else ""
        if not self.refuted and self.severity > 1.0:
            told += ", a rate, which is judged on its median"
        return f"{self.claim}: {word}{self.examples} instances; {told}; {new}"


@dataclass(frozen=True)
class SearchPlan:
    """What to search, for how many seconds in all, and where to keep it.

    `engine` is where claims are searched, see `verify.engines`. The databases lie where its workers
    do; the worst instances come back to `folder`.
    """

    claims: tuple[Claim[Any, Any], ...]
    seconds: float
    seed: int
    jobs: int
    folder: Path
    engine: str = "loky"


@dataclass(frozen=True)
class _Task:
    """One claim to be searched, by a process that may be elsewhere."""

    module: str | None
    claim: str
    seconds: float
    seed: int
    folder: Path


def search(plan: SearchPlan, say: Callable[[str], Any]) -> tuple[Found, ...]:
    """Search every claim for an equal share of the time; writes search.json in the folder.

    Raises:
        InvalidInput: no claim, fewer than one worker, or a folder that cannot be written.
    """
    if not plan.claims:
        raise InvalidInput("claim: there is none to be searched; those that fail need no search")
    check_whole("jobs", plan.jobs)
    jobs = min(plan.jobs, len(plan.claims))
    with started(plan.engine, jobs) as engine:
        make_folder(plan.folder)
        workers = min(engine.workers, len(plan.claims))
        share = plan.seconds * workers / len(plan.claims)
        claims, several = counted(len(plan.claims), "claim"), counted(workers, "worker")
        say(f"{claims}, {share:.3g} s each, seed {plan.seed}, {several}")
        found = _search_all(plan, share, engine, say)
    return tuple(found)


def _search_all(
    plan: SearchPlan, share: float, engine: Engine, say: Callable[[str], Any]
) -> list[Found]:
    """What is found, in the order of the claims; search.json is written after each of them."""
    order = [claim.id for claim in plan.claims]
    tasks = [_Task(c.module, c.id, share, plan.seed, plan.folder) for c in plan.claims]
    claims = dict(zip(order, plan.claims, strict=True))
    found: list[Found] = []
    if engine.workers == 1:
        answers: Iterable[Any] = (_searched(claims[task.claim], task) for task in tasks)
    else:
        answers = engine.results(tasks, _search_named, _lost)
    with Progress("claims", len(tasks), seconds=plan.seconds) as progress:
        progress.running(", ".join(order[: engine.workers]))
        for entry, worst in answers:
            if worst is not None and entry.instance is not None:
                write_json(Path(entry.instance), worst)
            found.append(entry)
            found.sort(key=lambda one: order.index(one.claim))
            _write(plan, found)
            progress.clear()
            say(entry.line())
            left = [name for name in order if name not in {one.claim for one in found}]
            progress.reached(len(found))
            progress.running(", ".join(left[: engine.workers]))
    return found


def _write(plan: SearchPlan, found: Iterable[Found]) -> None:
    results = [asdict(entry) for entry in found]
    for result in results:
        if result["severity"] is not None and not isfinite(result["severity"]):
            result["severity"] = HIGHEST
    write_json(
        plan.folder / "search.json",
        {"schema": 1, "seed": plan.seed, "budget": plan.seconds, "claims": results},
    )


def _search_named(task: _Task) -> tuple[Found, Any]:
    """By a worker: what is found, and the worst instance, for folders that are elsewhere."""
    try:
        claim = claim_of(task.module, task.claim)
    except Exception as error:
        return _failed(task, where_raised(error)), None
    return _searched(claim, task)


def _searched(claim: Claim[Any, Any], task: _Task) -> tuple[Found, Any]:
    """One claim; whatever it raises is told of it, and ends nothing else."""
    try:
        found = search_claim(claim, task.seconds, task.seed, task.folder)
    except OSError:
        raise  # of the disk, not of the claim
    except Exception as error:
        return _failed(task, where_raised(error)), None
    return found, None if found.instance is None else read_json(Path(found.instance))


def _lost(task: _Task) -> tuple[Found, Any]:
    return _failed(task, "its workers were lost"), None


def _failed(task: _Task, reason: str) -> Found:
    return Found(task.claim, 0, 0, 0.0, None, False, None, None, None, 0, 0, 1.0, reason)


@dataclass
class _Log:
    """Outcomes of the distinct instances so far, the worst of them, and the last failure."""

    claim: Claim[Any, Any]
    path: Path
    known: dict[str, Targets | None] = field(default_factory=dict)
    classes: Counter[Class] = field(default_factory=Counter)
    worst: Worst | None = None
    failure: str = ""

    def targets(self, family: str, instance: Instance) -> Targets | None:
        """How near the instance is to a bound; None where it could not be measured."""
        key = repr(instance.to_json())
        if key not in self.known:
            self.known[key] = self._measure(family, instance)
        return self.known[key]

    def begin_with_the_last(self) -> None:
        """Measure the worst instance of an earlier search, where its file still has a meaning."""
        with suppress(InvalidInput):
            data = read_json(self.path)
            if isinstance(data, Mapping):
                self.targets("saved", instance_of(self.claim, data, self.path.parent))

    def _measure(self, family: str, instance: Instance) -> Targets | None:
        stated, failure = own_laws(self.claim, instance)
        if failure is not None:
            self.classes[(family, failure[0], -1)] += 1
            self.failure = ": ".join(failure)
            return None
        severity, binds = binding(stated)
        self.classes[(family, binds, int(10.0 * max(min(severity, 1.0), 0.0)))] += 1
        found = judge_instance(stated) is Status.REFUTED, severity, binds
        if self.worst is None or found[:2] > self.worst[:2]:
            self.worst = found
            write_json(self.path, {**instance.to_json(), "claim": self.claim.id})
        return {
            label: min(severity_of(part), HIGHEST)
            for label, part in (
                ("bounds", [law for law in stated if law.checks]),
                ("rates", [law for law in stated if law.estimate is not None]),
            )
        }


def search_claim(claim: Claim[Any, Any], seconds: float, seed: int, folder: Path) -> Found:
    """The last search's worst, then rounds of Hypothesis until the time is over.

    It ends earlier when a round brings nothing new.
    """
    start = perf_counter()
    log = _Log(claim, folder / "worst" / f"{claim.id}.json")
    rounds = 0
    with suppress(TimeIsOver):
        log.begin_with_the_last()
        while True:
            before = len(log.known)
            rounds += 1
            _round(log, seed + rounds - 1, start + seconds, folder / "database" / claim.id)
            if len(log.known) == before:
                break
    worst, found = log.worst, log.worst is not None
    nowhere = f"nothing could be measured on {counted(len(log.known), 'instance')}: {log.failure}"
    return Found(
        claim.id,
        len(log.known),
        rounds,
        round(perf_counter() - start, 3),
        None if worst is None else worst[1],
        worst is not None and worst[0],
        None if worst is None else worst[2],
        str(log.path) if found else None,
        replay_command(log.path, claim.module) if found else None,
        len(log.classes),
        singletons(log.classes.values()),
        discovery(log.classes.values()),
        None if found else nowhere,
    )


def singletons(counts: Iterable[int]) -> int:
    """How many classes were seen exactly once."""
    return sum(count == 1 for count in counts)


def discovery(counts: Iterable[int]) -> float:
    """Good and Turing's estimate of the probability of a class not seen before; 1 of nothing."""
    counts = list(counts)
    return singletons(counts) / sum(counts) if counts else 1.0


def _round(log: _Log, seed: int, end: float, database: Path) -> None:
    """One run of Hypothesis; the severity is its target."""

    # a seed turns the database off for what it decorates; the settings on top turn it on again
    @_settings(database)
    @seeded(seed)
    @given(st.data())
    def attempt(data: st.DataObject) -> None:
        if log.known and perf_counter() >= end:
            raise TimeIsOver
        family = data.draw(st.sampled_from(log.claim.families))
        targets = log.targets(family, data.draw(log.claim.instances((family,), STANDARD)))
        for label, severity in (targets or {}).items():
            target(severity, label=label)

    with seed_alone():
        attempt()


def _settings(database: Path) -> settings:
    """Those of a run, but climbing, and with a memory; nothing fails or shrinks."""
    return settings(
        hypothesis_settings(ROUND, shrink=False),
        phases=(Phase.reuse, Phase.generate, Phase.target),
        database=DirectoryBasedExampleDatabase(database),
    )


def searchable(claims: Sequence[Claim[Any, Any]]) -> tuple[Claim[Any, Any], ...]:
    """Those that are expected to hold: a worst case of the others says nothing."""
    return tuple(claim for claim in claims if claim.expected == "holds")
