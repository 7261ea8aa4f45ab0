"""What every engine is, and how a worker elsewhere runs a shard."""

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from theory.errors import InvalidInput
from verify.shards import Shard, ShardResult, suite_fingerprint

RETRIES = 3
"""How often a shard is run again whose worker was lost; also what Dask's scheduler allows."""

Work = Callable[[Shard], ShardResult]


class Engine(Protocol):
    """Runs shards; `workers` at a time."""

    workers: int

    def results(self, shards: Sequence[Shard], work: Work) -> Iterator[ShardResult]:
        """Results in the order in which they finish; shards given up are `missing`."""


_ALONE = threading.Lock()


def elsewhere(work: Work, code: str | None, shard: Shard) -> ShardResult:
    """One shard at a time in each process of a cluster, and only by the same code, where given.

    Raises:
        InvalidInput: the worker has other sources.
    """
    with _ALONE:
        if code is not None and code != suite_fingerprint():
            raise InvalidInput(
                "engine has workers with another version of theory and verify; install this one "
                "there and restart them"
            )
        return work(shard)
