"""The table: every assumption against every conclusion, searched by several processes, saved."""

import re
import shlex
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from time import monotonic
from typing import Any

from joblib import Parallel, delayed

from theory.errors import InvalidInput
from verify.atomic import make_folder, write_json
from verify.instances import ASSUMPTIONS
from verify.necessity.conclusions import Outcome
from verify.necessity.search import Finding, search_assumption
from verify.report.words import slug
from verify.strategies.violations import violations

SHRINK_TRIES = 30


@dataclass(frozen=True)
class NecessityPlan:
    """Which assumptions are searched, how far, and where the results go.

    Attributes:
        examples: pairs drawn for each assumption.
        seconds: for all assumptions together, drawing and shrinking.
    """

    assumptions: tuple[str, ...]
    examples: int
    seed: int
    folder: Path
    seconds: float
    jobs: int


def run_necessity(plan: NecessityPlan, found: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    """Search every assumption, save the counterexamples, and return all that was found.

    Args:
        found: is told of each assumption when it has been searched.

    Raises:
        InvalidInput: an unknown assumption, fewer than one pair or worker, or a folder that cannot
            be made.
    """
    for assumption in plan.assumptions:
        if assumption not in ASSUMPTIONS:
            allowed = ", ".join(ASSUMPTIONS)
            raise InvalidInput(f"assumption is {assumption!r}; allowed are {allowed}")
    if plan.examples < 1:
        raise InvalidInput(f"examples is {plan.examples}; it must be at least 1")
    if plan.jobs < 1:
        raise InvalidInput(f"jobs is {plan.jobs}; it must be at least 1")
    make_folder(plan.folder)
    share = plan.seconds * plan.jobs / len(plan.assumptions)
    tasks = (
        delayed(_entry)(assumption, plan.seed, plan.examples, share / 2.0)
        for assumption in plan.assumptions
    )
    workers = Parallel(
        n_jobs=min(plan.jobs, len(plan.assumptions)),
        return_as="generator",
        inner_max_num_threads=1 if plan.jobs > 1 else None,
    )
    entries = []
    for entry in workers(tasks):
        entries.append(_saved(entry, plan.folder))
        found(entries[-1])
    return {"seed": plan.seed, "examples": plan.examples, "assumptions": entries}


def _entry(assumption: str, seed: int, examples: int, seconds: float) -> dict[str, Any]:
    started = monotonic()
    strategy = violations(assumption)
    findings = search_assumption(strategy, seed, examples, SHRINK_TRIES, seconds)
    return {
        "assumption": assumption,
        "conclusions": [_finding_to_json(finding) for finding in findings],
        "seconds": monotonic() - started,
    }


def _finding_to_json(finding: Finding) -> dict[str, Any]:
    pair, judged = finding.counterexample, finding.judged
    return {
        "conclusion": finding.conclusion,
        "verdict": finding.verdict,
        "instances": finding.instances,
        "undecided": finding.undecided,
        "unproven": finding.unproven,
        "failures": finding.failures,
        "worst": finding.worst,
        "counterexample": None
        if pair is None or judged is None
        else {
            "pair": pair.to_json(),
            "violating": outcome_to_json(judged.violating),
            "restored": outcome_to_json(judged.restored),
            "at_other_scales": [asdict(scale) for scale in finding.scales],
        },
    }


def outcome_to_json(outcome: Outcome) -> dict[str, Any]:
    parts = [
        {"name": part.name, "value": part.value, "granted": part.granted} for part in outcome.parts
    ]
    return {"severity": outcome.severity, "worst": outcome.worst.name, "parts": parts}


def _saved(entry: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Counterexamples as files of their own, with the command that replays them."""
    for finding in entry["conclusions"]:
        counterexample = finding["counterexample"]
        if counterexample is None:
            continue
        name = re.sub("-+", "-", slug(f"necessity-{entry['assumption']}-{finding['conclusion']}"))
        path = folder / "instances" / f"{name}.json"
        write_json(path, counterexample["pair"])
        counterexample["instance"] = str(path)
        counterexample["command"] = shlex.join(["python", "-m", "verify", "replay", str(path)])
    return entry
