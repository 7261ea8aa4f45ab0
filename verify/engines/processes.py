"""Processes on this machine, by loky."""

import os
import threading
import warnings
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from contextlib import contextmanager
from time import sleep

from joblib.externals.loky import ProcessPoolExecutor

from verify.engines.base import RETRIES, Engine, Work
from verify.shards import Shard, ShardResult, missing

_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


@contextmanager
def processes(jobs: int) -> Iterator[Engine]:
    """So many worker processes, which end with this one."""
    engine = _Processes(jobs)
    with warnings.catch_warnings():
        # loky replaces a worker whose memory has grown, and says that it might be a leak
        warnings.filterwarnings("ignore", "A worker stopped while some jobs were given")
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
