"""A Dask cluster, on this machine or elsewhere."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

from theory.errors import InvalidInput
from verify.engines.base import Engine, Lost, Work, elsewhere
from verify.shards import missing, suite_fingerprint

REACHED_WITHIN = 10.0
"""Seconds in which a cluster must answer and have a worker."""

_LOCAL_DASK = {
    # a worker whose process dies is started again by its nanny; by default the cluster forgets one
    # that is away for 15 s, and ends up with none
    "distributed.deploy.lost-worker-timeout": "1 day",
    # hand out one task at a time: a worker that is lost is blamed on all that it had
    "distributed.scheduler.worker-saturation": 1.0,
}


@contextmanager
def dask_cluster(address: str | None, jobs: int) -> Iterator[Engine]:
    """The cluster of the scheduler at that address, else one of so many processes here."""
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
    """A Dask cluster; its scheduler runs the tasks of lost workers again."""

    def __init__(self, name: str, client: Any, code: str | None) -> None:
        self.workers = max(len(client.scheduler_info(n_workers=-1)["workers"]), 1)
        self._name, self._client, self._code = name, client, code

    def results(self, tasks: Sequence[Any], work: Work, lost: Lost = missing) -> Iterator[Any]:
        suspects: list[Any] = []
        try:
            yield from self._results(tasks, work, suspects.append)
            # Dask blames a lost worker on every task that it had been handed: each one once more,
            # by itself
            for suspect in suspects:
                given_up: list[Any] = []
                yield from self._results([suspect], work, given_up.append)
                yield from map(lost, given_up)
        except CancelledError:
            raise InvalidInput(
                f"engine is {self._name}; its scheduler is gone; the same command resumes"
            ) from None

    def _results(
        self, tasks: Sequence[Any], work: Work, lost: Callable[[Any], None]
    ) -> Iterator[Any]:
        from distributed import KilledWorker, as_completed

        run = partial(elsewhere, work, self._code)
        task_of = {self._client.submit(run, task, pure=False): task for task in tasks}
        for future in as_completed(task_of, loop=self._client.loop):
            try:
                yield future.result()
            except KilledWorker:
                lost(task_of[future])
            future.release()
