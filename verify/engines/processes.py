"""Processes on this machine, by loky."""

import os
import threading
import warnings
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from contextlib import contextmanager
from time import sleep
from typing import Any

from joblib.externals.loky import ProcessPoolExecutor, process_executor

from verify.engines.base import RETRIES, Engine, Lost, Work
from verify.shards import missing

_GROWTH = 2 * 2**30
"""Bytes by which a worker may grow. Beyond 300 MB loky takes it for a leak and begins another; ours
grow by that when they load torch and compiled code, which costs seconds to load again."""

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

    def results(self, tasks: Sequence[Any], work: Work, lost: Lost = missing) -> Iterator[Any]:
        if self.workers == 1 or len(tasks) == 1:
            yield from map(work, tasks)
            return
        waiting = deque((task, 0) for task in tasks)
        idle = list(range(min(self.workers, len(tasks))))
        running: dict[Future[Any], tuple[int, Any, int]] = {}
        while waiting or running:
            while waiting and idle:
                slot, (task, losses) = idle.pop(), waiting.popleft()
                running[self._submit(slot, work, task)] = slot, task, losses
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                slot, task, losses = running.pop(future)
                idle.append(slot)
                error = future.exception()
                if error is None:
                    yield future.result()
                elif not isinstance(error, BrokenExecutor):
                    raise error
                elif losses < RETRIES:
                    waiting.append((task, losses + 1))
                else:
                    yield lost(task)

    def _submit(self, slot: int, work: Work, task: Any) -> Future[Any]:
        try:
            return self._executor(slot).submit(work, task)  # type: ignore[no-any-return]
        except BrokenExecutor:  # its worker has died; this task has not
            del self._executors[slot]
            return self._executor(slot).submit(work, task)  # type: ignore[no-any-return]

    def _executor(self, slot: int) -> ProcessPoolExecutor:
        if slot not in self._executors:
            self._executors[slot] = ProcessPoolExecutor(
                1, env=_ONE_THREAD, initializer=_begin, initargs=(os.getpid(),)
            )
        return self._executors[slot]

    def stop(self) -> None:
        for executor in self._executors.values():
            executor.shutdown(wait=True, kill_workers=True)


def _begin(parent: int) -> None:
    """What a worker does first."""
    process_executor._MAX_MEMORY_LEAK_SIZE = _GROWTH
    _end_with(parent)


def _end_with(parent: int) -> None:
    """Let this process end when its parent is gone, however that ended."""

    def watch() -> None:
        while os.getppid() == parent:
            sleep(1.0)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
