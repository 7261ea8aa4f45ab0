"""Evidence of one claim from many shards, in an order that no worker decides."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import zip_longest

from verify.alone import judge_instance
from verify.evidence import CLAIM, Evidence
from verify.language.law import Status
from verify.shards import ShardResult


def merge(
    shards: Sequence[ShardResult], claim: str, further: Sequence[ShardResult] = ()
) -> list[Evidence]:
    """All evidence in the order of the plan, families interleaved, equal instances once.

    What `further` shards have found beyond the plan comes after it. Of equal instances one may have
    been measured in wrong worlds or by another route too: that is kept, at the first place. Where
    laws or outcomes differ the worse are kept, and marked.
    """
    merged: dict[str, Evidence] = {}
    for part in (shards, further):
        for row in zip_longest(*(shard.of(claim) for shard in part)):
            for entry in filter(None, row):
                key = repr(entry.instance)
                merged[key] = _joined(merged[key], entry) if key in merged else entry
    return list(merged.values())


def _joined(first: Evidence, second: Evidence) -> Evidence:
    fuller, other = (second, first) if _extras(second) > _extras(first) else (first, second)
    if not first.unsteady and _said(first) == _said(second):
        return fuller
    worse = min(fuller, other, key=_rank)
    return replace(worse, unsteady=True, sabotages=fuller.sabotages, comparisons=fuller.comparisons)


def _said(entry: Evidence) -> tuple[str, frozenset[tuple[str, Status]]]:
    """What processes agree on, whose compiled sums may differ in their last digits."""
    laws = entry.laws.get(CLAIM, ())
    return entry.outcome, frozenset((law.id, law.status) for law in laws)


def _rank(entry: Evidence) -> int:
    """0 for what refutes, then what raised, what was not measured, what is open, and the rest."""
    if entry.outcome != "measured":
        return 1 if entry.outcome == "raised" else 2
    status = judge_instance(entry.laws.get(CLAIM, ()))
    return {Status.REFUTED: 0, Status.UNRESOLVED: 3}.get(status, 4)


def _extras(entry: Evidence) -> int:
    return len(entry.sabotages) + len(entry.comparisons)
