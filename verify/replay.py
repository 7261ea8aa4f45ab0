"""Judging one saved instance again under the claim that it was saved for."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from theory.errors import InvalidInput
from verify.claims.base import Claim
from verify.evidence import CLAIM, Evidence, examine
from verify.instances import Instance, Violation, instance_from_json, read_json
from verify.judge import Verdict, instance_severity, judge_bound, judge_instance, severity
from verify.user_modules import claims_with, select, user_code


@dataclass(frozen=True)
class Replay:
    """The verdict on one instance, in lines, with the exit status of `run`."""

    verdict: Verdict
    exit_status: int
    lines: tuple[str, ...]


def replay_file(path: Path, modules: Sequence[str] = ()) -> Replay:
    """Read an instance that names its claim, examine and judge it.

    Args:
        modules: users' modules whose claims are known as well.

    Raises:
        InvalidInput: the file is no instance, or names no known claim.
    """
    data = read_json(path)
    name = data.get("claim") if isinstance(data, Mapping) else None
    if not isinstance(name, str):
        instance = instance_from_json(data, path.parent)
        if isinstance(instance, Violation):
            from verify.necessity.replay import replay_violation

            return replay_violation(instance)
        raise InvalidInput(f'{path}: no "claim" is named; add one to replay it')
    (claim,) = select(claims_with(modules), [name])
    with user_code(claim):
        evidence = examine(claim, instance_of(claim, data, path.parent))
    verdict = _verdict(evidence)
    lines = (f"{claim.id}: {claim.title}", *_details(evidence), f"verdict: {verdict}")
    if verdict == "inconclusive":
        return Replay(verdict, 3, lines)
    return Replay(verdict, 0 if verdict == claim.expected else 1, lines)


def replay_command(claim: Claim[Any, Any], path: Path) -> str:
    """What to type to judge the instance at that path again."""
    module = ["--module", claim.module] if claim.module else []
    return shlex.join(["python", "-m", "verify", "replay", *module, str(path)])


def instance_of(
    claim: Claim[Any, Any], data: Mapping[str, Any], folder: Path | None = None
) -> Instance:
    """The instance in parsed JSON; a user's kind of instance reads its own with `from_json`."""
    ours = claim.kind.__module__.startswith("verify.")
    if ours or not hasattr(claim.kind, "from_json"):
        return instance_from_json(data, folder)
    own: Instance = claim.kind.from_json({key: data[key] for key in data if key != "claim"})
    return own


def _verdict(evidence: Evidence) -> Verdict:
    if evidence.outcome != "measured":
        return "inconclusive"
    stated = evidence.assertions[CLAIM]
    if instance_severity(stated) > 1.0:
        return "falsified"
    return "inconclusive" if judge_instance(stated) == "undecided" else "holds"


def _details(evidence: Evidence) -> list[str]:
    if evidence.outcome != "measured":
        return [f"{evidence.outcome}: {evidence.message}"]
    stated = evidence.assertions[CLAIM]
    lines = [
        f"  {judge_bound(b):<9} {b.name}: {b.value:.6g} <= {b.bound:.6g} "
        f"(ratio {severity(b):.3g}, error {b.error:.1e})"
        for b in stated.bounds
    ]
    lines += [
        f"  rate      {r.quantity}: {r.fitted:.6g}, predicted {r.predicted:.6g} "
        f"(median over instances within {r.tolerance:.2g})"
        for r in stated.rates
    ]
    return lines + [f"  finding   {f.title}: {f.detail}" for f in evidence.findings]
