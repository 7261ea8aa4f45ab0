"""The table: every assumption that can be violated against every claim that makes it.

Claims that share a measurement are judged on the same pairs. Worker processes search; what they
find is saved.
"""

import re
import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from time import monotonic
from typing import Any

from joblib import Parallel, delayed

from theory.errors import InvalidInput
from verify.atomic import make_folder, write_json
from verify.catalogue import claim_of
from verify.language.assumption import Assumption
from verify.language.claim import AnyClaim
from verify.necessity.judged import Outcome
from verify.necessity.search import Finding, search_assumption
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
    """

    claims: tuple[AnyClaim, ...]
    assumptions: tuple[str, ...]
    examples: int
    seed: int
    folder: Path
    seconds: float
    jobs: int


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
    if plan.examples < 1:
        raise InvalidInput(f"examples is {plan.examples}; it must be at least 1")
    if plan.jobs < 1:
        raise InvalidInput(f"jobs is {plan.jobs}; it must be at least 1")
    make_folder(plan.folder)
    searches = [
        (tuple(claim.id for claim in group), group[0].module, assumption)
        for assumption in plan.assumptions or known
        for group in groups_of(true)
        if assumption in violable(group[0])
    ]
    share = plan.seconds * plan.jobs / max(len(searches), 1)
    tasks = (delayed(_entry)(*s, plan.seed, plan.examples, share / 2.0) for s in searches)
    workers = Parallel(
        n_jobs=max(min(plan.jobs, len(searches)), 1),
        return_as="generator",
        inner_max_num_threads=1 if plan.jobs > 1 else None,
    )
    entries = []
    for entry in workers(tasks):
        entries.append(_saved(entry, plan.folder))
        found(entries[-1])
    return {
        "seed": plan.seed,
        "examples": plan.examples,
        "assumptions": entries,
        "unviolated": [claim.id for claim in true if not violable(claim)],
        "failing": [claim.id for claim in plan.claims if claim.expected != "holds"],
    }


def _entry(
    names: Sequence[str],
    module: str | None,
    assumption: str,
    seed: int,
    examples: int,
    seconds: float,
) -> dict[str, Any]:
    started = monotonic()
    claims = [claim_of(module, name) for name in names]
    measurement, violated = claims[0].measurement, violable(claims[0])[assumption].violated
    assert violated is not None
    pairs = violated(measurement.instances(measurement.families, QUICK))
    findings = search_assumption(claims, assumption, pairs, seed, examples, SHRINK_TRIES, seconds)
    return {
        "assumption": assumption,
        "claims": [_finding_to_json(finding) for finding in findings],
        "seconds": monotonic() - started,
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


def _saved(entry: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Counterexamples as files of their own, with the command that replays them."""
    for finding in _with_counterexample(entry["claims"]):
        counterexample = finding["counterexample"]
        name = re.sub("-+", "-", slug(f"necessity-{entry['assumption']}-{finding['claim']}"))
        path = folder / "instances" / f"{name}.json"
        write_json(path, counterexample["pair"])
        counterexample["instance"] = str(path)
        counterexample["command"] = shlex.join(["python", "-m", "verify", "replay", str(path)])
    return entry


def _with_counterexample(findings: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return [finding for finding in findings if finding["counterexample"] is not None]
