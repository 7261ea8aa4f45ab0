"""Counterexamples of a run: the worst instance of what is refuted, shrunk and saved.

Shrinking measures anew, so it is work for the engine, as shards are: one task for each claim.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from verify.alone import SINGLE_RATE, against
from verify.atomic import write_json
from verify.catalogue import claim_of
from verify.evidence import CLAIM
from verify.examine import attempt
from verify.language.claim import AnyClaim
from verify.report.portable import replay_command
from verify.results import ClaimResult, Counterexample
from verify.search import shrink_counterexample
from verify.shards import Shard, ShardResult


@dataclass(frozen=True)
class Worst:
    """The worst instance that a claim was found to have, and how it is to be shrunk.

    Attributes:
        claim: its id; `shard` is where the instance was drawn, and says whose claim it is.
        instance: as JSON.
        severity: in bounds where it refutes `alone`, else in tolerances of one of `rates`.
        tries: how many instances may be measured.
        shrunk: whether it is the outcome of shrinking.
        failure: why shrinking failed, in words.
    """

    claim: str
    shard: Shard
    instance: dict[str, Any]
    severity: float
    alone: bool
    rates: tuple[str, ...]
    tries: int
    shrunk: bool = False
    failure: str = ""


def worst_of(result: ClaimResult, shards: Sequence[ShardResult], tries: int) -> Worst:
    """The instance to begin from, of a claim that is falsified.

    Those that refute a bound come first. Where there are none, a rate is refuted by its median, and
    the worst instance is the one on which it is furthest off. An instance of a measurement with a
    thrift is dear, and fewer are tried.
    """
    claim = result.claim
    refuted = [rate.quantity for rate in result.ruling.rates if rate.judgement == "refuted"]
    (alone, severity), shard, entry = max(
        (
            (against(entry.laws[CLAIM], refuted), found.shard, entry)
            for found in shards
            for entry in found.of(claim.id)
            if entry.outcome == "measured"
        ),
        key=lambda entry: entry[0],
    )
    rates = () if alone else tuple(refuted)
    tries = -(-tries // claim.measurement.thrift)
    return Worst(claim.id, shard, entry.instance, severity, alone, rates, tries)


def shrunk(worst: Worst) -> Worst:
    """The simplest instance found instead of it, or itself where none is."""
    found, failure = attempt(lambda: _simplest(worst))
    if failure is not None:
        return replace(worst, failure=failure[1])
    if found is None:
        return worst
    instance, severity = found
    return replace(worst, instance=instance.to_json(), severity=severity, shrunk=True)


def _simplest(worst: Worst) -> Any:
    shard = worst.shard
    claim = claim_of(shard.module, worst.claim)
    near = worst.severity <= (1.0 if worst.alone else SINGLE_RATE)
    if shard.family == "examples" or near or not worst.tries:
        return None
    return shrink_counterexample(
        claim,
        claim.instances((shard.family,), shard.sizes),
        shard.seed,
        shard.count,
        worst.severity,
        worst.tries,
        worst.rates,
    )


def given_up(worst: Worst) -> Worst:
    """What is left of a task whose workers were lost."""
    return replace(worst, failure="the worker that shrank it was lost")


def save(claim: AnyClaim, worst: Worst, folder: Path) -> Counterexample:
    """Write the instance to a file of the report folder.

    Raises:
        InvalidInput: it cannot be written.
    """
    path = folder / "counterexamples" / f"{claim.id}.json"
    write_json(path, {**worst.instance, "claim": claim.id})
    command = replay_command(path, claim.module)
    return Counterexample(str(path), command, worst.severity, worst.shrunk, worst.alone)
