"""Judging one saved instance again under the claim that it was saved for."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from theory.errors import InvalidInput
from verify.alone import Verdict, estimates, judge_instance, ratio, verdict_alone
from verify.catalogue import claims_with, instance_of, select
from verify.evidence import CLAIM, Evidence
from verify.examine import examine
from verify.instances import read_json
from verify.instances.base import check_keys, expect
from verify.language.claim import AnyClaim
from verify.language.law import Check, Estimate, Law, Status
from verify.necessity.judged import Pair, judge_pair, lines_of_pair


@dataclass(frozen=True)
class Replay:
    """What one instance shows by itself, in lines, with the exit status of `run`.

    It refutes by a bound alone. Of rates a run judges the median over instances: one that is beyond
    its tolerance here leaves this instance inconclusive.
    """

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
        raise InvalidInput(f'{path}: no "claim" is named; add one to replay it')
    (claim,) = select(claims_with(modules), [name])
    if "violating" in data:
        return _of_pair(claim, data, path.parent)
    evidence = examine(claim, instance_of(claim, data, path.parent), rivals=False)
    verdict, lines = _judged(claim, evidence)
    lines = (f"{claim.id}: {claim.title}", *lines, f"verdict: {verdict}")
    if verdict == "inconclusive":
        return Replay(verdict, 3, lines)
    return Replay(verdict, 0 if verdict == claim.expected else 1, lines)


def _of_pair(claim: AnyClaim, data: Mapping[str, Any], folder: Path) -> Replay:
    """Exit status 0 where the claim fails without the assumption and holds with it, else 1.

    3 where that cannot be decided.
    """
    check_keys("pair", data, {"claim", "assumption", "violating", "restored"})
    violating, restored = (
        instance_of(claim, expect(key, data[key], Mapping), folder)
        for key in ("violating", "restored")
    )
    if data["assumption"] not in claim.assumptions:
        allowed = ", ".join(claim.assumptions)
        raise InvalidInput(f"assumption is {data['assumption']!r}; allowed are {allowed}")
    judged = judge_pair((claim,), Pair(data["assumption"], violating, restored))[claim.id]
    head = f"{claim.id} without the assumption: {data['assumption']}"
    lines = (head, *lines_of_pair(judged))
    verdict: Verdict = "falsified" if judged.needed else "holds"
    if not judged.needed and not judged.decided and not judged.unproven:
        return Replay("inconclusive", 3, lines)
    return Replay(verdict, 0 if judged.needed else 1, lines)


def _judged(claim: AnyClaim, evidence: Evidence) -> tuple[Verdict, tuple[str, ...]]:
    """The verdict, with every law, and what decides."""
    if evidence.outcome != "measured":
        return "inconclusive", (f"{evidence.outcome}: {evidence.message}",)
    laws = evidence.laws[CLAIM]
    verdict = verdict_alone(laws)
    lines = [
        *(line for law in laws for line in _law_lines(law)),
        *(f"  finding   {found.title}: {found.detail}" for found in evidence.findings),
    ]
    if verdict == "falsified":
        lines.append("this instance refutes the claim on its own")
    elif verdict == "inconclusive" and any(abs(e.off) > 1.0 for _, e in estimates(laws)):
        lines.append(
            "alone this instance neither refutes nor supports the claim: rates are judged by their "
            f"median over instances, with {_run_command(claim)}"
        )
    elif judge_instance(laws) is Status.NOT_APPLICABLE:
        lines.append("no law of the claim speaks about this instance")
    elif verdict == "inconclusive":
        lines.append("undecided: a law is not resolved here")
    return verdict, tuple(lines)


def _law_lines(law: Law) -> list[str]:
    if law.not_applicable or law.unresolved:
        word = "does not apply" if law.not_applicable else "unresolved"
        return [f"  {word}: {law.id} ({law.reason})"]
    lines = [_check_line(law, check) for check in law.checks]
    return lines if law.estimate is None else [*lines, _rate_line(law, law.estimate)]


def _check_line(law: Law, check: Check) -> str:
    where = "" if check.at is None else f" at {check.at:.4g}"
    word = "undecided" if check.status is Status.UNRESOLVED else check.status.value
    return (
        f"  {word:<9} {law.id}{where}: {check.value:.6g} <= {check.bound:.6g} "
        f"(ratio {ratio(check):.3g}, error {check.error:.1e})"
    )


def _rate_line(law: Law, rate: Estimate) -> str:
    name = f"{law.id}, {law.stratum}" if law.stratum else law.id
    return (
        f"  {'within' if abs(rate.off) <= 1.0 else 'off':<9} {name}: {rate.fitted:.6g}, predicted "
        f"{rate.predicted:.6g} +- {rate.tolerance:.2g} ({abs(rate.off):.3g} tolerances off)"
    )


def _run_command(claim: AnyClaim) -> str:
    module = ["--module", claim.module] if claim.module else []
    return shlex.join(["python", "-m", "verify", "run", *module, "--claim", claim.id])
