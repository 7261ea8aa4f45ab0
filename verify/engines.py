"""Engines: where shards are run. One workstation, a Dask cluster or a Ray cluster.

Shards are independent and carry their own seeds, so an engine decides nothing but the time. A
worker that is lost costs only its own shard, which is run again up to `RETRIES` times and then
reported as missing; results arrive as they are finished, in no order.

All of them hand out futures themselves. joblib's backends would be shorter, but of its own a lost
worker fails every shard in flight, that of Dask waits forever for a task that Dask has given up,
and that of Ray returns nothing before everything is done.
"""

import os
import re
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Future, wait
from contextlib import ExitStack, contextmanager
from functools import partial
from time import sleep
from typing import Any, Protocol

from joblib.externals.loky import ProcessPoolExecutor

from theory.errors import InvalidInput
from verify.shards import Shard, ShardResult, missing, suite_fingerprint

RETRIES = 3
"""How often a shard is run again whose worker was lost; also what Dask's scheduler allows."""

REACHED_WITHIN = 10.0
"""Seconds in which a cluster must answer and have a worker."""

NAMES = ("loky", "dask", "dask://HOST:PORT", "ray")

_ADDRESS = re.compile(r"dask://((?:[a-z]+://)?[^\s/]+:\d+)")

_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

Work = Callable[[Shard], ShardResult]


class Engine(Protocol):
    """Runs shards; `workers` at a time."""

    workers: int

    def results(self, shards: Sequence[Shard], work: Work) -> Iterator[ShardResult]:
        """Results in the order in which they finish; shards given up are `missing`."""


@contextmanager
def started(name: str, jobs: int) -> Iterator[Engine]:
    """The engine of that name, for as long as the context lasts.

    Args:
        name: "loky" for processes on this machine, "dask" for a Dask cluster on it,
            "dask://HOST:PORT" (or "dask://tls://HOST:PORT") for that of a scheduler elsewhere,
            "ray" for the Ray cluster of RAY_ADDRESS, else one on this machine.
        jobs: workers on this machine; a cluster elsewhere has its own.

    Raises:
        InvalidInput: there is no such engine, it is not installed, or it cannot be reached.
    """
    with ExitStack() as stack:
        if name == "loky":
            yield stack.enter_context(_processes(jobs))
        elif name == "dask":
            yield stack.enter_context(_dask(None, jobs))
        elif found := _ADDRESS.fullmatch(name):
            yield stack.enter_context(_dask(found[1], jobs))
        elif name == "ray":
            yield stack.enter_context(_ray(jobs))
        else:
            raise InvalidInput(f"engine is {name!r}; allowed are {', '.join(NAMES)}")


@contextmanager
def _processes(jobs: int) -> Iterator[Engine]:
    engine = _Processes(jobs)
    try:
        yield engine
    finally:
        engine.stop()


class _Processes:
    """Processes on this machine, each an executor of its own: if one dies it is known which."""

    def __init__(self, jobs: int) -> None:
        self.workers = jobs
        self._executors: dict[int, ProcessPoolExecutor] = {}

    def results(self, shards: Sequence[Shard], work: Work) -> Iterator[ShardResult]:
        if self.workers == 1 or len(shards) == 1:
            yield from map(work, shards)
            return
        waiting = deque((shard, 0) for shard in shards)
        idle = list(range(min(self.workers, len(shards))))
        running: dict[Future[ShardResult], tuple[int, Shard, int]] = {}
        while waiting or running:
            while waiting and idle:
                slot, (shard, lost) = idle.pop(), waiting.popleft()
                running[self._submit(slot, work, shard)] = slot, shard, lost
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                slot, shard, lost = running.pop(future)
                idle.append(slot)
                error = future.exception()
                if error is None:
                    yield future.result()
                elif not isinstance(error, BrokenExecutor):
                    raise error
                elif lost < RETRIES:
                    waiting.append((shard, lost + 1))
                else:
                    yield missing(shard)

    def _submit(self, slot: int, work: Work, shard: Shard) -> Future[ShardResult]:
        try:
            return self._executor(slot).submit(work, shard)  # type: ignore[no-any-return]
        except BrokenExecutor:  # its worker has died; this shard has not
            del self._executors[slot]
            return self._executor(slot).submit(work, shard)  # type: ignore[no-any-return]

    def _executor(self, slot: int) -> ProcessPoolExecutor:
        if slot not in self._executors:
            self._executors[slot] = ProcessPoolExecutor(
                1, env=_ONE_THREAD, initializer=_end_with, initargs=(os.getpid(),)
            )
        return self._executors[slot]

    def stop(self) -> None:
        for executor in self._executors.values():
            executor.shutdown(wait=True, kill_workers=True)


