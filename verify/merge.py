"""Evidence of one claim from many shards, in an order that no worker decides."""

from collections.abc import Sequence
from itertools import zip_longest

from verify.evidence import Evidence
from verify.shards import ShardResult


def merge(
    shards: Sequence[ShardResult], claim: str, further: Sequence[ShardResult] = ()
) -> list[Evidence]:
    """All evidence in the order of the plan, families interleaved, equal instances once.

    What `further` shards have found beyond the plan comes after it. Of equal instances one may have
    been measured in wrong worlds or by another route too: that is what is kept, at the first place.
    """
    merged: dict[str, Evidence] = {}
    for part in (shards, further):
        for row in zip_longest(*(shard.of(claim) for shard in part)):
            for entry in filter(None, row):
                first = merged.setdefault(repr(entry.instance), entry)
                if _extras(entry) > _extras(first):
                    merged[repr(entry.instance)] = entry
    return list(merged.values())


def _extras(entry: Evidence) -> int:
    return len(entry.sabotages) + len(entry.comparisons)
