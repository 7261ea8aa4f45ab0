"""Judging one saved instance again under the claim that it was saved for."""

from dataclasses import dataclass
from pathlib import Path

from theory.errors import InvalidInput
from verify.claims import claim_named
from verify.evidence import CLAIM, Evidence, examine
from verify.instances import read_instance
from verify.judge import Verdict, instance_severity, judge_bound, judge_instance, severity


@dataclass(frozen=True)
class Replay:
    """The verdict on one instance, in lines, with the exit status of `run`."""

    verdict: Verdict
    exit_status: int
    lines: tuple[str, ...]


def replay_file(path: Path) -> Replay:
    """Read an instance that names its claim, examine and judge it.

    Raises:
        InvalidInput: the file is no instance, or names no known claim.
    """
    instance = read_instance(path)
    if instance.claim is None:
        raise InvalidInput(f'{path}: no "claim" is named; add one to replay it')
    claim = claim_named(instance.claim)
    evidence = examine(claim, instance)
    verdict = _verdict(evidence)
    lines = (f"{claim.id}: {claim.title}", *_details(evidence), f"verdict: {verdict}")
    if verdict == "inconclusive":
        return Replay(verdict, 3, lines)
    return Replay(verdict, 0 if verdict == claim.expected else 1, lines)


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