def _end_with(parent: int) -> None:
    """Let this process end when its parent is gone, however that ended."""

    def watch() -> None:
        while os.getppid() == parent:
            sleep(1.0)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


_ALONE = threading.Lock()


def _elsewhere(work: Work, code: str | None, shard: Shard) -> ShardResult:
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


_LOCAL_DASK = {
    # a worker whose process dies is started again by its nanny; by default the cluster forgets one
    # that is away for 15 s, and ends up with none
    "distributed.deploy.lost-worker-timeout": "1 day",
    # hand out one shard at a time: a worker that is lost is blamed on all that it had
    "distributed.scheduler.worker-saturation": 1.0,
}


@contextmanager
def _dask(address: str | None, jobs: int) -> Iterator[Engine]:
    name = "dask" if address is None else f"dask://{address}"
    try:
        import dask
        import distributed
    except ImportError:
        raise InvalidInput(
            f"engine is {name}; it needs Dask: pip install 'theory-verify[cluster]'"
        ) from None
    with ExitStack() as stack:
        if address is None:
            stack.enter_context(dask.config.set(_LOCAL_DASK))
            cluster: Any = stack.enter_context(
                distributed.LocalCluster(
                    n_workers=jobs,
                    threads_per_worker=1,
                    processes=True,
                    memory_limit=0,
                    dashboard_address="127.0.0.1:0",
                    silence_logs="CRITICAL",
                )
            )
        else:
            cluster = address
        try:
            client = stack.enter_context(
                distributed.Client(cluster, timeout=REACHED_WITHIN, set_as_default=False)
            )
            client.wait_for_workers(1, timeout=REACHED_WITHIN)
        except (OSError, ValueError, ImportError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise InvalidInput(f"engine is {name}; it cannot be reached ({reason})") from None
        yield _Dask(name, client, None if address is None else suite_fingerprint())


class _Dask:
    """A Dask cluster; its scheduler runs the shards of lost workers again."""

    def __init__(self, name: str, client: Any, code: str | None) -> None:
        self.workers = max(len(client.scheduler_info(n_workers=-1)["workers"]), 1)
        self._name, self._client, self._code = name, client, code

    def results(self, shards: Sequence[Shard], work: Work) -> Iterator[ShardResult]:
        suspects: list[Shard] = []
        try:
            yield from self._results(shards, work, suspects.append)
            # Dask blames a lost worker on every shard that it had been handed: each one once more,
            # by itself
            for suspect in suspects:
                given_up: list[Shard] = []
                yield from self._results([suspect], work, given_up.append)
                yield from map(missing, given_up)
        except CancelledError:
            raise InvalidInput(
                f"engine is {self._name}; its scheduler is gone; the same command resumes"
            ) from None

    def _results(
        self, shards: Sequence[Shard], work: Work, lost: Callable[[Shard], None]
    ) -> Iterator[ShardResult]:
        from distributed import KilledWorker, as_completed

        run = partial(_elsewhere, work, self._code)
        shard_of = {self._client.submit(run, shard, pure=False): shard for shard in shards}
        for future in as_completed(shard_of, loop=self._client.loop):
            try:
                yield future.result()
            except KilledWorker:
                lost(shard_of[future])
            future.release()


@contextmanager
def _ray(jobs: int) -> Iterator[Engine]:
    try:
        import ray
    except ImportError:
        raise InvalidInput(
            "engine is ray; it needs Ray: pip install 'theory-verify[ray]'"
        ) from None
    address = os.environ.get("RAY_ADDRESS")
    here: dict[str, Any] = {} if address else {"num_cpus": jobs, "include_dashboard": False}
    try:
        ray.init(log_to_driver=False, logging_level="ERROR", **here)
    except (ConnectionError, RuntimeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise InvalidInput(
            f"engine is ray; {address or 'a cluster'} cannot be reached ({reason})"
        ) from None
    try:
        yield _Ray(ray, suite_fingerprint() if address else None)
    finally:
        ray.shutdown()


class _Ray:
    """A Ray cluster; it runs the shards of lost workers again."""

    def __init__(self, ray: Any, code: str | None) -> None:
        self.workers = max(int(ray.cluster_resources().get("CPU", 1)), 1)
        self._ray, self._code = ray, code

    def results(self, shards: Sequence[Shard], work: Work) -> Iterator[ShardResult]:
        ray = self._ray
        run = ray.remote(num_cpus=1, max_retries=RETRIES)(_elsewhere)
        shard_of = {run.remote(work, self._code, shard): shard for shard in shards}
        while shard_of:
            (ready,), _ = ray.wait(list(shard_of), num_returns=1)
            shard = shard_of.pop(ready)
            try:
                yield ray.get(ready)
            except ray.exceptions.RayTaskError as error:
                raise error.cause from None
            except ray.exceptions.RayError:
                yield missing(shard)
