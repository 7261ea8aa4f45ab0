"""The table: every assumption that can be violated against every claim that makes it.

Claims that share a measurement are judged on the same pairs. Worker processes search; what they
find is saved.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from time import monotonic
from typing import Any

from theory.errors import InvalidInput
from theory.requests import check_whole
from verify.atomic import make_folder, write_json
from verify.catalogue import claim_of
from verify.engines import Engine, started
from verify.examine import where_raised
from verify.language.assumption import Assumption
from verify.language.claim import AnyClaim
from verify.necessity.judged import Outcome
from verify.necessity.search import Finding, search_assumption
from verify.progress import Progress
from verify.report.portable import replay_command
from verify.report.words import slug
from verify.shards import groups_of
from verify.strategies.sizes import QUICK

SHRINK_TRIES = 15


@dataclass(frozen=True)
class NecessityPlan:
    """Which assumptions of which claims are searched, how far, and where the results go.

    Attributes:
        assumptions: their ids; all that can be violated where there are none.
        examples: pairs drawn for each assumption of each measurement.
        seconds: for all assumptions together, drawing and shrinking.
        engine: where assumptions are searched, see `verify.engines`.
    """

    claims: tuple[AnyClaim, ...]
    assumptions: tuple[str, ...]
    examples: int
    seed: int
    folder: Path
    seconds: float
    jobs: int
    engine: str = "loky"


@dataclass(frozen=True)
class _Task:
    """One assumption of the claims that share a measurement."""

    claims: tuple[str, ...]
    module: str | None
    assumption: str
    seed: int
    examples: int
    seconds: float

    @property
    def name(self) -> str:
        return f"{self.assumption} of {', '.join(self.claims)}"


def violable(claim: AnyClaim) -> dict[str, Assumption]:
    """The assumptions of a claim that can be violated, by id."""
    return {a.id: a for a in claim.measurement.assumptions if a.violated is not None}


def run_necessity(plan: NecessityPlan, found: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    """Search every assumption, save the counterexamples, and return all that was found.

    Args:
        found: is told of each assumption when it has been searched.

    Raises:
        InvalidInput: an unknown assumption, fewer than one pair or worker, or a folder that cannot
            be made.
    """
    true = [claim for claim in plan.claims if claim.expected == "holds"]
    known = list(dict.fromkeys(name for claim in true for name in violable(claim)))
    for assumption in plan.assumptions:
        if assumption not in known:
            allowed = ", ".join(known) or "none of these claims"
            raise InvalidInput(f"assumption is {assumption!r}; allowed are {allowed}")
    check_whole("examples", plan.examples)
    check_whole("jobs", plan.jobs)
    searches = [
        (tuple(claim.id for claim in group), group[0].module, assumption)
        for assumption in dict.fromkeys(plan.assumptions or known)
        for group in groups_of(true)
        if assumption in violable(group[0])
    ]
    with started(plan.engine, max(min(plan.jobs, len(searches)), 1)) as engine:
        make_folder(plan.folder)
        share = plan.seconds * engine.workers / max(len(searches), 1)
        tasks = [_Task(*search, plan.seed, plan.examples, share / 2.0) for search in searches]
        entries = _search_all(tasks, engine, plan.folder, found)
    return {
        "seed": plan.seed,
        "examples": plan.examples,
        "assumptions": entries,
        "unviolated": [claim.id for claim in true if not violable(claim)],
        "failing": [claim.id for claim in plan.claims if claim.expected != "holds"],
    }


def _search_all(
    tasks: Sequence[_Task], engine: Engine, folder: Path, found: Callable[[dict[str, Any]], Any]
) -> list[dict[str, Any]]:
    """Entries in the order of the tasks; `found` is told of each as it is there."""
    entries: dict[int, dict[str, Any]] = {}
    with Progress("assumptions", len(tasks)) as progress:
        progress.running("; ".join(task.name for task in tasks[: engine.workers]))
        for index, entry in engine.results(list(enumerate(tasks)), _numbered, _lost):
            entries[index] = _saved(entry, folder, tasks[index].module)
            progress.clear()
            found(entries[index])
            left = [task.name for k, task in enumerate(tasks) if k not in entries]
            progress.reached(len(entries))
            progress.running("; ".join(left[: engine.workers]))
    return [entries[index] for index in sorted(entries)]


def _numbered(numbered: tuple[int, _Task]) -> tuple[int, dict[str, Any]]:
    """By a worker; whatever one search raises is told of it, and ends nothing else."""
    index, task = numbered
    begun = monotonic()
    try:
        return index, _entry(task)
    except Exception as error:
        return index, _undecided(task, f"raised {where_raised(error)}", monotonic() - begun)


def _lost(numbered: tuple[int, _Task]) -> tuple[int, dict[str, Any]]:
    return numbered[0], _undecided(numbered[1], "its workers were lost", 0.0)


def _undecided(task: _Task, reason: str, seconds: float) -> dict[str, Any]:
    counts = dict.fromkeys(("instances", "undecided", "unproven", "unstated", "failures"), 0)
    told = {"verdict": "undecided", **counts, "worst": 0.0, "reason": reason}
    claims = [{"claim": name, **told, "counterexample": None} for name in task.claims]
    return {"assumption": task.assumption, "claims": claims, "seconds": seconds}


def _entry(task: _Task) -> dict[str, Any]:
    begun = monotonic()
    claims = [claim_of(task.module, name) for name in task.claims]
    measurement, violated = claims[0].measurement, violable(claims[0])[task.assumption].violated
    assert violated is not None
    pairs = violated(measurement.instances(measurement.families, QUICK))
    findings = search_assumption(
        claims, task.assumption, pairs, task.seed, task.examples, SHRINK_TRIES, task.seconds
    )
    return {
        "assumption": task.assumption,
        "claims": [_finding_to_json(finding) for finding in findings],
        "seconds": monotonic() - begun,
    }


def _finding_to_json(finding: Finding) -> dict[str, Any]:
    pair, judged = finding.counterexample, finding.judged
    counterexample = None
    if pair is not None and judged is not None and judged.restored is not None:
        counterexample = {
            "pair": pair.to_json(),
            "failing": None if judged.failing is None else judged.failing.name,
            "violating": _outcome_to_json(judged.violating),
            "restored": _outcome_to_json(judged.restored),
            "at_other_scales": [asdict(scale) for scale in finding.scales],
        }
    counted = ("claim", "verdict", "instances", "undecided", "unproven", "unstated", "failures")
    told = {name: getattr(finding, name) for name in (*counted, "worst", "reason")}
    return {**told, "counterexample": counterexample}


def _outcome_to_json(outcome: Outcome) -> dict[str, Any]:
    parts = [asdict(part) for part in outcome.parts]
    return {"severity": outcome.severity, "parts": parts, "open": list(outcome.open)}


def _saved(entry: dict[str, Any], folder: Path, module: str | None) -> dict[str, Any]:
    """Counterexamples as files of their own, with the command that replays them."""
    for finding in _with_counterexample(entry["claims"]):
        counterexample = finding["counterexample"]
        name = re.sub("-+", "-", slug(f"necessity-{entry['assumption']}-{finding['claim']}"))
        path = folder / "instances" / f"{name}.json"
        write_json(path, counterexample["pair"])
        counterexample["instance"] = str(path)
        counterexample["command"] = replay_command(path, module)
    return entry


def _with_counterexample(findings: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return [finding for finding in findings if finding["counterexample"] is not None]
