"""What every engine is, and how a worker elsewhere runs a shard."""

import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

from theory.errors import InvalidInput
from verify.shards import missing, suite_fingerprint

RETRIES = 3
"""How often a task is run again whose worker was lost; also what Dask's scheduler allows."""

Work = Callable[[Any], Any]
"""Of a function of a module: from a task, such as a shard, to its result; both travel pickled."""

Lost = Callable[[Any], Any]
"""The result of a task whose workers were lost too often; of a shard `missing`."""


class Engine(Protocol):
    """Runs independent tasks, most often shards; `workers` at a time, begun in their order."""

    workers: int

    def results(self, tasks: Sequence[Any], work: Work, lost: Lost = missing) -> Iterator[Any]:
        """Results in the order in which they finish; `lost` of those that are given up."""


_ALONE = threading.Lock()


def elsewhere(work: Work, code: str | None, task: Any) -> Any:
    """One task at a time in each process of a cluster, and only by the same code, where given.

    Raises:
        InvalidInput: the worker has other sources.
    """
    with _ALONE, warnings.catch_warnings():
        # Dask draws from `random` in another thread while Hypothesis draws here
        warnings.filterwarnings("ignore", "Do not use the `random` module inside strategies")
        if code is not None and code != suite_fingerprint():
            raise InvalidInput(
                "engine has workers with another version of theory and verify; install this one "
                "there and restart them"
            )
        return work(task)
