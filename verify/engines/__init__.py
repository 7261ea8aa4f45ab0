"""Engines: where shards and searches are run. One workstation, a Dask cluster or a Ray cluster.

Such tasks are independent and carry their own seeds, so an engine decides nothing but the time. A
worker that is lost costs only its own task, which is run again up to `RETRIES` times and then
reported as lost; results arrive as they are finished, in no order.

All of them hand out futures themselves. joblib's backends would be shorter, but of its own a lost
worker fails every shard in flight, that of Dask waits forever for a task that Dask has given up,
and that of Ray returns nothing before everything is done.
"""

import re
from contextlib import AbstractContextManager

from theory.errors import InvalidInput
from verify.engines.base import RETRIES, Engine, Lost, Work
from verify.engines.dask import dask_cluster
from verify.engines.processes import processes
from verify.engines.ray import ray_cluster

__all__ = ["NAMES", "RETRIES", "Engine", "Lost", "Work", "started"]

NAMES = ("loky", "dask", "dask://HOST:PORT", "ray")

_ADDRESS = re.compile(r"dask://((?:[a-z]+://)?[^\s/]+:\d+)")


def started(name: str, jobs: int) -> AbstractContextManager[Engine]:
    """The engine of that name, for as long as the context lasts.

    Args:
        name: "loky" for processes on this machine, "dask" for a Dask cluster on it,
            "dask://HOST:PORT" (or "dask://tls://HOST:PORT") for that of a scheduler elsewhere,
            "ray" for the Ray cluster of RAY_ADDRESS, else one on this machine.
        jobs: workers on this machine; a cluster elsewhere has its own.

    Raises:
        InvalidInput: there is no such engine, it is not installed, or it cannot be reached.
    """
    if name == "loky":
        return processes(jobs)
    if name == "dask":
        return dask_cluster(None, jobs)
    if found := _ADDRESS.fullmatch(name):
        return dask_cluster(found[1], jobs)
    if name == "ray":
        return ray_cluster(jobs)
    raise InvalidInput(f"engine is {name!r}; allowed are {', '.join(NAMES)}")
