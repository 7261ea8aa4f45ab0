"""Judging one saved instance again under the claim that it was saved for."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from theory.errors import InvalidInput
from verify.claims.base import Bound, Claim, RateSample
from verify.evidence import CLAIM, Evidence, examine
from verify.instances import Instance, Violation, instance_from_json, read_json
from verify.judge import (
    Verdict,
    fitted_rates,
    judge_bound,
    judge_instance,
    ratio,
    tolerances_off,
    verdict_alone,
)
from verify.user_modules import claims_with, select, user_code


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
        instance = instance_from_json(data, path.parent)
        if isinstance(instance, Violation):
            from verify.necessity.replay import replay_violation

            return replay_violation(instance)
        raise InvalidInput(f'{path}: no "claim" is named; add one to replay it')
    (claim,) = select(claims_with(modules), [name])
    with user_code(claim):
        evidence = examine(claim, instance_of(claim, data, path.parent))
    verdict, lines = _judged(claim, evidence)
    lines = (f"{claim.id}: {claim.title}", *lines, f"verdict: {verdict}")
    if verdict == "inconclusive":
        return Replay(verdict, 3, lines)
    return Replay(verdict, 0 if verdict == claim.expected else 1, lines)


def replay_command(claim: Claim[Any, Any], path: Path) -> str:
    """What to type to judge the instance at that path again."""
    return _command(claim, "replay", str(path))


def instance_of(
    claim: Claim[Any, Any], data: Mapping[str, Any], folder: Path | None = None
) -> Instance:
    """The instance in parsed JSON; a user's kind of instance reads its own with `from_json`."""
    ours = claim.kind.__module__.startswith("verify.")
    if ours or not hasattr(claim.kind, "from_json"):
        return instance_from_json(data, folder)
    own: Instance = claim.kind.from_json({key: data[key] for key in data if key != "claim"})
    return own


def _judged(claim: Claim[Any, Any], evidence: Evidence) -> tuple[Verdict, tuple[str, ...]]:
    """The verdict, with every bound and rate, and what decides."""
    if evidence.outcome != "measured":
        return "inconclusive", (f"{evidence.outcome}: {evidence.message}",)
    stated = evidence.assertions[CLAIM]
    verdict = verdict_alone(stated)
    rates = fitted_rates(stated)
    lines = [
        *map(_bound_line, stated.bounds),
        *map(_rate_line, rates),
        *(f"  finding   {found.title}: {found.detail}" for found in evidence.findings),
    ]
    if verdict == "falsified":
        lines.append("this instance refutes the claim on its own")
    elif judge_instance(stated) == "undecided":
        lines.append("undecided: the numerical error covers a bound")
    elif verdict == "inconclusive" and rates:
        lines.append(
            "alone this instance neither refutes nor supports the claim: rates are judged by their "
            f"median over instances, with {_command(claim, 'run', '--claim', claim.id)}"
        )
    elif verdict == "inconclusive":
        lines.append("there was nothing to fit a rate to")
    return verdict, tuple(lines)


def _bound_line(bound: Bound) -> str:
    return (
        f"  {judge_bound(bound):<9} {bound.name}: {bound.value:.6g} <= {bound.bound:.6g} "
        f"(ratio {ratio(bound):.3g}, error {bound.error:.1e})"
    )


def _rate_line(rate: RateSample) -> str:
    off = tolerances_off(rate)
    return (
        f"  {'within' if off <= 1.0 else 'off':<9} {rate.quantity}: {rate.fitted:.6g}, predicted "
        f"{rate.predicted:.6g} +- {rate.tolerance:.2g} ({off:.3g} tolerances off)"
    )


def _command(claim: Claim[Any, Any], name: str, *arguments: str) -> str:
    module = ["--module", claim.module] if claim.module else []
    return shlex.join(["python", "-m", "verify", name, *module, *arguments])
